//! Requests that a trusted hop passes on, and those of others who say they do.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::support::{Client, TestServer, config};
use crate::server::{Config, HopHeaders, HopsConfig};

/// A server that believes this machine, or nobody.
fn server(believes: bool, headers: HopHeaders) -> TestServer {
    let trusted = if believes { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let hops = HopsConfig { trusted, headers };
    TestServer::start(Config {
        hops,
        connections_per_address_max: 2,
        in_flight_per_address_max: 2,
        ..config()
    })
}

fn get(path: &str, line: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n{line}\r\n\r\n")
}

fn told(client: &mut Client, line: &str) -> (u16, String) {
    client.send(&get("/client", line));
    let answer = client.answer();
    (answer.status, answer.body)
}

#[test]
fn a_hop_is_believed_and_nobody_else() {
    let line = "Forwarded: for=192.0.2.1;proto=https;host=api.example";
    let hop = server(true, HopHeaders::Forwarded);
    let expected = (200, "Some(192.0.2.1) https api.example".to_owned());
    assert_eq!(told(&mut hop.client(), line), expected);
    let itself = (200, "Some(127.0.0.1) http -".to_owned());
    assert_eq!(told(&mut hop.client(), "X-Forwarded-For: 192.0.2.1"), itself, "another header");
    assert_eq!(told(&mut hop.client(), "Forwarded: for=_hidden"), (200, "None http -".to_owned()));
    let (status, body) = told(&mut hop.client(), "Forwarded: for=\"192.0.2.1");
    assert!(status == 400 && body.contains("unreadable-forwarded"), "{status} {body}");
    let other = server(false, HopHeaders::Forwarded);
    assert_eq!(told(&mut other.client(), line), itself);
    assert_eq!(told(&mut other.client(), "Forwarded: for=\"192.0.2.1"), itself);
}

#[test]
fn a_client_is_an_address_of_ipv4_however_the_hop_writes_it() {
    let hop = server(true, HopHeaders::default());
    let expected = (200, "Some(192.0.2.1) http -".to_owned());
    assert_eq!(told(&mut hop.client(), "X-Forwarded-For: ::ffff:192.0.2.1"), expected);
    let line = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https";
    assert_eq!(told(&mut hop.client(), line), expected, "what nobody named");
}

#[test]
fn the_clients_of_a_hop_are_counted_by_what_they_have_in_flight() {
    let server = server(true, HopHeaders::default());
    let (one, other) = ("X-Forwarded-For: 10.9.9.9, 2001:db8::1", "X-Forwarded-For: 2001:db8:0:100::1");
    // More connections than an address may have: they are the hop's.
    let mut clients: Vec<_> = (0..4).map(|_| server.client()).collect();
    for client in &mut clients[..2] {
        client.send(&get("/wait", one));
        server.wait_until_entered();
    }
    let (status, body) = told(&mut clients[2], "X-Forwarded-For: 2001:db8:0:ff::2");
    assert!(status == 429 && body.contains("too-many-from-address"), "of the same network: {status} {body}");
    assert_eq!(told(&mut clients[2], other).0, 200);
    assert_eq!(told(&mut clients[3], "X-Nothing: 1").0, 200, "the hop asks for itself");
    server.release();
    server.wait_until_left();
    server.release();
    server.wait_until_left();
    for client in &mut clients[..2] {
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(told(&mut clients[0], one).0, 200);
}

/// However a request ends, its place is free again: here a client may have one.
#[test]
fn a_place_is_given_back_when_a_request_panics_is_too_late_or_its_client_goes() {
    let hops = HopsConfig { trusted: vec!["127.0.0.0/8".parse().unwrap()], headers: HopHeaders::default() };
    let request_deadline = std::time::Duration::from_millis(200);
    let server =
        TestServer::start(Config { hops, in_flight_per_address_max: 1, request_deadline, ..config() });
    let line = "X-Forwarded-For: 192.0.2.1";
    let mut client = server.client();
    client.send(&get("/panic", line));
    assert_eq!(client.answer().status, 500);
    assert_eq!(told(&mut client, line).0, 200, "it panicked");
    client.send(&get("/wait", line));
    assert_eq!(client.answer().status, 504);
    server.wait_until_entered();
    server.wait_until_left();
    assert_eq!(told(&mut server.client(), line).0, 200, "it was too late");
    let mut leaves = server.client();
    leaves.send(&get("/wait", line));
    server.wait_until_entered();
    drop(leaves);
    server.wait_until_left();
    assert_eq!(told(&mut server.client(), line).0, 200, "its client went");
}

#[test]
fn a_client_is_an_address_of_ipv4_on_a_socket_for_both() {
    let mut config = config();
    config.listeners[0].address = "[::]:0".parse().unwrap();
    let server = TestServer::start(config);
    let mut client = Client::connect(([127, 0, 0, 1], server.address.port()).into());
    assert_eq!(told(&mut client, "X: 1"), (200, "Some(127.0.0.1) http -".to_owned()));
}

/// A connection of HTTP/2 to a server.
async fn http2(server: &TestServer) -> http2::SendRequest<Empty<Bytes>> {
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// What is answered to a request over it.
async fn told_over(
    sender: &http2::SendRequest<Empty<Bytes>>,
    path: &str,
    line: (&str, &str),
) -> (u16, String) {
    let uri = format!("http://inner.example{path}");
    let request = Request::get(uri).header(line.0, line.1).body(Empty::new()).unwrap();
    let answer = sender.clone().send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn over_http_2_a_hop_is_believed_and_nobody_else() {
    let line = ("forwarded", "for=192.0.2.1;proto=https;host=api.example");
    let hop = server(true, HopHeaders::Forwarded);
    let sender = http2(&hop).await;
    let expected = (200, "Some(192.0.2.1) https api.example".to_owned());
    assert_eq!(told_over(&sender, "/client", line).await, expected);
    let itself = (200, "Some(127.0.0.1) http -".to_owned());
    assert_eq!(told_over(&sender, "/client", ("x-forwarded-for", "192.0.2.1")).await, itself);
    let (status, body) = told_over(&sender, "/client", ("forwarded", "for=\"192.0.2.1")).await;
    assert!(status == 400 && body.contains("unreadable-forwarded"), "{status} {body}");
    assert_eq!(told_over(&sender, "/client", line).await, expected, "the other streams go on");
    let other = server(false, HopHeaders::Forwarded);
    assert_eq!(told_over(&http2(&other).await, "/client", line).await, itself);
}

#[tokio::test]
async fn over_http_2_the_clients_of_a_hop_are_counted_by_their_streams_and_not_by_connections() {
    let server = server(true, HopHeaders::default());
    let (one, other) = (("x-forwarded-for", "2001:db8::1"), ("x-forwarded-for", "2001:db8:0:100::1"));
    let senders = [http2(&server).await, http2(&server).await];
    let waiting: Vec<_> = senders
        .iter()
        .map(|sender| {
            let sender = sender.clone();
            tokio::spawn(async move { told_over(&sender, "/wait", one).await })
        })
        .collect();
    // The test's own connections must go on while it waits.
    let server = tokio::task::spawn_blocking(move || {
        server.wait_until_entered();
        server.wait_until_entered();
        server
    });
    let server = server.await.unwrap();
    for sender in &senders {
        let (status, body) = told_over(sender, "/client", ("x-forwarded-for", "2001:db8:0:ff::2")).await;
        assert!(status == 429 && body.contains("too-many-from-address"), "{status} {body}");
        assert_eq!(told_over(sender, "/client", other).await.0, 200);
        assert_eq!(told_over(sender, "/client", ("x-nothing", "1")).await.0, 200, "the hop itself");
    }
    server.release();
    server.release();
    for waited in waiting {
        assert_eq!(waited.await.unwrap().0, 200);
    }
    assert_eq!(told_over(&senders[0], "/client", one).await.0, 200);
}

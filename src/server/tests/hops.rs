//! Requests that a trusted hop passes on, and those of others who say they do.

use super::support::{Client, TestServer, config};
use crate::server::{Config, HopHeader, HopsConfig};

/// A server that believes this machine, or nobody.
fn server(believes: bool, header: HopHeader) -> TestServer {
    let trusted = if believes { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let hops = HopsConfig { trusted, header };
    TestServer::start(Config { hops, connections_per_address_max: 2, ..config() })
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
    let hop = server(true, HopHeader::Forwarded);
    let expected = (200, "Some(192.0.2.1) https api.example".to_owned());
    assert_eq!(told(&mut hop.client(), line), expected);
    let itself = (200, "Some(127.0.0.1) - -".to_owned());
    assert_eq!(told(&mut hop.client(), "X-Forwarded-For: 192.0.2.1"), itself, "another header");
    assert_eq!(told(&mut hop.client(), "Forwarded: for=_hidden"), (200, "None - -".to_owned()));
    let (status, body) = told(&mut hop.client(), "Forwarded: for=\"192.0.2.1");
    assert!(status == 400 && body.contains("unreadable-forwarded"), "{status} {body}");
    let other = server(false, HopHeader::Forwarded);
    assert_eq!(told(&mut other.client(), line), itself);
    assert_eq!(told(&mut other.client(), "Forwarded: for=\"192.0.2.1"), itself);
}

#[test]
fn the_clients_of_a_hop_are_counted_by_what_they_have_in_flight() {
    let server = server(true, HopHeader::XForwarded);
    let (one, other) = ("X-Forwarded-For: 10.9.9.9, 2001:db8::1", "X-Forwarded-For: 2001:db8:0:1::1");
    // More connections than an address may have: they are the hop's.
    let mut clients: Vec<_> = (0..4).map(|_| server.client()).collect();
    for client in &mut clients[..2] {
        client.send(&get("/wait", one));
        server.wait_until_entered();
    }
    let (status, body) = told(&mut clients[2], "X-Forwarded-For: 2001:db8::2");
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

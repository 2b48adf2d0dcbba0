//! How many connections one address may have, on all workers together.

use std::{
    io::{
        self,
        ErrorKind::{BrokenPipe, ConnectionReset},
        Read, Write,
    },
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::{Domain, Socket, Type};

use super::support::{TestServer, config, get};
use crate::server::Config;

/// A connection from an address of this machine.
fn from(host: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((host, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    // Who is kept waiting shall fail, and not wait for ever.
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.into()
}

/// Whether a request is answered there.
fn is_served(stream: &mut TcpStream) -> bool {
    ask(stream).is_ok_and(|length| length > 0)
}

/// How much comes for a request.
fn ask(stream: &mut TcpStream) -> io::Result<usize> {
    stream.write_all(get("/").as_bytes())?;
    stream.read(&mut [0; 4096])
}

#[test]
fn a_connection_too_many_of_an_address_is_reset_and_others_are_served() {
    let server = TestServer::start(Config { connections_per_address_max: 4, workers: Some(2), ..config() });
    let (one, other) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    let mut first: Vec<_> = (0..4).map(|_| from(one, server.address)).collect();
    assert!(first.iter_mut().all(is_served), "wherever the system dealt them");
    for _ in 0..8 {
        assert!(!is_served(&mut from(one, server.address)));
    }
    assert_eq!(server.metrics.connections_refused().get(), 8);
    assert!(is_served(&mut from(other, server.address)));
    assert!(first.iter_mut().all(is_served), "they have theirs");

    // Whoever closes one may open another, once we have heard of it.
    drop(first.pop());
    while server.metrics.connections_open().get() > 3 {
        std::thread::yield_now();
    }
    assert!(is_served(&mut from(one, server.address)));
    drop(first);
}

#[test]
fn who_has_too_many_is_told_before_there_is_a_slot() {
    // With one slot, which is taken: whoever had to wait for it would wait for ever.
    let server = TestServer::start(Config { connections_max: 1, connections_per_address_max: 1, ..config() });
    let mut first = from([127, 0, 0, 1], server.address);
    assert!(is_served(&mut first));
    for _ in 0..8 {
        let ended = ask(&mut from([127, 0, 0, 1], server.address)).map_err(|error| error.kind());
        assert!(matches!(ended, Ok(0) | Err(ConnectionReset | BrokenPipe)), "{ended:?}");
    }
    drop(first);
    assert!(is_served(&mut from([127, 0, 0, 2], server.address)));
}

#[test]
fn one_address_cannot_have_all_requests_in_flight() {
    let limits = Config { in_flight_max: 4, in_flight_per_address_max: 2, workers: Some(2), ..config() };
    let server = TestServer::start(limits);
    let (one, other) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    let mut busy: Vec<_> = (0..2).map(|_| from(one, server.address)).collect();
    for stream in &mut busy {
        stream.write_all(get("/wait").as_bytes()).unwrap();
        server.wait_until_entered();
    }
    let status = |host| {
        let mut stream = from(host, server.address);
        stream.write_all(get("/").as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        String::from_utf8(start.to_vec()).unwrap()
    };
    // On a third connection, whichever worker has it.
    for _ in 0..8 {
        assert_eq!(status(one), "HTTP/1.1 429");
        assert_eq!(status(other), "HTTP/1.1 200");
    }
    let page = server.metrics.render();
    let line = r#"gateway_refusals_total{dialect="",code="too-many-from-address",blame="downstream"} 8"#;
    assert!(page.contains(line), "{page}");
    for _ in &busy {
        server.release();
        server.wait_until_left();
    }
    for stream in &mut busy {
        stream.read_exact(&mut [0; 12]).unwrap();
    }
    // The other worker may ask for a place while the first is about to give it back.
    assert!((0..1000).any(|_| status(one) == "HTTP/1.1 200"));
}

/// Returns once so many requests are in flight.
async fn in_flight(server: &TestServer, count: usize) {
    while usize::try_from(server.metrics.requests_in_flight().get()).unwrap() != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn streams_of_one_connection_are_counted_as_requests_are() {
    let server = TestServer::start(Config { in_flight_per_address_max: 2, ..config() });
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let send = |path: &str| {
        let request = Request::get(format!("http://test{path}")).body(Empty::<Bytes>::new()).unwrap();
        tokio::spawn(sender.clone().send_request(request))
    };
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(send("/wait"));
        in_flight(&server, waiting.len()).await;
    }
    assert_eq!(send("/").await.unwrap().unwrap().status(), 429);
    // A stream that its client gives up gives its place back.
    waiting.pop().unwrap().abort();
    in_flight(&server, 1).await;
    assert_eq!(send("/").await.unwrap().unwrap().status(), 200);
    server.release();
    assert_eq!(waiting.pop().unwrap().await.unwrap().unwrap().status(), 200);
    drop(sender);
    connection.await.unwrap().unwrap();
}

//! How many connections one address may have, on all workers together.

use std::{
    io::{
        self,
        ErrorKind::{BrokenPipe, ConnectionReset},
        Read, Write,
    },
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use socket2::{Domain, Socket, Type};

use super::support::{TestServer, config, get, post};
use crate::server::{Config, arrivals::BESIDES};

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

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

/// Returns once requests with so many bytes of bodies, and no more, are on their way.
fn arriving(server: &TestServer, bytes: usize) {
    let begun = Instant::now();
    while usize::try_from(server.metrics.arriving_bytes().get()).unwrap() != bytes {
        assert!(begun.elapsed() < PATIENCE, "{} bytes", server.metrics.arriving_bytes().get());
        std::thread::yield_now();
    }
}

/// Returns once so many requests, and no more, are in flight.
fn in_flight_now(server: &TestServer, count: i64) {
    let begun = Instant::now();
    while server.metrics.requests_in_flight().get() != count {
        assert!(begun.elapsed() < PATIENCE, "{} in flight", server.metrics.requests_in_flight().get());
        std::thread::yield_now();
    }
}

/// The head of a request, and none of its body.
fn head(stream: &mut TcpStream) {
    stream.write_all(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n").unwrap();
}

fn status(stream: &mut TcpStream) -> String {
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    String::from_utf8(start.to_vec()).unwrap()
}

#[test]
fn two_addresses_that_send_no_bodies_keep_nobody_out() {
    let limits = Config { in_flight_max: 4, in_flight_per_address_max: 2, ..config() };
    let server = TestServer::start(limits);
    let hosts = [[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2], [127, 0, 0, 2]];
    let mut waiting = hosts.map(|host| from(host, server.address));
    waiting.iter_mut().for_each(head);
    arriving(&server, 4 * BESIDES);
    // The last of them gives its place back just after it is said to wait.
    in_flight_now(&server, 0);
    let mut innocent = from([127, 0, 0, 3], server.address);
    assert!((0..4).all(|_| is_served(&mut innocent)));
    innocent.write_all(post("/echo", "hello").as_bytes()).unwrap();
    assert_eq!(status(&mut innocent), "HTTP/1.1 200", "so is who sends a body");
    // They count for their addresses all the same.
    let mut third = from([127, 0, 0, 1], server.address);
    third.write_all(get("/").as_bytes()).unwrap();
    assert_eq!(status(&mut third), "HTTP/1.1 429");
    // Whoever sends the rest is answered.
    for stream in &mut waiting {
        stream.write_all(b"hello").unwrap();
        assert_eq!(status(stream), "HTTP/1.1 200");
    }
    arriving(&server, 0);
}

#[test]
fn a_body_that_ends_when_all_places_are_taken_is_refused_and_a_piece_of_one_is_not() {
    // Little room, so that all are told of a piece that is not much.
    let limits = Config { in_flight_max: 1, in_flight_per_address_max: 8, ..config() };
    let server = TestServer::start(Config { arriving_bytes_max: 4 * BESIDES, ..limits });
    let piece = "x".repeat(2000);
    let mut late = server.client();
    let [mut early, mut busy] = [(); 2].map(|()| from([127, 0, 0, 1], server.address));
    late.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2001\r\n\r\n");
    early.write_all(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2001\r\n\r\n").unwrap();
    arriving(&server, 2 * BESIDES);
    busy.write_all(get("/wait").as_bytes()).unwrap();
    server.wait_until_entered();
    late.send(&piece);
    arriving(&server, 2 * BESIDES + 2000);
    early.write_all(piece.as_bytes()).unwrap();
    arriving(&server, 2 * BESIDES + 4000);
    late.send("o");
    let refused = late.answer();
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (503, "all of it, and no place"),
        "in the handler's words"
    );
    arriving(&server, BESIDES + 2000);
    server.release();
    assert_eq!(status(&mut busy), "HTTP/1.1 200");
    in_flight_now(&server, 0);
    early.write_all(b"o").unwrap();
    assert_eq!(status(&mut early), "HTTP/1.1 200");
}

#[test]
fn where_too_many_send_nothing_the_address_with_most_gives_way() {
    let limits = Config { arriving_bytes_max: 4 * BESIDES, ..config() };
    let server = TestServer::start(limits);
    let mut attackers: Vec<_> = (0..3).map(|_| from([127, 0, 0, 1], server.address)).collect();
    for (before, stream) in attackers.iter_mut().enumerate() {
        head(stream);
        arriving(&server, (before + 1) * BESIDES);
    }
    let mut innocent = from([127, 0, 0, 2], server.address);
    head(&mut innocent);
    arriving(&server, 4 * BESIDES);
    let mut newcomer = from([127, 0, 0, 3], server.address);
    head(&mut newcomer);
    // The handler is told that the body breaks off; this one says so, and the connection ends.
    for stream in &mut attackers[..2] {
        assert_eq!(status(stream), "HTTP/1.1 400");
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    arriving(&server, 3 * BESIDES);
    for stream in [&mut innocent, &mut newcomer, &mut attackers[2]] {
        stream.write_all(b"hello").unwrap();
        assert_eq!(status(stream), "HTTP/1.1 200");
    }
    let page = server.metrics.render();
    assert!(page.contains("gateway_arrivals_given_up_total 2\n"), "{page}");
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

//! What a slow, silent or greedy client may cost.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::support::{TestServer, config, get};
use crate::server::Config;

/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn a_client_that_says_nothing_is_left() {
    let server = TestServer::start(Config { first_byte_timeout: SHORT, ..config() });
    assert_eq!(server.client().rest(), "");
}

#[test]
fn a_client_that_stops_within_the_preface_of_http_2_is_left() {
    let server = TestServer::start(Config { first_byte_timeout: SHORT, ..config() });
    let mut client = server.client();
    client.send("PRI * HTTP/2.0\r\n");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_client_that_never_finishes_its_head_is_left() {
    let server = TestServer::start(Config { header_timeout: SHORT, ..config() });
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: test\r\nX-Slow: ");
    assert_eq!(client.rest(), "");
}

#[test]
fn trickling_does_not_buy_a_head_more_time() {
    let server = TestServer::start(Config { header_timeout: SHORT, ..config() });
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nX-Slow: ");
    client.trickle("x");
    let mut kept = server.client();
    kept.get("/");
    kept.send("GET / HTTP/1.1\r\nX-Slow: ");
    kept.trickle("x");
}

#[test]
fn an_idle_connection_is_closed_after_its_own_time_not_that_of_a_head() {
    let config = Config { header_timeout: SHORT, idle_timeout: 3 * SHORT, ..config() };
    let server = TestServer::start(config);
    let mut client = server.client();
    client.get("/");
    let start = Instant::now();
    assert_eq!(client.rest(), "");
    assert!(start.elapsed() >= 2 * SHORT, "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed_too() {
    let server = TestServer::start(Config { idle_timeout: SHORT, ..config() });
    let stream = TcpStream::connect(server.address).await.unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (_sender, connection): (http2::SendRequest<Empty<Bytes>>, _) = handshake.await.unwrap();
    connection.await.unwrap();
}

#[test]
fn a_request_that_takes_longer_than_an_idle_connection_may_is_answered_all_the_same() {
    let server = TestServer::start(Config { header_timeout: SHORT, idle_timeout: SHORT, ..config() });
    let mut client = server.client();
    client.send(&get("/wait"));
    server.wait_until_entered();
    // Another connection's whole idle time passes meanwhile.
    let mut other = server.client();
    other.get("/");
    assert_eq!(other.rest(), "");
    server.release();
    assert_eq!(client.answer().body, "waited");
}

#[test]
fn a_request_past_its_deadline_is_a_504() {
    let server = TestServer::start(Config { request_deadline: SHORT, ..config() });
    let mut client = server.client();
    let answer = client.get("/wait");
    assert_eq!(answer.status, 504);
    assert!(answer.body.contains(r#""code":"deadline-exceeded""#), "{}", answer.body);
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.send(&format!("GET / HTTP/1.1\r\nHost: test\r\nX-Large: {}\r\n\r\n", "x".repeat(70_000)));
    assert_eq!(client.answer().status, 431);
    let mut client = server.client();
    client.send(&format!("GET / HTTP/1.1\r\nHost: test\r\n{}\r\n", "X-Many: 1\r\n".repeat(101)));
    assert_eq!(client.answer().status, 431);
}

#[test]
fn a_request_too_many_is_shed() {
    let server = TestServer::start(Config { in_flight_max: 1, ..config() });
    let mut first = server.client();
    first.send(&get("/wait"));
    server.wait_until_entered();
    assert_eq!(server.metrics.requests_in_flight().get(), 1);

    let mut second = server.client();
    let answer = second.get("/");
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("\r\nretry-after: 1\r\n"), "{}", answer.head);
    assert!(answer.body.contains(r#""code":"overloaded""#), "{}", answer.body);

    server.release();
    assert_eq!(first.answer().status, 200);
    assert_eq!(second.get("/").status, 200);
}

#[test]
fn a_connection_too_many_waits_for_its_turn() {
    let server = TestServer::start(Config { connections_max: 1, ..config() });
    let mut first = server.client();
    first.get("/");
    let mut second = server.client();
    second.send(&get("/"));
    assert_eq!(server.metrics.connections_open().get(), 1);
    assert_eq!(first.get("/").status, 200);
    first.finish();
    assert_eq!(second.answer().status, 200);
}

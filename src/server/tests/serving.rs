//! Requests and answers, over both protocols.

use std::collections::HashSet;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::support::{TestServer, config, get, post};
use crate::server::{Config, RunOutcome};

#[test]
fn a_connection_is_kept_for_further_requests() {
    let server = TestServer::start(config());
    let mut client = server.client();
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        assert!(!answer.says_close());
    }
    assert_eq!(server.stop(), RunOutcome::Drained);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.send(&[post("/echo", "one"), post("/echo", "two"), get("/"), post("/echo", "three")].concat());
    let bodies: Vec<_> = (0..4).map(|_| client.answer().body).collect();
    assert_eq!(bodies, ["one", "two", "hello", "three"]);
}

/// hyper alone would read the chunks, and hand the request over.
#[test]
fn a_length_beside_chunks_is_refused_wherever_it_comes_and_nothing_is_read_behind_it() {
    let chunked = "POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n";
    let body = "\r\n3\r\none\r\n0\r\nContent-Length: 9\r\n\r\n";
    for lengths in ["Content-Length: 3\r\n", "content-length: 0\r\n", "Content-Length: x\r\n"] {
        let server = TestServer::start(config());
        let mut client = server.client();
        let plain = [chunked, body].concat();
        client.send(&[&plain, &post("/echo", "two"), &plain, chunked, lengths, body, &get("/")].concat());
        for expected in ["one", "two", "one"] {
            let answer = client.answer();
            assert_eq!((answer.status, answer.body.as_str()), (200, expected));
        }
        let refused = client.answer();
        assert!(refused.status == 400 && refused.says_close(), "{}", refused.head);
        assert!(refused.body.contains("ambiguous-framing"), "{}", refused.body);
        client.finish();
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn what_has_two_ends_is_told_in_the_words_of_whom_it_was_for_and_a_panic_over_them_is_a_500() {
    let server = TestServer::start(config());
    let codings = "HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    let mut client = server.client();
    client.send(&format!("POST /told {codings}"));
    let told = client.answer();
    assert_eq!((told.status, told.body.as_str()), (400, "in other words"));
    assert!(told.says_close(), "{}", told.head);
    let mut client = server.client();
    client.send(&format!("POST /panic {codings}"));
    assert_eq!(client.answer().status, 500);
}

#[test]
fn a_request_id_is_echoed_or_made() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: test\r\nX-Request-Id: mine-1\r\n\r\n");
    assert!(client.answer().head.contains("\r\nx-request-id: mine-1\r\n"));
    assert!(client.get("/").head.contains("\r\nx-request-id: 0"), "a UUID of version 7 begins with the time");
}

#[test]
fn a_panic_is_a_500_and_the_connection_goes_on() {
    let server = TestServer::start(config());
    let mut client = server.client();
    let answer = client.get("/panic");
    assert_eq!(answer.status, 500);
    assert!(answer.head.contains("\r\ncontent-type: application/problem+json\r\n"), "{}", answer.head);
    assert!(answer.head.contains("\r\nx-request-id: "), "{}", answer.head);
    assert!(answer.body.contains(r#""code":"internal""#), "{}", answer.body);
    assert!(!answer.body.contains("for the test"), "{}", answer.body);
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn the_handler_knows_who_is_calling() {
    let server = TestServer::start(config());
    let mut client = server.client();
    let expected = format!("{} false", client.local_address());
    assert_eq!(client.get("/peer").body, expected);
}

#[test]
fn all_workers_serve_the_same_address() {
    let server = TestServer::start(Config { workers: Some(2), ..config() });
    // The system deals connections out by a hash of their addresses, so both workers are met sooner or later.
    let mut met = HashSet::new();
    while met.len() < 2 {
        met.insert(server.client().get("/worker").body);
    }
    assert_eq!(server.stop(), RunOutcome::Drained);
}

#[test]
fn an_answer_reaches_a_client_that_is_still_sending() {
    let server = TestServer::start(config());
    let mut client = server.client();
    let body = "x".repeat(300_000);
    client.send(&post("/refuse", &body));
    assert_eq!(client.answer().status, 413);
    client.finish();
    assert_eq!(client.rest(), "");
}

#[test]
fn a_request_whose_client_has_left_is_dropped() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.send(&get("/wait"));
    server.wait_until_entered();
    drop(client);
    server.wait_until_left();
}

#[test]
fn a_body_cut_short_is_no_request() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    client.finish();
    assert!(!client.rest().contains("200 OK"));
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = TestServer::start(config());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let call = |number: usize| {
        let mut sender = sender.clone();
        async move {
            let body = Full::new(Bytes::from(number.to_string()));
            let request = Request::post("http://test/echo").body(body).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(answer.headers().contains_key("x-request-id"));
            answer.into_body().collect().await.unwrap().to_bytes()
        }
    };
    let bodies = futures_util::future::join_all((0..50).map(call)).await;
    assert!(bodies.into_iter().enumerate().all(|(number, body)| body == number.to_string()));
    drop(sender);
    connection.await.unwrap().unwrap();
}

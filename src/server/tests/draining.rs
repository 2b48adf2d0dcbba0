//! What becomes of connections and requests when the server is told to stop.

use std::{
    io::{self, Read, Write},
    net::TcpStream as StdStream,
    panic::panic_any,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::{
    support::{TestServer, config, get},
    tls::Pki,
};
use crate::server::{
    Body, Config, Drain, Handler, ListenerConfig, MakeHandler, Peer, RunOutcome, Server, Upload,
};

#[test]
fn requests_in_flight_are_finished_and_told_to_go_elsewhere() {
    let server = TestServer::start(Config { workers: Some(2), ..config() });
    let mut clients: Vec<_> = (0..20).map(|_| server.client()).collect();
    for client in &mut clients {
        client.send(&get("/wait"));
        server.wait_until_entered();
    }
    server.drain.begin();
    (0..20).for_each(|_| server.release());
    for client in &mut clients {
        let answer = client.answer();
        assert_eq!(answer.body, "waited");
        assert!(answer.says_close(), "{}", answer.head);
        assert_eq!(client.rest(), "");
    }
    drop(clients);
    assert_eq!(server.join(), RunOutcome::Drained);
}

#[test]
fn idle_and_silent_connections_are_closed_and_nobody_new_gets_in() {
    // On an address of its own, so that no other test is given the port.
    let listeners = vec![ListenerConfig { address: ([127, 0, 0, 5], 0).into(), tls: None }];
    let server = TestServer::start(Config { listeners, ..config() });
    let address = server.address;
    let (mut idle, mut silent) = (server.client(), server.client());
    idle.get("/");
    server.drain.begin();
    assert_eq!(idle.rest(), "");
    assert_eq!(silent.rest(), "");
    drop((idle, silent));
    assert_eq!(server.join(), RunOutcome::Drained);
    let refused = StdStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn who_has_not_shaken_hands_does_not_keep_us() {
    let pki = Pki::new();
    let listeners = vec![ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: Some(pki.config()) }];
    // Nothing but the drain can end them.
    let first_byte_timeout = Duration::from_hours(1);
    let drain_timeout = Duration::from_secs(10);
    let server = TestServer::start(Config { listeners, first_byte_timeout, drain_timeout, ..config() });
    let (mut silent, mut half) = (server.client(), server.client());
    // A record of the handshake (RFC 8446, section 5.1) of which most does not come.
    half.send("\x16\x03\x01\x01\x00\x01");
    while server.metrics.connections_open().get() < 2 {
        thread::yield_now();
    }
    assert_eq!(server.stop(), RunOutcome::Drained);
    assert_eq!((silent.rest().as_str(), half.rest().as_str()), ("", ""));
}

#[test]
fn a_request_that_crosses_the_beginning_of_the_drain_is_still_answered() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.get("/");
    server.drain.begin();
    client.send(&get("/"));
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.says_close(), "{}", answer.head);
}

#[test]
fn a_connection_the_system_has_accepted_is_served() {
    // The only slot is taken, so the second connection waits with the system, its request sent.
    let server = TestServer::start(Config { connections_max: 1, ..config() });
    let mut first = server.client();
    first.send(&get("/wait"));
    server.wait_until_entered();
    let (mut second, mut third) = (server.client(), server.client());
    second.send(&get("/"));
    third.send(&get("/"));
    server.drain.begin();
    server.release();
    assert_eq!(first.answer().status, 200);
    drop(first);
    assert_eq!(second.answer().status, 200);
    drop(second);
    assert_eq!(third.answer().status, 200);
    drop(third);
    assert_eq!(server.join(), RunOutcome::Drained);
}

#[test]
fn who_comes_while_we_leave_is_left_to_others_however_many_come() {
    // On an address of its own, so that no other test is given the port. The only slot is taken, so that the others wait.
    let listeners = vec![ListenerConfig { address: ([127, 0, 0, 6], 0).into(), tls: None }];
    let drain_timeout = Duration::from_secs(10);
    let server = TestServer::start(Config { listeners, connections_max: 1, drain_timeout, ..config() });
    let mut first = server.client();
    first.send(&get("/wait"));
    server.wait_until_entered();
    let address = server.address;
    let waiting: Vec<_> = (0..4).map(|_| StdStream::connect(address).unwrap()).collect();
    let again = |stream: StdStream| {
        move || {
            let mut stream = Ok(stream);
            // Whoever was answered comes again at once, so that somebody waits at any time.
            while let Ok(mut asking) = stream {
                let answered =
                    asking.write_all(get("/").as_bytes()).and_then(|()| asking.read_to_end(&mut Vec::new()));
                stream = answered.and_then(|_| StdStream::connect(address));
            }
        }
    };
    let clients: Vec<_> = waiting.into_iter().map(|stream| thread::spawn(again(stream))).collect();
    server.drain.begin();
    server.release();
    assert_eq!(first.answer().status, 200);
    drop(first);
    assert_eq!(server.join(), RunOutcome::Drained);
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn what_takes_too_long_is_cut_off() {
    let server = TestServer::start(Config { drain_timeout: Duration::from_millis(50), ..config() });
    let mut client = server.client();
    client.send(&get("/wait"));
    server.wait_until_entered();
    let metrics = server.metrics.clone();
    assert_eq!(server.stop(), RunOutcome::CutOff { connections: 1 });
    assert_eq!(client.rest(), "");
    assert_eq!(metrics.connections_open().get(), 0);
    assert_eq!(metrics.requests_in_flight().get(), 0);
}

#[test]
fn an_answer_that_is_not_read_to_its_end_is_cut_off_and_told_so() {
    let header_timeout = Duration::from_millis(50);
    let server =
        TestServer::start(Config { header_timeout, drain_timeout: Duration::from_millis(600), ..config() });
    let mut client = server.client();
    client.send(&get("/large"));
    client.read(1000);
    assert_eq!(server.stop(), RunOutcome::CutOff { connections: 1 });
}

#[tokio::test]
async fn a_stream_that_is_not_read_to_its_end_is_cut_off_and_told_so() {
    let header_timeout = Duration::from_millis(50);
    let server =
        TestServer::start(Config { header_timeout, drain_timeout: Duration::from_millis(600), ..config() });
    let stream = TcpStream::connect(server.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://test/large").body(Empty::<Bytes>::new()).unwrap();
    let _unread = sender.send_request(request).await.unwrap();
    let outcome = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    assert_eq!(outcome, RunOutcome::CutOff { connections: 1 });
}

#[test]
fn a_second_signal_ends_at_once() {
    let server = TestServer::start(config());
    let mut client = server.client();
    client.send(&get("/wait"));
    server.wait_until_entered();
    server.drain.begin();
    server.drain.end_now();
    assert_eq!(server.join(), RunOutcome::CutOff { connections: 1 });
}

#[tokio::test]
async fn http_2_streams_in_flight_are_finished() {
    let server = TestServer::start(config());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(Request::get("http://test/wait").body(Empty::<Bytes>::new()).unwrap());
    let answer = tokio::spawn(answer);
    let server = tokio::task::spawn_blocking(move || {
        server.wait_until_entered();
        server
    });
    let server = server.await.unwrap();
    server.drain.begin();
    server.release();
    let body = answer.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "waited");
    connection.await.unwrap().unwrap();
    assert_eq!(server.join(), RunOutcome::Drained);
}

const UNLUCKY: &str = "for the test";

#[test]
fn a_worker_that_cannot_start_takes_the_others_along() {
    struct Unlucky;

    impl MakeHandler for Unlucky {
        type Handler = Nobody;

        fn make(&self, worker: usize) -> Nobody {
            if worker > 0 {
                panic_any(UNLUCKY);
            }
            Nobody
        }
    }

    let drain = Drain::new();
    let server = Server::bind(Config { workers: Some(2), ..config() }).unwrap();
    let begun = drain.clone();
    let started = || panic!("one of them has not");
    let ended = thread::spawn(move || server.run_and_tell(&Unlucky, &begun, started)).join();
    assert_eq!(ended.unwrap_err().downcast_ref(), Some(&UNLUCKY), "the worker's, and no other");
    assert!(drain.has_begun());
}

/// Has nobody to answer.
#[derive(Clone)]
struct Nobody;

impl Handler for Nobody {
    async fn handle(self, _request: Request<Upload>, _peer: Peer) -> Response<Body> {
        Response::default()
    }
}

//! The client's side of HTTP/1.1, with any bytes as the backend's answer, over real connections.
//!
//! What must hold of any bytes:
//!
//! - what is an answer to us is the same answer to hyper's client: status, `ETag` and body;
//! - it is the same however the bytes are cut into pieces;
//! - it ends in time: the backend closes, and nobody waits for more;
//! - whatever it was, the next call has its own answer, and nothing that came with the first is taken for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use http::{HeaderValue, Method, header::ETAG};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use interlingua::time::Deadline;
use interlingua::upstream::{Answer, Config, Request, Upstream, UpstreamError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use super::choices::Choices;
use super::listener;

/// The answer to the call that comes next on a connection, if there is one.
const NEXT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnext";

/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The largest body taken; small, so that a fuzzer comes to it.
const BODY_BYTES_MAX: usize = 2000;

/// Looks at any bytes as an answer: the first says to which method, the second where they are cut in two.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (method, cut) = (if choices.seldom(8) { Method::HEAD } else { Method::GET }, choices.byte());
    check_answer(choices.rest(), &method, cut);
}

/// Looks at bytes as the answer to a call, whole and cut in two.
pub(super) fn check_answer(bytes: &[u8], method: &Method, cut: u8) {
    let (first, second) = answered(bytes, bytes.len(), method, false);
    let cut = usize::from(cut) * bytes.len() / 255;
    let in_pieces = answered(bytes, cut, method, false);
    assert_eq!(shown(&first), shown(&in_pieces.0), "in pieces it is something else");
    if let Ok(answer) = first {
        assert!(answer.body.len() <= BODY_BYTES_MAX);
        let theirs = by_hyper(bytes, method);
        let ours = (answer.status.as_u16(), answer.body, answer.etag);
        assert_eq!(theirs, Some(ours), "{:?}", String::from_utf8_lossy(bytes));
    }
    // Whatever the first answer was, the next call has its own. In pieces that cannot be said: what a backend sends behind an
    // answer may come when the next call is written already, and nothing in HTTP/1.1 tells whose it is.
    let second = second.expect("the next call is answered");
    assert_eq!((second.status.as_u16(), second.body.as_slice()), (200, &b"next"[..]));
}

/// What can be compared of an outcome. How it failed may depend on what had come when it did.
fn shown(outcome: &Result<Answer, UpstreamError>) -> Option<(u16, &[u8], Option<&HeaderValue>)> {
    match outcome {
        Ok(answer) => Some((answer.status.as_u16(), &answer.body, answer.etag.as_ref())),
        Err(error) => match error.root() {
            UpstreamError::Broken(_) | UpstreamError::TooLarge { .. } => None,
            _ => panic!("{error:?}"),
        },
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(super) type Outcome = Result<Answer, UpstreamError>;

/// What becomes of two calls, the first of which is answered by those bytes. The backend closes the connection behind
/// them, or waits for the next call.
pub(super) fn answered(bytes: &[u8], cut: usize, method: &Method, is_kept: bool) -> (Outcome, Outcome) {
    runtime().block_on(async {
        let (listener, base) = listener::of_this_thread();
        let config = Config { timeout: PATIENCE, answer_bytes_max: BODY_BYTES_MAX, ..Config::new(base) };
        let upstream = Upstream::new(Arc::new(config)).expect("plain HTTP needs nothing");
        let calls = async {
            let first = upstream.send(call(method), Deadline::after(PATIENCE)).await;
            // Safe, so that it is said again if the connection is found closed.
            let next = Request { safe: true, ..call(&Method::GET) };
            (first, upstream.send(next, Deadline::after(PATIENCE)).await)
        };
        tokio::select! {
            biased;
            outcomes = calls => outcomes,
            ended = backend(&listener, bytes, cut, is_kept) => panic!("the backend ended: {ended:?}"),
        }
    })
}

/// One that is written once.
fn call(method: &Method) -> Request<'_> {
    Request {
        method,
        target: "/things",
        headers: &[],
        body: b"",
        safe: false,
        is_keyed: false,
        follows: false,
        share: None,
        passes: false,
    }
}

/// Answers the first connection with those bytes, and whatever comes next with the next answer.
async fn backend(listener: &TcpListener, bytes: &[u8], cut: usize, is_kept: bool) -> io::Result<()> {
    let mut is_first = true;
    loop {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        if is_kept {
            // The client is the first to close. Its port is free at once if it is told that the connection is no more.
            stream.set_zero_linger()?;
        }
        while heard(&mut stream).await {
            let answer = if is_first { bytes } else { NEXT };
            let (one, other) = answer.split_at(if is_first { cut } else { 0 });
            is_first = false;
            // Whoever has heard enough leaves.
            let said = async {
                stream.write_all(one).await?;
                tokio::task::yield_now().await;
                stream.write_all(other).await
            };
            if said.await.is_err() || !is_kept {
                break;
            }
        }
        stream.shutdown().await.ok();
    }
}

/// Reads the head of a call; false at the end of the connection.
async fn heard(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    true
}

/// What hyper's client takes for the answer.
fn by_hyper(bytes: &[u8], method: &Method) -> Option<(u16, Vec<u8>, Option<HeaderValue>)> {
    runtime().block_on(async {
        let (mut near, far) = tokio::io::duplex(bytes.len() + 4096);
        let (mut sender, connection) = handshake(TokioIo::new(far)).await.ok()?;
        let request = http::Request::builder().method(method).uri("/things").header("host", "backend");
        let request = request.body(Empty::<Bytes>::new()).expect("it is a request");
        let answer = async {
            let (head, body) = sender.send_request(request).await.ok()?.into_parts();
            let body = body.collect().await.ok()?.to_bytes().to_vec();
            Some((head.status.as_u16(), body, head.headers.get(ETAG).cloned()))
        };
        let backend = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && near.read_buf(&mut head).await.is_ok_and(|read| read > 0) {}
            near.write_all(bytes).await.ok();
            near.shutdown().await.ok();
        };
        let (((), _ended), answer) = join(join(backend, connection), answer).await;
        answer
    })
}

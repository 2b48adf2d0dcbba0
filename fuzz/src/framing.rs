//! Where the requests of a connection end, with any bytes as what a client says on it, through the listener.
//!
//! What must hold of any bytes:
//!
//! - a request that a handler hears of, with all of its body, is to hyper alone the same request in the same place;
//! - it is so to a plain reader as well, which goes by RFC 9112 and stops where somebody could find another end than it does;
//! - whoever writes requests as they should be written is heard with each of them, however their bodies are framed;
//! - the listener does not wait for a client that has said all that hyper needs, nor for one that says nothing more.

mod made;
mod plain;

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use interlingua::server::{Body, Config, Drain, Handler, ListenerConfig, MakeHandler, Peer, Server, Upload};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Builder;

use super::choices::Choices;

/// What HTTP/2 begins with: its frames are none of this target's.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the answer to a request has that was heard with all of its body, and no other answer.
const HEARD: (&str, &str) = ("x-heard", "whole");

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as somebody understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    method: String,
    target: String,
    body: Vec<u8>,
}

/// Looks at any bytes as what a client says: the first says whether they are that or what requests are made of, the second
/// where they are cut in two.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (is_raw, cut) = (choices.seldom(2), choices.byte());
    if !is_raw {
        let (said, meant) = made::connection(&mut choices);
        let heard = by_listener(&said, cut, meant.len());
        assert_eq!(heard, meant, "{:?}", String::from_utf8_lossy(&said));
        assert_eq!(by_hyper(&said), meant, "{:?}", String::from_utf8_lossy(&said));
        assert_eq!(plain::requests(&said), meant, "{:?}", String::from_utf8_lossy(&said));
        return;
    }
    let said = choices.rest();
    if said.starts_with(PREFACE) {
        return;
    }
    let theirs = by_hyper(said);
    let ours = by_listener(said, cut, theirs.len());
    for (reader, read) in [("hyper", theirs), ("a plain reader", plain::requests(said))] {
        let said = String::from_utf8_lossy(said);
        assert!(read.starts_with(&ours), "{said:?} is {ours:?} to us, and {read:?} to {reader}");
    }
}

/// Reads a request to its end; none if its body breaks off, or is refused.
async fn heard<B: hyper::body::Body>(request: Request<B>) -> Option<Heard> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes().to_vec();
    Some(Heard { method: head.method.to_string(), target: head.uri.to_string(), body })
}

fn answer<B: Default>(is_heard: bool) -> Response<B> {
    let mut answer = Response::default();
    if is_heard {
        answer.headers_mut().insert(HEARD.0, HeaderValue::from_static(HEARD.1));
    }
    answer
}

/// What hyper's server hears, without anything of ours around it.
fn by_hyper(said: &[u8]) -> Vec<Heard> {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let all = RefCell::new(Vec::new());
    runtime.block_on(async {
        let (mut near, far) = duplex(said.len() + 1);
        let service = service_fn(async |request: Request<Incoming>| {
            let heard = heard(request).await;
            let is_heard = heard.is_some();
            all.borrow_mut().extend(heard);
            Ok::<_, Infallible>(answer::<Full<Bytes>>(is_heard))
        });
        let connection = http1::Builder::new()
            .half_close(true)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(far), service);
        let client = async {
            near.write_all(said).await.ok();
            near.shutdown().await.ok();
            let mut told = Vec::new();
            near.read_to_end(&mut told).await.ok();
        };
        // How it ended is in what was heard.
        let ((), _ended) = join(client, connection).await;
    });
    all.into_inner()
}

/// What handlers heard, by the connection.
type Log = Arc<Mutex<HashMap<SocketAddr, Vec<Heard>>>>;

fn open(log: &Log) -> MutexGuard<'_, HashMap<SocketAddr, Vec<Heard>>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server of ours that runs until the program ends.
struct Listener {
    address: SocketAddr,
    log: Log,
}

static LISTENER: LazyLock<Listener> = LazyLock::new(|| {
    let config = Config {
        listeners: vec![ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: None }],
        workers: Some(1),
        // A connection that waits is told apart from one that was closed.
        header_timeout: 3 * PATIENCE,
        first_byte_timeout: 3 * PATIENCE,
        idle_timeout: 3 * PATIENCE,
        ..Config::default()
    };
    let server = Server::bind(config).expect("a port");
    let (address, log) = (server.addresses()[0], Log::default());
    let make = Recorder(Arc::clone(&log));
    thread::spawn(move || server.run(&make, &Drain::new()));
    Listener { address, log }
});

/// Keeps what it hears.
#[derive(Clone)]
struct Recorder(Log);

impl MakeHandler for Recorder {
    type Handler = Recorder;

    fn make(&self, _worker: usize) -> Recorder {
        self.clone()
    }
}

impl Handler for Recorder {
    async fn handle(self, request: Request<Upload>, peer: Peer) -> Response<Body> {
        let heard = heard(request).await;
        let is_heard = heard.is_some();
        open(&self.0).entry(peer.address).or_default().extend(heard);
        answer(is_heard)
    }
}

/// What our own server hears, of a client that leaves once it has so many answers, or no more are coming.
fn by_listener(said: &[u8], cut: u8, answers: usize) -> Vec<Heard> {
    let Listener { address, log } = &*LISTENER;
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let own = stream.local_addr().expect("it has an address");
    stream.set_nodelay(true).expect("it is a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is a socket");
    let (one, other) = said.split_at(usize::from(cut) * said.len() / 255);
    // Whoever was refused may be left before all is said.
    stream.write_all(one).and_then(|()| stream.write_all(other)).ok();
    let mut told = Vec::new();
    while count(&told) < answers && listens(&mut stream, &mut told, said) {}
    stream.shutdown(Shutdown::Write).ok();
    while listens(&mut stream, &mut told, said) {}
    open(log).remove(&own).unwrap_or_default()
}

/// Reads on; false at the end of the connection.
fn listens(stream: &mut TcpStream, told: &mut Vec<u8>, said: &[u8]) -> bool {
    let mut piece = [0; 4096];
    match stream.read(&mut piece) {
        Ok(length) => {
            told.extend_from_slice(&piece[..length]);
            length > 0
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the listener waits for more than {:?}", String::from_utf8_lossy(said))
        }
        Err(_reset) => false,
    }
}

/// How many of the answers are those to requests that were heard.
fn count(told: &[u8]) -> usize {
    let line = format!("{}: {}\r\n", HEARD.0, HEARD.1);
    told.windows(line.len()).filter(|window| *window == line.as_bytes()).count()
}

//! What another client makes of the same bytes: whatever is an answer here is the same answer to hyper's, and where another
//! call would follow here, it ends at the same byte.

use std::{future::pending, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, future::join};
use http::{HeaderValue, Method, Request, header::ETAG};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};

use super::{
    script::{End, LIMIT, Outcome, Script, call, is_kept, outcome},
    table::texts,
};
use crate::upstream::{Request as Call, wire::Wire};

type Answer = (u16, Vec<u8>, Option<HeaderValue>);

/// What hyper's client takes for the answer.
fn taken_by_hyper(bytes: &[u8], method: &Method) -> Option<Answer> {
    let exchange = async {
        let script = Script::new([bytes], End::Closed);
        let (mut sender, connection) = handshake(TokioIo::new(script)).await.ok()?;
        let answer = async {
            let (head, body) = sender.send_request(request(method)).await.ok()?.into_parts();
            let body = body.collect().await.ok()?.to_bytes().to_vec();
            Some((head.status.as_u16(), body, head.headers.get(ETAG).cloned()))
        };
        let (_ended, answer) = join(connection, answer).await;
        answer
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(exchange)
}

fn request(method: &Method) -> Request<Empty<Bytes>> {
    let request = Request::builder().method(method).uri("/things").header("host", "backend");
    request.body(Empty::new()).unwrap()
}

/// Whether those bytes are one answer to hyper's client and nothing more, so that the next call on the connection has the
/// answer that comes next.
fn is_followed_at_hyper(bytes: &[u8], method: &Method) -> bool {
    let calls = async {
        let (near, far) = duplex(1024 * 1024);
        let (mut sender, connection) = handshake(TokioIo::new(far)).await.ok()?;
        let answers = async {
            sender.send_request(request(method)).await.ok()?.into_body().collect().await.ok()?;
            sender.ready().await.ok()?;
            let next = sender.send_request(request(&Method::GET)).await.ok()?;
            Some(next.into_body().collect().await.ok()?.to_bytes())
        };
        let others = join(connection, say_in_turn(near, [bytes, NEXT]));
        // The clock goes on where nothing else does: whoever waits for more is found out at once.
        let patience = Duration::from_secs(1);
        let (next, _over) = join(timeout(patience, answers), timeout(patience, others)).await;
        next.ok().flatten()
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let next = runtime.enable_time().start_paused(true).build().unwrap().block_on(calls);
    next.is_some_and(|next| next == "next")
}

const NEXT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext";

/// Answers each call with what is next, and goes on to listen.
async fn say_in_turn(mut stream: DuplexStream, answers: [&[u8]; 2]) {
    for answer in answers {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.unwrap_or_default() == 0 {
                return;
            }
        }
        stream.write_all(answer).await.ok();
    }
    pending::<()>().await;
}

/// A change to some bytes, at a place given in 65,536ths.
#[derive(Clone, Debug)]
enum Change {
    Insert(u16, &'static str),
    Remove(u16, u8),
    Replace(u16, u8),
    /// A part is said again somewhere else.
    Repeat(u16, u8, u16),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |share: u16| usize::from(share) * (bytes.len() + 1) / 65_536;
        match *self {
            Change::Insert(at, text) => {
                let at = place(at);
                bytes.splice(at..at, text.bytes());
            }
            Change::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + usize::from(length)));
            }
            Change::Replace(at, byte) => {
                let at = place(at);
                if let Some(there) = bytes.get_mut(at) {
                    *there = byte;
                }
            }
            Change::Repeat(at, length, to) => {
                let (at, to) = (place(at), place(to));
                let part = bytes[at..bytes.len().min(at + usize::from(length))].to_vec();
                bytes.splice(to..to, part);
            }
        }
    }
}

fn changed(text: String, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    for change in changes {
        change.apply(&mut bytes);
    }
    bytes
}

/// What matters to framing, and what looks like it.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    "\0",
    ":",
    ",",
    ";",
    "0",
    "1",
    "2",
    "f",
    "-",
    "+",
    "\u{e9}",
    "Content-Length: 2\r\n",
    "Content-Length: 3\r\n",
    "content-length:2,2\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "chunked",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Upgrade: x\r\n",
    "ETag: \"a\"\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 ",
    "204",
    "304",
    "101",
    "0\r\n\r\n",
    "2\r\nok\r\n",
    "0;x=y\r\n",
    "ok",
];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        4 => (any::<u16>(), select(PIECES)).prop_map(|(at, text)| Change::Insert(at, text)),
        2 => (any::<u16>(), 1..12_u8).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        1 => (any::<u16>(), 1..40_u8, any::<u16>()).prop_map(|(at, length, to)| Change::Repeat(at, length, to)),
    ];
    vec(change, 0..5)
}

/// What becomes of bytes that come whole, held against what they are to hyper's client.
fn held_against_hyper(bytes: &[u8], method: &Method) -> Outcome {
    let shown = String::from_utf8_lossy(bytes);
    let whole = outcome(&mut Wire::new(Script::new([bytes], End::Closed)), &call(method)).unwrap();
    if let Ok(answer) = &whole.answer {
        assert_eq!(taken_by_hyper(bytes, method).as_ref(), Some(answer), "{shown:?}");
    }
    let open = outcome(&mut Wire::new(Script::new([bytes], End::Open)), &call(method));
    if open.is_some_and(|open| open.is_kept) {
        assert!(is_followed_at_hyper(bytes, method), "it ends elsewhere: {shown:?}");
    }
    whole
}

#[test]
fn the_table_is_the_same_to_hyper() {
    for text in texts() {
        for method in [Method::GET, Method::HEAD] {
            held_against_hyper(text.as_bytes(), &method);
        }
    }
    let one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert!(is_followed_at_hyper(one, &Method::GET));
    assert!(!is_followed_at_hyper(&one[..one.len() - 1], &Method::GET), "it waits for more");
    assert!(!is_followed_at_hyper(&[one, &b"!"[..]].concat(), &Method::GET), "there is more");
}

proptest! {
    #[test]
    fn whatever_is_an_answer_here_is_the_same_to_hyper(
        text in select(texts()),
        changes in changes(),
        to_head in proptest::bool::weighted(0.1),
        sizes in vec(1..60_usize, 0..6),
    ) {
        let bytes = changed(text, &changes);
        let method = if to_head { Method::HEAD } else { Method::GET };
        let whole = held_against_hyper(&bytes, &method);
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        for size in sizes {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let split = outcome(&mut Wire::new(Script::new(pieces, End::Closed)), &call(&method)).unwrap();
        prop_assert_eq!(&split, &whole, "in pieces it is the same");
    }

    #[test]
    fn whoever_takes_a_wire_over_ends_where_whoever_waited_would(
        text in select(texts()),
        changes in changes(),
        to_head in proptest::bool::weighted(0.1),
        cut in any::<Index>(),
    ) {
        let bytes = changed(text, &changes);
        let method = if to_head { Method::HEAD } else { Method::GET };
        // Whatever it is encoded as: who takes over does not look at it.
        let call = Call { passes: true, ..call(&method) };
        let waited = outcome(&mut Wire::new(Script::new([&bytes], End::Open)), &call);
        let (came, then) = bytes.split_at(cut.index(bytes.len() + 1));
        let mut wire = Wire::new(Script::new([came], End::Open));
        if outcome(&mut wire, &call).is_some() || !wire.owes_an_answer() {
            return Ok(());
        }
        wire.stream().pieces.extend((!then.is_empty()).then(|| then.to_vec()));
        // What is malformed may be found out later.
        let _waits = wire.finish(LIMIT).now_or_never();
        let waited = waited.is_some_and(|waited| waited.is_kept);
        prop_assert_eq!(is_kept(&mut wire), waited, "{:?} cut at {}", String::from_utf8_lossy(&bytes), came.len());
    }

    #[test]
    fn any_bytes_are_an_answer_or_none(bytes in vec(any::<u8>(), 0..200), begins in any::<bool>()) {
        let bytes = if begins { [b"HTTP/1.1 200 OK\r\n", bytes.as_slice()].concat() } else { bytes };
        held_against_hyper(&bytes, &Method::GET);
    }
}

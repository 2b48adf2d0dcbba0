//! A backend in memory that says what it is told to say, in pieces.

use std::{
    collections::VecDeque,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, Method};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    causes::with_causes,
    upstream::{
        Request, Stage,
        wire::{Failure, Template, Wire},
    },
};

/// The largest body in these tests.
pub(super) const LIMIT: usize = 100_000;

/// What happens after the last piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Closed,
    Open,
    Reset,
}

/// One side of a connection; the other reads what is written, and answers from when something was.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) pieces: VecDeque<Vec<u8>>,
    pub(super) end: End,
    /// What was written.
    pub(super) written: Vec<u8>,
    /// How much can be written at all, and what happens to the rest.
    pub(super) room: usize,
    pub(super) full: Full,
    /// Takes this much at once.
    pub(super) gulp: usize,
    pub(super) has_spoken: bool,
    pub(super) reader: Option<Waker>,
}

/// What happens when nothing more is taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Full {
    Blocks,
    Fails,
    /// Blocks until something was said.
    BlocksUntilTold,
}

impl Script {
    pub(super) fn new<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>, end: End) -> Script {
        let pieces = pieces.into_iter().map(|piece| piece.as_ref().to_vec());
        Script {
            pieces: pieces.filter(|piece| !piece.is_empty()).collect(),
            end,
            written: Vec::new(),
            room: usize::MAX,
            full: Full::Fails,
            gulp: usize::MAX,
            has_spoken: false,
            reader: None,
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.written.is_empty() && self.room > 0 {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let Some(mut piece) = self.pieces.pop_front() else {
            return match self.end {
                End::Closed => Poll::Ready(Ok(())),
                End::Open => Poll::Pending,
                End::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            };
        };
        self.has_spoken = true;
        let rest = piece.split_off(piece.len().min(buf.remaining()));
        buf.put_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let room = match self.full {
            Full::BlocksUntilTold if self.has_spoken => usize::MAX,
            Full::Blocks | Full::Fails | Full::BlocksUntilTold => self.room - self.written.len(),
        };
        if room == 0 {
            return match self.full {
                Full::Fails => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Full::Blocks | Full::BlocksUntilTold => Poll::Pending,
            };
        }
        let taken = buf.len().min(room).min(self.gulp);
        self.written.extend_from_slice(&buf[..taken]);
        self.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) answer: Result<(u16, Vec<u8>, Option<HeaderValue>), String>,
    /// Whether the connection would carry the next call.
    pub(super) is_kept: bool,
    pub(super) stage: Stage,
}

pub(super) fn call(method: &Method) -> Request<'_> {
    Request {
        method,
        target: "/things",
        headers: &[],
        body: b"",
        safe: true,
        is_keyed: false,
        follows: false,
        share: None,
        passes: false,
    }
}

/// What becomes of a call; none when it waits for ever. Nothing here wakes anybody later.
pub(super) fn outcome(wire: &mut Wire<Script>, call: &Request<'_>) -> Option<Outcome> {
    let template = Template::new(&HeaderValue::from_static("backend"), String::new());
    let mut cx = Context::from_waker(Waker::noop());
    let mut stage = Stage::Connect;
    let polled = pin!(wire.exchange(&template, call, LIMIT, &mut stage)).poll(&mut cx);
    let Poll::Ready(result) = polled else { return None };
    let answer = match result {
        Ok(answer) => Ok((answer.status.as_u16(), answer.body, answer.etag)),
        Err(Failure::Final(error)) => Err(with_causes(&error)),
        Err(Failure::Unanswered { fault, .. }) => Err(format!("unanswered: {}", with_causes(&fault))),
        Err(Failure::Unsent(fault)) => Err(format!("unsent: {}", with_causes(&fault))),
    };
    Some(Outcome { answer, is_kept: is_kept(wire), stage })
}

/// Whether the connection would carry the next call.
pub(super) fn is_kept(wire: &mut Wire<Script>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    wire.is_reusable() && Pin::new(wire.stream()).poll_read(&mut cx, &mut ReadBuf::new(&mut [0])).is_pending()
}

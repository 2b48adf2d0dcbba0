//! Answers on their way to the client: what they hold until it has taken them, and how long it may leave them lying.
//!
//! The HTTP library takes the bytes of a body as soon as it can, and keeps them until the client does. So what a request holds
//! goes with its bytes: its place among those of its address, and that its connection is busy.
//!
//! A client that takes nothing from a connection is found out by the [`Watch`], as what it speaks makes no difference. Over
//! HTTP/2 it may also take nothing from one stream, by a window that it does not open. The library waits for that without any
//! time; so each stream has a [`Pace`], by which its task ends, and with it the stream alone. It can only while the library has
//! not been given the end of the answer: a long one ends with a byte of its own, which the library takes when there is window
//! for all before it. Of a short one what is left may lie there without a task, and then the watch is told.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::server::{
    Body,
    in_flight::Place,
    watch::{RequestGuard, Untaken, Watch},
};

/// What is handed over in one piece over HTTP/2: a frame of the size that everybody takes.
const SHORT: usize = 16 * 1024;

/// An answer's body, as the HTTP library gets it.
#[derive(Debug)]
pub(super) struct Delivery {
    body: Body,
    /// The last byte of a long one, once the others are gone.
    end: Option<Bytes>,
    /// Goes with the last piece.
    held: Option<Held>,
    /// That of its stream, where it is one of several at once.
    pace: Option<Rc<Pace>>,
}

/// What a request holds until its answer is taken. Nobody looks at it.
#[derive(Debug)]
struct Held {
    _request: RequestGuard,
    _place: Option<Place>,
}

/// Some bytes of an answer. It is gone when they are written, or given up.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    pace: Option<Rc<Pace>>,
    _held: Option<Held>,
}

impl Delivery {
    /// Of a request that keeps its connection busy.
    pub(super) fn new(mut body: Body, request: RequestGuard, pace: Option<Rc<Pace>>) -> Delivery {
        let held = Held { _request: request, _place: body.take_place() };
        Delivery { body, end: None, held: Some(held), pace }
    }

    /// The next piece, of which the end may be kept back.
    fn piece(&mut self, mut bytes: Bytes) -> Piece {
        if let Some(pace) = &self.pace {
            pace.is_offered.set(true);
            if self.body.is_end_stream() && bytes.len() > SHORT {
                self.end = Some(bytes.split_off(bytes.len() - 1));
            }
        }
        let held = if self.is_end_stream() { self.held.take() } else { None };
        Piece { bytes, pace: self.pace.clone(), _held: held }
    }
}

impl http_body::Body for Delivery {
    type Data = Piece;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, io::Error>>> {
        let this = &mut *self;
        if let Some(end) = this.end.take() {
            return Poll::Ready(Some(Ok(Frame::data(this.piece(end)))));
        }
        if let Some(pace) = &this.pace {
            // Until there is more, it is not the client who is waited for.
            pace.is_offered.set(false);
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx)?);
        Poll::Ready(frame.map(|frame| Ok(frame.map_data(|bytes| this.piece(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.end.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if let Some(pace) = &self.pace {
            pace.was_taken_from();
        }
    }
}

/// Whether the client of a stream takes what it is offered. The pieces that it has not taken share it.
#[derive(Debug)]
pub(super) struct Pace {
    watch: Watch,
    is_offered: Cell<bool>,
    /// Known while somebody asks for it.
    taken_at: Cell<Option<Instant>>,
    /// Set when the task of the stream is gone, and there are still pieces.
    untaken: RefCell<Option<Untaken>>,
}

impl Pace {
    /// Of a stream of that connection.
    pub(super) fn new(watch: Watch) -> Rc<Pace> {
        let (is_offered, taken_at, untaken) = Default::default();
        Rc::new(Pace { watch, is_offered, taken_at, untaken })
    }

    fn was_taken_from(&self) {
        if self.taken_at.get().is_some() {
            self.taken_at.set(Some(Instant::now()));
        }
        if let Some(untaken) = &mut *self.untaken.borrow_mut() {
            untaken.was_taken_from();
        }
    }

    /// Drives the task of the stream, but drops it when its client has taken nothing of the answer for as long as `patience`;
    /// the library resets the stream then. There is no timer for what is taken at once.
    pub(super) async fn keep(self: Rc<Self>, task: impl Future<Output = ()>, patience: Duration) {
        let mut task = pin!(Some(task));
        let mut late: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            if task.as_mut().as_pin_mut().is_none_or(|task| task.poll(cx).is_ready()) {
                return Poll::Ready(());
            }
            if !self.is_offered.get() {
                self.taken_at.set(None);
                late = None;
                return Poll::Pending;
            }
            let late = late.get_or_insert_with(|| {
                self.taken_at.set(Some(Instant::now()));
                Box::pin(sleep(patience))
            });
            loop {
                ready!(late.as_mut().poll(cx));
                let now = Instant::now();
                let due = self.taken_at.get().unwrap_or(now) + patience;
                if due <= now {
                    tracing::debug!("reset a stream, for its client takes nothing of the answer");
                    return Poll::Ready(());
                }
                late.as_mut().reset(due);
            }
        })
        .await;
        task.set(None);
        if Rc::strong_count(&self) > 1 {
            self.untaken.replace(Some(self.watch.untaken()));
        }
    }
}

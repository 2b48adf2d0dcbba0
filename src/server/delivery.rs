//! Answers on their way to the client: what they hold until it has taken them, and how long it may leave them lying.
//!
//! The HTTP library takes the bytes of a body as soon as it can, and keeps them until the client does. So what a request holds
//! goes with its bytes: its place among those of its address, that its connection is busy, and what it is of the [`backlog`].
//!
//! A client that takes nothing from a connection is found out by the [`Watch`], as what it speaks makes no difference. Over
//! HTTP/2 it may also take nothing from one stream, by a window that it does not open. The library waits for that without any
//! time; so each stream has a [`Pace`], by which its task ends, and with it the stream alone. It can only while the library has
//! not been given the end of the answer: a long one ends with a byte of its own, which the library takes when there is window
//! for all before it. Of a short one what is left may lie there without a task, and then the watch is told.
//!
//! The library lets go of what it has of a stream that was reset when it next writes to the connection. On one that others read
//! that is soon. Where it is not, the room that was to be made is not there: then the connection ends as well.
//!
//! [`backlog`]: super::backlog

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::server::{
    Body,
    backlog::{Account, BESIDES, Backlog, Holder, PATIENCE},
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
    by: By,
}

/// Who takes an answer.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// A connection that has one at a time.
    Connection(Watch),
    /// One of several streams.
    Stream(Rc<Pace>),
}

/// What a request holds until its answer is taken. Nobody looks at it.
#[derive(Debug)]
struct Held {
    _request: RequestGuard,
    _place: Option<Place>,
    _share: Share,
}

/// What an answer is of the backlog.
#[derive(Debug)]
struct Share {
    by: By,
    bytes: usize,
}

/// Some bytes of an answer. It is gone when they are written, or given up.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    by: By,
    _held: Option<Held>,
}

impl By {
    fn account(&self) -> &Account {
        match self {
            By::Connection(watch) => watch.account(),
            By::Stream(pace) => pace.account(),
        }
    }

    fn pace(&self) -> Option<&Rc<Pace>> {
        match self {
            By::Connection(_) => None,
            By::Stream(pace) => Some(pace),
        }
    }
}

impl Share {
    fn new(by: By, bytes: usize) -> Share {
        by.account().hand_over(bytes);
        Share { by, bytes }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.by.account().is_rid_of(self.bytes);
    }
}

impl Delivery {
    /// Of a request that keeps its connection busy.
    pub(super) fn new(mut body: Body, request: RequestGuard, by: By) -> Delivery {
        let share = Share::new(by.clone(), body.kept() + BESIDES);
        let held = Held { _request: request, _place: body.take_place(), _share: share };
        Delivery { body, end: None, held: Some(held), by }
    }

    /// The next piece, of which the end may be kept back.
    fn piece(&mut self, mut bytes: Bytes) -> Piece {
        if let Some(pace) = self.by.pace() {
            pace.is_offered.set(true);
            if self.body.is_end_stream() && bytes.len() > SHORT {
                self.end = Some(bytes.split_off(bytes.len() - 1));
            }
        }
        let held = if self.is_end_stream() { self.held.take() } else { None };
        Piece { bytes, by: self.by.clone(), _held: held }
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
        if let Some(pace) = this.by.pace() {
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
        self.by.account().was_taken_from(count);
        if let Some(pace) = self.by.pace() {
            pace.was_taken_from();
        }
    }
}

/// Whether the client of a stream takes what it is offered. The pieces that it has not taken share it.
#[derive(Debug)]
pub(super) struct Pace {
    watch: Watch,
    account: Account,
    is_offered: Cell<bool>,
    /// Known while somebody asks for it.
    taken_at: Cell<Option<Instant>>,
    /// Set when the task of the stream is gone, and there are still pieces.
    untaken: RefCell<Option<Untaken>>,
    /// The task of the stream, while it waits for the client.
    waiting: RefCell<Option<Waker>>,
}

impl Holder for Pace {
    fn account(&self) -> &Account {
        &self.account
    }

    /// Ends the stream if that may be enough: if its task is gone, the library keeps what it was given.
    fn give_up(&self) {
        match self.waiting.take() {
            Some(task) => task.wake(),
            None => self.watch.give_up(),
        }
    }
}

impl Pace {
    /// Of a stream of that connection.
    pub(super) fn new(watch: Watch, backlog: Rc<Backlog>) -> Rc<Pace> {
        let (is_offered, taken_at, untaken, waiting) = Default::default();
        let account = Account::new(backlog);
        Account::entered(Pace { watch, account, is_offered, taken_at, untaken, waiting })
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
            if self.account.is_given_up() {
                return Poll::Ready(());
            }
            self.waiting.replace(Some(cx.waker().clone()));
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
        self.waiting.take();
        task.set(None);
        if !self.has_pieces() {
            return;
        }
        self.untaken.replace(Some(self.watch.untaken()));
        if self.account.is_given_up() {
            sleep(PATIENCE).await;
            if self.has_pieces() {
                self.watch.give_up();
            }
        }
    }

    /// Whether the library keeps any of them, once the task is gone.
    fn has_pieces(self: &Rc<Self>) -> bool {
        Rc::strong_count(self) > 1
    }
}

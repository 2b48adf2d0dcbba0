//! The body of a request, as a handler reads it: what of it is waited for is noted with its [`Arrival`], and it breaks off where
//! that has to give way.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::server::{
    arrivals::{Arrival, Arrivals},
    in_flight::Counter,
};

/// The body of a request. Where the server waits no longer for it, because others need the room, it ends with an error of the
/// kind [`TimedOut`](io::ErrorKind::TimedOut); however else it breaks off, with one of another kind.
#[derive(Debug)]
pub struct Upload<B = Incoming> {
    body: B,
    /// Until its end came; none of a request without a body.
    arrival: Option<Rc<Arrival>>,
}

impl<B: Body> Upload<B> {
    pub(super) fn new(body: B, arrivals: &Rc<Arrivals>) -> Upload<B> {
        let arrival = (!body.is_end_stream()).then(|| Arrival::new(arrivals));
        Upload { body, arrival }
    }
}

impl<B> Upload<B> {
    /// What is noted of it, if it is one.
    pub(super) fn arrival(&self) -> Option<&Rc<Arrival>> {
        self.arrival.as_ref()
    }

    /// Says whose it is.
    pub(super) fn is_of(&self, whose: Option<Counter>) {
        if let Some(arrival) = &self.arrival {
            arrival.is_of(whose);
        }
    }
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Upload { body, arrival } = &mut *self;
        let Some(awaited) = arrival else { return Poll::Ready(None) };
        if awaited.is_given_up() {
            awaited.end();
            *arrival = None;
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        match Pin::new(body).poll_frame(cx) {
            Poll::Pending => {
                awaited.wait(cx.waker());
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => {
                awaited.came(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => {
                awaited.end();
                *arrival = None;
                Poll::Ready(ended.map(|broken| broken.map_err(io::Error::other)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.arrival.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Upload<B> {
    /// Nobody wants what is left of it.
    fn drop(&mut self) {
        if let Some(arrival) = &self.arrival {
            arrival.end();
        }
    }
}

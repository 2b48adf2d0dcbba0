//! Load shedding: a request too many is refused at once, which costs little, instead of making all the others slow. One whose
//! answer is made is not counted any more, for who reads slowly must not keep others out; nor is one that waits for its body, for
//! who sends slowly must not either:
//!
//! ```text
//!  no body, or it came with the head
//!  ────────────────────────────────────────────────────► In flight ──► answered
//!  else         Arriving ──── there is a place ─────────────▲
//!                   └──────── there is none ──► 503
//! ```
//!
//! It has its place while it is looked at: so it never does anything without one, and gives it back if all it came to is to wait
//! for more of its body. How many of these there are is bounded by its [`arrivals`](crate::server::arrivals).

use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use prometheus_client::metrics::gauge::Gauge;
use tower::{Layer, Service};

use super::Response;
use crate::server::{
    Upload,
    arrivals::{Arrival, Arrivals},
    refusal::{Refusal, Refusals},
};

/// How many requests are in flight, over all workers, and how many may be.
#[derive(Debug)]
pub(super) struct Load {
    in_flight: Gauge,
    in_flight_max: i64,
}

impl Load {
    pub(super) fn new(in_flight: Gauge, in_flight_max: usize) -> Load {
        Load { in_flight, in_flight_max: i64::try_from(in_flight_max).unwrap_or(i64::MAX) }
    }

    /// Whether all places among the requests in flight are taken.
    fn is_full(&self) -> bool {
        self.in_flight.get() >= self.in_flight_max
    }
}

/// That of one request, until its answer is made.
#[derive(Debug)]
pub(super) struct Place {
    load: Rc<Load>,
    is_taken: bool,
}

impl Place {
    fn new(load: &Rc<Load>) -> Place {
        Place { load: Rc::clone(load), is_taken: false }
    }

    /// Takes it, if it is not taken and there is one; says whether the request has one now.
    fn take(&mut self) -> bool {
        if !self.is_taken {
            let others = self.load.in_flight.inc();
            self.is_taken = true;
            if others >= self.load.in_flight_max {
                self.give_back();
            }
        }
        self.is_taken
    }

    fn give_back(&mut self) {
        if self.is_taken {
            self.load.in_flight.dec();
            self.is_taken = false;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Makes [`Shed`].
#[derive(Clone, Debug)]
pub(super) struct ShedLayer {
    load: Rc<Load>,
    arrivals: Rc<Arrivals>,
    refusals: Rc<Refusals>,
}

impl ShedLayer {
    pub(super) fn new(load: Rc<Load>, arrivals: Rc<Arrivals>, refusals: Rc<Refusals>) -> ShedLayer {
        ShedLayer { load, arrivals, refusals }
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Shed<S> {
        let ShedLayer { load, arrivals, refusals } = self.clone();
        Shed { inner, load, arrivals, refusals }
    }
}

/// Refuses what is too much.
#[derive(Clone, Debug)]
pub(super) struct Shed<S> {
    inner: S,
    load: Rc<Load>,
    arrivals: Rc<Arrivals>,
    refusals: Rc<Refusals>,
}

impl<S, B> Service<Request<B>> for Shed<S>
where
    B: Body<Data = Bytes>,
    S: Service<Request<Upload<B>>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ShedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut place = Place::new(&self.load);
        // Of HTTP/2 many may come before the first is looked at: until then they wait for their bodies.
        let is_admitted = if request.body().is_end_stream() { place.take() } else { !self.load.is_full() };
        let refusals = Rc::clone(&self.refusals);
        if !is_admitted {
            return ShedFuture::Refused { refusals };
        }
        let request = request.map(|body| Upload::new(body, &self.arrivals));
        let arrival = request.body().arrival().cloned();
        ShedFuture::Admitted { inner: self.inner.call(request), place, arrival, refusals }
    }
}

/// An answer on its way, or the refusal.
#[derive(Debug)]
pub(super) enum ShedFuture<F> {
    /// The request has a place, until this is dropped; but not while it waits for its body.
    Admitted { inner: F, place: Place, arrival: Option<Rc<Arrival>>, refusals: Rc<Refusals> },
    /// It has none.
    Refused { refusals: Rc<Refusals> },
}

impl<F> Future for ShedFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            ShedFuture::Admitted { inner, place, arrival, refusals } => {
                if !place.take() {
                    return Poll::Ready(Ok(refusals.answer(Refusal::Overloaded)));
                }
                let answer = Pin::new(inner).poll(cx);
                if answer.is_pending() && arrival.as_ref().is_some_and(|arrival| arrival.is_awaited()) {
                    place.give_back();
                }
                answer
            }
            ShedFuture::Refused { refusals } => Poll::Ready(Ok(refusals.answer(Refusal::Overloaded))),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{FutureExt, Pending, pending, ready};
    use futures_util::{StreamExt, stream};
    use http::StatusCode;
    use http_body::Frame;
    use http_body_util::{BodyExt, Empty, StreamBody};
    use tokio::sync::mpsc;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::{server::Config, telemetry::Metrics};

    type Never = Pending<Result<Response, Infallible>>;

    fn layer(in_flight: &Gauge, most: usize) -> ShedLayer {
        let (load, metrics) = (Rc::new(Load::new(in_flight.clone(), most)), Metrics::new());
        let arrivals = Arrivals::new(&Config::default(), &metrics);
        ShedLayer::new(load, arrivals, Rc::new(Refusals::new(metrics)))
    }

    fn plain() -> Request<Empty<Bytes>> {
        Request::new(Empty::new())
    }

    #[tokio::test]
    async fn a_request_too_many_is_answered_503_and_leaves_no_trace() {
        let in_flight = Gauge::default();
        let layer = layer(&in_flight, 1);
        let mut stuck = layer.layer(service_fn(|_: Request<Upload<Empty<Bytes>>>| -> Never { pending() }));
        let first = stuck.call(plain());
        assert_eq!(in_flight.get(), 1);

        let refused = stuck.oneshot(plain()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(in_flight.get(), 1);

        drop(first);
        assert_eq!(in_flight.get(), 0);
        let quick =
            layer.layer(service_fn(|_: Request<Upload<Empty<Bytes>>>| ready(Ok(Response::default()))));
        assert_eq!(quick.oneshot(plain()).await.unwrap().status(), StatusCode::OK);
    }

    /// A body that comes as it is sent.
    type Slow = StreamBody<futures_util::stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

    fn slow() -> (mpsc::UnboundedSender<&'static str>, Request<Slow>) {
        let (sender, pieces) = mpsc::unbounded_channel();
        let pieces = stream::unfold(pieces, |mut pieces: mpsc::UnboundedReceiver<&'static str>| async {
            let piece = pieces.recv().await?;
            Some((Ok(Frame::data(Bytes::from_static(piece.as_bytes()))), pieces))
        });
        (sender, Request::new(StreamBody::new(pieces.boxed())))
    }

    /// Reads the body, and then never answers.
    fn reads(request: Request<Upload<Slow>>) -> Pin<Box<dyn Future<Output = Result<Response, Infallible>>>> {
        Box::pin(async {
            request.into_body().collect().await.ok();
            pending().await
        })
    }

    #[tokio::test]
    async fn a_request_has_a_place_from_when_its_body_is_there() {
        let in_flight = Gauge::default();
        let mut server = layer(&in_flight, 1).layer(service_fn(reads));
        let (sender, request) = slow();
        let mut first = server.call(request);
        assert!((&mut first).now_or_never().is_none());
        assert_eq!(in_flight.get(), 0, "it waits");
        sender.send("half").unwrap();
        assert!((&mut first).now_or_never().is_none());
        assert_eq!(in_flight.get(), 0, "and goes on to");

        // One that waits for nothing takes the only place.
        let (at_once, request) = slow();
        drop(at_once);
        let mut second = server.call(request);
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(in_flight.get(), 1);
        drop(sender);
        let refused = (&mut first).now_or_never().unwrap().unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(first);
        assert_eq!(in_flight.get(), 1, "what it did not have it cannot give back");

        let (sender, request) = slow();
        assert_eq!(server.call(request).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(second);
        assert_eq!(in_flight.get(), 0);
        drop(sender);
    }

    #[tokio::test]
    async fn who_waits_for_anything_else_keeps_the_place() {
        let in_flight = Gauge::default();
        let (sender, request) = slow();
        let unread = |request: Request<Upload<Slow>>| async move {
            let _unread = request;
            pending::<Result<Response, Infallible>>().await
        };
        let mut server = layer(&in_flight, 1).layer(service_fn(move |request| Box::pin(unread(request))));
        let mut first = server.call(request);
        assert!((&mut first).now_or_never().is_none());
        assert_eq!(in_flight.get(), 1);
        drop(sender);
    }
}

//! Load shedding: a request too many is refused at once, which costs little, instead of making all the others slow. One whose
//! answer is made is not counted any more, for who reads slowly must not keep others out; nor is one that waits for its body, for
//! who sends slowly must not either:
//!
//! ```text
//!  no body, or it came with the head
//!  ────────────────────────────────────────────────────► In flight ──► answered
//!  else     Arriving ──── its end, and there is a place ────▲
//!            ▲  └──────── its end, and there is none ──► 503
//!            └─ a piece of its body
//! ```
//!
//! A request has a place whenever it is looked at, but for one that waits for its body and for nothing else: it gives its
//! place back, and needs none for what may come while it waits, which is a piece more, or that there will be none. The end of
//! the body is told only to one that has a place then ([`Upload`]), for that is where work begins; whoever reads the body is
//! told of it, and can say so in words of its own. How many of these there are is bounded by their
//! [`arrivals`](crate::server::arrivals).

use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use tower::{Layer, Service};

use super::Response;
use crate::server::{
    Upload,
    arrivals::{Arrival, Arrivals},
    load::{Load, Place},
    refusal::{Refusal, Refusals},
};

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
        let place = Place::new(&self.load);
        // Of HTTP/2 many may come before the first is looked at: until then they wait for their bodies.
        let is_admitted = if request.body().is_end_stream() { place.take() } else { !self.load.is_full() };
        let refusals = Rc::clone(&self.refusals);
        if !is_admitted {
            return ShedFuture::Refused { refusals };
        }
        let (request, holder) = if request.body().is_end_stream() {
            (request.map(Upload::ended), Holder::Alone(place))
        } else {
            let arrival = Arrival::new(&self.arrivals, place);
            let holder = Holder::Arriving(Rc::clone(&arrival));
            let version = request.version();
            (request.map(|body| Upload::arriving(body, version, arrival)), holder)
        };
        ShedFuture::Admitted { inner: self.inner.call(request), holder, refusals }
    }
}

/// Who has the place of a request.
#[derive(Debug)]
pub(super) enum Holder {
    /// This, of one without a body.
    Alone(Place),
    /// What is noted of its body, which takes the place at the end of it.
    Arriving(Rc<Arrival>),
}

impl Holder {
    fn place(&self) -> &Place {
        match self {
            Holder::Alone(place) => place,
            Holder::Arriving(arrival) => arrival.place(),
        }
    }

    /// Whether the request waits for more of its body, and for nothing else.
    fn waits_for_body(&self) -> bool {
        match self {
            Holder::Alone(_) => false,
            Holder::Arriving(arrival) => arrival.is_awaited(),
        }
    }
}

/// An answer on its way, or the refusal.
#[derive(Debug)]
pub(super) enum ShedFuture<F> {
    /// The request has a place, until this is dropped; but not while it waits for its body.
    Admitted { inner: F, holder: Holder, refusals: Rc<Refusals> },
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
            ShedFuture::Admitted { inner, holder, refusals } => {
                if !holder.waits_for_body() && !holder.place().take() {
                    return Poll::Ready(Ok(refusals.answer(Refusal::Overloaded)));
                }
                let answer = Pin::new(inner).poll(cx);
                if answer.is_pending() {
                    if holder.waits_for_body() {
                        holder.place().give_back();
                    } else if !holder.place().take() {
                        // It waits for its body no more, but for something else.
                        return Poll::Ready(Ok(refusals.answer(Refusal::Overloaded)));
                    }
                }
                answer
            }
            ShedFuture::Refused { refusals } => Poll::Ready(Ok(refusals.answer(Refusal::Overloaded))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use futures_util::future::{FutureExt, Pending, pending, ready};
    use futures_util::{StreamExt, stream};
    use http::StatusCode;
    use http_body::Frame;
    use http_body_util::{BodyExt, Empty, StreamBody};
    use prometheus_client::metrics::gauge::Gauge;
    use tokio::sync::mpsc;
    use tokio::time::timeout;
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
        sender.send("more").unwrap();
        assert!((&mut first).now_or_never().is_none(), "a piece needs none");
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

    /// Reads the body, and says what it was told in the end.
    fn tells(request: Request<Upload<Slow>>) -> Pin<Box<dyn Future<Output = Result<Response, Infallible>>>> {
        Box::pin(async {
            let read = timeout(Duration::from_secs(10), request.into_body().collect()).await;
            let status = match read {
                Ok(Ok(_all)) => StatusCode::OK,
                Ok(Err(error)) if error.kind() == io::ErrorKind::ResourceBusy => {
                    StatusCode::INSUFFICIENT_STORAGE
                }
                Err(_elapsed) => StatusCode::REQUEST_TIMEOUT,
                Ok(Err(error)) => panic!("{error:?}"),
            };
            let mut answer = Response::default();
            *answer.status_mut() = status;
            Ok(answer)
        })
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_a_body_without_a_place_has_the_last_word() {
        let in_flight = Gauge::default();
        let layer = layer(&in_flight, 1);
        let mut server = layer.layer(service_fn(tells));
        let [mut ended, mut silent, mut lucky] = [(); 3].map(|()| {
            let (sender, request) = slow();
            let mut answer = server.call(request);
            assert!((&mut answer).now_or_never().is_none());
            sender.send("half ").unwrap();
            assert!((&mut answer).now_or_never().is_none());
            (sender, answer)
        });
        let mut stuck = layer.layer(service_fn(|_: Request<Upload<Empty<Bytes>>>| -> Never { pending() }));
        let busy = stuck.call(plain());
        assert_eq!(in_flight.get(), 1);
        drop(ended.0);
        assert_eq!((&mut ended.1).await.unwrap().status(), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(in_flight.get(), 1);
        lucky.0.send("more").unwrap();
        assert!((&mut lucky.1).now_or_never().is_none());
        drop(busy);
        drop(lucky.0);
        assert_eq!((&mut lucky.1).await.unwrap().status(), StatusCode::OK);
        drop(lucky.1);
        let busy = stuck.call(plain());
        assert_eq!((&mut silent.1).await.unwrap().status(), StatusCode::REQUEST_TIMEOUT);
        drop(silent);
        assert_eq!(in_flight.get(), 1);
        drop(busy);
        assert_eq!(in_flight.get(), 0);
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

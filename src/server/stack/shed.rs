//! Load shedding: a request too many is refused at once, which costs little, instead of making all the others slow. One whose
//! answer is made is not counted any more, for who reads slowly must not keep others out.

use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use http::Request;
use prometheus_client::metrics::gauge::Gauge;
use tower::{Layer, Service};

use super::Response;
use crate::server::refusal::{Refusal, Refusals};

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

    /// A place among the requests in flight, unless all are taken.
    fn enter(self: &Rc<Self>) -> Option<Place> {
        let others = self.in_flight.inc();
        let place = Place(Rc::clone(self));
        (others < self.in_flight_max).then_some(place)
    }
}

/// Held until a request's answer is made.
#[derive(Debug)]
pub(super) struct Place(Rc<Load>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

/// Makes [`Shed`].
#[derive(Clone, Debug)]
pub(super) struct ShedLayer {
    load: Rc<Load>,
    refusals: Rc<Refusals>,
}

impl ShedLayer {
    pub(super) fn new(load: Rc<Load>, refusals: Rc<Refusals>) -> ShedLayer {
        ShedLayer { load, refusals }
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Shed<S> {
        Shed { inner, load: Rc::clone(&self.load), refusals: Rc::clone(&self.refusals) }
    }
}

/// Refuses what is too much.
#[derive(Clone, Debug)]
pub(super) struct Shed<S> {
    inner: S,
    load: Rc<Load>,
    refusals: Rc<Refusals>,
}

impl<S, B> Service<Request<B>> for Shed<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ShedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.load.enter() {
            Some(place) => ShedFuture::Admitted { inner: self.inner.call(request), _place: place },
            None => ShedFuture::Refused { refusals: Rc::clone(&self.refusals) },
        }
    }
}

/// An answer on its way, or the refusal.
#[derive(Debug)]
pub(super) enum ShedFuture<F> {
    /// The request has a place, until this is dropped.
    Admitted { inner: F, _place: Place },
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
            ShedFuture::Admitted { inner, .. } => Pin::new(inner).poll(cx),
            ShedFuture::Refused { refusals } => Poll::Ready(Ok(refusals.answer(Refusal::Overloaded))),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{Pending, pending, ready};
    use http::StatusCode;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::telemetry::Metrics;

    type Never = Pending<Result<Response, Infallible>>;

    #[tokio::test]
    async fn a_request_too_many_is_answered_503_and_leaves_no_trace() {
        let in_flight = Gauge::default();
        let load = Rc::new(Load::new(in_flight.clone(), 1));
        let layer = ShedLayer::new(load, Rc::new(Refusals::new(Metrics::new())));
        let mut stuck = layer.layer(service_fn(|_: Request<()>| -> Never { pending() }));
        let first = stuck.call(Request::new(()));
        assert_eq!(in_flight.get(), 1);

        let refused = stuck.oneshot(Request::new(())).await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(in_flight.get(), 1);

        drop(first);
        assert_eq!(in_flight.get(), 0);
        let quick = layer.layer(service_fn(|_: Request<()>| ready(Ok(Response::default()))));
        assert_eq!(quick.oneshot(Request::new(())).await.unwrap().status(), StatusCode::OK);
    }
}

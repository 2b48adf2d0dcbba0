//! The deadline of a whole request: past it, the handler is dropped and the client gets a 504.
//!
//! The handler finds its [`Deadline`] in the request's extensions, so that it starts nothing that cannot be finished.

use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Request;
use tokio::time::{Sleep, sleep_until};
use tower::{Layer, Service};

use super::Response;
use crate::{
    server::refusal::{Refusal, Refusals},
    time::Deadline,
};

/// Makes [`Timely`].
#[derive(Clone, Debug)]
pub(super) struct DeadlineLayer {
    allowance: Duration,
    refusals: Rc<Refusals>,
}

impl DeadlineLayer {
    pub(super) fn new(allowance: Duration, refusals: Rc<Refusals>) -> DeadlineLayer {
        DeadlineLayer { allowance, refusals }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Timely<S>;

    fn layer(&self, inner: S) -> Timely<S> {
        Timely { inner, allowance: self.allowance, refusals: Rc::clone(&self.refusals) }
    }
}

/// Answers in time.
#[derive(Clone, Debug)]
pub(super) struct Timely<S> {
    inner: S,
    allowance: Duration,
    refusals: Rc<Refusals>,
}

impl<S, B> Service<Request<B>> for Timely<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = TimelyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let deadline = Deadline::after(self.allowance);
        request.extensions_mut().insert(deadline);
        TimelyFuture {
            inner: self.inner.call(request),
            deadline,
            too_late: None,
            refusals: Rc::clone(&self.refusals),
        }
    }
}

/// The answer, or the refusal when it is too late.
#[derive(Debug)]
pub(super) struct TimelyFuture<F> {
    inner: F,
    deadline: Deadline,
    /// Set when there is something to wait for: most refusals are there at once.
    too_late: Option<Pin<Box<Sleep>>>,
    refusals: Rc<Refusals>,
}

impl<F> Future for TimelyFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The answer first: one that is there at the very last moment still counts.
        if let Poll::Ready(answer) = Pin::new(&mut self.inner).poll(cx) {
            return Poll::Ready(answer);
        }
        let this = &mut *self;
        let too_late = this.too_late.get_or_insert_with(|| Box::pin(sleep_until(this.deadline.instant())));
        ready!(too_late.as_mut().poll(cx));
        Poll::Ready(Ok(self.refusals.answer(Refusal::DeadlineExceeded)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{Pending, pending, ready};
    use http::StatusCode;
    use tokio::time::Instant;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::telemetry::Metrics;

    fn layer() -> DeadlineLayer {
        DeadlineLayer::new(Duration::from_secs(30), Rc::new(Refusals::new(Metrics::new())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_too_long_is_answered_for() {
        let start = Instant::now();
        let stuck = service_fn(|_: Request<()>| -> Pending<Result<Response, Infallible>> { pending() });
        let answer = layer().layer(stuck).oneshot(Request::new(())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn the_handler_knows_its_deadline() {
        let service = service_fn(|request: Request<()>| {
            let deadline: Deadline = *request.extensions().get().unwrap();
            assert_eq!(deadline, Deadline::after(Duration::from_secs(30)));
            ready(Ok(Response::default()))
        });
        layer().layer(service).oneshot(Request::new(())).await.unwrap();
    }
}

//! A panic while handling one request becomes a 500 for that request and nothing for the others.
//!
//! The panic hook has logged where it happened by the time it is caught here; the client learns only that it did.

use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use http::Request;
use tower::{Layer, Service};

use super::Response;
use crate::{
    server::refusal::{Refusal, Refusals},
    telemetry::{RequestId, names::field},
};

/// Makes [`CatchPanic`].
#[derive(Clone, Debug)]
pub(super) struct PanicLayer {
    refusals: Rc<Refusals>,
}

impl PanicLayer {
    pub(super) fn new(refusals: Rc<Refusals>) -> PanicLayer {
        PanicLayer { refusals }
    }
}

impl<S> Layer<S> for PanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner, refusals: Rc::clone(&self.refusals) }
    }
}

/// Keeps panics to the request they happened in.
#[derive(Clone, Debug)]
pub(super) struct CatchPanic<S> {
    inner: S,
    refusals: Rc<Refusals>,
}

impl<S, B> Service<Request<B>> for CatchPanic<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let id = request.extensions().get::<RequestId>().cloned();
        let refusals = Rc::clone(&self.refusals);
        CatchPanicFuture { inner: Some(self.inner.call(request)), id, refusals }
    }
}

/// Polls what may panic.
#[derive(Debug)]
pub(super) struct CatchPanicFuture<F> {
    /// Gone once it has panicked, and with it everything it held.
    inner: Option<F>,
    id: Option<RequestId>,
    refusals: Rc<Refusals>,
}

impl<F> Future for CatchPanicFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(inner) = &mut self.inner {
            // Unwind safe: what panicked is dropped unseen, and handlers share nothing a panic could leave half done.
            let poll = AssertUnwindSafe(|| Pin::new(inner).poll(cx));
            if let Ok(polled) = catch_unwind(poll) {
                return polled;
            }
        }
        self.inner = None;
        let id = self.id.as_ref().map(RequestId::as_str);
        tracing::error!({ field::REQUEST_ID } = id, "request ended in a panic");
        Poll::Ready(Ok(self.refusals.answer(Refusal::Internal)))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::telemetry::Metrics;

    #[tokio::test]
    async fn a_panic_becomes_a_500() {
        let service = service_fn(|_: Request<()>| {
            Box::pin(async {
                tokio::task::yield_now().await;
                panic!("for the test")
            })
        });
        let layer = PanicLayer::new(Rc::new(Refusals::new(Metrics::new())));
        let answer = layer.layer(service).oneshot(Request::new(())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

//! Every request has an id: the client's own if it is a harmless one, else a new one.
//!
//! The handler finds it in the request's extensions, the client in the answer's headers.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Request;
use tower::{Layer, Service};

use super::Response;
use crate::telemetry::{RequestId, X_REQUEST_ID};

/// Makes [`Identified`].
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestIdLayer;

impl<S> Layer<S> for RequestIdLayer {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified { inner }
    }
}

/// Gives requests their ids.
#[derive(Clone, Debug)]
pub(super) struct Identified<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Identified<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = IdentifiedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let chosen = request.headers().get(X_REQUEST_ID).and_then(RequestId::accept);
        let id = chosen.unwrap_or_else(RequestId::make);
        request.extensions_mut().insert(id.clone());
        IdentifiedFuture { inner: self.inner.call(request), id }
    }
}

/// Puts the id on the answer.
#[derive(Debug)]
pub(super) struct IdentifiedFuture<F> {
    inner: F,
    id: RequestId,
}

impl<F> Future for IdentifiedFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut answer) = ready!(Pin::new(&mut self.inner).poll(cx));
        answer.headers_mut().insert(X_REQUEST_ID, self.id.to_header());
        Poll::Ready(Ok(answer))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::ready;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::server::Body;

    /// The id the handler was given and the one the client was.
    async fn ids(request: Request<()>) -> (String, String) {
        let tell = service_fn(|request: Request<()>| {
            let id = request.extensions().get::<RequestId>().unwrap().to_header();
            ready(Ok(http::Response::builder().header("given", id).body(Body::default()).unwrap()))
        });
        let answer = RequestIdLayer.layer(tell).oneshot(request).await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        (header("given"), header("x-request-id"))
    }

    #[tokio::test]
    async fn a_clients_own_id_is_kept_and_echoed() {
        let request = Request::builder().header(X_REQUEST_ID, "abc-1").body(()).unwrap();
        assert_eq!(ids(request).await, ("abc-1".into(), "abc-1".into()));
    }

    #[tokio::test]
    async fn a_missing_or_unfit_id_is_replaced() {
        for request in [Request::builder(), Request::builder().header(X_REQUEST_ID, "a b")] {
            let (given, echoed) = ids(request.body(()).unwrap()).await;
            assert_eq!(given, echoed);
            assert_eq!(given.len(), 36, "{given}");
        }
    }
}

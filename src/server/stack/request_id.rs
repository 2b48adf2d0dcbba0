//! Every request has an id: the client's own if it is a harmless one, and tells nothing of its credential; else a new one.
//!
//! The handler finds it in the request's extensions, the client in the answer's headers.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Request;
use tower::{Layer, Service};

use super::{Handler, Response};
use crate::telemetry::{RequestId, X_REQUEST_ID};

/// Makes [`Identified`].
#[derive(Clone, Debug)]
pub(super) struct RequestIdLayer<H> {
    handler: H,
}

impl<H> RequestIdLayer<H> {
    /// Ids that `handler` takes for no secrets.
    pub(super) fn new(handler: H) -> RequestIdLayer<H> {
        RequestIdLayer { handler }
    }
}

impl<H: Clone, S> Layer<S> for RequestIdLayer<H> {
    type Service = Identified<H, S>;

    fn layer(&self, inner: S) -> Identified<H, S> {
        Identified { handler: self.handler.clone(), inner }
    }
}

/// Gives requests their ids.
#[derive(Clone, Debug)]
pub(super) struct Identified<H, S> {
    handler: H,
    inner: S,
}

impl<H, S, B> Service<Request<B>> for Identified<H, S>
where
    H: Handler,
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
        let is_harmless = |id: &RequestId| !self.handler.is_secret(request.headers(), id.as_str());
        let id = chosen.filter(is_harmless).unwrap_or_else(RequestId::make);
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
    use crate::server::{Body, Peer, Upload};

    /// Knows one secret.
    #[derive(Clone)]
    struct Knows;

    impl Handler for Knows {
        async fn handle(self, _: Request<Upload>, _: Peer) -> Response {
            Response::default()
        }

        fn is_secret(&self, headers: &http::HeaderMap, text: &str) -> bool {
            headers.get("key").is_some_and(|key| key == text)
        }
    }

    /// The id the handler was given and the one the client was.
    async fn ids(request: Request<()>) -> (String, String) {
        let tell = service_fn(|request: Request<()>| {
            let id = request.extensions().get::<RequestId>().unwrap().to_header();
            ready(Ok(http::Response::builder().header("given", id).body(Body::default()).unwrap()))
        });
        let answer = RequestIdLayer::new(Knows).layer(tell).oneshot(request).await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        (header("given"), header("x-request-id"))
    }

    #[tokio::test]
    async fn a_clients_own_id_is_kept_and_echoed() {
        let request = Request::builder().header(X_REQUEST_ID, "abc-1").body(()).unwrap();
        assert_eq!(ids(request).await, ("abc-1".into(), "abc-1".into()));
    }

    #[tokio::test]
    async fn an_id_that_is_a_secret_is_replaced() {
        let request =
            |key: &str| Request::builder().header(X_REQUEST_ID, "abc-1").header("key", key).body(()).unwrap();
        assert_eq!(ids(request("abc-2")).await.0, "abc-1");
        let (given, echoed) = ids(request("abc-1")).await;
        assert_eq!((&given, given.len()), (&echoed, 36));
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

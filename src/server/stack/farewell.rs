//! While the server drains, every HTTP/1 answer says `connection: close`, so that clients move on.
//!
//! hyper closes the connection after such an answer. HTTP/2 has no such header and needs none: there the connection
//! itself has said goodbye with GOAWAY.

use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Version, header::CONNECTION};
use tower::{Layer, Service};

use super::Response;
use crate::server::Drain;

/// Makes [`Farewell`].
#[derive(Clone, Debug)]
pub(super) struct FarewellLayer {
    drain: Rc<Drain>,
}

impl FarewellLayer {
    pub(super) fn new(drain: Rc<Drain>) -> FarewellLayer {
        FarewellLayer { drain }
    }
}

impl<S> Layer<S> for FarewellLayer {
    type Service = Farewell<S>;

    fn layer(&self, inner: S) -> Farewell<S> {
        Farewell { inner, drain: Rc::clone(&self.drain) }
    }
}

/// Closes connections answer by answer.
#[derive(Clone, Debug)]
pub(super) struct Farewell<S> {
    inner: S,
    drain: Rc<Drain>,
}

impl<S, B> Service<Request<B>> for Farewell<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = FarewellFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let drain = (request.version() <= Version::HTTP_11).then(|| Rc::clone(&self.drain));
        FarewellFuture { inner: self.inner.call(request), drain }
    }
}

/// Looks at the drain when the answer is there, not when the request came.
#[derive(Debug)]
pub(super) struct FarewellFuture<F> {
    inner: F,
    /// `None` for HTTP/2.
    drain: Option<Rc<Drain>>,
}

impl<F> Future for FarewellFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut answer) = ready!(Pin::new(&mut self.inner).poll(cx));
        if self.drain.as_ref().is_some_and(|drain| drain.has_begun()) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::ready;
    use tower::{ServiceExt, service_fn};

    use super::*;

    async fn says_close(version: Version, drain: &Drain) -> bool {
        let service = service_fn(|_: Request<()>| ready(Ok(Response::default())));
        let request = Request::builder().version(version).body(()).unwrap();
        let answer =
            FarewellLayer::new(Rc::new(drain.clone())).layer(service).oneshot(request).await.unwrap();
        answer.headers().contains_key(CONNECTION)
    }

    #[tokio::test]
    async fn answers_say_close_once_the_drain_has_begun_and_only_over_http_1() {
        let drain = Drain::new();
        assert!(!says_close(Version::HTTP_11, &drain).await);
        drain.begin();
        assert!(says_close(Version::HTTP_11, &drain).await);
        assert!(says_close(Version::HTTP_10, &drain).await);
        assert!(!says_close(Version::HTTP_2, &drain).await);
    }

    #[tokio::test]
    async fn a_drain_that_begins_while_the_request_is_in_flight_is_heeded() {
        let drain = Drain::new();
        let begun = drain.clone();
        let service = service_fn(move |_: Request<()>| {
            begun.begin();
            ready(Ok(Response::default()))
        });
        let answer =
            FarewellLayer::new(Rc::new(drain)).layer(service).oneshot(Request::new(())).await.unwrap();
        assert_eq!(answer.headers()[CONNECTION], "close");
    }
}

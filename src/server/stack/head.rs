//! An answer to HEAD goes without its body, and says how long that would be (RFC 9110, section 9.3.2).
//!
//! Handlers may answer as to GET. The HTTP library leaves bodies out of HTTP/1.1 alone: over HTTP/2 it would send them.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Method, Request, header::CONTENT_LENGTH};
use http_body::Body as _;
use tower::{Layer, Service};

use super::Response;
use crate::server::Body;

/// Makes [`Headed`].
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadLayer;

impl<S> Layer<S> for HeadLayer {
    type Service = Headed<S>;

    fn layer(&self, inner: S) -> Headed<S> {
        Headed { inner }
    }
}

/// Leaves out the bodies that nobody asked for.
#[derive(Clone, Debug)]
pub(super) struct Headed<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Headed<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = HeadedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let wants_head_alone = *request.method() == Method::HEAD;
        HeadedFuture { inner: self.inner.call(request), wants_head_alone }
    }
}

/// Takes the body off the answer.
#[derive(Debug)]
pub(super) struct HeadedFuture<F> {
    inner: F,
    wants_head_alone: bool,
}

impl<F> Future for HeadedFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut answer) = ready!(Pin::new(&mut self.inner).poll(cx));
        if self.wants_head_alone {
            leave_out_body(&mut answer);
        }
        Poll::Ready(Ok(answer))
    }
}

fn leave_out_body(answer: &mut Response) {
    let length = answer.body().size_hint().exact();
    // The request is in flight until its answer was taken, as any other.
    let place = answer.body_mut().take_place();
    *answer.body_mut() = Body::default();
    answer.body_mut().hold(place);
    // An answer that has no body at all may be one that must not have a length: then it is left to the library.
    if let Some(length @ 1..) = length {
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::future::ready;
    use http_body_util::{BodyExt, Full};
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// The length that is told, and the bytes that are sent.
    async fn answered(method: Method, body: &'static str) -> (Option<String>, Bytes) {
        let answer = move |_| ready(Ok(Response::new(Body::from(Full::from(body)))));
        let request = Request::builder().method(method).body(()).unwrap();
        let answer = HeadLayer.layer(service_fn(answer)).oneshot(request).await.unwrap();
        let length = answer.headers().get(CONTENT_LENGTH).map(|length| length.to_str().unwrap().to_owned());
        (length, answer.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn an_answer_to_head_says_how_long_it_would_be() {
        assert_eq!(answered(Method::HEAD, "hello").await, (Some("5".to_owned()), Bytes::new()));
        assert_eq!(answered(Method::GET, "hello").await, (None, Bytes::from("hello")));
        assert_eq!(answered(Method::HEAD, "").await, (None, Bytes::new()), "RFC 9110, section 8.6");
    }
}

//! What every HTTP server needs around its handler, as a stack of tower layers.
//!
//! Nothing in here knows what a request means. All layers have the same shape: the layer, the service it makes, the
//! future that service answers with. Only that of the handler is boxed, so the others can be plain structs around it.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::future::LocalBoxFuture;
use http::header::{HeaderMap, TRANSFER_ENCODING};
use hyper::body::Incoming;
use tower::{Service, ServiceBuilder};

use crate::{
    server::{
        Body, Drain, Handler, Peer, Shared, Upload,
        arrivals::Arrivals,
        backlog::Backlog,
        framing::TwoEnds,
        in_flight::Place,
        load::Load,
        refusal::{Refusal, Refusals},
    },
    telemetry::{RequestId, names::field},
};

mod callers;
mod deadline;
mod farewell;
mod head;
mod panic;
mod request_id;
mod shed;

use callers::{Brings, Callers};
use deadline::DeadlineLayer;
use farewell::FarewellLayer;
use head::HeadLayer;
use panic::PanicLayer;
use request_id::RequestIdLayer;
use shed::ShedLayer;

/// What every layer answers with.
type Response = http::Response<Body>;

/// What the layers of one worker have in common. Each request holds some of it, and counting who does must not make
/// processors wait for one another: hence `Rc`, around what the workers do share.
#[derive(Clone, Debug)]
pub(super) struct Common {
    drain: Rc<Drain>,
    load: Rc<Load>,
    callers: Rc<Callers>,
    arrivals: Rc<Arrivals>,
    backlog: Rc<Backlog>,
    refusals: Rc<Refusals>,
    names_addresses: bool,
    request_deadline: Duration,
}

impl Common {
    pub(super) fn new(shared: &Shared, backlog: &Rc<Backlog>) -> Common {
        let Shared { config, drain, metrics, .. } = shared;
        Common {
            drain: Rc::new(drain.clone()),
            load: Rc::new(Load::new(metrics.requests_in_flight(), config.in_flight_max)),
            callers: Rc::new(Callers::new(shared)),
            arrivals: Arrivals::new(config, metrics),
            backlog: Rc::clone(backlog),
            refusals: Rc::new(Refusals::new(metrics.clone())),
            names_addresses: config.names_addresses,
            request_deadline: config.request_deadline,
        }
    }
}

/// The stack for one connection. It is always ready.
pub(super) fn stack<H: Handler>(
    handler: H,
    peer: Peer,
    common: Common,
) -> impl Service<
    http::Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + use<H>,
> + use<H> {
    let Common { drain, load, callers, arrivals, backlog, refusals, names_addresses, request_deadline } =
        common;
    let brings = callers.at(peer.address.ip());
    ServiceBuilder::new()
        // Outermost, so that every answer carries the request's id, the ones of the layers below too.
        .layer(RequestIdLayer::new(handler.clone()))
        // Takes the body off what is told to HEAD; above everything that answers.
        .layer(HeadLayer)
        // Says `connection: close` while draining; above everything that answers on its own.
        .layer(FarewellLayer::new(drain))
        // A panic becomes a 500; above shedding, so that the unwinding has given the request's place back by then.
        .layer(PanicLayer::new(Rc::clone(&refusals)))
        // Refuses with 503 when too many requests are in flight; above the deadline, for a refusal must not cost a timer.
        // From here on it is known of a request whether its body is there.
        .layer(ShedLayer::new(load, arrivals, Rc::clone(&refusals)))
        // Innermost: the time the layers above take is nothing, and the handler can see its deadline.
        .layer(DeadlineLayer::new(request_deadline, Rc::clone(&refusals)))
        .service(Handling { handler, peer, brings, callers, backlog, refusals, names_addresses })
}

/// The handler as a service.
#[derive(Clone, Debug)]
struct Handling<H> {
    handler: H,
    peer: Peer,
    brings: Brings,
    callers: Rc<Callers>,
    backlog: Rc<Backlog>,
    refusals: Rc<Refusals>,
    names_addresses: bool,
}

impl<H> Handling<H> {
    /// Says that a request was refused here, before there is an event of its own: else nobody could find out who it was that
    /// had too much, or sent what has two ends.
    fn tell(&self, refusal: Refusal, id: Option<&RequestId>, client: Option<IpAddr>) {
        let client = client.filter(|_| self.names_addresses);
        tracing::info!(
            { field::REQUEST_ID } = id.map(RequestId::as_str),
            { field::CLIENT_ADDRESS } = client.map(tracing::field::display),
            { field::CODE } = refusal.code(),
            "request refused"
        );
    }
}

/// Whether the body comes in chunks and nothing else, if in any encoding. hyper looks at the last encoding alone, and
/// reads `gzip, chunked` and `chunked, chunked` as chunks; another server may read on (RFC 9112, section 6.1).
fn is_plainly_framed(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(encoding), None) => encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

impl<H: Handler> Service<http::Request<Upload>> for Handling<H> {
    type Response = Response;
    type Error = Infallible;
    type Future = Handled;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Upload>) -> Self::Future {
        let mut peer = self.peer.clone();
        let has_two_ends = request.extensions().get::<TwoEnds>().is_some();
        let admitted = if has_two_ends || !is_plainly_framed(request.headers()) {
            Err(Refusal::Framing)
        } else {
            let admitted = self.callers.admit(self.brings, request.headers(), &mut peer);
            admitted.and_then(|place| if self.backlog.is_full() { Err(Refusal::Untaken) } else { Ok(place) })
        };
        let handler = self.handler.clone();
        match admitted {
            Ok(place) => {
                request.body().is_of(place.as_ref().map(Place::counter));
                Handled { answer: Box::pin(handler.handle(request, peer)), place }
            }
            Err(refusal) => {
                self.tell(refusal, request.extensions().get(), peer.client);
                let refusals = Rc::clone(&self.refusals);
                // Polled where a panic is caught, as all that a handler does.
                let answer = Box::pin(async move {
                    let (head, _unread) = request.into_parts();
                    let told = handler.refuse(&head, &peer, &refusal.refused());
                    refusals.answer_or(refusal, told)
                });
                Handled { answer, place: None }
            }
        }
    }
}

/// The answer, which holds the place of its request. The box has room for what the handler does and for nothing else: it is
/// kilobytes, all of which are written for each request.
struct Handled {
    answer: LocalBoxFuture<'static, Response>,
    place: Option<Place>,
}

impl Future for Handled {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = ready!(self.answer.as_mut().poll(cx));
        answer.body_mut().hold(self.place.take());
        Poll::Ready(Ok(answer))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_chunks_alone_are_plain() {
        let framed = |encodings: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for encoding in encodings {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(encoding));
            }
            is_plainly_framed(&headers)
        };
        assert!(framed(&[]) && framed(&["chunked"]) && framed(&["Chunked \t"]));
        for encodings in [
            &["gzip, chunked"][..],
            &["chunked, chunked"],
            &["chunked", "chunked"],
            &["", "chunked"],
            &["identity", "chunked"],
            &["chunked;a=b"],
            &[""],
        ] {
            assert!(!framed(encodings), "{encodings:?}");
        }
    }
}

//! In the place of phases 3 to 8: a request is handed on to the old upstream as it is, and its answer back as it comes.
//!
//! Nothing is translated: method, path below the mount, query, headers and body are the client's, but for what belongs to
//! one connection, and what hops say of their clients, which is ours to say. Only failing to get an answer is told in the
//! words of the dialect.

use std::pin::pin;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, LINK, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;

use super::admit::Admitted;
use super::explain::X_EXPLAIN;
use super::fetch::{counted, unanswered};
use super::key::IDEMPOTENCY_KEY;
use super::mode::Plan;
use super::select::Selected;
use super::{Exchange, Gateway, Shared, decode, retirement};
use crate::dialect::operation::AnswerPlan;
use crate::dialect::url::Url;
use crate::dialect::{self, Operation};
use crate::json::{Document, Limits};
use crate::problem::Problem;
use crate::schema::Schema;
use crate::telemetry::{RequestId, X_REQUEST_ID};
use crate::translate::{self, lift};
use crate::upstream;

static OURSELVES: HeaderValue = HeaderValue::from_static("1.1 interlingua");

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Hands a request on, and its answer back.
pub(super) async fn pass<B: Body<Data = Bytes>>(
    gateway: &Gateway,
    plan: &Plan,
    admitted: Admitted<B>,
    exchange: &mut Exchange,
) -> Result<Response<Full<Bytes>>, Box<Problem>> {
    let Admitted { selected: Selected { target, url, head, body }, credential: _ } = admitted;
    let shared = &*gateway.shared;
    let upstream = plan.upstream(&gateway.legacies);
    let upstream = upstream.ok_or_else(|| Box::new(Problem::internal("a mode has no old upstream")))?;
    let body = decode::bytes(&shared.config, pin!(body)).await?;
    let headers = onward(&head.headers, &url, exchange);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), Some(value))).collect();
    let call = upstream::Request {
        method: &head.method,
        target: &url.target.as_str()[url.mount..],
        headers: &headers,
        body: &body,
        safe: head.method.is_safe(),
        is_keyed: head.headers.contains_key(IDEMPOTENCY_KEY),
        follows: false,
        passes: true,
    };
    exchange.count_call();
    let outcome = upstream.send(call, exchange.deadline).await;
    shared.meters.passed(&target.dialect.name, counted(&outcome));
    let answer = outcome.map_err(|error| Box::new(unanswered(&error)))?;
    if plan.validates() {
        validate(shared, target, url, &body, &answer);
    }
    Ok(back(answer, exchange))
}

/// The headers of a request as the old upstream gets them.
fn onward(headers: &HeaderMap, url: &Url, exchange: &Exchange) -> HeaderMap {
    let mut onward = without_those_of_one_connection(headers);
    let is_a_hops = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("x-forwarded-") || name == "forwarded" || name == "x-real-ip"
    };
    let of_hops: Vec<_> = onward.keys().filter(|name| is_a_hops(name)).cloned().collect();
    for name in of_hops.iter().chain([&X_EXPLAIN]) {
        onward.remove(name);
    }
    // Links in its answers are to be those of the address that the client knows.
    if let Some((scheme, authority)) = &url.origin {
        for (name, text) in [(X_FORWARDED_HOST, authority.as_str()), (X_FORWARDED_PROTO, scheme.as_str())] {
            if let Ok(value) = HeaderValue::from_str(text) {
                onward.insert(name, value);
            }
        }
    }
    if let Some(id) = &exchange.request_id {
        onward.insert(X_REQUEST_ID, RequestId::to_header(id));
    }
    // RFC 9110, section 7.6.3.
    onward.append(VIA, OURSELVES.clone());
    onward
}

/// An answer as the client gets it, and besides what retires.
fn back(answer: upstream::Answer, exchange: &Exchange) -> Response<Full<Bytes>> {
    let upstream::Answer { status, headers, body, .. } = answer;
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = headers.unwrap_or_default();
    *response.headers_mut() = without_those_of_one_connection(&headers);
    // The length is said by whoever writes the answer.
    response.headers_mut().remove(CONTENT_LENGTH);
    let mut retires = HeaderMap::new();
    retirement::write_headers(exchange, &mut retires);
    for (name, value) in &retires {
        // Its own links stay.
        if *name == LINK {
            response.headers_mut().append(name, value.clone());
        } else {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Headers that are for the other end of a message, not of a connection (RFC 9110, section 7.6.1).
fn without_those_of_one_connection(headers: &HeaderMap) -> HeaderMap {
    let mut others = headers.clone();
    for options in headers.get_all(CONNECTION) {
        for option in options.to_str().unwrap_or_default().split(',').map(str::trim) {
            others.remove(option);
        }
    }
    for name in ["keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"] {
        others.remove(name);
    }
    for name in [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION] {
        others.remove(name);
    }
    others
}

/// Looks whether request and answer are what the mapping takes them for, and counts what is not.
fn validate(shared: &Shared, target: dialect::Selected, url: Url, body: &Bytes, answer: &upstream::Answer) {
    let (dialect, operation) = (target.dialect.clone(), target.operation.clone());
    if answer_fits(shared, &operation, answer) == Some(false) {
        shared.meters.passed_misfit(&dialect.name, &operation.name, "answer");
    }
    // What the old upstream refuses need not be right.
    if answer.status.is_success() && !request_fits(shared, target, url, body) {
        shared.meters.passed_misfit(&dialect.name, &operation.name, "request");
    }
}

/// Whether it could be lifted, as far as that is known without asking anybody.
pub(super) fn request_fits(shared: &Shared, target: dialect::Selected, url: Url, body: &Bytes) -> bool {
    let document = if body.is_empty() { Ok(None) } else { parsed(shared, body).map(Some).ok_or(()) };
    let Ok(document) = document else { return false };
    let Ok(mut request) = translate::Request::new(target, url, document) else { return false };
    if translate::check(&request).is_err() {
        return false;
    }
    request.choose_case();
    let most = shared.config.fan_out_max;
    translate::fan_out(&request, most).is_ok()
        && lift::lift(shared.registry.api(), &request, &shared.resolutions()).is_ok()
}

/// Whether an answer is one that the mapping says the dialect has. Of refusals, and of what is encoded, nobody knows.
fn answer_fits(shared: &Shared, operation: &Operation, answer: &upstream::Answer) -> Option<bool> {
    let is_encoded = answer.headers.as_ref().is_some_and(|headers| headers.contains_key(CONTENT_ENCODING));
    if !answer.status.is_success() || is_encoded {
        return None;
    }
    let mut fits = None;
    for schema in operation.with_cases().filter_map(|one| shape_of(one, answer.status)) {
        let fits_this = match schema {
            Shape::Any => true,
            Shape::Of(schema) => {
                parsed(shared, &answer.body).is_some_and(|body| schema.is_valid(body.root()))
            }
        };
        fits = Some(fits.unwrap_or(false) || fits_this);
    }
    // A success that no mapping speaks of is none that clients of the dialect know.
    Some(fits.unwrap_or(false))
}

/// What a body must look like.
enum Shape<'o> {
    Any,
    Of(&'o Schema),
}

/// What a body must look like that comes with a status, if there is such an answer.
fn shape_of(operation: &Operation, status: StatusCode) -> Option<Shape<'_>> {
    let schema = match &operation.answer {
        AnswerPlan::One(answers) => answers.iter().find(|answer| answer.status == status)?.schema.as_ref(),
        AnswerPlan::Collect(collect) => {
            let is_known = [Some(collect.all), Some(collect.some), collect.none].contains(&Some(status));
            if !is_known {
                return None;
            }
            collect.schema.as_ref()
        }
    };
    Some(schema.map_or(Shape::Any, |schema| Shape::Of(schema)))
}

fn parsed(shared: &Shared, bytes: &[u8]) -> Option<Document> {
    let limits = Limits { depth_max: shared.config.depth_max, bytes_max: usize::MAX, ..Limits::default() };
    Document::parse(bytes.to_vec(), &limits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        lines.collect()
    }

    #[test]
    fn what_belongs_to_one_connection_is_not_handed_on() {
        let all = headers(&[
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic eA=="),
            ("x-other", "2"),
        ]);
        assert_eq!(without_those_of_one_connection(&all), headers(&[("x-other", "2")]));
    }

    #[test]
    fn what_clients_say_of_hops_is_not_handed_on_and_how_they_called_us_is() {
        let mut request = http::Request::new(());
        request.extensions_mut().insert(RequestId::accept(&HeaderValue::from_static("one")).unwrap());
        let exchange = Exchange::of(&request, std::time::Duration::from_secs(1));
        let url = Url {
            origin: Some((http::uri::Scheme::HTTPS, http::uri::Authority::from_static("api.example:8443"))),
            ..Url::of(http::uri::PathAndQuery::from_static("/a"))
        };
        let client = headers(&[
            ("authorization", "Bearer x"),
            ("forwarded", "for=1"),
            ("via", "1.0 fred"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "evil.example"),
            ("x-interlingua-explain", "1.aa"),
            ("x-request-id", "theirs"),
        ]);
        let mut expected = headers(&[
            ("authorization", "Bearer x"),
            ("via", "1.0 fred"),
            ("x-forwarded-host", "api.example:8443"),
            ("x-forwarded-proto", "https"),
            ("x-request-id", "one"),
        ]);
        expected.append(VIA, HeaderValue::from_static("1.1 interlingua"));
        assert_eq!(onward(&client, &url, &exchange), expected);
    }
}

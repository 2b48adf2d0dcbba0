//! Phase 8: the dialect's answer as a response, with the few headers a client may see.
//!
//! Nothing of the backend's headers gets here, so nothing of them can leak.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use super::quota::Quotas;
use super::{Exchange, retirement};
use crate::dialect::Dialect;
use crate::dialect::errors::Rendered;
use crate::limit::Headers;
use crate::problem::Problem;
use crate::translate::lower::Lowered;

/// An answer that is no refusal.
pub(super) fn encode(lowered: Lowered, quotas: &Quotas, exchange: &Exchange) -> Response<Full<Bytes>> {
    let Lowered { status, body, location, omitted: _, lost: _ } = lowered;
    let standing = quotas.headers(exchange, SystemTime::now());
    let mut response = response(status, body.unwrap_or_default(), JSON, standing);
    // It is made of the client's own address and of encoded ids, so that nothing in it could end the header.
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    retirement::write_headers(exchange, response.headers_mut());
    response
}

/// Sends the client to another address, to ask the same there.
pub(super) fn redirect(status: StatusCode, location: String, exchange: &Exchange) -> Response<Full<Bytes>> {
    let mut response = response(status, Vec::new(), JSON, None);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    retirement::write_headers(exchange, response.headers_mut());
    response
}

/// A refusal, once it has been put into the words of the dialect.
pub(super) fn refusal(
    rendered: Rendered,
    problem: &Problem,
    quotas: &Quotas,
    exchange: &Exchange,
) -> Response<Full<Bytes>> {
    let Rendered { status, content_type, body } = rendered;
    let standing = quotas.headers(exchange, SystemTime::now());
    let mut response = response(status, body, content_type, standing);
    let headers = response.headers_mut();
    if let Some(retry_after) = problem.retry_after {
        Headers::write_retry_after(retry_after, headers);
    }
    if !problem.allow.is_empty() {
        headers.insert(ALLOW, allow(&problem.allow));
    }
    if let (StatusCode::UNAUTHORIZED, Some(dialect)) = (status, &exchange.dialect) {
        write_challenges(dialect, headers);
    }
    retirement::write_headers(exchange, headers);
    response
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Room for as many headers as an answer without those of a quota has, so that the map is not made anew while they are written.
const HEADERS: usize = 8;

/// A response with the headers that tell where the client stands, if any do, and those that all have.
fn response(
    status: StatusCode,
    body: Vec<u8>,
    content_type: HeaderValue,
    standing: Option<HeaderMap>,
) -> Response<Full<Bytes>> {
    let has_body = !body.is_empty();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    *headers = standing.unwrap_or_else(|| HeaderMap::with_capacity(HEADERS));
    if has_body {
        headers.insert(CONTENT_TYPE, content_type);
    }
    // Answers hold people's data and invitations' tokens, for the eyes of one principal.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::try_from(names.join(", ")).expect("names of methods are visible ASCII")
}

/// How a client may say who it is (RFC 9110, section 11.6.1). A bare key has no scheme that could be named.
fn write_challenges(dialect: &Dialect, headers: &mut HeaderMap) {
    let schemes = dialect.credentials.iter().filter_map(|credential| credential.scheme.as_deref());
    for challenge in schemes.filter_map(|scheme| HeaderValue::try_from(scheme).ok()) {
        headers.append(WWW_AUTHENTICATE, challenge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_without_a_body_has_no_type_for_it() {
        let empty = response(StatusCode::NO_CONTENT, Vec::new(), JSON, None);
        assert!(!empty.headers().contains_key(CONTENT_TYPE));
        let full = response(StatusCode::OK, b"{}".to_vec(), JSON, None);
        assert_eq!(full.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn no_answer_may_be_stored() {
        assert_eq!(response(StatusCode::OK, Vec::new(), JSON, None).headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn methods_are_listed_with_commas() {
        assert_eq!(allow(&[Method::PATCH]), "PATCH");
        assert_eq!(allow(&[Method::GET, Method::PATCH]), "GET, PATCH");
    }
}

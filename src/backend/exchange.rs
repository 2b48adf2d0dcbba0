//! From an HTTP request to what an operation needs to know, within bounds.

use axum::body::Body;
use axum::extract::RawPathParams;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::access::{Caller, Credential};
use super::id::Id;
use super::keys::Key;
use super::moment::Moment;
use super::problem::{Code, Problem};
use super::query::Query;

const BODY_BYTES_MAX: usize = 1 << 20;

/// A request whose sender is not known yet.
pub(super) struct Request {
    pub(super) credential: Credential,
    path: Vec<(String, Id)>,
    query: Query,
    if_match: Option<String>,
    body: Bytes,
    pub(super) key: Option<Key>,
}

/// A request, its sender and its time: what an operation works on.
pub(super) struct Exchange {
    pub(super) caller: Caller,
    pub(super) now: Moment,
    pub(super) query: Query,
    pub(super) body: Bytes,
    path: Vec<(String, Id)>,
    if_match: Option<String>,
}

impl Request {
    /// Reads a request to an operation with the query parameters `known`.
    pub(super) async fn read(
        head: &Parts,
        path: &RawPathParams,
        body: Body,
        known: &[&str],
    ) -> Result<Self, Problem> {
        let credential = credential(&head.headers)?;
        let path = path.iter().map(|(name, text)| Some((name.to_owned(), Id::parse(text)?)));
        let path = path.collect::<Option<Vec<_>>>().ok_or_else(Problem::not_found)?;
        let query = Query::parse(&head.uri, known)?;
        let if_match = joined(&head.headers, &IF_MATCH);
        let body = read_body(&head.headers, body).await?;
        let key = Key::of(head, &body)?;
        Ok(Request { credential, path, query, if_match, body, key })
    }

    /// Completes the request.
    pub(super) fn from(self, caller: Caller, now: Moment) -> Exchange {
        let Request { credential: _, path, query, if_match, body, key: _ } = self;
        Exchange { caller, now, query, body, path, if_match }
    }
}

impl Exchange {
    /// The path parameter `name` of the operation's own path.
    pub(super) fn id(&self, name: &str) -> Id {
        let parameter = self.path.iter().find(|(other, _)| other == name);
        parameter.expect("an operation asks for the parameters of its own path").1
    }

    /// The value of `If-Match`.
    pub(super) fn if_match(&self) -> Option<&str> {
        self.if_match.as_deref()
    }
}

/// The one bearer token of a request.
fn credential(headers: &HeaderMap) -> Result<Credential, Problem> {
    let value = single(headers, &AUTHORIZATION);
    let token = value.and_then(|value| value.split_once(' ')).filter(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')
    });
    match token {
        Some((_, token)) => Ok(Credential::of(token)),
        None => Err(Problem::new(Code::Unauthorized, "one `Authorization: Bearer` header is needed")),
    }
}

/// The value of a header that is there once and is text.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// All values of a header as the one list they are. A value that is no text is an empty one.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    values.map(str::to_owned).reduce(|list, value| format!("{list}, {value}"))
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Problem::new(Code::PayloadTooLarge, "the body is larger than 1 MiB"));
        }
        Err(_) => return Err(Problem::new(Code::InvalidJson, "the body broke off")),
    };
    let Some(media_type) = headers.get(CONTENT_TYPE).filter(|_| !bytes.is_empty()) else { return Ok(bytes) };
    if media_type.to_str().is_ok_and(is_json) {
        return Ok(bytes);
    }
    Err(Problem::new(Code::UnsupportedMediaType, "the body must be `application/json`"))
}

/// Whether a media type is JSON: `application/json`, or a format on top of it as in
/// `application/merge-patch+json`.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn authorization(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_the_scheme() {
        for value in ["Bearer abc", "bearer abc", "BEARER abc"] {
            let credential = credential(&authorization(&[value])).ok().unwrap();
            assert_eq!(credential.digest(), Credential::of("abc").digest(), "{value}");
        }
    }

    #[test]
    fn anything_but_one_bearer_token_is_refused() {
        let cases: [&[&str]; 7] = [
            &[],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Basic abc"],
            &["Bearer a b"],
            &["Bearer a", "Bearer a"],
        ];
        for values in cases {
            assert!(credential(&authorization(values)).is_err(), "{values:?}");
        }
    }

    #[test]
    fn a_list_may_be_spread_over_several_headers() {
        let mut headers = HeaderMap::new();
        assert_eq!(joined(&headers, &IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_static("\"a\""));
        headers.append(IF_MATCH, HeaderValue::from_static("\"b\""));
        assert_eq!(joined(&headers, &IF_MATCH).as_deref(), Some("\"a\", \"b\""));
    }

    #[test]
    fn json_may_come_with_parameters_or_as_a_format_on_top() {
        for media_type in
            ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
        {
            assert!(is_json(media_type), "{media_type}");
        }
        for media_type in ["", "text/json", "application/x-www-form-urlencoded", "application/jsonp"] {
            assert!(!is_json(media_type), "{media_type}");
        }
    }
}

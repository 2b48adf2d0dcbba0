//! Successful answers, and the entity tags that go with single resources.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::problem::{Code, Problem};

/// What an operation gives back when it did what was asked.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    document: Option<Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Answer {
    /// One resource, as it is now.
    pub(super) fn one(document: Value) -> Self {
        let headers = vec![(ETAG, entity_tag(&document))];
        Answer { status: StatusCode::OK, document: Some(document), headers }
    }

    /// One resource that was not there before, and where it is.
    pub(super) fn created(document: Value, location: String) -> Self {
        let headers = vec![(ETAG, entity_tag(&document)), (LOCATION, location)];
        Answer { status: StatusCode::CREATED, document: Some(document), headers }
    }

    /// What became of it, where that is no resource.
    pub(super) fn outcome(document: Value) -> Self {
        Answer { status: StatusCode::OK, document: Some(document), headers: Vec::new() }
    }

    /// Noted; somebody else decides.
    pub(super) fn noted() -> Self {
        Answer { status: StatusCode::ACCEPTED, document: None, headers: Vec::new() }
    }

    /// Some of `total` resources.
    pub(super) fn list(items: Vec<Value>, total: impl Into<Value>) -> Self {
        let document = [("items", Value::from(items)), ("total", total.into())].into_iter().collect();
        Answer { status: StatusCode::OK, document: Some(document), headers: Vec::new() }
    }

    /// Status, headers and document, to be kept.
    pub(super) fn to_parts(&self) -> (u16, String, Option<String>) {
        let headers = self.headers.iter().map(|(name, value)| (name.to_string(), value.as_str()));
        let headers: Value = headers.collect();
        (self.status.as_u16(), headers.to_string(), self.document.as_ref().map(Value::to_string))
    }

    /// The same again; none if these are no such parts.
    pub(super) fn from_parts(status: u16, headers: &str, document: Option<&str>) -> Option<Self> {
        let headers: Value = headers.parse().ok()?;
        let headers = headers.as_object()?.iter();
        let headers = headers.map(|(name, value)| Some((name.parse().ok()?, value.as_str()?.to_owned())));
        Some(Answer {
            status: StatusCode::from_u16(status).ok()?,
            document: document.map(str::parse).transpose().ok()?,
            headers: headers.collect::<Option<_>>()?,
        })
    }

    /// Done, and nothing to show.
    pub(super) fn nothing() -> Self {
        Answer { status: StatusCode::NO_CONTENT, document: None, headers: Vec::new() }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.document {
            Some(document) => {
                let json = HeaderValue::from_static("application/json");
                (self.status, [(CONTENT_TYPE, json)], document.to_string()).into_response()
            }
            None => self.status.into_response(),
        };
        for (name, value) in self.headers {
            let value = HeaderValue::try_from(value).expect("tags and locations are made of visible ASCII");
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Refuses to go on unless the resource is still what the caller saw (RFC 9110, 13.1.1).
///
/// `if_match` is the header's value; without one there is no condition.
pub(super) fn check_if_match(if_match: Option<&str>, document: &Value) -> Result<(), Problem> {
    let Some(condition) = if_match else { return Ok(()) };
    let tag = entity_tag(document);
    // Our tags hold no comma, so a comma always separates. Weak tags never match: the comparison is strong.
    let is_met = condition.trim() == "*" || condition.split(',').any(|candidate| candidate.trim() == tag);
    is_met
        .then_some(())
        .ok_or_else(|| Problem::new(Code::PreconditionFailed, "the resource is not what `If-Match` asks for"))
}

/// A strong tag: the digest of all that the caller is shown, embedded resources included.
fn entity_tag(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    let number = digest[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
    format!("\"{number:032x}\"")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Expected value from `printf '{"a":1}' | sha256sum`.
    #[test]
    fn a_tag_is_the_quoted_digest_of_the_document() {
        assert_eq!(entity_tag(&json!({ "a": 1 })), "\"015abd7f5cc57a2dd94b7590f04ad808\"");
    }

    #[test]
    fn if_match_is_met_by_the_tag_alone_in_a_list_or_by_a_star() {
        let document = json!({ "a": 1 });
        let tag = entity_tag(&document);
        let list = format!("\"other\", {tag}");
        for condition in [None, Some("*"), Some(tag.as_str()), Some(list.as_str())] {
            assert!(check_if_match(condition, &document).is_ok(), "{condition:?}");
        }
    }

    #[test]
    fn if_match_is_not_met_by_anything_else() {
        let document = json!({ "a": 1 });
        let weak = format!("W/{}", entity_tag(&document));
        let unquoted = entity_tag(&document).replace('"', "");
        for condition in ["", "\"other\"", weak.as_str(), unquoted.as_str()] {
            assert!(check_if_match(Some(condition), &document).is_err(), "{condition}");
        }
    }
}

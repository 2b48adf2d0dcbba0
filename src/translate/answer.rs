//! What the backend answered, understood: a document, or the problem it meant.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use super::VIOLATIONS_MAX;
use crate::canonical::api::Call;
use crate::json::{Document, Limits, Value};
use crate::problem::{ErrorStatus, INVALID, Place, Problem, Violation};

/// How long a text of the backend may be for a client to see it.
const DETAIL_CHARS_MAX: usize = 300;

/// How long a code of the backend may be.
const CODE_CHARS_MAX: usize = 64;

/// The code of a refusal without one of its own.
pub(super) const BACKEND_ERROR: &str = "backend-error";

/// What a place breaks of which the backend does not say it.
pub(super) const REFUSED: &str = "refused";

/// What is said of a place of which the backend says nothing.
pub(super) const IS_REFUSED: &str = "is refused";

/// What the backend says of the call, which the gateway made: the client can do nothing about it.
pub(super) const OURS: [StatusCode; 8] = [
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_ACCEPTABLE,
    StatusCode::PROXY_AUTHENTICATION_REQUIRED,
    StatusCode::LENGTH_REQUIRED,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::EXPECTATION_FAILED,
    StatusCode::MISDIRECTED_REQUEST,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
];

/// A success.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Option<Document>,
}

/// Reads the answer to a call.
///
/// # Errors
///
/// What the backend refused, with places in canonical names; 502 for what is neither success nor refusal, and for a success that
/// cannot be read, or 500 if that is one of a change.
pub fn answered(
    call: &Call,
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
) -> Result<Answer, Box<Problem>> {
    let limits = Limits { bytes_max: body.len(), ..Limits::default() };
    if let Some(status) = ErrorStatus::new(status).filter(|status| !OURS.contains(&status.get())) {
        let problem = refusal(status, Document::parse(body, &limits).ok().as_ref());
        return Err(Box::new(Problem { retry_after, ..problem }));
    }
    if !status.is_success() {
        let cause = format!("the backend answered {status}");
        return Err(Box::new(Problem::bad_gateway("unexpected-status", cause)));
    }
    if body.is_empty() {
        return Ok(Answer { status, body: None });
    }
    match Document::parse(body, &limits) {
        Ok(document) => Ok(Answer { status, body: Some(document) }),
        Err(error) => {
            let cause = format!("the answer is not JSON: {error}");
            Err(Box::new(after_success(call, Problem::bad_gateway("invalid-answer", cause))))
        }
    }
}

/// What it is to whoever asked for it that a success cannot be told: if it is that of a change, that was made all the same.
pub(super) fn after_success(call: &Call, problem: Problem) -> Problem {
    if call.operation.is_safe() { problem } else { problem.after_a_change() }
}

/// What the backend refused, as RFC 9457 says it. An error that says less is still an error.
fn refusal(status: ErrorStatus, document: Option<&Document>) -> Problem {
    let member = |name: &str| document.and_then(|document| document.root().member(name));
    let code = member("code").and_then(Value::as_str).filter(|code| is_code(code));
    let code = code.map_or_else(|| BACKEND_ERROR.to_owned(), Cow::into_owned);
    // What a failing server says about itself is for its owners, not for its clients' clients.
    if status.get().is_server_error() {
        return Problem::from_backend(status, code, reason(status), Vec::new());
    }
    let errors = member("errors").into_iter().flat_map(Value::elements).take(VIOLATIONS_MAX);
    let violations: Vec<_> = errors.filter_map(violation).collect();
    let detail = if violations.is_empty() || !is_of_the_request(status) {
        member("detail").and_then(text).unwrap_or_else(|| reason(status).to_owned())
    } else {
        INVALID.to_owned()
    };
    Problem::from_backend(status, code, detail, violations)
}

fn violation(error: Value<'_>) -> Option<Violation> {
    let pointer = error.member("pointer")?.as_str()?;
    let code = error.member("code").and_then(Value::as_str).filter(|code| is_code(code));
    Some(Violation {
        place: Place::from_pointer(&pointer)?,
        kind: code.map_or_else(|| REFUSED.into(), |code| code.into_owned().into()),
        message: error.member("detail").and_then(text).unwrap_or_else(|| IS_REFUSED.to_owned()),
    })
}

/// Whether a refusal with that status says that the request is wrong in itself. Then its sentence would name places as the
/// canonical API does, and say again what is said of these. What is in conflict, or forbidden, may be a sound request, and
/// the sentence says why it is not done.
pub(super) fn is_of_the_request(status: ErrorStatus) -> bool {
    matches!(status.get(), StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
}

/// What is said of a refusal that says nothing a client may see.
pub(super) fn reason(status: ErrorStatus) -> &'static str {
    status.get().canonical_reason().unwrap_or("the backend refused the request")
}

fn text(value: Value<'_>) -> Option<String> {
    sentence(&value.as_str()?)
}

/// A sentence a client may see: of bearable length, on one line.
pub(super) fn sentence(text: &str) -> Option<String> {
    let bearable = text.chars().take(DETAIL_CHARS_MAX + 1).count() <= DETAIL_CHARS_MAX;
    (bearable && !text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// Whether a word can be a machine word.
pub(super) fn is_code(code: &str) -> bool {
    let letters = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    letters && (1..=CODE_CHARS_MAX).contains(&code.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;

    use super::*;
    use crate::canonical::api;
    use crate::problem::Blame;

    fn call(method: Method) -> Call {
        let operation = api::Operation {
            name: "things.do".to_owned(),
            method,
            path: Vec::new(),
            query: Vec::new(),
            body: None,
            reads: None,
            changes: Vec::new(),
            answers: Vec::new(),
        };
        Call { operation: Arc::new(operation), path: Vec::new(), query: Vec::new(), body: None }
    }

    fn answered(method: Method, status: u16, body: &str) -> Result<Answer, Box<Problem>> {
        super::answered(&call(method), StatusCode::from_u16(status).unwrap(), None, body.into())
    }

    fn refused(status: u16, body: &str) -> Problem {
        *answered(Method::GET, status, body).unwrap_err()
    }

    #[test]
    fn a_problem_keeps_its_status_code_and_places_and_says_nothing_twice() {
        let body = r#"{"code": "already-member", "detail": "is a member already",
            "errors": [{"pointer": "/email", "code": "already-member", "detail": "is taken"}, {"detail": "nowhere"}]}"#;
        let problem = refused(409, body);
        assert_eq!((problem.status.get().as_u16(), &*problem.code), (409, "already-member"));
        assert_eq!((&*problem.detail, problem.blame), ("is a member already", Blame::Downstream));
        for status in [400, 422] {
            assert_eq!(refused(status, body).detail, INVALID, "the places say the rest");
        }
        let plain = refused(409, r#"{"code": "last-owner", "detail": "is the last owner"}"#);
        assert_eq!(plain.detail, "is the last owner");
        let [violation] = problem.violations.as_slice() else { panic!("one has a place") };
        assert_eq!((violation.place.pointer().as_str(), violation.message.as_str()), ("/email", "is taken"));
    }

    #[test]
    fn a_failing_backend_does_not_talk_to_clients() {
        let problem = refused(500, r#"{"code": "panic", "detail": "at db.rs:7, password=hunter2"}"#);
        assert_eq!((&*problem.detail, problem.blame), ("Internal Server Error", Blame::Upstream));
    }

    #[test]
    fn what_the_backend_says_of_the_call_is_not_the_clients_fault() {
        for status in OURS {
            let problem = refused(status.as_u16(), r#"{"code": "unsupported", "detail": "send JSON"}"#);
            assert_eq!((problem.status.get(), problem.blame), (StatusCode::BAD_GATEWAY, Blame::Upstream));
        }
    }

    #[test]
    fn an_error_that_is_no_problem_is_still_an_error() {
        for body in ["", "<html>", "[]", r#"{"detail": 1, "code": "\u0000", "errors": {"a": 1}}"#] {
            let problem = refused(404, body);
            assert_eq!((&*problem.code, &*problem.detail), ("backend-error", "Not Found"), "{body}");
        }
        let long = format!(r#"{{"detail": "{}"}}"#, "x".repeat(DETAIL_CHARS_MAX + 1));
        assert_eq!(refused(404, &long).detail, "Not Found");
    }

    #[test]
    fn what_is_neither_success_nor_refusal_is_the_backends_fault() {
        assert_eq!(refused(302, "").status.get(), StatusCode::BAD_GATEWAY);
        assert_eq!(refused(200, "<html>").status.get(), StatusCode::BAD_GATEWAY);
        assert_eq!(refused(200, r#"{"a":1,"a":2}"#).code, "invalid-answer");
        assert!(answered(Method::GET, 204, "").is_ok());
    }

    #[test]
    fn a_change_whose_answer_cannot_be_read_was_made() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for status in [200, 201, 202] {
                let problem = answered(method.clone(), status, "<html>").unwrap_err();
                assert_eq!((problem.status.get().as_u16(), &*problem.code), (500, "done-and-unread"));
            }
            assert_eq!(answered(method, 302, "").unwrap_err().status.get(), StatusCode::BAD_GATEWAY);
        }
    }
}

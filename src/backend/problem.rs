//! Errors on their way to the caller: `application/problem+json` (RFC 9457) with a `code` for programs.
//!
//! What a caller sent is never repeated; member names appear, as part of a pointer.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
}

/// What kind of problem it is; decides the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Conflict,
    Forbidden,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InternalError,
    InvalidBody,
    InvalidIdempotencyKey,
    InvalidJson,
    InvalidQuery,
    LastOwner,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    Unauthorized,
    UnsupportedMediaType,
    UpgradeRequired,
}

/// What is wrong with one place of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// JSON Pointer into the body.
    pub(super) pointer: String,
    pub(super) code: &'static str,
    pub(super) detail: Cow<'static, str>,
}

impl Problem {
    /// `detail` fits after "failed: ": no capital, no full stop.
    pub(super) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Problem { code, detail: detail.into(), faults: Vec::new() }
    }

    /// Names the places of the body that are to blame.
    pub(super) fn with_faults(self, faults: Vec<Fault>) -> Self {
        Problem { faults, ..self }
    }

    /// Nothing there, or nothing the caller may know of.
    pub(super) fn not_found() -> Self {
        Problem::new(Code::NotFound, "there is nothing here, or nothing for you")
    }

    /// Our own failure. The cause goes to the log, not to the caller.
    pub(super) fn internal(cause: impl std::error::Error) -> Self {
        tracing::error!(cause = %cause, "backend operation failed");
        Problem::new(Code::InternalError, "the backend failed; its log says why")
    }

    fn to_value(&self) -> Value {
        let status = self.code.status();
        let mut value = json!({
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "code": self.code.name(),
            "detail": self.detail,
        });
        if !self.faults.is_empty() {
            value["errors"] = self.faults.iter().map(Fault::to_value).collect();
        }
        value
    }
}

impl Fault {
    pub(super) fn new(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Fault { pointer: pointer.into(), code, detail: detail.into() }
    }

    fn to_value(&self) -> Value {
        json!({ "pointer": self.pointer, "code": self.code, "detail": self.detail })
    }
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Code::Conflict | Code::IdempotencyKeyInUse | Code::LastOwner => StatusCode::CONFLICT,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Code::IdempotencyKeyReused | Code::InvalidBody => StatusCode::UNPROCESSABLE_ENTITY,
            Code::InvalidIdempotencyKey | Code::InvalidJson | Code::InvalidQuery => StatusCode::BAD_REQUEST,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Code::Conflict => "conflict",
            Code::Forbidden => "forbidden",
            Code::IdempotencyKeyInUse => "idempotency-key-in-use",
            Code::IdempotencyKeyReused => "idempotency-key-reused",
            Code::InternalError => "internal-error",
            Code::InvalidBody => "invalid-body",
            Code::InvalidIdempotencyKey => "invalid-idempotency-key",
            Code::InvalidJson => "invalid-json",
            Code::InvalidQuery => "invalid-query",
            Code::LastOwner => "last-owner",
            Code::MethodNotAllowed => "method-not-allowed",
            Code::NotFound => "not-found",
            Code::PayloadTooLarge => "payload-too-large",
            Code::PreconditionFailed => "precondition-failed",
            Code::Unauthorized => "unauthorized",
            Code::UnsupportedMediaType => "unsupported-media-type",
            Code::UpgradeRequired => "upgrade-required",
        }
    }
}

/// A statement that fails for no reason of its own is our failure; expected ones are told apart where
/// they are made.
impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Problem::internal(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.code.status(), self.to_value().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_written_with_its_faults() {
        let fault = Fault::new("/role", "required", "is required");
        let problem = Problem::new(Code::InvalidBody, "1 field is wrong").with_faults(vec![fault]);
        let expected = json!({
            "title": "Unprocessable Entity",
            "status": 422,
            "code": "invalid-body",
            "detail": "1 field is wrong",
            "errors": [{ "pointer": "/role", "code": "required", "detail": "is required" }],
        });
        assert_eq!(problem.to_value(), expected);
    }

    #[test]
    fn the_cause_of_an_internal_error_stays_inside() {
        let problem = Problem::from(rusqlite::Error::InvalidColumnName("secret".to_owned()));
        assert!(!problem.to_value().to_string().contains("secret"));
    }

    #[test]
    fn a_refused_credential_is_told_which_scheme_to_use() {
        let response = Problem::new(Code::Unauthorized, "no token").into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }
}

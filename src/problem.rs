//! An error about to become a response: what the client may know, and what only the log may.
//!
//! A [`Problem`] is a value until the last step: every phase returns one, and the selected dialect's error shape
//! turns it into a body. `detail` and the messages of the violations are the only texts a client can see;
//! `cause` is for the log. Neither ever repeats a value the client sent.
//!
//! This module never knows how an error is written in any dialect.

use std::borrow::Cow;
use std::time::Duration;

use http::{Method, StatusCode};

pub(crate) mod place;

pub use place::{Place, Root, Segment};

/// The code of [`Problem::no_such_resource`].
pub const NO_SUCH_RESOURCE: &str = "no-such-resource";

/// The code of [`Problem::unrepresentable`].
pub const UNREPRESENTABLE: &str = "unrepresentable";

/// The code of [`Problem::id_taken`].
pub const ID_TAKEN: &str = "id-taken";

/// The code of [`Problem::done_and_unread`].
pub const DONE_AND_UNREAD: &str = "done-and-unread";

/// The code of [`Problem::not_begun`].
pub const NOT_BEGUN: &str = "not-begun";

/// The code of [`Problem::inexpressible`].
pub const INEXPRESSIBLE: &str = "inexpressible";

/// The code of [`Problem::gone`], and of a part of a request that is.
pub const GONE: &str = "gone";

/// The code of [`Problem::browned_out`], and of a part of a request that is.
pub const BROWN_OUT: &str = "brown-out";

/// An error about to become a response.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status, before a dialect folds it.
    pub status: ErrorStatus,
    /// A stable machine word: one of ours, or the backend's.
    pub code: Cow<'static, str>,
    /// Whose fault it is.
    pub blame: Blame,
    /// One sentence for the client.
    pub detail: Cow<'static, str>,
    /// What is wrong with which part of the request; empty for errors that concern all of it.
    pub violations: Vec<Violation>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// The methods that would have been answered, for 405.
    pub allow: Vec<Method>,
    /// What happened, for the log alone.
    pub cause: Option<String>,
    /// Whether a change that was asked for may have been made all the same, and would be made again by whoever sends the same
    /// once more.
    pub is_in_doubt: bool,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client sent something that cannot be served.
    Downstream,
    /// We failed.
    Internal,
    /// The backend failed, or answered what cannot be told in the dialect.
    Upstream,
}

impl Blame {
    /// The word used in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Blame::Downstream => "downstream",
            Blame::Internal => "internal",
            Blame::Upstream => "upstream",
        }
    }
}

/// The sentence of a request whose violations say the rest.
pub const INVALID: &str = "the request is not valid";

/// A status from 400 to 599: an error cannot claim success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorStatus(StatusCode);

impl ErrorStatus {
    /// 500.
    pub const INTERNAL: ErrorStatus = ErrorStatus(StatusCode::INTERNAL_SERVER_ERROR);

    /// The status, if it is one of an error.
    pub fn new(status: StatusCode) -> Option<ErrorStatus> {
        (status.is_client_error() || status.is_server_error()).then_some(ErrorStatus(status))
    }

    /// The status as HTTP has it.
    pub fn get(self) -> StatusCode {
        self.0
    }
}

/// One thing that is wrong with one part of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Which part.
    pub place: Place,
    /// Which rule it breaks: a keyword of JSON Schema, or the backend's word.
    pub kind: Cow<'static, str>,
    /// What was expected, such as `must be one of …`; never what was sent.
    pub message: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, blame: Blame, detail: &'static str) -> Problem {
        Problem {
            status: ErrorStatus(status),
            code: Cow::Borrowed(code),
            blame,
            detail: Cow::Borrowed(detail),
            violations: Vec::new(),
            retry_after: None,
            allow: Vec::new(),
            cause: None,
            is_in_doubt: false,
        }
    }

    /// 400: the request cannot be understood at all.
    pub fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            detail: detail.into(),
            ..Problem::new(StatusCode::BAD_REQUEST, code, Blame::Downstream, "")
        }
    }

    /// 401: no credential, too many, or one that cannot be a credential here.
    pub fn unauthenticated(detail: &'static str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", Blame::Downstream, detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(detail: &'static str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", Blame::Downstream, detail)
    }

    /// 404: what the path is about, named by an id that was looked up, does not exist.
    pub fn no_such_resource() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, NO_SUCH_RESOURCE, Blame::Downstream, "there is no such resource")
    }

    /// 405: there is such a thing, but not with this method.
    pub fn method_not_allowed(allow: Vec<Method>) -> Problem {
        let problem = Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            Blame::Downstream,
            "method not allowed",
        );
        Problem { allow, ..problem }
    }

    /// 408: the client was too slow.
    pub fn body_timed_out() -> Problem {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            Blame::Downstream,
            "the request body took too long to arrive",
        )
    }

    /// 408: others needed the room that the request took while its body did not come.
    pub fn body_gave_way() -> Problem {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-gave-way",
            Blame::Downstream,
            "the request body came too slowly while others needed the room, send the request again",
        )
    }

    /// 409: what the backend answered has no words in this dialect. Of what was read: of a change that was made see
    /// [`Problem::after_a_change`].
    pub fn unrepresentable(cause: String) -> Problem {
        let problem = Problem::new(
            StatusCode::CONFLICT,
            UNREPRESENTABLE,
            Blame::Upstream,
            "this API has no words for the present state of the resource",
        );
        Problem { cause: Some(cause), ..problem }
    }

    /// 409: what the backend answered has an id that is spelt as another one that was imported.
    pub fn id_taken(cause: String) -> Problem {
        Problem { code: Cow::Borrowed(ID_TAKEN), ..Problem::unrepresentable(cause) }
    }

    /// 409: others keep changing what an update is about.
    pub fn busy_record() -> Problem {
        Problem::new(
            StatusCode::CONFLICT,
            "busy-record",
            Blame::Upstream,
            "the resource was changed by others meanwhile, try again",
        )
    }

    /// 410: what was asked for is there no more, and will not be again.
    pub fn gone(detail: String) -> Problem {
        let problem = Problem::new(StatusCode::GONE, GONE, Blame::Downstream, "");
        Problem { detail: detail.into(), ..problem }
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn body_too_large(limit: usize) -> Problem {
        let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", Blame::Downstream, "");
        Problem { detail: format!("the request body is larger than {limit} bytes").into(), ..problem }
    }

    /// 415: the body is not JSON, or is wrapped in an encoding.
    pub fn unsupported_media_type(detail: &'static str) -> Problem {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", Blame::Downstream, detail)
    }

    /// 422: the request is understood, and something in it is wrong.
    pub fn invalid(violations: Vec<Violation>) -> Problem {
        let problem =
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", Blame::Downstream, INVALID);
        Problem { violations, ..problem }
    }

    /// 429: the quota is spent; it refills in `retry_after`.
    pub fn rate_limited(retry_after: Duration) -> Problem {
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate-limited",
            Blame::Downstream,
            "rate limit exceeded",
        );
        Problem { retry_after: Some(retry_after), ..problem }
    }

    /// 500: we failed.
    pub fn internal(cause: impl Into<String>) -> Problem {
        let problem = Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            Blame::Internal,
            "something went wrong here",
        );
        Problem { cause: Some(cause.into()), ..problem }
    }

    /// 500: what was asked for was done, and what has to be told of it cannot be had. No other status of this sort says to
    /// nobody, in any dialect, that the same request may be made again.
    pub fn done_and_unread(cause: impl Into<String>) -> Problem {
        let problem = Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            DONE_AND_UNREAD,
            Blame::Upstream,
            "the change was made, and what became of it could not be read",
        );
        Problem { cause: Some(cause.into()), ..problem }
    }

    /// What a client is told when what it asked for was done, and what it has to be told of it could not be, whatever kept it
    /// from being told: nothing that has it ask again, for that would do it again, nor that it was refused.
    #[must_use]
    pub fn after_a_change(mut self) -> Problem {
        let cause = self.cause.take().unwrap_or_else(|| match self.code {
            // Our own words about mappings: they have nobody's data in them.
            Cow::Borrowed(_) => self.detail.to_string(),
            // What the backend says of a refusal goes into no log.
            Cow::Owned(_) => format!("the backend answered {}", self.status.get().as_u16()),
        });
        Problem::done_and_unread(cause)
    }

    /// What a client is told where nobody knows whether what it asked for was done: that, and nothing that has it ask again, as
    /// 503 has many: that is 502.
    #[must_use]
    pub fn in_doubt(self) -> Problem {
        let detail = format!("{}, and nobody knows whether the change was made", self.detail);
        let is_to_come_again = self.status.get() == StatusCode::SERVICE_UNAVAILABLE;
        let again = ErrorStatus::new(StatusCode::BAD_GATEWAY).filter(|_| is_to_come_again);
        let status = again.unwrap_or(self.status);
        Problem { status, detail: detail.into(), retry_after: None, is_in_doubt: true, ..self }
    }

    /// Whether it says that what was asked for was done. A backend may use any word.
    pub fn is_of_a_change_made(&self) -> bool {
        matches!(self.code, Cow::Borrowed(DONE_AND_UNREAD))
    }

    /// 500: what was asked for takes more calls than `calls_max`, which is what one request may become. Asking again would take
    /// as many.
    pub fn too_many_calls(calls_max: usize) -> Problem {
        let problem = Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "too-many-calls",
            Blame::Internal,
            "this takes more calls to the backend than one request may become",
        );
        Problem {
            cause: Some(format!("a request may become {calls_max} calls, lookups included")),
            ..problem
        }
    }

    /// 501: the backend speaks a dialect, in which this cannot be said, for that reason. Nothing reached it.
    pub fn inexpressible(reason: impl Into<Cow<'static, str>>) -> Problem {
        let problem = Problem::new(StatusCode::NOT_IMPLEMENTED, INEXPRESSIBLE, Blame::Upstream, "");
        Problem { detail: reason.into(), ..problem }
    }

    /// 502: the backend answered something that is no answer.
    pub fn bad_gateway(code: &'static str, cause: impl Into<String>) -> Problem {
        let problem = Problem::new(
            StatusCode::BAD_GATEWAY,
            code,
            Blame::Upstream,
            "the backend gave an answer that cannot be used",
        );
        Problem { cause: Some(cause.into()), ..problem }
    }

    /// 503: the backend cannot be reached now.
    pub fn unavailable(code: &'static str, cause: impl Into<String>) -> Problem {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            code,
            Blame::Upstream,
            "the backend cannot be reached at the moment",
        );
        Problem { retry_after: Some(Duration::from_secs(1)), cause: Some(cause.into()), ..problem }
    }

    /// 503: the ids that were imported cannot be looked up now.
    pub fn ids_away(cause: impl Into<String>) -> Problem {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "id-map-away",
            Blame::Internal,
            "ids cannot be looked up at the moment",
        );
        Problem { retry_after: Some(Duration::from_secs(1)), cause: Some(cause.into()), ..problem }
    }

    /// 503: too many requests are in flight.
    pub fn overloaded() -> Problem {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            Blame::Internal,
            "too many requests are in flight, try again in a moment",
        );
        Problem { retry_after: Some(Duration::from_secs(1)), ..problem }
    }

    /// 503: what is still there is refused for a while, so that whoever uses it notices. It is the client's turn, though the
    /// status has to say that it is only for a while (RFC 9110, section 15.6.4).
    pub fn browned_out(detail: String, remaining: Duration) -> Problem {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, BROWN_OUT, Blame::Downstream, "");
        Problem { detail: detail.into(), retry_after: Some(remaining), ..problem }
    }

    /// 504: the backend took too long.
    pub fn gateway_timeout(cause: impl Into<String>) -> Problem {
        let problem = Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "upstream-timeout",
            Blame::Upstream,
            "the backend took too long to answer",
        );
        Problem { cause: Some(cause.into()), ..problem }
    }

    /// 504: so long was spent on what came before that no time was left to begin this. The backend has heard nothing of it.
    pub fn not_begun() -> Problem {
        let detail = "no time was left to begin it, nothing of it was sent";
        Problem::new(StatusCode::GATEWAY_TIMEOUT, NOT_BEGUN, Blame::Upstream, detail)
    }

    /// What the backend itself refused: the client's fault below 500, the backend's from there on.
    pub fn from_backend(
        status: ErrorStatus,
        code: String,
        detail: impl Into<Cow<'static, str>>,
        violations: Vec<Violation>,
    ) -> Problem {
        let blame = if status.get().is_client_error() { Blame::Downstream } else { Blame::Upstream };
        Problem {
            status,
            code: Cow::Owned(code),
            blame,
            detail: detail.into(),
            violations,
            retry_after: None,
            allow: Vec::new(),
            cause: None,
            is_in_doubt: false,
        }
    }

    /// The code as metrics may carry it. The backend chooses its own codes, so all of them are one label: a
    /// metric must not grow with what a peer sends.
    pub fn label(&self) -> &'static str {
        match self.code {
            Cow::Borrowed(code) => code,
            Cow::Owned(_) => "backend",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_statuses_from_400_are_errors() {
        assert_eq!(ErrorStatus::new(StatusCode::OK), None);
        assert_eq!(ErrorStatus::new(StatusCode::FOUND), None);
        assert_eq!(
            ErrorStatus::new(StatusCode::NOT_FOUND).map(ErrorStatus::get),
            Some(StatusCode::NOT_FOUND)
        );
    }

    #[test]
    fn codes_of_the_backend_share_one_label() {
        let status = ErrorStatus::new(StatusCode::CONFLICT).unwrap();
        let problem = Problem::from_backend(status, "already-member".to_owned(), "taken", Vec::new());
        assert_eq!((problem.label(), problem.blame), ("backend", Blame::Downstream));
        assert_eq!(Problem::gateway_timeout("slow").label(), "upstream-timeout");
    }
}

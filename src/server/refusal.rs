//! The few answers the server gives without asking the handler, as RFC 9457 problem documents.

use std::time::Duration;

use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;

use crate::{
    server::{Body, Refused},
    telemetry::Metrics,
};

/// How long to wait before another try, where one may help: a crowd is gone soon.
const RETRY: Duration = Duration::from_secs(1);

/// Why a request is answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The address of the client has too many requests in flight.
    Crowded,
    /// The handler took too long.
    DeadlineExceeded,
    /// A trusted hop says in a way that nobody can read whose request it is.
    Forwarded,
    /// The request's end can be read in two ways.
    Framing,
    /// The handler panicked.
    Internal,
    /// Too many requests are in flight.
    Overloaded,
    /// Too many bytes of answers wait for those who asked for them.
    Untaken,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Refusal::Crowded => StatusCode::TOO_MANY_REQUESTS,
            Refusal::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Refusal::Forwarded | Refusal::Framing => StatusCode::BAD_REQUEST,
            Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Overloaded | Refusal::Untaken => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Refusal::Crowded => "too-many-from-address",
            Refusal::DeadlineExceeded => "deadline-exceeded",
            Refusal::Forwarded => "unreadable-forwarded",
            Refusal::Framing => "ambiguous-framing",
            Refusal::Internal => "internal",
            Refusal::Overloaded => "overloaded",
            Refusal::Untaken => "answers-untaken",
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Refusal::Crowded => "too many requests of this address are in flight, try again in a moment",
            Refusal::DeadlineExceeded => "the request could not be answered in time",
            Refusal::Forwarded => "it cannot be read from which address the request was forwarded",
            Refusal::Framing => {
                "the request body must come with a length or as plain chunks, and not with both"
            }
            Refusal::Internal => "the request could not be answered because of an error of ours",
            Refusal::Overloaded => "too many requests are in flight, try again in a moment",
            Refusal::Untaken => "too many answers wait to be read by those who asked, try again in a moment",
        }
    }

    /// When to try again, if it may be another time.
    fn retry_after(self) -> Option<Duration> {
        matches!(self, Refusal::Crowded | Refusal::Overloaded | Refusal::Untaken).then_some(RETRY)
    }

    /// The same for a handler, which may have better words.
    pub(super) fn refused(self) -> Refused {
        let (status, code, detail) = (self.status(), self.code(), self.detail());
        Refused { status, code, detail, retry_after: self.retry_after() }
    }

    /// Whose fault it is, as metrics name it.
    fn blame(self) -> &'static str {
        match self {
            Refusal::Crowded | Refusal::Forwarded | Refusal::Framing => "downstream",
            Refusal::DeadlineExceeded | Refusal::Internal | Refusal::Overloaded | Refusal::Untaken => {
                "internal"
            }
        }
    }

    /// The whole answer. None of the texts needs escaping.
    fn answer(self) -> http::Response<Body> {
        let (status, code, detail) = (self.status(), self.code(), self.detail());
        let number = status.as_u16();
        let title = status.canonical_reason().unwrap_or_default();
        let body = format!(
            r#"{{"type":"about:blank","title":"{title}","status":{number},"code":"{code}","detail":"{detail}"}}"#
        );
        let mut answer = http::Response::new(Body::from(Full::from(body)));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after() {
            headers.insert(RETRY_AFTER, after.as_secs().into());
        }
        answer
    }
}

/// Answers with refusals, and counts them for no dialect: none is known here.
#[derive(Debug)]
pub(super) struct Refusals(Metrics);

impl Refusals {
    pub(super) fn new(metrics: Metrics) -> Refusals {
        Refusals(metrics)
    }

    /// Counts the refusal and gives its answer.
    pub(super) fn answer(&self, refusal: Refusal) -> http::Response<Body> {
        self.answer_or(refusal, None)
    }

    /// The same, where somebody else may have had better words for it.
    pub(super) fn answer_or(
        &self,
        refusal: Refusal,
        told: Option<http::Response<Body>>,
    ) -> http::Response<Body> {
        self.0.refusal("", refusal.code(), refusal.blame());
        let mut answer = told.unwrap_or_else(|| refusal.answer());
        if refusal == Refusal::Framing {
            // Nobody can say where the next request would begin.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_refusal_is_a_problem_document_that_agrees_with_its_status() {
        for refusal in [
            Refusal::Crowded,
            Refusal::DeadlineExceeded,
            Refusal::Forwarded,
            Refusal::Framing,
            Refusal::Internal,
            Refusal::Overloaded,
            Refusal::Untaken,
        ] {
            let answer = refusal.answer();
            let status = answer.status();
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], status.as_u16());
            assert_eq!(problem["title"].as_str(), status.canonical_reason());
            assert!(problem["code"].is_string() && problem["detail"].is_string());
        }
    }

    #[test]
    fn what_passes_says_when_to_come_back() {
        assert_eq!(Refusal::Crowded.answer().headers()[RETRY_AFTER], "1");
        assert_eq!(Refusal::Overloaded.answer().headers()[RETRY_AFTER], "1");
        assert_eq!(Refusal::Untaken.answer().headers()[RETRY_AFTER], "1");
        assert!(!Refusal::Internal.answer().headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn only_where_the_next_request_begins_nowhere_the_connection_ends() {
        let refusals = Refusals::new(Metrics::new());
        let told = || Some(http::Response::new(Body::default()));
        for told in [None, told()] {
            assert_eq!(refusals.answer_or(Refusal::Framing, told).headers()[CONNECTION], "close");
        }
        for told in [None, told()] {
            assert!(!refusals.answer_or(Refusal::Crowded, told).headers().contains_key(CONNECTION));
        }
    }

    #[test]
    fn refusals_are_counted() {
        let metrics = Metrics::new();
        Refusals::new(metrics.clone()).answer(Refusal::Overloaded);
        let page = metrics.render();
        let line = r#"gateway_refusals_total{dialect="",code="overloaded",blame="internal"} 1"#;
        assert!(page.contains(line), "{page}");
    }
}

//! The few answers the server gives without asking the handler, as RFC 9457 problem documents.

use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;

/// Why a request is answered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The handler took too long.
    DeadlineExceeded,
    /// The handler panicked.
    Internal,
    /// Too many requests are in flight.
    Overloaded,
}

impl Refusal {
    /// The whole answer.
    pub(super) fn answer(self) -> http::Response<Full<Bytes>> {
        let (status, body): (_, &'static str) = match self {
            Refusal::DeadlineExceeded => (
                StatusCode::GATEWAY_TIMEOUT,
                r#"{"type":"about:blank","title":"Gateway Timeout","status":504,"code":"deadline-exceeded","detail":"the request could not be answered in time"}"#,
            ),
            Refusal::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                r#"{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal","detail":"the request could not be answered because of an error of ours"}"#,
            ),
            Refusal::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"type":"about:blank","title":"Service Unavailable","status":503,"code":"overloaded","detail":"too many requests are in flight, try again in a moment"}"#,
            ),
        };
        let mut answer = http::Response::new(Full::from(body));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self == Refusal::Overloaded {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
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
        for refusal in [Refusal::DeadlineExceeded, Refusal::Internal, Refusal::Overloaded] {
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
    fn only_an_overload_says_when_to_come_back() {
        assert_eq!(Refusal::Overloaded.answer().headers()[RETRY_AFTER], "1");
        assert!(!Refusal::Internal.answer().headers().contains_key(RETRY_AFTER));
    }
}

//! Requests that somebody else refuses before they are read.

use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::BodyExt;

use std::time::Duration;

use super::support::TestGateway;
use crate::problem::Problem;

/// The status, type and text of a refusal of a request for that path and host, where it has the words of a dialect.
async fn refused(path: &str, host: &str) -> Option<(StatusCode, String, String)> {
    let gateway = TestGateway::without_a_backend();
    let request = Request::post(path).header(HOST, host).body(()).unwrap();
    let problem = Problem { code: "too-many".into(), ..Problem::rate_limited(Duration::from_secs(7)) };
    let (head, ()) = request.into_parts();
    let told = gateway.refuse_unread(&head, &problem)?;
    assert_eq!(told.headers()[RETRY_AFTER], "7");
    let (status, kind) = (told.status(), told.headers()[CONTENT_TYPE].to_str().unwrap().to_owned());
    let body = told.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(gateway.calls().len(), 0);
    Some((status, kind, String::from_utf8(body.to_vec()).unwrap()))
}

#[tokio::test]
async fn the_words_are_those_of_the_dialect_that_mount_or_host_tell() {
    let (status, kind, body) = refused("/acme/api/x", "localhost").await.unwrap();
    assert_eq!((status, kind.as_str()), (StatusCode::TOO_MANY_REQUESTS, "application/json"));
    assert_eq!(refused("/acme/api/x", "localhost").await.unwrap().2, body);
    assert!(!body.contains("about:blank"), "{body}");
    assert_eq!(refused("/nowhere", "localhost").await, None);
    assert_eq!(refused("/acme/api/x", "a b").await, None, "no host at all");
}

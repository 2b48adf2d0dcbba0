//! Whole requests, through all phases, to a backend that does what the test says.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName};

use self::support::{Events, TestGateway, backend_problem, request};

mod acme;
mod addresses;
mod answers;
mod bounds;
mod changes;
mod done;
mod ids;
mod keep;
mod keys;
mod modes;
mod safety;
mod shadows;
mod shown;
mod support;
mod switches;
mod unread;
mod withheld;

const FOUND: &str = r#"{"items":[{"slug":"north","id":"o-1"}],"total":1}"#;
const THING: &str = r#"{"id":"t-1","title":"Lamp"}"#;

/// A backend with one organization that takes every thing.
fn willing(line: &str, _body: &str) -> (u16, String) {
    if line.starts_with("GET /v1/organizations?slug=north") {
        return (200, FOUND.to_owned());
    }
    match line {
        line if line.starts_with("GET /v1/organizations?slug=") => {
            (200, r#"{"items":[],"total":0}"#.to_owned())
        }
        "POST /v1/organizations/o-1/things" => (201, THING.to_owned()),
        _ => backend_problem(404, "not-found"),
    }
}

#[tokio::test]
async fn a_request_becomes_a_call_and_its_answer_comes_back() {
    let gateway = TestGateway::start(willing).await;
    let (status, headers, body) = gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#).await;
    assert_eq!((status, body.as_str()), (201, r#"{"key":"t-1","name":"Lamp"}"#));
    assert_eq!(headers[CONTENT_TYPE], "application/json");
    assert_eq!(headers["ratelimit-remaining"], "9");
    assert_eq!(gateway.lines(), ["GET /v1/organizations?slug=north", "POST /v1/organizations/o-1/things"]);
    assert_eq!(gateway.calls()[1].body, r#"{"title":"Lamp"}"#);
}

#[tokio::test]
async fn a_call_has_the_headers_it_needs_and_none_of_the_clients() {
    let gateway = TestGateway::start(willing).await;
    let request = request("POST", "/acme/api/orgs/north/things", r#"{"name":"Lamp"}"#)
        .header("cookie", "session=1")
        .header("x-forwarded-for", "10.0.0.1")
        .header("accept-language", "de");
    gateway.answer(request).await;
    let call = &gateway.calls()[1];
    let mut names: Vec<_> = call.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-length", "content-type", "host"]);
    assert_eq!(call.headers[AUTHORIZATION], "Bearer canary-key");
}

#[tokio::test]
async fn requests_that_need_the_same_lookup_share_one() {
    let gateway = TestGateway::start(willing).await;
    let post = || gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#);
    let ((first, ..), (second, ..)) = join(post(), post()).await;
    assert_eq!((first, second), (201, 201));
    assert_eq!(gateway.lines().iter().filter(|line| line.starts_with("GET")).count(), 1);
}

#[tokio::test]
async fn what_a_lookup_does_not_find_is_404_and_nothing_is_sent() {
    let gateway = TestGateway::start(willing).await;
    let (status, ..) = gateway.post("/orgs/south/things", r#"{"name":"Lamp"}"#).await;
    assert_eq!(status, 404);
    assert_eq!(gateway.lines(), ["GET /v1/organizations?slug=south"]);
}

#[tokio::test]
async fn a_credential_the_backend_refuses_in_a_lookup_is_refused() {
    let gateway = TestGateway::start(|_, _| backend_problem(401, "unauthenticated")).await;
    let (status, headers, _) = gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#).await;
    assert_eq!(status, 401);
    assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(gateway.calls().len(), 1);
}

#[tokio::test]
async fn a_body_that_does_not_fit_never_reaches_the_backend() {
    let gateway = TestGateway::start(willing).await;
    for body in [r#"{"name":7}"#, "{}", r#"{"name":"Lamp","name":"Desk"}"#, ""] {
        let (status, headers, _) = gateway.post("/orgs/north/things", body).await;
        assert!((400..=422).contains(&status), "{body}: {status}");
        assert!(headers.contains_key("ratelimit-remaining"), "it was admitted");
    }
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn a_bulk_request_is_told_item_by_item() {
    let gateway = TestGateway::start(|line, body| {
        let is_taken = body.contains("Desk");
        if is_taken { backend_problem(409, "taken") } else { willing(line, body) }
    })
    .await;
    let body = r#"{"things":[{"name":"Lamp"},{"name":"Desk"},{"name":"Lamp"}]}"#;
    let (status, headers, body) = gateway.post("/orgs/north/things/bulk", body).await;
    assert_eq!((status, body.as_str()), (207, r#"{"made":2,"failed":[{"code":"taken"}]}"#));
    assert_eq!(headers["ratelimit-remaining"], "7", "three cells for three items");
    assert_eq!(gateway.lines().len(), 4, "one lookup and three calls");
}

#[tokio::test]
async fn an_item_answered_as_nobody_declared_was_made_and_cannot_be_told() {
    let gateway = TestGateway::start(|line, body| match willing(line, body) {
        (_, told) if body.contains("Desk") => (200, told),
        told => told,
    })
    .await;
    let body = r#"{"things":[{"name":"Lamp"},{"name":"Desk"}]}"#;
    let (_, _, body) = gateway.post("/orgs/north/things/bulk", body).await;
    assert_eq!(body, r#"{"made":1,"failed":[{"code":"done-and-unread"}]}"#);
}

#[tokio::test]
async fn a_credential_that_any_item_finds_refused_is_the_answer_to_all() {
    let gateway = TestGateway::start(|line, body| match body {
        body if body.contains("Desk") => backend_problem(401, "unauthenticated"),
        body if body.contains("Lamp") => backend_problem(409, "taken"),
        _ => willing(line, body),
    })
    .await;
    let body = r#"{"things":[{"name":"Lamp"},{"name":"Desk"}]}"#;
    let (status, ..) = gateway.post("/orgs/north/things/bulk", body).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn a_bulk_request_with_too_many_items_makes_no_call() {
    let gateway = TestGateway::start(willing).await;
    let body = format!(r#"{{"things":[{}]}}"#, [r#"{"name":"Lamp"}"#; 4].join(","));
    let (status, headers, body) = gateway.post("/orgs/north/things/bulk", &body).await;
    assert_eq!(status, 422);
    assert!(body.contains("must hold at most 3 items"), "{body}");
    assert_eq!(headers["ratelimit-remaining"], "9", "what is not done is not charged");
    assert_eq!(gateway.calls().len(), 0);
}

#[tokio::test]
async fn a_spent_quota_is_refused_before_the_body_is_looked_at() {
    let gateway = TestGateway::start(willing).await;
    for _ in 0..10 {
        gateway.post("/orgs/north/things", "").await;
    }
    let (status, headers, _) = gateway.post("/orgs/north/things", "{").await;
    assert_eq!((status, headers["ratelimit-remaining"].to_str().unwrap()), (429, "0"));
    assert!(headers.contains_key(RETRY_AFTER));
}

#[tokio::test]
async fn a_backend_that_is_away_is_503_and_worth_another_try() {
    let gateway = TestGateway::without_a_backend();
    let (status, headers, body) = gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#).await;
    assert_eq!((status, headers[RETRY_AFTER].to_str().unwrap()), (503, "1"));
    assert!(body.contains("upstream-unreachable"), "{body}");
}

#[tokio::test]
async fn no_call_is_made_for_a_request_whose_time_is_over() {
    let gateway = TestGateway::start(willing).await;
    let late = request("POST", "/acme/api/orgs/north/things", r#"{"name":"Lamp"}"#).due_in(Duration::ZERO);
    let (status, ..) = gateway.answer(late).await;
    assert_eq!((status, gateway.calls().len()), (504, 0));
}

#[tokio::test]
async fn a_method_nobody_answers_is_told_which_are_answered() {
    let gateway = TestGateway::start(willing).await;
    let (status, headers, _) = gateway.answer(request("PUT", "/acme/api/orgs/north/things", "")).await;
    assert_eq!((status, headers[ALLOW].to_str().unwrap()), (405, "POST"));
}

/// The body is left out by whoever sends the answer.
#[tokio::test]
async fn head_is_answered_as_get() {
    let listing = |_: &str, _: &str| (200, r#"{"items":[],"total":0}"#.to_owned());
    let gateway = TestGateway::start(listing).await;
    let list = "/acme/api/lists/3c90c3cc-0d44-4b50-8888-8dd25736052a/things";
    for (target, status, calls) in
        [(list, 200, 1), ("/acme/api/orgs/north/things", 405, 0), ("/nowhere", 404, 0)]
    {
        let (got, whole, body) = gateway.answer(request("GET", target, "")).await;
        let before = gateway.lines().len();
        let (head, headers, same) = gateway.answer(request("HEAD", target, "")).await;
        assert_eq!((got, head, same), (status, status, body), "{target}");
        let names = |headers: &HeaderMap| headers.keys().cloned().collect::<HashSet<_>>();
        assert_eq!(names(&headers), names(&whole), "{target}");
        let lines = gateway.lines();
        assert_eq!(lines.len() - before, calls, "{target}");
        assert!(lines.iter().all(|line| line.starts_with("GET ")), "no backend has to know it: {lines:?}");
    }
}

#[tokio::test]
async fn a_request_for_nobody_is_refused_in_the_standard_form() {
    let gateway = TestGateway::start(willing).await;
    let (status, headers, _) = gateway.answer(request("GET", "/nowhere", "")).await;
    assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (404, "application/problem+json"));
}

#[tokio::test]
async fn each_request_is_recorded_once_and_nothing_of_the_clients_with_it() {
    let gateway = TestGateway::start(willing).await;
    let events = Events::capture();
    let target = "/acme/api/orgs/north/things?note=canary-query";
    for body in [r#"{"name":"Lamp"}"#, r#"{"name":{"canary-member":1}}"#, "{\"canary-text"] {
        let request = request("POST", target, body).header("x-note", "canary-header");
        gateway.answer(request).await;
    }
    gateway.answer(request("POST", "/acme/api/orgs/canary-path/things", r#"{"name":"Lamp"}"#)).await;

    let lines = events.lines();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("canary")), "{lines:#?}");
    let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let fields = &first["fields"];
    assert_eq!(fields["message"], "request");
    assert_eq!((&fields["dialect.id"], &fields["operation.name"]), (&"acme".into(), &"add_thing".into()));
    assert_eq!((&fields["status"], &fields["upstream.calls"]), (&201.into(), &2.into()));
    assert!(fields.get("problem.code").is_none(), "{fields}");
    let second: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert_eq!(second["fields"]["problem.code"], "invalid-request");
    assert_eq!(second["fields"]["problem.blame"], "downstream");
}

#[tokio::test]
async fn a_client_that_goes_away_is_recorded_too() {
    let gateway = TestGateway::start(willing).await;
    let events = Events::capture();
    let answer = gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#);
    assert!(Box::pin(answer).now_or_never().is_none(), "the backend has not answered yet");
    let lines = events.lines();
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].contains("\"status\""), "{lines:?}");
}

#[tokio::test]
async fn answers_refusals_calls_and_lookups_are_counted() {
    let gateway = TestGateway::start(willing).await;
    gateway.post("/orgs/north/things", r#"{"name":"Lamp","colour":"red"}"#).await;
    gateway.post("/orgs/north/things", "{").await;
    let page = gateway.metrics();
    for line in [
        r#"gateway_requests_total{dialect="acme",operation="add_thing",status="201",code=""} 1"#,
        r#"gateway_requests_total{dialect="acme",operation="add_thing",status="400",code="malformed-json"} 1"#,
        r#"gateway_refusals_total{dialect="acme",code="malformed-json",blame="downstream"} 1"#,
        r#"gateway_ignored_fields_total{dialect="acme",operation="add_thing"} 1"#,
        r#"gateway_upstream_calls_total{operation="things.add",outcome="answered"} 1"#,
        r#"gateway_resolver_lookups_total{resolver="organization",outcome="loaded"} 1"#,
    ] {
        assert!(page.lines().any(|written| written == line), "{line}\n{page}");
    }
}

//! Updates that say again what their client was told.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::IF_MATCH;

use super::support::{Events, TestGateway, backend_problem};

const LENT: &str = r#"{"title":"Lamp","owner":{"kind":"lent"},"tag":"\"v1\""}"#;

/// A backend whose things are all lent, and stay so.
fn lending(line: &str, _body: &str) -> (u16, String) {
    match line {
        "GET /v1/things/t-1" | "PATCH /v1/things/t-1" => (200, LENT.to_owned()),
        "GET /v1/things/t-2" => (200, LENT.replace("lent", "own").replace("v1", "v2")),
        "PATCH /v1/things/t-2" => (200, "{}".to_owned()),
        _ => backend_problem(404, "not-found"),
    }
}

/// The bodies of all updates and their conditions.
fn updates(gateway: &TestGateway) -> Vec<(String, Option<String>)> {
    let updates = gateway.calls().into_iter().filter(|call| !call.body.is_empty());
    let condition = |headers: &http::HeaderMap| Some(headers.get(IF_MATCH)?.to_str().unwrap().to_owned());
    updates.map(|call| (call.body.clone(), condition(&call.headers))).collect()
}

fn update(body: &str, condition: Option<&str>) -> (String, Option<String>) {
    (body.to_owned(), condition.map(str::to_owned))
}

#[tokio::test]
async fn what_a_client_writes_as_it_was_told_is_left_out() {
    let events = Events::capture();
    let gateway = TestGateway::start(lending).await;
    let (status, _, body) = gateway.patch("/things/t-1", r#"{"name":"Lamp","whose":"ours"}"#).await;
    assert_eq!((status, body.as_str()), (200, r#"{"name":"Lamp","whose":"ours"}"#));
    assert_eq!(gateway.lines(), ["GET /v1/things/t-1", "PATCH /v1/things/t-1"]);
    assert_eq!(updates(&gateway), [update(r#"{"title":"Lamp"}"#, Some("\"v1\""))]);
    let counted = r#"gateway_kept_fields_total{dialect="acme",operation="update_thing"} 1"#;
    assert!(gateway.metrics().contains(counted), "{}", gateway.metrics());
    assert!(events.lines().iter().any(|line| line.contains(r#""kept_fields":1"#)), "{:?}", events.lines());
}

#[tokio::test]
async fn any_spelling_of_what_was_told_counts_and_the_backend_judges_also_where_nothing_is_left() {
    let gateway = TestGateway::start(lending).await;
    assert_eq!(gateway.patch("/things/t-1", r#"{"whose":2}"#).await.0, 200);
    assert_eq!(updates(&gateway), [update("{}", Some("\"v1\""))]);
}

#[tokio::test]
async fn what_a_client_changes_is_written_as_ever() {
    let gateway = TestGateway::start(lending).await;
    gateway.patch("/things/t-1", r#"{"whose":"mine"}"#).await;
    assert_eq!(gateway.lines(), ["GET /v1/things/t-1", "PATCH /v1/things/t-1"]);
    assert_eq!(updates(&gateway), [update(r#"{"owner":{"kind":"own"}}"#, None)]);
    assert!(!gateway.metrics().contains(r#"kept_fields_total{dialect="acme",operation="update_thing"} 1"#));
}

#[tokio::test]
async fn nothing_is_read_unless_something_is_written_that_is_told_ambiguously() {
    let gateway = TestGateway::start(lending).await;
    gateway.patch("/things/t-1", r#"{"name":"Desk"}"#).await;
    assert_eq!(gateway.lines(), ["PATCH /v1/things/t-1"]);
    assert_eq!(updates(&gateway), [update(r#"{"title":"Desk"}"#, None)]);
}

#[tokio::test]
async fn a_refusal_to_show_the_record_is_one_to_change_it() {
    let gateway = TestGateway::start(|_, _| backend_problem(403, "forbidden")).await;
    let (status, _, body) = gateway.patch("/things/t-1", r#"{"whose":"ours"}"#).await;
    assert_eq!((status, body.contains("forbidden")), (403, true), "{body}");
    assert_eq!(gateway.lines(), ["GET /v1/things/t-1"]);
}

#[tokio::test]
async fn a_record_that_others_change_meanwhile_is_looked_at_again() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    // Between the first look and the update the thing stops being lent.
    let gateway = TestGateway::start(|line, _| match (line, CALLS.fetch_add(1, Ordering::Relaxed)) {
        (_, 0) => (200, LENT.to_owned()),
        (_, 1) => backend_problem(412, "precondition-failed"),
        ("GET /v1/things/t-1", _) => (200, LENT.replace("lent", "own").replace("v1", "v2")),
        _ => (200, r#"{"title":"Lamp","owner":{"kind":"shared"}}"#.to_owned()),
    })
    .await;
    let (status, _, body) = gateway.patch("/things/t-1", r#"{"whose":"ours"}"#).await;
    assert_eq!((status, body.as_str()), (200, r#"{"name":"Lamp","whose":"ours"}"#));
    let changed = r#"{"owner":{"kind":"shared"}}"#;
    assert_eq!(updates(&gateway), [update("{}", Some("\"v1\"")), update(changed, None)]);
}

#[tokio::test]
async fn a_record_that_never_rests_is_a_conflict() {
    let gateway = TestGateway::start(|line, _| match line {
        "GET /v1/things/t-1" => (200, LENT.to_owned()),
        _ => backend_problem(412, "precondition-failed"),
    })
    .await;
    let (status, _, body) = gateway.patch("/things/t-1", r#"{"whose":"ours"}"#).await;
    assert_eq!((status, body.contains("busy-record")), (409, true), "{body}");
    assert_eq!(gateway.lines().len(), 8, "one look and three more, each with its update");
}

#[tokio::test]
async fn a_condition_that_is_not_ours_is_no_reason_to_look_again() {
    let gateway = TestGateway::start(|line, _| match line {
        "GET /v1/things/t-1" => (200, r#"{"owner":{"kind":"lent"},"tag":"W/\"v1\""}"#.to_owned()),
        _ => backend_problem(412, "precondition-failed"),
    })
    .await;
    assert_eq!(gateway.patch("/things/t-1", r#"{"whose":"ours"}"#).await.0, 412);
    assert_eq!(updates(&gateway), [update("{}", None)], "a weak tag never matches");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_no_reason_to_guess() {
    for answer in ["", "[1", "<html>"] {
        let gateway = match answer {
            "" => TestGateway::start(|_, _| (200, String::new())).await,
            "[1" => TestGateway::start(|_, _| (200, "[1".to_owned())).await,
            _ => TestGateway::start(|_, _| (200, "<html>".to_owned())).await,
        };
        assert_eq!(gateway.patch("/things/t-1", r#"{"whose":"ours"}"#).await.0, 502, "{answer}");
        assert_eq!(gateway.lines(), ["GET /v1/things/t-1"]);
    }
}

#[tokio::test]
async fn each_item_of_a_bulk_request_has_a_look_of_its_own() {
    let gateway = TestGateway::start(lending).await;
    let body = r#"{"things":[{"key":"t-1","whose":"ours"},{"key":"t-2","whose":"ours"},{"key":"t-2","name":"Desk"}]}"#;
    let (status, _, body) = gateway.patch("/things", body).await;
    assert_eq!((status, body.as_str()), (200, r#"{"changed":3}"#));
    let mut updates = updates(&gateway);
    updates.sort();
    let shared = update(r#"{"owner":{"kind":"shared"}}"#, None);
    assert_eq!(updates, [shared, update(r#"{"title":"Desk"}"#, None), update("{}", Some("\"v1\""))]);
    assert_eq!(gateway.lines().iter().filter(|line| line.starts_with("GET")).count(), 2);
}

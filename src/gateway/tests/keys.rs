//! Requests with an `Idempotency-Key`.

use super::support::{TestGateway, backend_problem, request};
use super::willing;

/// The keys of the calls that change something, in the order of their bodies.
fn keys(gateway: &TestGateway) -> Vec<String> {
    let mut calls = gateway.calls();
    calls.sort_by(|one, other| one.body.cmp(&other.body));
    let keys = calls.iter().map(|call| call.headers.get("idempotency-key"));
    keys.flatten().map(|key| key.to_str().unwrap().to_owned()).collect()
}

async fn ask(gateway: &TestGateway, method: &str, path: &str, body: &str, key: &str) -> (u16, String) {
    let request = request(method, &format!("/acme/api{path}"), body).header("idempotency-key", key);
    let (status, _, body) = gateway.answer(request).await;
    (status, body)
}

#[tokio::test]
async fn a_key_goes_with_the_call_that_changes_something_and_with_no_other() {
    let gateway = TestGateway::start(willing).await;
    let (status, _) = ask(&gateway, "POST", "/orgs/north/things", r#"{"name":"Lamp"}"#, "abc").await;
    assert_eq!(status, 201);
    assert_eq!(gateway.lines().len(), 2, "a lookup and a change");
    assert_eq!(keys(&gateway), ["\"abc\""]);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_in_the_dialects_words_and_nothing_is_called() {
    let gateway = TestGateway::start(willing).await;
    let (status, body) = ask(&gateway, "POST", "/orgs/north/things", r#"{"name":"Lamp"}"#, "a,b").await;
    assert_eq!((status, body.contains("invalid-idempotency-key")), (400, true), "{body}");
    assert!(gateway.lines().is_empty());
}

#[tokio::test]
async fn a_request_that_only_reads_may_say_what_it_likes() {
    let gateway = TestGateway::start(willing).await;
    let (status, _) = ask(&gateway, "GET", "/orgs/north/things", "", "a,b").await;
    assert_ne!(status, 400);
    assert!(keys(&gateway).is_empty());
}

#[tokio::test]
async fn each_item_of_a_bulk_request_has_a_key_of_its_own_and_keeps_it() {
    let body = r#"{"things":[{"name":"A"},{"name":"B"}]}"#;
    let gateway = TestGateway::start(willing).await;
    for key in ["abc", "\"abc\"", "abd"] {
        ask(&gateway, "POST", "/orgs/north/things/bulk", body, key).await;
    }
    let [a, a_again, a_other, b, b_again, b_other] = &keys(&gateway)[..] else { panic!("six calls") };
    assert_eq!((a, b), (a_again, b_again));
    let mut all = [a, b, a_other, b_other].map(String::as_str);
    all.sort_unstable();
    assert!(all.windows(2).all(|two| two[0] != two[1]), "{all:?}");
    assert!(all.iter().all(|key| key.len() == 66 && !key.contains("abc")), "{all:?}");
}

/// What a backend answers to a line and a body.
type Backend = fn(&str, &str) -> (u16, String);

/// A record that is shown ambiguously, of some version.
fn lending(version: &str, line: &str, body: &str) -> (u16, String) {
    match line {
        "GET /v1/things/t-1" => {
            let record = r#"{"title":"Lamp","owner":{"kind":"lent"},"tag":"\"v1\""}"#;
            (200, record.replace("v1", version))
        }
        "PATCH /v1/things/t-1" if body == "{}" => backend_problem(412, "too-late"),
        "PATCH /v1/things/t-1" => (200, "{}".to_owned()),
        _ => backend_problem(404, "not-found"),
    }
}

#[tokio::test]
async fn an_update_that_depends_on_what_was_read_has_a_key_that_does_too() {
    let mut two = Vec::new();
    let (first, later): (Backend, Backend) =
        (|line, body| lending("v1", line, body), |line, body| lending("v2", line, body));
    for backend in [first, first, later] {
        let gateway = TestGateway::start(backend).await;
        ask(&gateway, "PATCH", "/things/t-1", r#"{"name":"Lamp","whose":"ours"}"#, "abc").await;
        two.extend(keys(&gateway));
    }
    assert_eq!(two.len(), 3, "{two:?}");
    assert_eq!(two[0], two[1]);
    assert!(two[0] != two[2] && two.iter().all(|key| key != "\"abc\""), "{two:?}");
    // What needs no look is one call, whose key is the client's.
    let gateway = TestGateway::start(|line, body| lending("v1", line, body)).await;
    ask(&gateway, "PATCH", "/things/t-1", r#"{"name":"Desk"}"#, "abc").await;
    assert_eq!(keys(&gateway), ["\"abc\""]);
}

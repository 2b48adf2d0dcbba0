//! A GET that changes something is asked once, whoever asks, and whatever looks like it could be asked again.

use http::header::ALLOW;

use super::shadows::shadow;
use super::support::{TestGateway, request};
use super::willing;
use crate::gateway::mode::{Config, Mode, Side};

const VISIT: &str = "/acme/api/visits/o-1";

/// What it becomes.
const ADD: &str = "POST /v1/organizations/o-1/things";

fn old_visit(_line: &str, _body: &str) -> (u16, String) {
    (200, r#"{"key":"t-1","name":"Lamp"}"#.to_owned())
}

#[tokio::test]
async fn head_is_for_what_only_reads() {
    let gateway = TestGateway::start(willing).await;
    let (status, headers, _) = gateway.answer(request("HEAD", VISIT, "")).await;
    assert_eq!((status, headers[ALLOW].to_str().unwrap()), (405, "GET"));
    assert!(gateway.lines().is_empty(), "{:?}", gateway.lines());
    // Nor is it told to be answered to whoever asks for anything else.
    let (status, headers, _) = gateway.answer(request("PUT", VISIT, "")).await;
    assert_eq!((status, headers[ALLOW].to_str().unwrap()), (405, "GET"));
    let list = "/acme/api/lists/3c90c3cc-0d44-4b50-8888-8dd25736052a/things";
    let (status, headers, _) = gateway.answer(request("PUT", list, "")).await;
    assert_eq!((status, headers[ALLOW].to_str().unwrap()), (405, "GET, HEAD"));

    assert_eq!(gateway.answer(request("GET", VISIT, "")).await.0, 200);
    assert_eq!(gateway.lines(), [ADD]);
}

#[tokio::test]
async fn head_is_handed_on_to_no_old_upstream_for_what_changes_something() {
    let config = Config { mode: Mode::Legacy, ..Config::default() };
    let (gateway, seen) = TestGateway::start_moving(willing, old_visit, config).await;
    assert_eq!(gateway.answer(request("HEAD", VISIT, "")).await.0, 405);
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(gateway.answer(request("GET", VISIT, "")).await.0, 200);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_goes_with_a_get_that_changes_something() {
    let gateway = TestGateway::start(willing).await;
    let asked = |key| request("GET", VISIT, "").header("idempotency-key", key);
    assert_eq!(gateway.answer(asked("a,b")).await.0, 400);
    assert!(gateway.lines().is_empty());
    assert_eq!(gateway.answer(asked("abc")).await.0, 200);
    assert_eq!(gateway.calls()[0].headers["idempotency-key"], "\"abc\"");
}

/// One side makes it, once; the other never hears of it.
#[tokio::test]
async fn a_shadow_asks_nobody_again_for_what_changes_something() {
    for (answers, outcome) in [(Side::Legacy, "dry_fits"), (Side::Canonical, "untried")] {
        // Each comparison would have the old side asked twice.
        let config = Config { noise: 100, ..shadow(answers) };
        let (gateway, seen) = TestGateway::start_moving(willing, old_visit, config).await;
        let (gateway, work) = gateway.shadowing();
        let canonical = gateway.asking();
        assert_eq!(gateway.answer(request("GET", VISIT, "")).await.0, 200);
        let metrics = gateway.metrics_when_dropped(work.run()).await;
        let made = (seen.lock().unwrap().len(), canonical.lines().len());
        assert_eq!(made, if answers == Side::Legacy { (1, 0) } else { (0, 1) }, "{answers:?}");
        let line = format!(r#"operation="visit",outcome="{outcome}"}} 1"#);
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

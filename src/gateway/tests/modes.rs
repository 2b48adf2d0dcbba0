//! Requests of a dialect that has an old upstream: who answers them, and what is handed on.

use std::time::Duration;

use http::header::{CONTENT_TYPE, DATE, HOST, VIA};

use super::support::{Events, TestGateway, request};
use super::{THING, willing};
use crate::gateway::mode::{Config, Mode};
use crate::limit::Principal;

/// What the old upstream has for everybody.
pub(super) const OLD: &str = r#"{"key":"t-0","name":"Old","tag":"\"v1\""}"#;

fn old(line: &str, _body: &str) -> (u16, String) {
    if line.contains("/gone/") { (410, "gone, in my own words".to_owned()) } else { (201, OLD.to_owned()) }
}

fn in_mode(mode: Mode) -> Config {
    Config { mode, validate: true, ..Config::default() }
}

pub(super) const LAMP: &str = r#"{"name":"Lamp"}"#;

#[tokio::test]
async fn in_legacy_mode_a_request_is_handed_on_and_its_answer_back_as_they_are() {
    let events = Events::capture();
    let (gateway, seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    let body = "{\"name\" : \"Lamp\", \"odd\": 1}";
    let path = "/acme/api/orgs/north/things?b=%20&a";
    let request = request("POST", path, body).header("x-own", "1").header("accept-encoding", "br");
    let (status, headers, told) = gateway.answer(request).await;
    assert_eq!((status, told.as_str()), (201, OLD));
    assert_eq!(headers["etag"], "\"v1\"");
    assert!(headers.contains_key(DATE), "{headers:?}");
    assert!(!headers.contains_key("ratelimit-remaining"), "the answer is the old upstream's");

    let seen = seen.lock().unwrap().clone();
    assert_eq!(
        (seen.len(), seen[0].line.as_str(), seen[0].body.as_str()),
        (1, "POST /api/orgs/north/things?b=%20&a", body)
    );
    let header = |name: &str| seen[0].headers[name].to_str().unwrap();
    assert_eq!((header("authorization"), header("x-own")), ("Bearer canary-key", "1"));
    assert_eq!((header("accept-encoding"), header(CONTENT_TYPE.as_str())), ("br", "application/json"));
    assert_eq!(header("x-forwarded-prefix"), "/acme");
    assert!(header(VIA.as_str()).starts_with("1.1 interlingua-"), "{:?}", seen[0].headers);
    assert!(!seen[0].headers.contains_key("x-forwarded-host"), "nobody knows the dialect by that host");
    assert!(header(HOST.as_str()).starts_with("127.0.0.1:"), "its own");
    assert_eq!(gateway.lines(), [""; 0], "the canonical side hears nothing");

    let event = events.lines().pop().unwrap();
    assert!(event.contains(r#""mode":"legacy","mode.side":"legacy""#), "{event}");
    let metrics = gateway.metrics();
    for line in [
        r#"gateway_mode_requests_total{dialect="acme",operation="add_thing",mode="legacy",side="legacy"} 1"#,
        r#"gateway_legacy_calls_total{dialect="acme",outcome="answered"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_old_upstream_is_its_own() {
    let (gateway, _seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    let (status, _, told) = gateway.post("/orgs/gone/things", LAMP).await;
    assert_eq!((status, told.as_str()), (410, "gone, in my own words"));
}

#[tokio::test]
async fn where_the_old_upstream_does_not_answer_the_dialect_says_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = TestGateway::start(willing).await.moving(&format!("http://{free}"), in_mode(Mode::Legacy));
    let (status, headers, told) = gateway.post("/orgs/north/things", LAMP).await;
    let (expected, _, words) = TestGateway::without_a_backend().post("/orgs/north/things", LAMP).await;
    assert_eq!((status, told), (expected, words));
    assert_eq!(headers[CONTENT_TYPE], "application/json");
    assert!(
        gateway.metrics().contains(r#"gateway_legacy_calls_total{dialect="acme",outcome="unreachable"} 1"#)
    );
}

#[tokio::test]
async fn nothing_is_handed_on_for_a_request_whose_time_is_over() {
    let (gateway, seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    // To the connection that this leaves behind a request could be written at once.
    let post = || request("POST", "/acme/api/orgs/north/things", LAMP);
    assert_eq!(gateway.answer(post()).await.0, 201);
    assert_eq!(gateway.answer(post().due_in(Duration::ZERO)).await.0, 504);
    assert_eq!(gateway.answer(post()).await.0, 201);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_has_been_handed_on_and_comes_back_goes_no_further() {
    let (gateway, seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    let post = |via: &str| request("POST", "/acme/api/orgs/north/things", LAMP).header("via", via);
    assert_eq!(gateway.answer(post("1.1 interlingua")).await.0, 201);
    let via =
        seen.lock().unwrap()[0].headers.get_all(VIA).iter().next_back().unwrap().to_str().unwrap().to_owned();
    let (status, _, told) = gateway.answer(post(&format!("1.1 front, {via}, 1.1 other"))).await;
    assert_eq!(status, 502, "{told}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_nobody_may_ask_reaches_neither_side() {
    let (gateway, seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    let twice =
        request("POST", "/acme/api/orgs/north/things", LAMP).header("authorization", "Bearer another-one");
    assert_eq!(gateway.answer(twice).await.0, 401);
    assert_eq!(gateway.post("/nowhere", LAMP).await.0, 404);
    assert_eq!(seen.lock().unwrap().len() + gateway.lines().len(), 0);
}

#[tokio::test]
async fn what_a_request_was_admitted_with_is_never_taken_off_it() {
    let (gateway, seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    for (named, key) in
        [("Authorization", "k"), ("close, Idempotency-Key", "k"), ("x-own", ""), ("x-own", "a,b")]
    {
        let request = request("POST", "/acme/api/orgs/north/things", LAMP)
            .header("connection", named)
            .header("idempotency-key", key);
        let (status, headers, told) = gateway.answer(request).await;
        assert_eq!((status, &headers[CONTENT_TYPE]), (400, &"application/json".parse().unwrap()), "{told}");
        assert!(seen.lock().unwrap().is_empty(), "{named}");
    }
    let twins = request("POST", "/acme/api/orgs/north/things", LAMP)
        .header("connection", "x-own")
        .header("x-own", "1")
        .header("x_api_key", "of-another")
        .header("x-http-method-override", "DELETE");
    assert_eq!(gateway.answer(twins).await.0, 201);
    let headers = seen.lock().unwrap()[0].headers.clone();
    for name in ["x-own", "x_api_key", "x-http-method-override", "connection"] {
        assert!(!headers.contains_key(name), "{name} {headers:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_handed_on_is_bounded_too() {
    let (gateway, seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    let (status, ..) = gateway.post("/orgs/north/things", &"x".repeat((1 << 20) + 1)).await;
    assert_eq!((status, seen.lock().unwrap().len()), (413, 0));
}

#[tokio::test]
async fn what_does_not_fit_is_counted_and_handed_on_all_the_same() {
    let (gateway, _seen) = TestGateway::start_moving(willing, old, in_mode(Mode::Legacy)).await;
    let misfits = |of: &str| {
        let line =
            format!(r#"gateway_legacy_misfits_total{{dialect="acme",operation="add_thing",of="{of}"}}"#);
        gateway
            .metrics()
            .lines()
            .find_map(|found| found.strip_prefix(&line)?.trim().parse::<u32>().ok())
            .unwrap_or(0)
    };
    assert_eq!(gateway.post("/orgs/north/things", LAMP).await.0, 201);
    assert_eq!(misfits("request"), 0);
    assert_eq!(gateway.post("/orgs/north/things", "no JSON").await.0, 201);
    assert_eq!(misfits("request"), 1);
}

#[tokio::test]
async fn a_success_that_no_mapping_speaks_of_and_a_body_of_another_form_are_misfits() {
    let (gateway, _seen) =
        TestGateway::start_moving(willing, |_, _| (202, OLD.to_owned()), in_mode(Mode::Legacy)).await;
    assert_eq!(gateway.post("/orgs/north/things", r#"{"name":5}"#).await.0, 202);
    for of in ["answer", "request"] {
        let line =
            format!(r#"gateway_legacy_misfits_total{{dialect="acme",operation="add_thing",of="{of}"}} 1"#);
        assert!(gateway.metrics().contains(&line), "{line}\n{}", gateway.metrics());
    }
}

#[tokio::test]
async fn a_refusal_that_the_dialect_tells_as_a_success_is_no_misfit() {
    let (gateway, _seen) =
        TestGateway::start_moving(willing, |_, _| (204, String::new()), in_mode(Mode::Legacy)).await;
    assert_eq!(gateway.post("/orgs/north/things", LAMP).await.0, 204);
    assert!(!gateway.metrics().contains("gateway_legacy_misfits_total{"), "{}", gateway.metrics());
}

#[tokio::test]
async fn principals_and_operations_may_be_on_the_other_side() {
    let moved =
        |of: Principal, mode: Mode| Config { principals: [(of, mode)].into(), ..in_mode(Mode::Legacy) };
    let operation =
        Config { operations: [("add_thing".to_owned(), Mode::Canonical)].into(), ..in_mode(Mode::Legacy) };
    for (config, is_moved) in [
        (moved(Principal::of(b"canary-key"), Mode::Canonical), true),
        (moved(Principal::of(b"another-key"), Mode::Canonical), false),
        (operation, true),
        (Config { share: 0, ..in_mode(Mode::Split) }, false),
        (Config { share: 100, ..in_mode(Mode::Split) }, true),
    ] {
        let (gateway, seen) = TestGateway::start_moving(willing, old, config.clone()).await;
        let (_, _, told) = gateway.post("/orgs/north/things", LAMP).await;
        assert_eq!(told != OLD, is_moved, "{config:?} {told}");
        assert_eq!(seen.lock().unwrap().is_empty(), is_moved);
        assert_eq!(gateway.lines().is_empty(), !is_moved);
    }
    assert_ne!(THING, OLD, "the sides can be told apart");
}

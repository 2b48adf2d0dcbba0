//! What becomes of answers of the backend that are not what the canonical API promises.

use super::support::{Events, TestGateway, backend_problem};
use super::{FOUND, willing};
use crate::gateway::AnswerCheck;

const MODES: [AnswerCheck; 3] = [AnswerCheck::Enforce, AnswerCheck::Off, AnswerCheck::Report];

const MISFITS: &str = r#"gateway_answer_misfits_total{dialect="acme",operation="add_thing"}"#;

/// A thing of a sort that nobody promised, beside names that nobody may log.
fn odd(line: &str, body: &str) -> (u16, String) {
    match line {
        "POST /v1/organizations/o-1/things" if !body.contains("Desk") => {
            (201, r#"{"id":"t-1","title":"canary-title","labels":{"canary-label":"x"}}"#.to_owned())
        }
        _ => willing(line, body),
    }
}

async fn post(gateway: &TestGateway) -> (u16, String) {
    let (status, _, body) = gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#).await;
    (status, body)
}

fn has_line(gateway: &TestGateway, line: &str) -> bool {
    gateway.metrics().lines().any(|written| written == line)
}

#[tokio::test]
async fn a_misfit_to_a_change_says_that_it_was_made_where_answers_are_enforced() {
    let gateway = TestGateway::checking(AnswerCheck::Enforce, odd).await;
    let events = Events::capture();
    let (status, body) = post(&gateway).await;
    assert_eq!(status, 500);
    assert!(body.contains("done-and-unread") && !body.contains("canary"), "{body}");
    assert!(has_line(&gateway, &format!("{MISFITS} 1")), "{}", gateway.metrics());
    let lines = events.lines();
    assert!(lines[0].contains("`/title` must be one of `Lamp`, `Desk`"), "{lines:?}");
    assert!(!lines[0].contains("canary"), "{lines:?}");
    // What failed is no client's fault: a log of warnings has it, and not what clients do wrong.
    let level = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["level"].clone();
    assert_eq!(level(&lines[0]), "WARN");
    assert_eq!(gateway.post("/orgs/north/things", "{").await.0, 400);
    assert_eq!(level(&events.lines()[1]), "INFO");
}

#[tokio::test]
async fn a_misfit_is_told_and_counted_where_answers_are_reported() {
    let gateway = TestGateway::checking(AnswerCheck::Report, odd).await;
    let events = Events::capture();
    assert_eq!(post(&gateway).await, (201, r#"{"key":"t-1","name":"canary-title"}"#.to_owned()));
    assert!(has_line(&gateway, &format!("{MISFITS} 1")), "{}", gateway.metrics());
    let lines = events.lines();
    let event: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        event["fields"]["answer.misfit"],
        "the answer does not fit `acme/canonical`: `/title` must be one of `Lamp`, `Desk`"
    );
    assert!(!lines[0].contains("canary"), "{lines:?}");
}

#[tokio::test]
async fn nobody_looks_where_answers_are_not_checked() {
    let gateway = TestGateway::checking(AnswerCheck::Off, odd).await;
    let events = Events::capture();
    assert_eq!(post(&gateway).await, (201, r#"{"key":"t-1","name":"canary-title"}"#.to_owned()));
    assert!(has_line(&gateway, &format!("{MISFITS} 0")), "{}", gateway.metrics());
    assert!(!events.lines()[0].contains("misfit"), "{:?}", events.lines());
}

#[tokio::test]
async fn an_answer_that_fits_is_no_misfit() {
    let gateway = TestGateway::checking(AnswerCheck::Report, willing).await;
    assert_eq!(post(&gateway).await.0, 201);
    assert!(has_line(&gateway, &format!("{MISFITS} 0")), "{}", gateway.metrics());
}

#[tokio::test]
async fn of_what_cannot_be_told_at_all_it_is_told_that_it_was_made_however_answers_are_checked() {
    for mode in MODES {
        for answer in [
            |line: &str, body: &str| match line {
                "POST /v1/organizations/o-1/things" => (201, String::new()),
                _ => willing(line, body),
            },
            |line: &str, body: &str| match line {
                "POST /v1/organizations/o-1/things" => (201, "<html>".to_owned()),
                _ => willing(line, body),
            },
        ] {
            let gateway = TestGateway::checking(mode, answer).await;
            let (status, body) = post(&gateway).await;
            assert_eq!((status, body.contains("done-and-unread")), (500, true), "{mode:?}: {body}");
        }
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_a_502_however_answers_are_checked() {
    for mode in MODES {
        let answer = |line: &str, _: &str| match line {
            line if line.starts_with("GET /v1/organizations/") => {
                (200, r#"{"items":[{"id":"no id","title":"Lamp"}],"total":1}"#.to_owned())
            }
            _ => (200, FOUND.to_owned()),
        };
        let gateway = TestGateway::checking(mode, answer).await;
        let (status, _, body) = gateway.read("/lists/3c90c3cc-0d44-4b50-8888-8dd25736052a/things").await;
        assert_eq!(status, 502, "{mode:?}: {body}");
        assert!(!body.contains("no id"), "{body}");
    }
}

#[tokio::test]
async fn a_page_in_the_place_of_the_api_is_the_backends_fault_and_counted() {
    for mode in MODES {
        let gateway = TestGateway::checking(mode, |line, body| match line {
            "POST /v1/organizations/o-1/things" => (404, "<!doctype html>canary".to_owned()),
            _ => willing(line, body),
        })
        .await;
        let events = Events::capture();
        let (status, body) = post(&gateway).await;
        assert_eq!((status, body.contains("invalid-answer")), (502, true), "{mode:?}: {body}");
        for (outcome, times) in [("foreign", 1), ("answered", 0)] {
            let labels = format!(r#"operation="things.add",outcome="{outcome}""#);
            assert!(has_line(&gateway, &format!("gateway_upstream_calls_total{{{labels}}} {times}")));
        }
        let line = events.lines().remove(0);
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&event["level"], &event["fields"]["problem.blame"]),
            (&"WARN".into(), &"upstream".into())
        );
        assert!(!line.contains("canary"), "{line}");
    }
}

#[tokio::test]
async fn an_odd_error_stays_the_error_it_is() {
    for mode in MODES {
        for answer in [
            |line: &str, body: &str| {
                if line.starts_with("GET") { willing(line, body) } else { (401, String::new()) }
            },
            |line: &str, body: &str| {
                if line.starts_with("GET") {
                    willing(line, body)
                } else {
                    (403, "<html>no</html>".to_owned())
                }
            },
            |line: &str, body: &str| {
                if line.starts_with("GET") { willing(line, body) } else { (409, r#"["taken"]"#.to_owned()) }
            },
            |line: &str, body: &str| {
                if line.starts_with("GET") { willing(line, body) } else { (500, r#"{"id":1}"#.to_owned()) }
            },
        ] {
            let (expected, _) = answer("POST", "");
            let gateway = TestGateway::checking(mode, answer).await;
            let (status, body) = post(&gateway).await;
            assert_eq!(status, expected, "{mode:?}: {body}");
            assert!(has_line(&gateway, &format!("{MISFITS} 0")), "{}", gateway.metrics());
        }
    }
}

#[tokio::test]
async fn of_a_bulk_request_the_item_fails_whose_answer_does_not_fit() {
    let items = r#"{"things":[{"name":"Lamp"},{"name":"Desk"}]}"#;
    let told = async |mode| {
        let gateway = TestGateway::checking(mode, odd).await;
        let (status, _, body) = gateway.post("/orgs/north/things/bulk", items).await;
        (status, body)
    };
    assert_eq!(
        told(AnswerCheck::Enforce).await,
        (207, r#"{"made":1,"failed":[{"code":"done-and-unread"}]}"#.to_owned())
    );
    assert_eq!(told(AnswerCheck::Report).await, (201, r#"{"made":2,"failed":[]}"#.to_owned()));
}

#[tokio::test]
async fn an_error_of_an_operation_stays_as_it_is_told_by_the_backend() {
    let refused = |line: &str, body: &str| match line {
        "POST /v1/organizations/o-1/things" => backend_problem(409, "taken"),
        _ => willing(line, body),
    };
    for mode in MODES {
        let (status, body) = post(&TestGateway::checking(mode, refused).await).await;
        assert_eq!(status, 409);
        assert!(body.contains("taken"), "{body}");
    }
}

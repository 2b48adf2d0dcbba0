//! What a backend says of a refusal, and its client does not hear.

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::support::{Events, TestGateway};
use super::willing;

/// Refuses a thing with its title as the sentence, the code and what it says of a place, or as a place, where it can be that.
fn parrot(line: &str, body: &str) -> (u16, String) {
    let Ok(Value::Object(thing)) = serde_json::from_str(body) else { return willing(line, body) };
    let said = thing["title"].as_str().unwrap().replace("(at)", "@");
    let error = match (said.strip_prefix("place: "), said.strip_prefix("below: ")) {
        (Some(said), _) => json!({"pointer": "/title", "code": said, "detail": said}),
        (_, Some(said)) => {
            json!({"pointer": format!("/title/{said}"), "code": "taken", "detail": "is taken"})
        }
        (None, None) => return (409, json!({"code": said, "detail": said}).to_string()),
    };
    (422, json!({"code": "invalid", "detail": "no", "errors": [error]}).to_string())
}

async fn told(name: &str) -> Value {
    let gateway = TestGateway::start(parrot).await;
    let body = json!({"name": name}).to_string();
    let (status, _, told) = gateway.post("/orgs/north/things", &body).await;
    assert!([409, 422].contains(&status), "{status}: {told}");
    serde_json::from_str(&told).unwrap()
}

#[tokio::test]
async fn a_sentence_with_the_credential_of_the_request_is_not_told() {
    for said in
        ["`canary-key` may not", "Bearer canary-key", "CANARY-KEY", "at /?key=canary%2Dkey", "canary-key"]
    {
        let body = told(said).await;
        assert_eq!(body["detail"], "Conflict", "{said}");
        assert!(!body.to_string().to_lowercase().contains("canary"), "{body}");
    }
    assert_eq!(told("the canary may not").await["detail"], "the canary may not");
}

#[tokio::test]
async fn a_code_with_the_credential_of_the_request_is_neither_told_nor_logged() {
    let events = Events::capture();
    assert_eq!(told("canary-key").await["code"], "backend-error");
    assert_eq!(told("is-taken").await["code"], "is-taken");
    let lines = events.lines();
    assert!(lines.iter().any(|line| line.contains("is-taken")), "the log has codes: {lines:?}");
    assert!(!lines.iter().any(|line| line.contains("canary-key")), "{lines:?}");
}

#[tokio::test]
async fn a_sentence_with_an_address_that_the_request_does_not_have_is_not_told() {
    for said in ["bob(at)example.org owns it", "see /users/bob%40example.org", "Bob <Bob(at)Example.ORG>"] {
        assert_eq!(told(said).await["detail"], "Conflict", "{said}");
    }
    let own = "ann@example.org owns it";
    assert_eq!(told(own).await["detail"], own, "it is in the request");
    assert_eq!(told("ann@example.org has what bob(at)example.org had").await["detail"], "Conflict");
}

#[tokio::test]
async fn what_is_said_of_a_place_is_withheld_in_the_same_way() {
    for said in ["place: canary-key", "place: bob(at)example.org has it"] {
        let body = told(said).await;
        let error = &body["errors"][0];
        assert_eq!(
            (error["code"].as_str(), error["detail"].as_str()),
            (Some("refused"), Some("is refused")),
            "{said}"
        );
    }
    assert_eq!(told("place: is taken").await["errors"][0]["detail"], "is taken");
}

#[tokio::test]
async fn a_place_with_the_credential_or_an_address_is_told_as_the_whole() {
    assert!(told("below: lamp").await.to_string().contains("name/lamp"));
    for said in ["below: canary-key", "below: bob(at)example.org"] {
        let body = told(said).await;
        assert_eq!(body["errors"][0]["detail"], "is taken", "{body}");
        assert!(!body.to_string().contains("canary") && !body.to_string().contains("bob"), "{body}");
    }
}

#[tokio::test]
async fn what_a_lookup_is_refused_with_is_withheld_in_the_same_way() {
    let gateway = TestGateway::start(|_, _| {
        (403, json!({"code": "forbidden", "detail": "not for canary-key"}).to_string())
    })
    .await;
    let (status, _, body) = gateway.post("/orgs/north/things", r#"{"name":"Lamp"}"#).await;
    assert_eq!((status, body.contains("Forbidden"), body.contains("canary")), (403, true, false), "{body}");
}

#[tokio::test]
async fn a_text_with_the_credential_or_a_good_part_of_it_is_a_secret() {
    let gateway = TestGateway::start(willing).await;
    let is_secret = |value: &'static str, text: &str| {
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, HeaderValue::from_static(value)),
            (USER_AGENT, HeaderValue::from_static("agent-of-the-client")),
        ]);
        gateway.is_secret(&headers, text)
    };
    for text in ["canary-key", "CANARY-key", "a-canary-key-1", "canary-k", "anary-key"] {
        for value in ["Bearer canary-key", "canary-key", "Basic  canary-key"] {
            assert!(is_secret(value, text), "{value}: {text}");
        }
    }
    for text in ["canary", "another-id", "bearer", "agent-of-the-client", "0194-AbC_z"] {
        assert!(!is_secret("Bearer canary-key", text), "{text}");
    }
    assert!(!is_secret("", "canary-key") && !is_secret("Bearer ", "canary-key"));
    assert!(!gateway.is_secret(&HeaderMap::new(), "canary-key"));
}

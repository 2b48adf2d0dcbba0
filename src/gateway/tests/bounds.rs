//! What one request may cost the backend, and what becomes of it beyond that: nothing that was not made is said to be, and the
//! other way round.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use futures_util::future::{Either, join, select};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use super::support::{TestGateway, request_of};
use super::{FOUND, THING, willing};
use crate::upstream;

const LAMP: &str = r#"{"name":"Lamp"}"#;
const LOOKUP: &str = "GET /v1/organizations?slug=north";

/// One that takes homes, too, and has a list of organizations to tell them with.
fn with_homes(line: &str, body: &str) -> (u16, String) {
    match line {
        "POST /v1/organizations/o-1/homes" => (201, THING.replace('}', r#","organization_id":"o-1"}"#)),
        "GET /v1/organizations" => (200, FOUND.to_owned()),
        _ => willing(line, body),
    }
}

async fn world(calls_max: usize) -> TestGateway {
    TestGateway::start(with_homes).await.with_calls_max(calls_max)
}

#[tokio::test]
async fn a_call_too_many_is_not_made() {
    let gateway = world(1).await;
    let (status, headers, body) = gateway.post("/orgs/north/things", LAMP).await;
    assert_eq!(status, 500);
    assert!(body.contains("too-many-calls") && !headers.contains_key("retry-after"), "{body}");
    assert_eq!(gateway.lines(), [LOOKUP]);
    // What was looked up is remembered: there is a call left for what is asked.
    assert_eq!(gateway.post("/orgs/north/things", LAMP).await.0, 201);
}

#[tokio::test]
async fn items_beyond_the_calls_have_failed_and_the_others_are_made() {
    let gateway = world(3).await;
    let things = r#"{"things":[{"name":"Lamp"},{"name":"Lamp"},{"name":"Lamp"}]}"#;
    let (status, _, body) = gateway.post("/orgs/north/things/bulk", things).await;
    assert_eq!((status, body.as_str()), (207, r#"{"made":2,"failed":[{"code":"too-many-calls"}]}"#));
    assert_eq!(gateway.lines().len(), 3);
}

#[tokio::test]
async fn a_change_that_no_call_is_left_to_tell_of_was_made() {
    for (calls_max, status) in [(3, 201), (2, 500)] {
        let gateway = world(calls_max).await;
        let (told, headers, body) = gateway.post("/orgs/north/homes", LAMP).await;
        assert_eq!(told, status, "{body}");
        assert_eq!(body.contains("done-and-unread"), status == 500, "{body}");
        assert!(!headers.contains_key("retry-after"));
        assert_eq!(gateway.lines()[..2], [LOOKUP, "POST /v1/organizations/o-1/homes"]);
    }
}

/// A gateway with two connections to a backend that never answers what ada adds after her first.
async fn stuck_with_ada() -> TestGateway {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let has_added = Arc::new(AtomicBool::new(false));
    let app = Router::new().fallback(async move |request: axum::extract::Request| {
        let json = [(CONTENT_TYPE, "application/json")];
        if request.method() == "GET" {
            return (StatusCode::OK, json, FOUND);
        }
        let is_hers = request.headers()[AUTHORIZATION] == "Bearer ada";
        if is_hers && has_added.swap(true, Ordering::Relaxed) {
            pending::<()>().await;
        }
        (StatusCode::CREATED, json, THING)
    });
    tokio::spawn(axum::serve(listener, app).into_future());
    let config = upstream::Config { connections_max: 2, ..upstream::Config::new(base.parse().unwrap()) };
    TestGateway::calling(config, Arc::default(), None)
}

#[tokio::test]
async fn nobody_has_all_connections() {
    let gateway = stuck_with_ada().await;
    let add = |who: &str| gateway.answer(request_of(who, "POST", "/acme/api/orgs/north/things", LAMP));
    // So that her calls come before bob's: what they need is known.
    assert_eq!(add("ada").await.0, 201);
    let ada = Box::pin(join(add("ada"), add("ada")));
    let Either::Right(((status, ..), _)) = select(ada, Box::pin(add("bob"))).await else {
        panic!("ada was answered")
    };
    assert_eq!(status, 201);
}

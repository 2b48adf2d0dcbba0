//! What is told of a change that was made, where it has to be looked up how to tell it: that it was made, whatever keeps it
//! from being read, and to nobody else. And what is believed after a change of which nobody heard.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::{join, select};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::support::{Seen, TestGateway, request};
use super::{FOUND, THING};

const LAMP: &str = r#"{"name":"Lamp"}"#;

/// The request whose answer needs the list, and the one that needs it before anything is made.
const HOME: &str = "/orgs/north/homes";
const LISTED: &str = "/homes/north/things";

/// What they become.
const LIST: &str = "GET /v1/organizations";
const ADD_HOME: &str = "POST /v1/organizations/o-1/homes";
const ADD: &str = "POST /v1/organizations/o-1/things";

/// A gateway in front of a backend that takes all things and homes.
struct World {
    gateway: TestGateway,
    /// How often the list may still be answered.
    lists: Arc<Semaphore>,
    /// How many homes may still be answered.
    homes: Arc<Semaphore>,
}

impl World {
    /// One whose list of all organizations is answered so, as often as it may be. Homes may be answered, too.
    async fn start(status: u16, list: &'static str) -> World {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let lists = Arc::new(Semaphore::new(0));
        let homes = Arc::new(Semaphore::new(100));
        let (log, listed, made) = (Arc::clone(&seen), Arc::clone(&lists), Arc::clone(&homes));
        let app = Router::new().fallback(async move |request: axum::extract::Request| {
            let line = format!("{} {}", request.method(), request.uri());
            let headers = request.headers().clone();
            log.lock().unwrap().push(Seen { line: line.clone(), headers, body: String::new() });
            let (status, body) = match line.as_str() {
                LIST => {
                    listed.acquire().await.unwrap().forget();
                    (status, list.to_owned())
                }
                ADD_HOME => {
                    made.acquire().await.unwrap().forget();
                    (201, THING.replace('}', r#","organization_id":"o-1"}"#))
                }
                ADD => (201, THING.to_owned()),
                _ => (200, FOUND.to_owned()),
            };
            // Who is told when to come back is not asked twice.
            let again = [(RETRY_AFTER, "1"), (CONTENT_TYPE, "application/json")];
            let again = again.map(|(name, value)| (name, HeaderValue::from_static(value)));
            let again = HeaderMap::from_iter(again);
            (StatusCode::from_u16(status).unwrap(), again, body)
        });
        tokio::spawn(axum::serve(listener, app).into_future());
        World { gateway: TestGateway::before(&base, seen, None), lists, homes }
    }

    /// Waits until the backend was asked that so often.
    async fn asked(&self, line: &str, times: usize) {
        while self.count(line) < times {
            yield_now().await;
        }
    }

    fn count(&self, line: &str) -> usize {
        self.gateway.lines().iter().filter(|seen| *seen == line).count()
    }

    /// Waits until a home was made, and whoever made it heard so.
    async fn made(&self) {
        let line = r#"gateway_upstream_calls_total{operation="homes.add",outcome="answered"} 1"#;
        while !self.gateway.metrics().contains(line) {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn whatever_keeps_an_answer_from_being_told_the_change_was_made() {
    for (status, list) in [
        (200, "[]"),
        (200, ""),
        (200, "hunter2"),
        (200, r#"{"items":[],"total":0}"#),
        (302, ""),
        (400, ""),
        (401, ""),
        (403, r#"{"status":403,"code":"hunter2"}"#),
        (404, ""),
        (405, ""),
        (409, ""),
        (422, ""),
        (429, ""),
        (500, ""),
        (502, ""),
        (503, ""),
        (504, ""),
    ] {
        let world = World::start(status, list).await;
        world.lists.add_permits(2);
        let (told, headers, body) = world.gateway.post(HOME, LAMP).await;
        assert_eq!(told, 500, "{status} {list:?}: {body}");
        assert!(body.contains("the change was made") && body.contains("done-and-unread"), "{body}");
        assert!(!headers.contains_key(RETRY_AFTER) && !body.contains("hunter2"), "{headers:?} {body}");
        assert_eq!(world.count(ADD_HOME), 1);
        // The same before anything was made.
        let (told, _, body) = world.gateway.post(LISTED, LAMP).await;
        assert!(!body.contains("the change was made"), "{status} {list:?}: {told} {body}");
        assert_eq!(world.count(ADD), 0);
    }
}

/// Desks have no word here.
fn of_desks(line: &str, body: &str) -> (u16, String) {
    let is_desk = line.contains("/o-2/") || body.contains("Desk");
    match line.split_once(' ') {
        Some(("POST", _)) if is_desk => (201, THING.replace("Lamp", "Desk")),
        Some(("POST", _)) => (201, THING.to_owned()),
        _ if line.contains("?slug=") => (200, FOUND.to_owned()),
        _ => (200, format!(r#"{{"items":[{}],"total":1}}"#, THING.replace("Lamp", "Desk"))),
    }
}

/// 409 says that nothing was done: of what was read it is true.
#[tokio::test]
async fn what_has_no_words_is_no_conflict_once_it_was_made() {
    let gateway = TestGateway::start(of_desks).await;
    let both = r#"{"things":[{"name":"Lamp"},{"name":"Desk"}]}"#;
    for (method, path, sent, status, calls) in [
        ("GET", "/visits/o-1", "", 200, 1),
        ("GET", "/visits/o-2", "", 500, 1),
        ("POST", "/orgs/north/lamps", both, 500, 3),
        ("GET", "/lamps/o-2", "", 409, 1),
    ] {
        let before = gateway.lines().len();
        let (told, headers, body) = gateway.answer(request(method, &format!("/acme/api{path}"), sent)).await;
        assert_eq!((told, gateway.lines().len() - before), (status, calls), "{method} {path}: {body}");
        assert_eq!(body.contains("done-and-unread"), status == 500, "{method} {path}: {body}");
        assert_eq!(body.contains("unrepresentable"), status == 409, "{method} {path}: {body}");
        assert!(!headers.contains_key(RETRY_AFTER) && !body.contains("Desk"), "{headers:?} {body}");
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_is_counted_once() {
    let world = World::start(200, FOUND).await;
    let counted = |outcome: &str, times: usize| {
        let labels = format!(r#"operation="organizations.list",outcome="{outcome}""#);
        let line = format!("gateway_upstream_calls_total{{{labels}}} {times}");
        assert!(world.gateway.metrics().lines().any(|written| written == line), "{line}");
    };
    let mut leaves = Box::pin(world.gateway.post(LISTED, LAMP));
    select(&mut leaves, Box::pin(world.asked(LIST, 1))).await;
    counted("left", 0);
    drop(leaves);
    counted("left", 1);
    counted("answered", 0);
    // Whoever stays is not among them.
    world.lists.add_permits(2);
    assert_eq!(world.gateway.post(LISTED, LAMP).await.0, 201);
    counted("left", 1);
    counted("answered", 1);
}

#[tokio::test]
async fn who_waits_for_the_lookup_of_a_change_that_was_made_is_not_told_so() {
    let world = World::start(503, "").await;
    let mut makes = Box::pin(world.gateway.post(HOME, LAMP));
    select(&mut makes, Box::pin(world.asked(LIST, 1))).await;
    let mut waits = Box::pin(world.gateway.post(LISTED, LAMP));
    assert!(waits.as_mut().now_or_never().is_none(), "it waits for the list");
    world.lists.add_permits(1);
    let ((made, _, told), (refused, headers, why)) = join(makes, waits).await;
    assert_eq!((made, told.contains("the change was made")), (500, true), "{told}");
    assert_eq!((refused, why.contains("the change was made")), (503, false), "{why}");
    assert_eq!(headers[RETRY_AFTER], "1");
    assert_eq!((world.count(ADD_HOME), world.count(ADD), world.count(LIST)), (1, 0, 1));
}

#[tokio::test]
async fn who_made_a_change_and_waits_for_the_lookup_of_another_is_told_of_the_change() {
    let world = World::start(503, "").await;
    let mut waits = Box::pin(world.gateway.post(LISTED, LAMP));
    select(&mut waits, Box::pin(world.asked(LIST, 1))).await;
    let mut makes = Box::pin(world.gateway.post(HOME, LAMP));
    select(&mut makes, Box::pin(world.made())).await;
    world.lists.add_permits(2);
    let ((made, _, told), (refused, ..)) = join(makes, waits).await;
    assert_eq!((made, told.contains("the change was made")), (500, true), "{told}");
    assert_eq!((refused, world.count(ADD_HOME), world.count(ADD)), (503, 1, 0));
}

#[tokio::test]
async fn who_made_a_change_and_waits_for_the_lookup_of_another_too_long_is_told_of_the_change() {
    let world = World::start(200, FOUND).await;
    let mut waits = Box::pin(world.gateway.post(LISTED, LAMP));
    select(&mut waits, Box::pin(world.asked(LIST, 1))).await;
    let request = request("POST", &format!("/acme/api{HOME}"), LAMP).due_in(Duration::from_secs(5));
    let mut makes = Box::pin(world.gateway.answer(request));
    select(&mut makes, Box::pin(world.made())).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    let (made, _, told) = makes.await;
    assert_eq!((made, told.contains("the change was made")), (500, true), "{told}");
    assert_eq!((world.count(ADD_HOME), world.count(LIST)), (1, 1));
}

#[tokio::test]
async fn what_was_looked_up_before_a_change_whose_client_left_is_not_believed_after_it() {
    let world = World::start(200, FOUND).await;
    world.lists.add_permits(100);
    for _ in 0..2 {
        assert_eq!(world.gateway.post(LISTED, LAMP).await.0, 201);
    }
    assert_eq!(world.count(LIST), 1, "it is remembered");
    world.homes.forget_permits(100);
    let mut leaves = Box::pin(world.gateway.post(HOME, LAMP));
    select(&mut leaves, Box::pin(world.asked(ADD_HOME, 1))).await;
    drop(leaves);
    assert_eq!(world.gateway.post(LISTED, LAMP).await.0, 201);
    assert_eq!(world.count(LIST), 2);
}

//! What was asked with an `Idempotency-Key` before a switch of modes, and is asked again after it.

use std::sync::{Arc, Mutex};

use super::modes::LAMP;
use super::shadows::NORTH;
use super::support::{Seen, TestGateway, backend, backend_problem, request_of};
use super::willing;
use crate::gateway::mode::{Config, Mode};

/// [`NORTH`] as a short id.
const SHORT_NORTH: &str = "CnEqURgZ3swzj528KMLvX5";

const ADD: &str = "POST /v1/organizations/o-1/things";

fn in_mode(mode: Mode) -> Config {
    Config { mode, ..Config::default() }
}

fn old(_line: &str, _body: &str) -> (u16, String) {
    (201, r#"{"key":"t-0","name":"Old"}"#.to_owned())
}

/// A gateway whose mode is changed under its clients, and what each side was asked to change.
struct Switching {
    gateway: TestGateway,
    base: String,
    old: Arc<Mutex<Vec<Seen>>>,
}

impl Switching {
    async fn start(new: fn(&str, &str) -> (u16, String), old: fn(&str, &str) -> (u16, String)) -> Switching {
        let (base, old) = backend(old).await;
        let gateway = TestGateway::start(new).await.moving(&base, in_mode(Mode::Legacy));
        Switching { gateway, base, old }
    }

    fn to(self, mode: Mode) -> Switching {
        Switching { gateway: self.gateway.moving(&self.base, in_mode(mode)), ..self }
    }

    /// The status, and how often the old side and the canonical one were asked for a change by now.
    async fn add(&self, who: &str, at: &str, key: &str, body: &str) -> (u16, usize, usize) {
        let path = format!("/acme/api/orgs/{at}/things");
        let request = request_of(who, "POST", &path, body).header("idempotency-key", key);
        let (status, _, _) = self.gateway.answer(request).await;
        let canonical = self.gateway.lines().iter().filter(|line| *line == ADD).count();
        (status, self.old.lock().unwrap().len(), canonical)
    }
}

#[tokio::test]
async fn a_key_stays_with_the_side_that_was_asked_first_whatever_the_mode_says_by_then() {
    let world = Switching::start(willing, old).await;
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (201, 1, 0));
    let world = world.to(Mode::Canonical);
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (201, 2, 0), "it has heard of it");
    assert_eq!(world.add("ada", "north", "\"abc\"", LAMP).await, (201, 3, 0), "in other letters");
    // What is another request goes where the mode says: of another, with another key, of something else.
    assert_eq!(world.add("bob", "north", "abc", LAMP).await, (201, 3, 1));
    assert_eq!(world.add("ada", "north", "abd", LAMP).await, (201, 3, 2));
    assert_eq!(world.add("ada", "north?b", "abc", LAMP).await.1, 3);
    // So it is after a step back.
    let world = world.to(Mode::Legacy);
    assert_eq!(world.add("ada", "north", "abd", LAMP).await, (201, 3, 3));
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (201, 4, 3));
    let side = r#"gateway_mode_requests_total{dialect="acme",operation="add_thing",mode="legacy",side="canonical"} 1"#;
    assert!(world.gateway.metrics().contains(side), "{}", world.gateway.metrics());
}

/// The same thing is asked for in other letters, by a client that was itself begun anew, or stands behind another proxy.
#[tokio::test]
async fn a_key_is_bound_to_what_is_asked_for_and_not_to_how_that_is_written() {
    let ask = async |world: &Switching, target: &str| {
        let request = request_of("ada", "POST", target, LAMP).header("idempotency-key", "abc");
        let (status, _, _) = world.gateway.answer(request).await;
        let canonical = world.gateway.lines().iter().filter(|line| *line == ADD).count();
        (status, world.old.lock().unwrap().len(), canonical)
    };
    let world = Switching::start(willing, old).await;
    assert_eq!(ask(&world, "/acme/api/orgs/north/things?a=b&c=d").await, (201, 1, 0));
    assert_eq!(ask(&world, &format!("/acme/api/orgs/{NORTH}/things")).await, (201, 2, 0));
    let world = world.to(Mode::Canonical);
    let same = [
        "/acme/api/orgs/%6Eorth/things?c=d&a=b",
        "/acme/api/orgs/north/things?&a=%62&&c=d",
        &format!("/acme/api/orgs/{}/things?", NORTH.to_uppercase()),
        // The short form of the same, by the table in `tests/fixtures/shortuuid.txt`.
        &format!("/acme/api/orgs/{SHORT_NORTH}/things"),
    ];
    for (number, target) in same.into_iter().enumerate() {
        assert_eq!(ask(&world, target).await, (201, 3 + number, 0), "{target}");
    }
    let others = [
        "/acme/api/orgs/north/things",
        "/acme/api/orgs/north/things?a=b",
        "/acme/api/orgs/north/things?a=b&c=e",
    ];
    for target in others {
        ask(&world, target).await;
    }
    assert_eq!(
        (world.old.lock().unwrap().len(), world.gateway.lines().iter().filter(|line| *line == ADD).count()),
        (6, 3)
    );
}

#[tokio::test]
async fn a_request_without_a_key_or_that_only_reads_goes_where_the_mode_says() {
    let path = format!("/acme/api/lists/{NORTH}/things");
    let list = || request_of("ada", "GET", &path, "").header("idempotency-key", "abc");
    let world = Switching::start(willing, old).await;
    world.gateway.post("/orgs/north/things", LAMP).await;
    let world = world.to(Mode::Canonical);
    world.gateway.post("/orgs/north/things", LAMP).await;
    world.gateway.answer(list()).await;
    assert_eq!(world.old.lock().unwrap().len(), 1);
    let world = world.to(Mode::Legacy);
    world.gateway.answer(list()).await;
    assert_eq!(world.old.lock().unwrap().len(), 2);
}

fn stranger(_line: &str, _body: &str) -> (u16, String) {
    backend_problem(401, "unauthenticated")
}

fn broken(line: &str, body: &str) -> (u16, String) {
    if line.starts_with("POST") { backend_problem(500, "internal") } else { willing(line, body) }
}

#[tokio::test]
async fn what_was_certainly_not_done_is_bound_to_no_side_and_what_may_have_been_is() {
    // Nobody was asked.
    let world = Switching::start(willing, old).await.to(Mode::Canonical);
    assert_eq!(world.add("ada", "north", "abc", "{").await, (400, 0, 0));
    let world = world.to(Mode::Legacy);
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (201, 1, 0));
    // The side does not know who asks.
    let world = Switching::start(stranger, old).await.to(Mode::Canonical);
    assert_eq!(world.add("ada", "north", "abc", LAMP).await.0, 401);
    let world = world.to(Mode::Legacy);
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (201, 1, 0));
    // It failed, and may have made it.
    let world = Switching::start(broken, old).await.to(Mode::Canonical);
    let (status, _, asked) = world.add("ada", "north", "abc", LAMP).await;
    assert!(status >= 500 && asked >= 1, "{status} {asked}");
    let world = world.to(Mode::Legacy);
    let (_, old, again) = world.add("ada", "north", "abc", LAMP).await;
    assert!(old == 0 && again > asked, "{old} {again}");
}

/// A step back from a side that is down must not leave those behind that it never heard of.
#[tokio::test]
async fn a_key_that_no_side_has_heard_of_goes_where_the_mode_says() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = Switching::start(willing, old).await;
    let gateway = world.gateway.moving(&format!("http://{free}"), in_mode(Mode::Legacy));
    let world = Switching { gateway, ..world };
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (503, 0, 0));
    let world = world.to(Mode::Canonical);
    assert_eq!(world.add("ada", "north", "abc", LAMP).await, (201, 0, 1));
    assert_eq!(world.to(Mode::Legacy).add("ada", "north", "abc", LAMP).await, (201, 0, 2));
}

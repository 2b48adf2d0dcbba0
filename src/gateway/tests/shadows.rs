//! Requests in shadow mode: what is asked of the other side, what comes of it, and what the client hears of that: nothing.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

use futures_util::future::select;
use tokio::task::yield_now;

use super::modes::{LAMP, OLD};
use super::support::{TestGateway, backend, backend_problem, request_of};
use super::willing;
use crate::gateway::mode::{Config, Mode, Side};
use crate::gateway::shadow::WAITING_MAX;
use crate::usage::store::Store;
use crate::usage::{self, Kind};

pub(super) const NORTH: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";

/// An organization with a thing, at the canonical side.
pub(super) fn with_things(line: &str, body: &str) -> (u16, String) {
    match line {
        line if line.starts_with("GET /v1/organizations/3c90c3cc") => (
            200,
            r#"{"items":[{"id":"00000000-0000-0000-0000-000000000000","title":"Lamp"}],"total":1}"#
                .to_owned(),
        ),
        _ => willing(line, body),
    }
}

fn old_things(line: &str, _body: &str) -> (u16, String) {
    if line.starts_with("POST") { (201, OLD.to_owned()) } else { (200, "no JSON".to_owned()) }
}

pub(super) fn shadow(answers: Side) -> Config {
    Config { mode: Mode::Shadow, answers, extra: Config::EXTRA_MAX, ..Config::default() }
}

#[tokio::test]
async fn the_client_of_a_shadow_is_answered_before_the_other_side_is_asked_and_what_has_no_room_is_dropped() {
    let (gateway, seen) = TestGateway::start_moving(with_things, old_things, shadow(Side::Canonical)).await;
    let (gateway, _work) = gateway.shadowing();
    for number in 0..WAITING_MAX + 6 {
        let list = request_of(
            &format!("key-{}", "x".repeat(number)),
            "GET",
            &format!("/acme/api/lists/{NORTH}/things"),
            "",
        );
        let (status, _, told) = gateway.answer(list).await;
        assert_eq!((status, told.as_str()), (200, r#"[{"key":"2222222222222222222222","name":"Lamp"}]"#));
    }
    let dropped =
        r#"gateway_shadow_requests_total{dialect="acme",operation="list_things",outcome="dropped"} 6"#;
    assert!(gateway.metrics().contains(dropped), "{}", gateway.metrics());
    assert!(seen.lock().unwrap().is_empty(), "nobody has had time for it yet");
}

#[tokio::test]
async fn what_is_kept_of_a_head_takes_room_as_a_body_does() {
    let (gateway, _seen) = TestGateway::start_moving(with_things, old_things, shadow(Side::Canonical)).await;
    let (gateway, _work) = gateway.shadowing();
    // Of 16 MiB there is room for one.
    for _ in 0..3 {
        let list = request_of("key", "GET", &format!("/acme/api/lists/{NORTH}/things"), "");
        assert_eq!(gateway.answer(list.header("x-note", &"n".repeat(9 << 20))).await.0, 200);
    }
    let dropped =
        r#"gateway_shadow_requests_total{dialect="acme",operation="list_things",outcome="dropped"} 2"#;
    assert!(gateway.metrics().contains(dropped), "{}", gateway.metrics());
}

#[tokio::test]
async fn no_lookup_of_a_client_waits_for_one_of_a_shadow() {
    let gateway = TestGateway::start(willing).await;
    let asks = gateway.asking();
    for either in [&asks, &gateway, &asks, &gateway] {
        assert_eq!(either.post("/orgs/north/things", LAMP).await.0, 201);
    }
    let lookups = gateway.lines().iter().filter(|line| line.starts_with("GET")).count();
    assert_eq!(lookups, 2, "each finds out for itself, once");
}

#[tokio::test]
async fn a_change_in_shadow_is_made_by_one_side_and_tried_dry_at_the_other() {
    let quiet = Config { read_back: false, ..shadow(Side::Legacy) };
    for (config, outcome) in [
        // Nothing reads a thing by its id here, but its own answer tells that it got another name.
        (shadow(Side::Legacy), "effect_different"),
        (quiet, "dry_fits"),
        (shadow(Side::Canonical), "untried"),
    ] {
        let answers = config.answers;
        let (gateway, seen) = TestGateway::start_moving(with_things, old_things, config).await;
        let (gateway, work) = gateway.shadowing();
        assert_eq!(gateway.post("/orgs/north/things", LAMP).await.0, 201);
        let metrics = gateway.metrics_when_dropped(work.run()).await;
        let heard = seen.lock().unwrap().len();
        assert_eq!(heard, usize::from(answers == Side::Legacy));
        let line = format!(
            r#"gateway_shadow_requests_total{{dialect="acme",operation="add_thing",outcome="{outcome}"}} 1"#
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
        let place =
            r#"gateway_shadow_differences_total{dialect="acme",operation="add_thing",place="/title"} 1"#;
        assert_eq!(metrics.contains(place), outcome == "effect_different", "{metrics}");
    }
}

static TIMES: AtomicUsize = AtomicUsize::new(0);

fn old_list(name: &str) -> (u16, String) {
    (200, format!(r#"[{{"key":"2222222222222222222222","name":"{name}"}}]"#))
}

fn noisy(_line: &str, _body: &str) -> (u16, String) {
    old_list(&format!("Lamp {}", TIMES.fetch_add(1, Ordering::SeqCst)))
}

static RENAMED: AtomicBool = AtomicBool::new(false);

fn renamed(_line: &str, _body: &str) -> (u16, String) {
    old_list(if RENAMED.swap(true, Ordering::SeqCst) { "Lamp" } else { "Lantern" })
}

pub(super) fn planted(_line: &str, _body: &str) -> (u16, String) {
    old_list("Lantern")
}

fn huge(_line: &str, _body: &str) -> (u16, String) {
    old_list(&"x".repeat(300 * 1024))
}

/// How often asking the other side ended so, after `times` requests that one after the other were compared.
async fn compared(
    old: fn(&str, &str) -> (u16, String),
    times: usize,
    outcomes: &[&str],
) -> (Vec<usize>, String) {
    let (gateway, _seen) = TestGateway::start_moving(with_things, old, shadow(Side::Canonical)).await;
    compared_by(gateway, times, outcomes).await
}

async fn compared_by(gateway: TestGateway, times: usize, outcomes: &[&str]) -> (Vec<usize>, String) {
    let (gateway, work) = gateway.shadowing();
    let mut work = pin!(work.run());
    for number in 0..times {
        // Each of another principal, for each has a quota.
        let key = format!("key-{}", "x".repeat(number));
        let list = request_of(&key, "GET", &format!("/acme/api/lists/{NORTH}/things"), "");
        gateway.answer(list).await;
        let is_compared = async {
            while count(&gateway.metrics(), "") <= number {
                yield_now().await;
            }
        };
        select(work.as_mut(), pin!(is_compared)).await;
    }
    let metrics = gateway.metrics_when_dropped(work).await;
    (outcomes.iter().map(|outcome| count(&metrics, outcome)).collect(), metrics)
}

/// How many comparisons ended so, or however they ended.
pub(super) fn count(metrics: &str, outcome: &str) -> usize {
    let start = r#"gateway_shadow_requests_total{dialect="acme",operation="list_things",outcome=""#;
    let counts = metrics.lines().filter_map(|line| line.strip_prefix(start)?.split_once("\"} "));
    let counted = counts.filter(|(found, _)| outcome.is_empty() || *found == outcome);
    counted.map(|(_, count)| count.parse::<usize>().unwrap()).sum()
}

#[tokio::test]
async fn what_differs_once_is_no_difference_and_what_always_does_stays_one() {
    let (counts, metrics) = compared(renamed, 1, &["unsteady", "different"]).await;
    assert_eq!(counts, [1, 0], "{metrics}");
    let (counts, metrics) = compared(planted, 12, &["different", "noise"]).await;
    assert_eq!(counts, [12, 0], "{metrics}");
}

#[tokio::test]
async fn an_old_side_that_differs_from_itself_is_noise_after_some_samples() {
    let (counts, metrics) = compared(noisy, 12, &["different", "noise"]).await;
    assert_eq!(counts[0] + counts[1], 12, "{metrics}");
    assert!(counts[0] <= 2 && counts[1] >= 10, "{metrics}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_compared() {
    assert_eq!(compared(huge, 2, &["too_large"]).await.0, [2]);
}

/// How a backend answers a request's first line and body.
type Answers = fn(&str, &str) -> (u16, String);

const DIFFERENCE: &str = "gateway_shadow_differences_total{";

fn alike(_line: &str, _body: &str) -> (u16, String) {
    old_list("Lamp")
}

#[tokio::test]
async fn a_side_that_has_no_time_says_nothing_of_what_is_asked() {
    let busy: [Answers; 4] = [
        |_, _| backend_problem(429, "too-many"),
        |_, _| backend_problem(408, "too-slow"),
        |_, _| backend_problem(425, "too-early"),
        |_, _| (503, r#"{"status":503,"code":"down","detail":"no","wait":"7"}"#.to_owned()),
    ];
    for (index, busy) in busy.into_iter().enumerate() {
        for answers in [Side::Legacy, Side::Canonical] {
            for (canonical, old) in [(with_things as Answers, busy), (busy, alike)] {
                let (gateway, _seen) = TestGateway::start_moving(canonical, old, shadow(answers)).await;
                let (counts, metrics) = compared_by(gateway, 1, &["busy"]).await;
                assert_eq!(counts, [1], "{index} {answers:?} {metrics}");
                assert!(!metrics.contains(DIFFERENCE), "{index} {answers:?} {metrics}");
            }
        }
    }
    let down: Answers = |_, _| backend_problem(503, "down");
    let (gateway, _seen) = TestGateway::start_moving(with_things, down, shadow(Side::Canonical)).await;
    let (counts, metrics) = compared_by(gateway, 1, &["busy"]).await;
    assert_eq!(counts, [0], "it does not say when to come back: {metrics}");
}

/// A balancer answers so, with whatever body, while what is behind it is started anew.
#[tokio::test]
async fn a_side_that_is_started_anew_has_not_answered_and_differs_in_nothing() {
    let away: [Answers; 3] = [
        |_, _| (502, "<html>Bad Gateway</html>".to_owned()),
        |_, _| backend_problem(503, "down"),
        |_, _| (504, String::new()),
    ];
    for (index, away) in away.into_iter().enumerate() {
        let asked = [
            (Side::Legacy, away, alike as Answers),
            (Side::Legacy, with_things, away),
            (Side::Canonical, with_things, away),
            (Side::Canonical, away, alike),
        ];
        for (answers, canonical, old) in asked {
            let (gateway, _seen) = TestGateway::start_moving(canonical, old, shadow(answers)).await;
            let (counts, metrics) = compared_by(gateway, 2, &["unanswered", "unsteady"]).await;
            assert_eq!(counts, [2, 0], "{index} {answers:?} {metrics}");
            assert!(!metrics.contains(DIFFERENCE), "{index} {answers:?} {metrics}");
        }
    }
}

fn without_items(line: &str, body: &str) -> (u16, String) {
    let (status, told) = with_things(line, body);
    (status, told.replace("items", "itEms"))
}

fn fails(_line: &str, _body: &str) -> (u16, String) {
    backend_problem(500, "broken")
}

static FAILED: AtomicBool = AtomicBool::new(false);

fn fails_once(line: &str, body: &str) -> (u16, String) {
    if FAILED.swap(true, Ordering::SeqCst) { with_things(line, body) } else { without_items(line, body) }
}

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Every other time, beginning with the first.
fn fails_at_times(line: &str, body: &str) -> (u16, String) {
    if ASKED.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
        fails(line, body)
    } else {
        with_things(line, body)
    }
}

static DIFFERED: AtomicBool = AtomicBool::new(false);

/// It differs, and fails from then on.
fn differs_and_fails(line: &str, body: &str) -> (u16, String) {
    if DIFFERED.swap(true, Ordering::SeqCst) {
        return fails(line, body);
    }
    let (status, told) = with_things(line, body);
    (status, told.replace("Lamp", "Lantern"))
}

#[tokio::test]
async fn a_canonical_side_that_fails_where_the_old_one_answers_is_a_difference() {
    for canonical in [without_items, fails] {
        for answers in [Side::Legacy, Side::Canonical] {
            let (gateway, _seen) = TestGateway::start_moving(canonical, alike, shadow(answers)).await;
            let (counts, metrics) = compared_by(gateway, 2, &["different", "unanswered"]).await;
            assert_eq!(counts, [2, 0], "{answers:?} {metrics}");
            let place = format!(r#"{DIFFERENCE}dialect="acme",operation="list_things",place="status"}} 2"#);
            assert!(metrics.contains(&place), "{answers:?} {metrics}");
        }
    }
}

#[tokio::test]
async fn a_canonical_side_that_fails_once_or_like_the_old_one_or_is_not_there_is_none() {
    let once: [(Answers, usize); 3] = [(fails_once, 1), (fails_at_times, 4), (differs_and_fails, 1)];
    for (canonical, times) in once {
        let (gateway, _seen) = TestGateway::start_moving(canonical, alike, shadow(Side::Legacy)).await;
        let (counts, metrics) = compared_by(gateway, times, &["failed_once", "unsteady"]).await;
        assert_eq!((counts, metrics.contains(DIFFERENCE)), (vec![times, 0], false), "{metrics}");
    }

    let (gateway, _seen) = TestGateway::start_moving(fails, fails, shadow(Side::Legacy)).await;
    let (counts, metrics) = compared_by(gateway, 1, &["unanswered", "unreadable"]).await;
    assert_eq!((counts.iter().sum::<usize>(), metrics.contains(DIFFERENCE)), (1, false), "{metrics}");

    let (base, _seen) = backend(alike).await;
    let gateway = TestGateway::without_a_backend().moving(&base, shadow(Side::Legacy));
    let (counts, metrics) = compared_by(gateway, 1, &["unanswered"]).await;
    assert_eq!((counts, metrics.contains(DIFFERENCE)), (vec![1], false), "{metrics}");
}

/// What is told of the days that a file has, whichever they are.
fn kept(store: &mut Store, kind: Kind) -> BTreeMap<(String, String), u64> {
    let mut kept = BTreeMap::new();
    for (_, part, count) in store.read().unwrap().met.of(kind) {
        *kept.entry((part.operation.clone(), format!("{}{}", part.field, part.value))).or_default() += count;
    }
    kept
}

#[tokio::test]
async fn what_comes_of_shadows_is_kept_where_usage_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, usage::Config::default(), SystemTime::now()).unwrap();
    let book = Arc::new(book);
    let (gateway, _seen) = TestGateway::start_moving(with_things, planted, shadow(Side::Canonical)).await;
    let (gateway, work) = gateway.counting(&book).shadowing();
    // First, for what is read and changed at one time is not compared, and other records may be taken for it by chance.
    assert_eq!(gateway.post("/orgs/north/things", LAMP).await.0, 201);
    for number in 0..3 {
        let key = format!("key-{}", "x".repeat(number));
        let list = request_of(&key, "GET", &format!("/acme/api/lists/{NORTH}/things"), "");
        assert_eq!(gateway.answer(list).await.0, 200);
    }
    let metrics = gateway.metrics_when_dropped(work.run()).await;
    store.write(&book, SystemTime::now()).unwrap();
    let one = |operation: &str, what: &str, count| ((operation.to_owned(), what.to_owned()), count);
    let expected = [one("add_thing", "untried", 1), one("list_things", "different", 3)];
    assert_eq!(kept(&mut store, Kind::Comparison), expected.into(), "{metrics}");
    // The schema names no members here, and a name that nobody declares may be anything.
    assert_eq!(kept(&mut store, Kind::Difference), [one("list_things", "/*/*/*", 3)].into());
}

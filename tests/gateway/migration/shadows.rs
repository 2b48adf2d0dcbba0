//! Both sides are asked, and compared: what was planted is found, and nothing else; and the client never notices.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cases::GITBOOK;
use super::world::{NEW_NAME, NORTHWIND, OLD_NAME, TOKENS, World, authorization};
use crate::lifecycle::client::{Answer, Client};

/// How often each is read.
const ROUNDS: usize = 6;

const READS: [(&str, &str); 3] = [
    ("getOrganizationById", ""),
    ("listMembersInOrganizationById", "/members?limit=20"),
    ("getMemberInOrganizationById", "/members/10000000-0000-4000-8000-000000000102"),
];

#[test]
fn what_was_planted_is_found_and_nothing_else_whoever_answers() {
    let world = World::start();
    for (answers, name) in [("legacy", OLD_NAME), ("canonical", NEW_NAME)] {
        let before = world.compared();
        let mode = json!({"mode": "shadow", "answers": answers, "noise": 50, "extra": 100});
        assert_eq!(world.put(&mode).status, 200);
        let mut client = Client::new(world.new.address);
        for token in &TOKENS[..ROUNDS] {
            for (operation, path) in READS {
                let token = &authorization(token);
                let answer = client.ask("GET", &format!("/gitbook{NORTHWIND}{path}"), token, "").unwrap();
                let direct = {
                    let side = if answers == "legacy" { &world.old } else { &world.new };
                    assert_eq!(answer.status, 200, "{operation} {answer:?}");
                    Client::new(side.address)
                        .ask("GET", &format!("/gitbook{NORTHWIND}{path}"), token, "")
                        .unwrap()
                };
                assert_eq!(answer.body, direct.body, "{operation}: the client is told what that side says");
                if path.is_empty() {
                    assert!(answer.body.contains(name), "{answers}: {answer:?}");
                }
            }
        }
        let asked = if answers == "legacy" { ROUNDS } else { 2 * ROUNDS };
        world.wait_until_compared(before + READS.len() * asked);
    }
    let page = world.new.page("/metrics").body;
    let of = |operation: &str, outcome: &str| {
        let labels = format!("{{dialect=\"gitbook\",operation=\"{operation}\",outcome=\"{outcome}\"}} ");
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(&format!("gateway_shadow_requests_total{labels}")));
        line.map_or(0, |count| count.parse::<usize>().unwrap())
    };
    for (operation, path) in READS {
        let expected = if path.is_empty() { "different" } else { "same" };
        // A busy machine may be too late for some.
        let missed = of(operation, "late") + of(operation, "dropped");
        assert_eq!(of(operation, expected) + missed, 3 * ROUNDS, "{operation}: {page}");
        assert!(of(operation, expected) > 0, "{operation}: {page}");
        assert_eq!(of(operation, "unanswered"), 0, "both sides are there, {operation}: {page}");
    }
    // One place differs, and nothing else does: no time, no id, no order.
    let places: Vec<_> =
        page.lines().filter(|line| line.starts_with("gateway_shadow_differences_total{")).collect();
    assert_eq!(places.len(), 1, "{places:#?}");
    assert!(places[0].contains("operation=\"getOrganizationById\",place=\"/name\"} "), "{places:#?}");
    assert!(!page.contains("is_noisy=\"true\"") && page.contains("is_noisy=\"false\""), "{page}");

    let told = world.new.page("/differences").body;
    let differences: Value = serde_json::from_str(&told).unwrap();
    let differences = differences["differences"].as_array().unwrap();
    assert_eq!(differences.len(), of("getOrganizationById", "different"));
    assert_eq!((&differences[0]["place"], &differences[0]["what"]), (&json!("/name"), &json!("value")));
    assert_ne!(differences[0]["legacy"], differences[0]["canonical"]);
    assert!(!told.contains(OLD_NAME) && !told.contains(NEW_NAME), "values are masked: {told}");
}

#[test]
fn an_old_side_that_is_gone_is_nothing_to_a_client_of_the_new_and_changes_are_made_once() {
    let world = World::start();
    let change = |client: &mut Client, name: &str| {
        let body = json!({ "title": name }).to_string();
        client.ask("PATCH", &format!("/gitbook{NORTHWIND}"), &authorization(TOKENS[3]), &body).unwrap()
    };
    let mut client = Client::new(world.new.address);
    assert_eq!(world.put(&json!({"mode": "shadow", "answers": "legacy", "extra": 100})).status, 200);
    let before = world.compared();
    assert_eq!(change(&mut client, "Renamed").status, 200);
    world.wait_until_compared(before + 1);
    assert!(world.new.page("/metrics").body.contains("outcome=\"effect_same\"} 1"));
    assert_eq!(world.put(&json!({"mode": "shadow", "answers": "canonical"})).status, 200);
    assert!(read(&mut client).body.contains(NEW_NAME), "the canonical side was not told of it");

    let World { old, .. } = &world;
    old.signal("KILL");
    let before = world.compared();
    for _round in 0..ROUNDS {
        let answer = read(&mut client);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    world.wait_until_compared(before + ROUNDS);
    assert!(world.new.page("/metrics").body.contains("outcome=\"unanswered\"} "));
}

/// The idle policy, as `sched(7)` numbers them, and that of everybody else.
const IDLE: u32 = 5;
const NORMAL: u32 = 0;

#[cfg(target_os = "linux")]
#[test]
fn what_is_compared_is_compared_beside_the_workers_by_a_thread_that_gives_way_to_them() {
    for (gives_way, expected) in [(true, IDLE), (false, NORMAL)] {
        let world = World::with(&GITBOOK, gives_way, |old| old);
        assert!(world.new.policies("shadows").is_empty(), "nothing is to be compared yet");
        assert_eq!(world.put(&json!({"mode": "shadow", "answers": "legacy"})).status, 200);
        let latest = Instant::now() + Duration::from_mins(1);
        // It begins before it gives way.
        while world.new.policies("shadows") != [expected] {
            assert!(Instant::now() < latest, "{:?}", world.new.policies("shadows"));
            std::thread::yield_now();
        }
        for worker in ["worker-0", "worker-1"] {
            let policies = world.new.policies(worker);
            assert!(policies.contains(&NORMAL), "{worker}");
            assert!(policies.iter().all(|policy| *policy == NORMAL), "{worker} gives way to nobody");
        }
        let mut client = Client::new(world.new.address);
        for mode in ["shadow", "legacy", "shadow"] {
            assert_eq!(world.put(&json!({ "mode": mode })).status, 200);
            let before = world.compared();
            assert_eq!(read(&mut client).status, 200);
            world.wait_until_compared(before + usize::from(mode == "shadow"));
        }
        assert_eq!(world.new.policies("shadows"), [expected], "one thread, whatever modes there were");
    }
}

#[test]
fn what_is_still_to_be_compared_keeps_no_process_from_its_end() {
    // The system takes connections for it, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let world = World::behind(&GITBOOK, |_| address);
    assert_eq!(world.put(&json!({"mode": "shadow", "answers": "canonical"})).status, 200);
    let mut client = Client::new(world.new.address);
    for _round in 0..ROUNDS {
        assert_eq!(read(&mut client).status, 200);
    }
    let _asked = silent.accept().unwrap();
    drop(client);
    // Some are under way, and the process does not end before the thread does.
    world.new.signal("TERM");
    assert!(world.new.wait().success());
}

fn read(client: &mut Client) -> Answer {
    client.ask("GET", &format!("/gitbook{NORTHWIND}"), &authorization(TOKENS[3]), "").unwrap()
}

impl World {
    /// How often asking the other side has ended, however it did.
    pub(super) fn compared(&self) -> usize {
        let page = self.new.page("/metrics").body;
        let lines = page.lines().filter(|line| line.starts_with("gateway_shadow_requests_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    /// Waits until it has that often.
    pub(super) fn wait_until_compared(&self, enough: usize) {
        let latest = Instant::now() + Duration::from_mins(1);
        while self.compared() < enough {
            assert!(Instant::now() < latest, "{} of {enough} were compared", self.compared());
            std::thread::yield_now();
        }
    }
}

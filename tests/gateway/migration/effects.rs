//! What the old side did with a change is read back: what it does otherwise is found, and nothing else; and the change is
//! made by it once, and never by the other side.

use std::thread;

use serde_json::{Value, json};

use super::cases::GITBOOK;
use super::tamper::Tamper;
use super::world::{NORTHWIND, TOKENS, World, authorization};
use crate::lifecycle::client::{Answer, Client};

const MEMBER: &str = "/members/10000000-0000-4000-8000-000000000104";

/// What the one who reads and changes does.
struct Changes<'w> {
    world: &'w World,
    client: Client,
}

impl Changes<'_> {
    fn begin(world: &World) -> Changes<'_> {
        assert_eq!(
            world.put(&json!({"mode": "shadow", "answers": "legacy", "noise": 0, "extra": 200})).status,
            200
        );
        Changes { world, client: Client::new(world.new.address) }
    }

    /// Makes a change, and waits until it was looked after.
    fn make(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Answer {
        let before = self.world.compared();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/gitbook/v1/orgs{path}");
        let answer = self.client.ask(method, &path, &authorization(TOKENS[3]), &body).unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        self.world.wait_until_compared(before + 1);
        answer
    }
}

impl World {
    /// How often looking after a change ended so.
    fn ended(&self, operation: &str, outcome: &str) -> usize {
        let page = self.new.page("/metrics").body;
        let labels = format!("{{dialect=\"gitbook\",operation=\"{operation}\",outcome=\"{outcome}\"}} ");
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(&format!("gateway_shadow_requests_total{labels}")));
        line.map_or(0, |count| count.parse().unwrap())
    }

    /// Operation, place and how often it differed.
    fn differences(&self) -> Vec<(String, String)> {
        let page = self.new.page("/metrics").body;
        let lines = page.lines().filter_map(|line| line.strip_prefix("gateway_shadow_differences_total{"));
        let label = |line: &str, name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        let mut all: Vec<_> = lines.map(|line| (label(line, "operation"), label(line, "place"))).collect();
        all.sort();
        all
    }

    /// The operations of the canonical backend that were called to change something.
    fn canonical_changes(&self) -> Vec<String> {
        let page = self.new.page("/metrics").body;
        let is_change = |line: &&str| {
            line.starts_with("gateway_upstream_calls_total{")
                && !line.ends_with(" 0")
                && !line.contains(".list\"")
                && !line.contains(".get\"")
        };
        page.lines().filter(is_change).map(str::to_owned).collect()
    }
}

fn id_in(answer: &Answer) -> String {
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    told["id"].as_str().unwrap().to_owned()
}

fn path(of: &str) -> String {
    format!("{}{of}", NORTHWIND.strip_prefix("/v1/orgs").unwrap())
}

#[test]
fn where_the_old_side_does_what_the_mapping_says_nothing_differs() {
    let tamper = Tamper::default();
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    let mut changes = Changes::begin(&world);
    let made = changes.make("POST", "", &json!({"title": "Fresh", "emailDomains": ["fresh.example"]}), 201);
    let made = id_in(&made);
    changes.make("PATCH", &format!("/{made}"), &json!({"title": "Fresher", "defaultRole": "edit"}), 200);
    changes.make("PATCH", &path(""), &json!({"title": "Renamed"}), 200);
    changes.make("PATCH", &path(MEMBER), &json!({"role": "edit"}), 200);
    let link = changes.make("POST", &path("/link-invites"), &json!({"role": "read"}), 201);
    let link = format!("/link-invites/{}", id_in(&link));
    changes.make("PATCH", &path(&link), &json!({"role": "comment"}), 200);
    changes.make("DELETE", &path(&link), &Value::Null, 205);
    changes.make("DELETE", &path(MEMBER), &Value::Null, 205);
    for (operation, times) in [
        ("createOrganization", 1),
        ("updateOrganizationById", 2),
        ("updateMemberInOrganizationById", 1),
        ("createOrganizationInvite", 1),
        ("updateOrganizationInviteById", 1),
        ("deleteOrganizationInviteById", 1),
        ("removeMemberFromOrganizationById", 1),
    ] {
        let page = || world.new.page("/metrics").body;
        assert_eq!(world.ended(operation, "effect_same"), times, "{operation}: {}", page());
    }
    assert_eq!(world.differences(), []);
    assert_eq!(world.canonical_changes(), [""; 0], "the other side is told of none");
    assert_eq!(tamper.changes(), 8, "each is made once");
}

#[test]
fn what_the_old_side_does_otherwise_is_found_by_place_and_no_value_is_told() {
    let tamper = Tamper::of(&[
        // A role that it lands elsewhere.
        ("PATCH", "/members/", |body| body["role"] = json!("read")),
        // A field that it drops, one that it writes otherwise, and a default that is not ours.
        ("PATCH", "/v1/orgs/", |body| {
            body.as_object_mut().unwrap().remove("emailDomains");
            body["title"] = json!(body["title"].as_str().unwrap().to_uppercase());
        }),
        ("POST", "/v1/orgs", |body| body["emailDomains"] = json!(["default.example"])),
    ])
    .ignoring("DELETE", 205);
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    let mut changes = Changes::begin(&world);
    changes.make("PATCH", &path(MEMBER), &json!({"role": "edit"}), 200);
    let domains = json!(["secret.example"]);
    changes.make("PATCH", &path(""), &json!({"title": "Secret", "emailDomains": domains}), 200);
    changes.make("DELETE", &path(MEMBER), &Value::Null, 205);
    changes.make("POST", "", &json!({"title": "Fresh", "emailDomains": []}), 201);
    let expected = [
        ("createOrganization", "/domains/*"),
        ("removeMemberFromOrganizationById", "status"),
        ("updateMemberInOrganizationById", "/role"),
        ("updateOrganizationById", "/domains/*"),
        ("updateOrganizationById", "/name"),
    ];
    let found = world.differences();
    let found: Vec<_> = found.iter().map(|(operation, place)| (operation.as_str(), place.as_str())).collect();
    assert_eq!(found, expected);
    for operation in expected.map(|(operation, _)| operation) {
        assert_eq!(world.ended(operation, "effect_different"), 1, "{operation}");
    }
    let told = world.new.page("/differences").body;
    for value in ["Secret", "SECRET", "secret.example", "default.example", "editor", "viewer"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
    let told: Value = serde_json::from_str(&told).unwrap();
    let places = told["places"].as_array().unwrap().iter();
    let compared: Vec<_> = places.map(|one| (&one["operation"], &one["of"], &one["answers"])).collect();
    assert!(
        compared.contains(&(&json!("updateOrganizationById"), &json!("effects"), &json!(1))),
        "{compared:?}"
    );
    assert_eq!(world.canonical_changes(), [""; 0], "the other side is told of none");
    assert_eq!(tamper.changes(), 4, "each is made once");
}

#[test]
fn a_change_under_way_while_the_mode_changes_is_not_told_of_another() {
    let tamper = Tamper::default().holding("Held");
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    assert_eq!(world.put(&json!({"mode": "legacy"})).status, 200);
    let address = world.new.address;
    let held = thread::spawn(move || {
        let (path, body) = (format!("/gitbook{NORTHWIND}"), json!({"title": "Held"}).to_string());
        Client::new(address).ask("PATCH", &path, &authorization(TOKENS[3]), &body).unwrap()
    });
    while tamper.changes() == 0 {
        assert!(!held.is_finished(), "it is held");
        thread::yield_now();
    }
    // What is read back is what the other has left there.
    Changes::begin(&world).make("PATCH", &path(""), &json!({"title": "Renamed"}), 200);
    assert_eq!(held.join().unwrap().status, 200);
    assert_eq!(world.ended("updateOrganizationById", "effect_unsteady"), 1);
    assert_eq!(world.differences(), []);
    // Nobody is at it any more.
    Changes::begin(&world).make("PATCH", &path(""), &json!({"title": "Renamed"}), 200);
    assert_eq!(world.ended("updateOrganizationById", "effect_same"), 1);
}

#[test]
fn who_wants_no_more_asked_of_the_old_side_says_so() {
    let tamper = Tamper::default();
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    let mut changes = Changes::begin(&world);
    let mode = json!({"mode": "shadow", "answers": "legacy", "noise": 0, "extra": 200, "read_back": false});
    assert_eq!(world.put(&mode).status, 200);
    assert_eq!(world.mode()["mode"]["read_back"], json!(false));
    changes.make("PATCH", &path(""), &json!({"title": "Renamed"}), 200);
    assert_eq!(world.ended("updateOrganizationById", "dry_fits"), 1);
    assert_eq!((tamper.changes(), tamper.reads()), (1, 0));
}

//! What the old side only shows, and the canonical side will show otherwise: found where nothing differs in meaning, told
//! apart from what does, and not told where everybody knows it.

use serde_json::{Value, json};

use super::cases::GITBOOK;
use super::tamper::Tamper;
use super::world::{NORTHWIND, TOKENS, World, authorization};
use crate::lifecycle::client::Client;

const LIST: &str = "listMembersInOrganizationById";

/// Constants, an address of another host, and a member that no schema has.
const SHOWS: &[(&str, &str)] = &[
    ("\"spaces\":0", "\"spaces\":7"),
    ("\"object\":\"member\"", "\"object\":\"membre\""),
    ("https://api.gitbook.com/v1/users/", "https://old.example/users/"),
    ("\"disabled\":", "\"phone\":\"0123\",\"disabled\":"),
];

const PLACES: [&str; 4] = [
    "dialect:/items/*/object",
    "dialect:/items/*/phone",
    "dialect:/items/*/spaces",
    "dialect:/items/*/user/urls/location",
];

#[test]
fn what_the_old_side_only_shows_is_found_whoever_answers_and_apart_from_what_differs() {
    let tamper = Tamper::default().showing(SHOWS);
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    let mut client = Client::new(world.new.address);
    let mut read = |times: usize| {
        let before = world.compared();
        for token in &TOKENS[..times] {
            let path = format!("/gitbook{NORTHWIND}/members?limit=20");
            let answer = client.ask("GET", &path, &authorization(token), "").unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        world.wait_until_compared(before + times);
    };
    for answers in ["legacy", "canonical"] {
        assert_eq!(world.put(&json!({"mode": "shadow", "answers": answers, "noise": 0})).status, 200);
        read(2);
    }
    assert_eq!(world.shadowed(LIST, "same"), 4, "{}", world.new.page("/metrics").body);
    let count = |place: &str| world.counted("gateway_shadow_differences_total", &[("place", place)]);
    let counts = PLACES.map(count);
    assert_eq!(counts, [4; 4], "of each answer once, and not of each item");
    assert_eq!(world.counted("gateway_shadow_differences_total", &[]), 4 * 4, "and nowhere else");

    let told = world.new.page("/differences").body;
    assert!(!told.contains("membre") && !told.contains("old.example"), "values are masked: {told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    let shown = told["shown"].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap());
    let mut shown: Vec<_> = shown.collect();
    shown.sort_unstable();
    assert_eq!((shown, &told["differences"]), (PLACES.to_vec(), &json!([])));
    let [of] = &told["places"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!((&of["operation"], &of["of"], &of["answers"]), (&json!(LIST), &json!("answers"), &json!(4)));
    for (sort, place) in [
        ("compared", json!("/items/*/role")),
        ("looked_at", json!("[].object")),
        ("never", json!({"place": "[].user.displayName", "why": "not_told"})),
    ] {
        assert!(of[sort].as_array().unwrap().contains(&place), "{place}: {of}");
    }

    // What is known is told no more, nor what lies below it; all else is.
    let known = json!(["dialect:/items/*/spaces", "dialect:/items/*/user", "dialect:/items/*/pho"]);
    assert_eq!(world.put(&json!({"mode": "shadow", "noise": 0, "known": known})).status, 200);
    assert_eq!(world.mode()["mode"]["known"], known);
    read(1);
    let now = PLACES.map(count);
    assert_eq!([now[2], now[3]], [counts[2], counts[3]]);
    assert_eq!([now[0], now[1]], [5, 5]);
}

#[test]
fn what_the_old_side_leaves_out_and_the_mapping_tells_by_default_is_found() {
    // Under another name it is as good as left out, and that name is nobody's.
    let tamper = Tamper::default().showing(&[
        ("\"inviteLinks\":", "\"invitesLinks\":"),
        ("\"defaultRole\":", "\"defaultsRole\":"),
        ("\"count\":", "\"counts\":"),
    ]);
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    assert_eq!(
        world.put(&json!({"mode": "shadow", "answers": "legacy", "noise": 0, "extra": 1600})).status,
        200
    );
    let mut client = Client::new(world.new.address);
    for (path, expected) in [
        (
            String::new(),
            ["dialect:/defaultsRole", "dialect:/inviteLinks", "dialect:/invitesLinks"].as_slice(),
        ),
        ("/members?limit=20".to_owned(), &["dialect:/count", "dialect:/counts"]),
    ] {
        let before = world.compared();
        let path = format!("/gitbook{NORTHWIND}{path}");
        assert_eq!(client.ask("GET", &path, &authorization(TOKENS[3]), "").unwrap().status, 200);
        world.wait_until_compared(before + 1);
        for place in expected {
            let count = world.counted("gateway_shadow_differences_total", &[("place", place)]);
            assert_eq!(count, 1, "{place}: {}", world.new.page("/differences").body);
        }
    }
    // Where the mapping tells nothing but null there is nothing to be told.
    assert_eq!(world.counted("gateway_shadow_differences_total", &[("place", "dialect:/defaultRole")]), 0);
}

#[test]
fn what_the_answer_to_a_change_only_shows_is_found_too() {
    let tamper = Tamper::default().showing(&[("\"plan\":\"free\"", "\"plan\":\"pro\"")]);
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    assert_eq!(world.put(&json!({"mode": "shadow", "noise": 0, "read_back": true})).status, 200);
    let mut client = Client::new(world.new.address);
    let before = world.compared();
    let (path, body) = (format!("/gitbook{NORTHWIND}"), json!({"title": "Renamed"}).to_string());
    assert_eq!(client.ask("PATCH", &path, &authorization(TOKENS[3]), &body).unwrap().status, 200);
    world.wait_until_compared(before + 1);
    let labels = [("operation", "updateOrganizationById"), ("place", "dialect:/plan")];
    assert_eq!(world.counted("gateway_shadow_differences_total", &labels), 1);
}

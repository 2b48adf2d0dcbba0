//! Who is in the middle of a list when the mode changes reads it to its end where it was begun: nobody knows the cursors of the
//! other side.

use serde_json::{Value, json};

use super::cases::GITBOOK;
use super::tamper::Tamper;
use super::world::{NORTHWIND, TOKENS, World, authorization};
use crate::lifecycle::client::Client;

/// What the old side's cursors begin with: it is one of us, and has an old upstream of its own. In base64 this is the mark
/// `interlingua:01234567:`.
const OLD: &str = "aW50ZXJsaW5ndWE6MDEyMzQ1Njc6";

const LIST: &str = "listMembersInOrganizationById";

/// A page of the members: who is on it, and what the next one is called.
fn page(world: &World, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let cursor = cursor.map_or(String::new(), |cursor| format!("&page={cursor}"));
    let path = format!("/gitbook{NORTHWIND}/members?limit=3{cursor}");
    let answer = Client::new(world.new.address).ask("GET", &path, &authorization(TOKENS[3]), "").unwrap();
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    let ids = told["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
    (ids.collect(), told["next"]["page"].as_str().map(str::to_owned))
}

/// Who is on the pages from there on.
fn rest(world: &World, mut cursor: Option<String>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(next) = cursor {
        let (ids, after) = page(world, Some(&next));
        all.extend(ids);
        cursor = after;
    }
    all
}

fn say(world: &World, mode: &Value) {
    assert_eq!(world.put(mode).status, 200);
}

#[test]
fn a_list_is_read_to_its_end_where_it_was_begun_whatever_the_mode_is_by_then() {
    let tamper = Tamper::default().with_cursors(OLD);
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    let counted = |mode: &str, side: &str| {
        let labels = [("operation", LIST), ("mode", mode), ("side", side)];
        world.counted("gateway_mode_requests_total", &labels)
    };
    let shadow = |answers: &str| json!({"mode": "shadow", "answers": answers, "noise": 0, "extra": 100});
    say(&world, &json!({"mode": "legacy"}));
    let (first, begun_at_old) = page(&world, None);
    assert!(begun_at_old.as_ref().is_some_and(|cursor| cursor.starts_with(OLD)), "{begun_at_old:?}");
    say(&world, &json!({"mode": "canonical"}));
    let (_, begun_at_new) = page(&world, None);
    let all = [first.clone(), rest(&world, begun_at_old.clone())].concat();
    let later = counted("canonical", "legacy");
    assert!(all.len() > 3 && later == all.len().div_ceil(3) - 1, "{later} later pages of {all:?}");

    let modes = [
        json!({"mode": "legacy"}),
        json!({"mode": "split", "share": 0}),
        json!({"mode": "split", "share": 100}),
        json!({"mode": "canonical"}),
        shadow("legacy"),
        shadow("canonical"),
    ];
    for mode in modes {
        say(&world, &mode);
        for begun in [&begun_at_old, &begun_at_new] {
            let (before, heard) = (world.compared(), tamper.reads());
            let all_again = [first.clone(), rest(&world, begun.clone())].concat();
            assert_eq!(all_again, all, "{mode} {begun:?}");
            if mode["mode"] == "shadow" {
                world.wait_until_compared(before + later);
            }
            let is_at_old = begun == &begun_at_old;
            assert_eq!(tamper.reads() - heard, if is_at_old { later } else { 0 }, "{mode} {begun:?}");
        }
    }
    assert_eq!(world.shadowed(LIST, "cursor"), 4 * later, "a page of one side is compared with nothing");
    assert!(!world.new.page("/metrics").body.contains("gateway_shadow_differences_total{"));
    for (mode, side) in [("legacy", "canonical"), ("split", "canonical"), ("shadow", "legacy")] {
        assert!(counted(mode, side) > 0, "{mode} {side}");
    }

    // Where nothing is said any more, there is still an old side.
    let mut admin = Client::new(world.new.admin);
    assert_eq!(admin.ask("DELETE", "/modes/gitbook", "", "").unwrap().status, 200);
    let before = counted("canonical", "legacy");
    assert_eq!([first, rest(&world, begun_at_old)].concat(), all);
    assert_eq!(counted("canonical", "legacy") - before, later, "who answered is counted all the same");
}

#[test]
fn a_side_that_orders_its_list_otherwise_has_no_other_roles_and_addresses() {
    // Its first page has those who are on the second one elsewhere: three after three, in base64.
    let tamper = Tamper::default().turning("limit=3", "limit=3&page=bzM");
    let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
    say(&world, &json!({"mode": "shadow", "answers": "legacy", "noise": 0, "extra": 100}));
    let before = world.compared();
    let (ids, _) = page(&world, None);
    assert_eq!(ids.len(), 3);
    world.wait_until_compared(before + 1);
    let page = world.new.page("/metrics").body;
    assert_eq!(world.shadowed(LIST, "other_page"), 1, "{page}");
    assert!(!page.contains("gateway_shadow_differences_total{"), "{page}");
}

#[test]
fn a_page_that_is_empty_or_shorter_is_a_difference_though_it_says_how_many_there_are() {
    // The first page is one behind the end: the ninetieth item, in base64.
    for (asked, size) in [("limit=3&page=bzkw", 0), ("limit=2", 2)] {
        let tamper = Tamper::default().turning("limit=3", asked);
        let world = World::behind(&GITBOOK, |old| tamper.in_front_of(old));
        say(&world, &json!({"mode": "shadow", "answers": "legacy", "noise": 0, "extra": 1600}));
        let before = world.compared();
        let (ids, _) = page(&world, None);
        assert_eq!(ids.len(), size);
        world.wait_until_compared(before + 1);
        let metrics = world.new.page("/metrics").body;
        assert_eq!(world.shadowed(LIST, "different"), 1, "{metrics}");
        let told = |labels: &[(&str, &str)]| world.counted("gateway_shadow_differences_total", labels);
        assert_eq!((told(&[("place", "/items/*")]), told(&[])), (3 - size, 3 - size), "{metrics}");
    }
}

//! From legacy to canonical, back, and again, step by step; and what may be said on the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cases::{Case, GITBOOK, LETPIPER};
use super::load::{Load, Sent, Side};
use super::world::{World, has_moved, principals};
use crate::lifecycle::rounds;

/// How many requests are answered in each step.
const BETWEEN: usize = 120;

/// The steps, and who has moved in each, of a hundred.
fn script() -> Vec<(Value, u128)> {
    let split = |share: u128| (json!({"mode": "split", "share": share, "validate": true}), share);
    vec![
        (json!({"mode": "legacy", "validate": true}), 0),
        (json!({"mode": "shadow", "answers": "legacy", "noise": 10, "extra": 100, "validate": true}), 0),
        split(10),
        split(50),
        (json!({"mode": "canonical"}), 100),
        (json!({"mode": "legacy"}), 0),
        (json!({"mode": "canonical"}), 100),
    ]
}

#[test]
fn a_migration_under_load_fails_nobody_and_nobody_flaps() {
    migrate(&GITBOOK);
}

#[test]
fn a_migration_in_another_dialect_fails_nobody_either() {
    migrate(&LETPIPER);
}

fn migrate(case: &'static Case) {
    let world = World::of(case);
    world.write(&format!("[mode.{}]\nmode = \"legacy\"\nvalidate = true\n", case.dialect));
    world.reload();
    let load = Load::start(world.new.address, case);
    for (step, (mode, _)) in script().iter().enumerate() {
        let say = || {
            let answer = world.put(mode);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.body.contains("\"persisted\":false"), "{answer:?}");
        };
        if step == 0 {
            say();
        } else {
            load.step(say);
        }
        assert_eq!((&world.mode()["mode"], &world.mode()["said_by"]), (mode, &json!("admin")));
        load.wait_for(BETWEEN);
    }
    // Of files that say what they said before, a reload does not undo what was said since.
    for _round in 0..rounds(2, 10) {
        world.reload();
        load.wait_for(5);
    }
    assert_eq!(world.mode()["said_by"], "admin");
    let sent = load.stop();

    assert_nobody_failed(&sent);
    assert_nobody_flapped(case, &sent);
    assert_what_differs_was_found(&world, case);
    assert_counted_alike(&world, case, &sent);
    for of in ["request", "answer"] {
        let misfits = world.new.page("/metrics").body;
        assert!(!misfits.contains(&format!("of=\"{of}\"")), "{misfits}");
    }
}

/// Each principal was answered by the side that the formula says, in each step.
fn assert_nobody_flapped(case: &Case, sent: &[Sent]) {
    let (script, principals) = (script(), principals());
    let mut judged = vec![[0; 2]; script.len()];
    for one in sent {
        let (Some(step), Some(principal), Ok(Some(side))) = (one.step, one.principal, &one.told) else {
            continue;
        };
        let has_moved = has_moved(case.dialect, &principals[principal], script[step].1);
        assert_eq!(*side, if has_moved { Side::New } else { Side::Old }, "{principal} in step {step}");
        judged[step][usize::from(*side == Side::New)] += 1;
    }
    println!("{}: answered by the old and the new side in each step: {judged:?}", case.dialect);
    for ((_, share), [old, new]) in script.iter().zip(&judged) {
        assert!(*old > 0 || *share == 100, "nobody who has not moved was seen: {judged:?}");
        assert!(*new > 0 || *share == 0, "nobody who has moved was seen: {judged:?}");
    }
}

/// While both sides were asked, the one place in which they differ was found, and no other.
fn assert_what_differs_was_found(world: &World, case: &Case) {
    let (named, alike, change) = (case.named.operation, case.alike.operation, case.change.operation);
    let latest = Instant::now() + Duration::from_mins(1);
    let asked = world.counted("gateway_mode_requests_total", &[("mode", "shadow")]);
    while world.counted("gateway_shadow_requests_total", &[]) < asked {
        assert!(Instant::now() < latest, "not all of {asked} were compared");
        std::thread::yield_now();
    }
    let page = world.new.page("/metrics").body;
    // A busy machine may be too late for some.
    for (operation, outcome) in [(named, "different"), (alike, "same")] {
        let missed: usize =
            ["late", "dropped", "unanswered"].map(|end| world.shadowed(operation, end)).iter().sum();
        let all = world.counted("gateway_shadow_requests_total", &[("operation", operation)]);
        assert_eq!(world.shadowed(operation, outcome) + missed, all, "{operation}: {page}");
        assert!(all > missed, "{operation}: {page}");
    }
    // What changed something was tried dry, and would have been taken.
    assert!(world.counted("gateway_shadow_requests_total", &[("operation", change)]) > 0, "{page}");
    assert_eq!(world.shadowed(change, "dry_refused"), 0, "{page}");
    assert_eq!(world.shadowed(change, "effect_different"), 0, "{page}");
    let lines = page.lines().filter(|line| line.starts_with("gateway_shadow_differences_total{"));
    let places: Vec<_> = lines.collect();
    let planted = format!("operation=\"{named}\",place=\"{}\"}} ", case.place);
    assert!(places.len() == 1 && places[0].contains(&planted), "{places:#?}");
}

#[test]
fn modes_change_by_reload_too_again_and_again() {
    let world = World::start();
    let load = Load::start(world.new.address, &GITBOOK);
    for round in 0..rounds(6, 100) {
        let mode = ["legacy", "canonical"][round % 2];
        load.step(|| {
            world.write(&format!("[mode.gitbook]\nmode = \"{mode}\"\n"));
            world.reload();
        });
        load.wait_for(12);
    }
    let sent = load.stop();
    assert_nobody_failed(&sent);
    for one in &sent {
        let (Some(step), Ok(Some(side))) = (one.step, &one.told) else { continue };
        // Before the first reload nothing was said: that is canonical.
        let expected = if step % 2 == 1 { Side::Old } else { Side::New };
        assert_eq!(*side, expected, "step {step}");
    }
    // No connection is opened anew for it.
    let connections = world.new.metric("gateway_legacy_upstream_connections_total");
    assert!(connections <= 3 * 2, "{connections} connections of three clients and two workers");
    println!("{} requests, {connections} connections to the old upstream", sent.len());
}

#[test]
fn what_is_said_is_proved_and_whoever_spoke_last_counts() {
    let world = World::start();
    let said = |mode: Value| {
        let answer = world.put(&mode);
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    for part in [json!({}), json!({"share": 50}), json!({"validate": true})] {
        let (status, told) = said(part);
        assert_eq!((status, &told["diagnostics"][0]["code"]), (422, &json!("C0104")), "{told}");
    }
    let (status, told) = said(json!({"mode": "split"}));
    assert_eq!((status, &told["result"]), (422, &json!("refused")), "{told}");
    assert_eq!(told["diagnostics"][0]["code"], "C0404", "{told}");
    let (status, told) = said(json!({"mode": "legacy", "principals": {"gb_api_secret": "canonical"}}));
    assert_eq!((status, &told["diagnostics"][0]["code"]), (422, &json!("C0403")), "{told}");
    assert!(!told.to_string().contains("gb_api_secret"), "{told}");
    assert_eq!(world.mode()["said_by"], "nobody", "nothing of it counts");

    assert_eq!(said(json!({"mode": "legacy"})).0, 200);
    assert_eq!(
        (&world.mode()["mode"]["mode"], &world.mode()["said_by"]),
        (&json!("legacy"), &json!("admin"))
    );
    world.write("[mode.gitbook]\nmode = \"split\"\nshare = 10\n");
    world.reload();
    assert_eq!(world.mode()["mode"], json!({"mode": "split", "share": 10}), "the files spoke last");
    assert_eq!(world.mode()["said_by"], "files");

    assert_eq!(said(json!({"mode": "canonical"})).0, 200);
    let mut admin = crate::lifecycle::client::Client::new(world.new.admin);
    assert_eq!(admin.ask("DELETE", "/modes/gitbook", "", "").unwrap().status, 200);
    assert_eq!(world.mode()["mode"], json!({"mode": "split", "share": 10}));
    assert_eq!(admin.ask("PUT", "/modes/nobody", "", "{}").unwrap().status, 404);
    assert_eq!(admin.ask("PUT", "/modes/gitbook", "origin: http://a\r\n", "{}").unwrap().status, 403);
}

#[test]
fn a_step_back_waits_for_no_reload_and_the_reload_heeds_it() {
    let world = World::start();
    world.reload_slowly(|| {
        assert_eq!(world.put(&json!({"mode": "legacy"})).status, 200);
        assert_eq!(world.mode()["mode"]["mode"], "legacy");
    });
    assert_eq!(
        (&world.mode()["mode"]["mode"], &world.mode()["said_by"]),
        (&json!("legacy"), &json!("admin"))
    );
}

fn assert_nobody_failed(sent: &[Sent]) {
    let failed: Vec<_> = sent.iter().filter(|one| one.told.is_err()).take(5).collect();
    assert!(failed.is_empty(), "of {} requests some failed, such as {failed:#?}", sent.len());
}

/// Both proxies have counted what the clients were told, and nothing was sent twice but to be compared.
fn assert_counted_alike(world: &World, case: &Case, sent: &[Sent]) {
    let of = |side: Side| sent.iter().filter(|one| one.told == Ok(Some(side))).count();
    let read = case.named.operation;
    assert_eq!(world.answered(read, "legacy"), of(Side::Old));
    assert_eq!(world.answered(read, "canonical"), of(Side::New));
    // What differs is asked again before it is one; of each that was to be compared, the old side is asked twice at most.
    let besides = world.heard_by_old(read) - of(Side::Old);
    let (again, asked) =
        (world.shadowed(read, "different"), world.counted("gateway_shadow_requests_total", &[]));
    assert!((again..=2 * asked).contains(&besides), "{besides} besides, {again} differ of {asked}");
    let changes = sent.iter().filter(|one| one.principal.is_none()).count();
    let change = case.change.operation;
    // In the dialect in which it was done, the organization's old name was given before there was a proxy.
    let before = usize::from(change == GITBOOK.change.operation);
    let (by_old, by_new) = (world.heard_by_old(change) - before, world.answered(change, "canonical"));
    assert_eq!((by_old, by_old + by_new), (world.answered(change, "legacy"), changes));
}

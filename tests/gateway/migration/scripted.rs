//! From legacy to canonical, back, and again, step by step; and what may be said on the way.

use serde_json::{Value, json};

use super::load::{Load, Sent, Side};
use super::world::{TOKENS, World, has_moved};
use crate::lifecycle::rounds;

/// How many requests are answered in each step.
const BETWEEN: usize = 120;

/// The steps, and who has moved in each, of a hundred.
fn script() -> Vec<(Value, u128)> {
    let split = |share: u128| (json!({"mode": "split", "share": share, "validate": true}), share);
    vec![
        (json!({"mode": "legacy", "validate": true}), 0),
        split(10),
        split(50),
        (json!({"mode": "canonical"}), 100),
        (json!({"mode": "legacy"}), 0),
        (json!({"mode": "canonical"}), 100),
    ]
}

#[test]
fn a_migration_under_load_fails_nobody_and_nobody_flaps() {
    let world = World::start();
    world.write("[mode.gitbook]\nmode = \"legacy\"\nvalidate = true\n");
    world.reload();
    let load = Load::start(world.new.address);
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
    let mut judged = vec![[0; 2]; script().len()];
    for one in &sent {
        let (Some(step), Some(token), Ok(Some(side))) = (one.step, one.token, &one.told) else { continue };
        let expected = if has_moved(TOKENS[token], script()[step].1) { Side::New } else { Side::Old };
        assert_eq!(*side, expected, "token {token} in step {step}");
        judged[step][usize::from(*side == Side::New)] += 1;
    }
    println!("{} requests; answered by the old and the new side in each step: {judged:?}", sent.len());
    assert!(judged.iter().all(|sides| sides.iter().sum::<usize>() > 0), "a step was not seen: {judged:?}");
    assert!(judged[1][1] > 0, "whoever moved first was seen to have: {judged:?}");
    assert!(judged[2].iter().all(|side| *side > 0), "half of them have moved: {judged:?}");
    assert_counted_alike(&world, &sent);
    for of in ["request", "answer"] {
        let misfits = world.new.page("/metrics").body;
        assert!(!misfits.contains(&format!("of=\"{of}\"")), "{misfits}");
    }
}

#[test]
fn modes_change_by_reload_too_again_and_again() {
    let world = World::start();
    let load = Load::start(world.new.address);
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

/// Both proxies have counted what the clients were told, and nothing was sent twice.
fn assert_counted_alike(world: &World, sent: &[Sent]) {
    let of = |side: Side| sent.iter().filter(|one| one.told == Ok(Some(side))).count();
    let read = "getOrganizationById";
    assert_eq!(world.answered(read, "legacy"), of(Side::Old));
    assert_eq!(world.answered(read, "canonical"), of(Side::New));
    assert_eq!(world.heard_by_old(read), of(Side::Old));
    let changes = sent.iter().filter(|one| one.token.is_none()).count();
    let change = "updateOrganizationById";
    // The first was made before there was a proxy: it gave the organization its old name.
    let (by_old, by_new) = (world.heard_by_old(change) - 1, world.answered(change, "canonical"));
    assert_eq!((by_old, by_old + by_new), (world.answered(change, "legacy"), changes));
}

//! What a client may ask of the old side is the client's: it is answered as it would be without a shadow.

use serde_json::json;

use super::cases::GITBOOK;
use super::world::{NORTHWIND, TOKENS, World, authorization};
use crate::lifecycle::client::Client;

/// What the mapping that ships allows a principal within a minute.
const QUOTA: usize = 60;

const MEMBER: &str = "/members/10000000-0000-4000-8000-000000000104";

/// How often one with that token was answered, and otherwise than with success, when all of its quota was asked for.
fn refused(world: &World, token: &str, ask: impl Fn(&mut Client, &str, usize) -> u16) -> usize {
    let before = world.compared();
    let mut client = Client::new(world.new.address);
    let token = authorization(token);
    let refused = (0..QUOTA).filter(|number| ask(&mut client, &token, *number) != 200).count();
    world.wait_until_compared(before + QUOTA);
    refused
}

#[test]
fn whoever_asks_for_all_of_a_quota_gets_all_of_it_beside_a_shadow() {
    let world = World::as_shipped(&GITBOOK);
    assert_eq!(world.put(&json!({"mode": "shadow", "answers": "legacy"})).status, 200);
    let path = format!("/gitbook{NORTHWIND}");
    // Each of these differs, and each of the changes could be read back.
    let reads =
        refused(&world, TOKENS[0], |client, token, _| client.ask("GET", &path, token, "").unwrap().status);
    let changes = refused(&world, TOKENS[1], |client, token, number| {
        let role = ["read", "edit"][number % 2];
        let body = json!({ "role": role }).to_string();
        client.ask("PATCH", &format!("{path}{MEMBER}"), token, &body).unwrap().status
    });
    assert_eq!((reads, changes), (0, 0), "{}", world.new.page("/metrics").body);
    for (operation, outcome) in
        [(GITBOOK.named.operation, "unrepeated"), ("updateMemberInOrganizationById", "spared")]
    {
        assert!(world.shadowed(operation, outcome) > 0, "{operation}: {}", world.new.page("/metrics").body);
    }
}

#[test]
fn where_a_client_leaves_enough_what_differs_is_found_all_the_same() {
    let world = World::as_shipped(&GITBOOK);
    assert_eq!(world.put(&json!({"mode": "shadow", "answers": "legacy", "extra": 100})).status, 200);
    assert_eq!(world.mode()["mode"]["extra"], json!(100));
    let before = world.compared();
    for token in &TOKENS[5..12] {
        let mut client = Client::new(world.new.address);
        let path = format!("/gitbook{NORTHWIND}");
        assert_eq!(client.ask("GET", &path, &authorization(token), "").unwrap().status, 200);
    }
    world.wait_until_compared(before + 7);
    let read = GITBOOK.named.operation;
    // A busy machine may be too late for some.
    let missed = world.shadowed(read, "late") + world.shadowed(read, "dropped");
    assert_eq!(world.shadowed(read, "different") + missed, 7, "{}", world.new.page("/metrics").body);
    assert!(world.shadowed(read, "different") > 0);
}

//! What `coverage` says.

use std::process::ExitCode;

use serde_json::Value;

use super::super::testing::{NamedFile, Ran, acme, file, ran_in_acme};

const ORG: &str = "2JZs5qxu9h5UhZ49vy9khn";

/// Traffic of the fixture: somebody is added as a hand, once with what the backend answered.
fn traffic() -> NamedFile {
    let url = format!("/acme/api/orgs/{ORG}/people");
    let sent = r#"{"email": "a@example.com", "role": "hand"}"#;
    let told = format!(r#"{{"id": "{ORG}", "email": "a@example.com", "role": "hand"}}"#);
    let plain = format!(
        r#"{{"method": "POST", "url": "{url}", "request": {sent}, "status": 200, "response": {told}}}"#
    );
    let refused = format!(r#"{{"method": "POST", "url": "{url}", "request": {{}}, "status": 422}}"#);
    file("traffic.jsonl", &format!("{plain}\n{refused}\n{{}}\nnothing\n"))
}

fn covered(more: &[&str]) -> Ran {
    let traffic = traffic();
    ran_in_acme(&[&["coverage", traffic.path_text()], more].concat())
}

/// The number of the line of the mapping that begins so.
fn line(begins: &str, from: &str) -> usize {
    let mapping = std::fs::read_to_string(format!("{}/acme.toml", acme("mappings"))).unwrap();
    let start = mapping.lines().position(|line| line.starts_with(from)).unwrap();
    start + 1 + mapping.lines().skip(start).position(|line| line.starts_with(begins)).unwrap()
}

#[test]
fn what_was_never_used_is_told_with_its_line() {
    let ran = covered(&[]);
    for (what, begins, from) in [
        (
            "operations and cases: operation `list_links`",
            "request = \"GET /orgs/{org}/links",
            "[[operation]]",
        ),
        ("words, lifted: role `chief`", "word = \"chief\"", "[[role.row]]"),
        ("words, lowered: role `chief`", "word = \"chief\"", "[[role.row]]"),
        ("pages: `count` of a page of `list_links`", "count = ", "[page.links.fields]"),
        ("fields, lowered: `id` by `link`", "id = ", "[lens.link.fields]"),
    ] {
        let place = format!("acme.toml:{}  {what}\n", line(begins, from));
        assert!(ran.out.contains(&place), "{place}\n{}", ran.out);
    }
    for used in [
        "`email` by `person`",
        "`role` by `person`",
        "role `hand`",
        "operation `add_member`",
        "answer 201 of `members.add` to `add_member`",
    ] {
        assert!(!ran.out.contains(used), "{used}\n{}", ran.out);
    }
    assert!(ran.out.ends_with("\n2 of 4 exchanges are for an operation\n"), "{}", ran.out);
    assert_eq!(ran.err, "2 could not be read: `interlingua validate` says why\n");
    assert_eq!(ran.status, ExitCode::SUCCESS);
}

#[test]
fn programs_get_the_same() {
    let list: Value = serde_json::from_str(&covered(&["--format", "json"]).out).unwrap();
    let mapping = &list[0];
    assert!(mapping["mapping"].as_str().unwrap().ends_with("acme.toml"));
    let (used, all) = (mapping["used"].as_u64().unwrap(), mapping["of"].as_u64().unwrap());
    assert_eq!(mapping["missing"].as_array().unwrap().len() as u64, all - used);
    let of =
        |name: &str| mapping["kinds"].as_array().unwrap().iter().find(|kind| kind["kind"] == name).unwrap();
    assert_eq!(
        (&of("operations and cases")["used"], &of("operations and cases")["of"]),
        (&1.into(), &3.into())
    );
    assert_eq!((&of("words, lifted")["used"], &of("words, lifted")["of"]), (&1.into(), &2.into()));
    assert!(of("errors")["used"].as_u64().unwrap() > 0, "a refusal was told");
}

#[test]
fn too_little_is_a_finding_if_it_is_asked_for() {
    assert_eq!(covered(&["--least", "10"]).status, ExitCode::SUCCESS);
    assert_eq!(covered(&["--least", "100"]).status, ExitCode::from(1));
}

#[test]
fn traffic_for_nobody_is_a_finding() {
    let traffic = file("traffic.jsonl", r#"{"method": "GET", "url": "/elsewhere"}"#);
    let ran = ran_in_acme(&["coverage", traffic.path_text()]);
    assert_eq!(ran.status, ExitCode::from(1));
    assert!(ran.out.contains("nothing was for"), "{}", ran.out);
}

/// What is used when somebody is added and the backend's answers were written down: fields, words, answers.
fn with_calls(calls: &str) -> Vec<u64> {
    let id = "10000000-0000-4000-8000-000000000101";
    let record = format!(
        r#"{{"method": "POST", "url": "/acme/api/by-slug/north", "request": {{"email": "a@example.com"}}, "status": 200, "calls": {calls}}}"#
    );
    let traffic = file("traffic.jsonl", &record.replace("ID", id));
    let ran = ran_in_acme(&["coverage", "--format", "json", traffic.path_text()]);
    let list: Value = serde_json::from_str(&ran.out).unwrap();
    let kinds = list[0]["kinds"].as_array().unwrap();
    let used = |name: &str| kinds.iter().find(|kind| kind["kind"] == name).unwrap()["used"].as_u64().unwrap();
    ["fields, lifted", "fields, lowered", "words, lowered", "answers"].map(used).to_vec()
}

#[test]
fn with_what_the_backend_answered_the_answer_is_made_again() {
    let look_up = r#"{"line": "GET /v1/organizations?slug=north", "status": 200, "body": {"items": [{"id": "ID", "slug": "north"}], "total": 1}}"#;
    let add = r#"{"line": "POST /v1/organizations/ID/members", "status": 201, "body": {"id": "ID", "email": "a@example.com", "role": "owner"}}"#;
    assert_eq!(with_calls(&format!("[{add}, {look_up}]")), [3, 3, 1, 1]);
    // Without the answer, or with one to another call, nothing is known of it.
    assert_eq!(with_calls(&format!("[{look_up}]")), [3, 0, 0, 0]);
    let other = add.replace("members", "others");
    assert_eq!(with_calls(&format!("[{look_up}, {other}]")), [3, 0, 0, 0]);
}

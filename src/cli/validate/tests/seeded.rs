//! A fault that is put anywhere into a HAR, however it is written, is found there.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::testing::{file, ran_in_acme};

const SEED: &str = "zz-seed";

/// An entry whose request or answer has a role.
fn entry(role: &str, is_answer: bool, padding: &str) -> Value {
    let id = "2JZs5qxu9h5UhZ49vy9khn";
    let (sent, told) = if is_answer { ("hand", role) } else { (role, "hand") };
    let sent = json!({ "email": "a@example.com", "note": padding, "role": sent }).to_string();
    let told = json!({ "id": padding, "email": padding, "role": told }).to_string();
    json!({
        "comment": padding,
        "request": {
            "method": "POST",
            "url": format!("https://people.acme.example/api/orgs/{id}/people"),
            "postData": { "mimeType": "application/json", "text": sent },
        },
        "response": { "status": 200, "content": { "size": told.len(), "text": told } },
    })
}

/// JSON in ASCII: what is beyond is escaped.
fn ascii(text: &str) -> String {
    let mut ascii = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => ascii.push(char::from(byte)),
            _ => write!(ascii, "\\u{unit:04x}").unwrap(),
        }
    }
    ascii
}

/// What is found first: its code, line and column.
fn found(name: &str, text: &str) -> (String, u64, u64, usize) {
    let har = file(name, text);
    let ran = ran_in_acme(&["validate", "--format", "json", har.path_text()]);
    let list: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let start = &list[0]["labels"][0]["start"];
    let code = list[0]["code"].as_str().unwrap().to_owned();
    (code, start["line"].as_u64().unwrap(), start["column"].as_u64().unwrap(), list.len())
}

/// Line and column of what stands `before` bytes into the text.
fn place(text: &str, before: usize) -> (u64, u64) {
    let before = &text[..before];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    (line as u64, column as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_seeded_fault_is_found_where_it_is(
        entries in 1_usize..6,
        at in any::<prop::sample::Index>(),
        is_answer: bool,
        is_pretty: bool,
        is_ascii: bool,
        padding in "[a-zé𝄞\"\\\\\n\t ]{0,40}",
    ) {
        let seeded = at.index(entries);
        let roles = (0..entries).map(|index| if index == seeded { SEED } else { "chief" });
        let entries: Vec<_> = roles.map(|role| entry(role, is_answer, &padding)).collect();
        let har = json!({ "log": { "comment": padding, "entries": entries, "version": "1.2" } });
        let text = if is_pretty { serde_json::to_string_pretty(&har).unwrap() } else { har.to_string() };
        let text = if is_ascii { ascii(&text) } else { text };

        let (line, column) = place(&text, text.find(&format!("\\\"{SEED}")).unwrap());
        prop_assert_eq!(found("a.har", &text), ("V0102".to_owned(), line, column, 1));
    }
}

#[test]
fn an_entry_that_is_too_long_is_passed_over_and_told() {
    let long = "x".repeat(super::super::super::traffic::pieces::PIECE_BYTES_MAX);
    let text =
        format!("{{\"log\": {{\"entries\": [\n{{\"comment\": \"{long}\"}},\n{}]}}}}", entry(SEED, true, ""));
    let har = file("a.har", &text);
    let ran = ran_in_acme(&["validate", "--format", "json", har.path_text()]);
    let list: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let told: Vec<_> = list
        .iter()
        .map(|found| (found["code"].as_str().unwrap(), found["labels"][0]["start"]["line"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, [("V0106", 2), ("V0102", 3)]);
}

#[test]
fn an_entry_that_is_nested_too_deeply_is_pointed_at_and_the_others_are_read() {
    let deep = format!("{}{}", "[".repeat(600), "]".repeat(600));
    let text = format!("{{\"log\": {{\"entries\": [\n{{\"cache\": {deep}}},\n{}]}}}}", entry(SEED, true, ""));
    let (line, column) = place(&text, text.find("[[[").unwrap() + 511);
    assert_eq!(found("a.har", &text), ("V0101".to_owned(), line, column, 2));
}

#[test]
fn what_is_found_is_counted_when_it_is_too_much_to_be_told() {
    let entries: Vec<_> = (0..1_100).map(|_| entry(SEED, true, "")).collect();
    let har = file("a.har", &json!({ "log": { "entries": entries } }).to_string());
    let ran = ran_in_acme(&["validate", "--format", "json", har.path_text()]);
    let list: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((list.len(), ran.err.as_str()), (1_000, "100 more findings are not shown\n"));
}

#[test]
fn of_one_document_only_so_much_is_told() {
    let names: Vec<_> = (0..150).map(|number| format!("\"x{number}\": 0")).collect();
    let body = file(
        "a.json",
        &format!("{{\"id\": \"\", \"email\": \"\", \"role\": \"hand\", {}}}", names.join(", ")),
    );
    let ran = ran_in_acme(&["validate", "acme", "add_member", "--answer", body.path_text()]);
    assert_eq!(ran.err.matches("is not a known property").count(), 100);
    assert!(ran.err.contains("= note: 50 more of this document are not shown"), "{}", ran.err);
}

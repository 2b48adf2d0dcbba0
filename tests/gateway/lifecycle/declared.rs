//! What settings have to say beside mappings that are sound: at a reload, and of a mode that was said before it.

use std::fs;

use serde_json::Value;

use super::backend::Backend;
use super::client::{Answer, Client};
use super::files::Files;
use super::process::Process;

const SETTINGS: &str = "[server]\nworkers = 1\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n\
    [admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n";

/// A role of a mapping that may do everything, and retires.
const RETIRES: &str =
    "may  = [\"*\"]\nretirement = { deprecated = 2026-03-01, successor = \"https://acme.example\" }";

/// The status and the codes of what was found.
fn told(answer: &Answer) -> (u16, Vec<String>) {
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    let found = told["diagnostics"].as_array().unwrap().iter();
    (answer.status, found.map(|one| one["code"].as_str().unwrap().to_owned()).collect())
}

fn edit(files: &Files, name: &str, from: &str, to: &str) {
    let path = files.path(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_backend_that_begins_to_speak_a_dialect_needs_to_be_said_what_it_has_no_words_for() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let process = Process::start(&files);
    edit(&files, "config.toml", "[upstream]\n", "[upstream]\ndialect = \"acme\"\n");
    assert_eq!(told(&process.reload()), (422, vec!["C0303".to_owned(); 2]), "of acme, and of canonical");
    let declared = "[upstream.inexpressible]\nacme = [\"add_by_slug\"]\ncanonical = \"any\"\n[files]\n";
    edit(&files, "config.toml", "[files]\n", declared);
    assert_eq!(told(&process.reload()), (200, vec![]));
    process.stop();
}

#[test]
fn a_mode_that_was_said_is_held_against_mappings_that_are_read_later() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let old = format!("[legacy.acme]\nbase = \"http://{}\"\n[files]\n", backend.address);
    edit(&files, "config.toml", "[files]\n", &old);
    let process = Process::start(&files);
    let say = |json: &str| {
        let header = "content-type: application/json\r\n";
        told(&Client::new(process.admin).ask("PUT", "/modes/acme", header, json).unwrap())
    };
    assert_eq!(say(r#"{"mode": "legacy"}"#), (200, vec![]));
    edit(&files, "mappings/acme.toml", "may  = [\"*\"]", RETIRES);
    assert_eq!(told(&process.reload()), (200, vec!["C0407".to_owned()]));
    assert_eq!(say(r#"{"mode": "legacy"}"#), (200, vec!["C0407".to_owned()]));
    assert_eq!(say(r#"{"mode": "legacy", "validate": true}"#), (200, vec![]));
    assert_eq!(told(&process.reload()), (200, vec![]));
    process.stop();
}

#[test]
fn a_mode_that_was_kept_is_held_against_mappings_at_a_start() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let kept = format!("[admin]\nmodes_file = {:?}\n", files.path("modes.json").display().to_string());
    edit(&files, "config.toml", "[admin]\n", &kept);
    let old = format!("[legacy.acme]\nbase = \"http://{}\"\n[files]\n", backend.address);
    edit(&files, "config.toml", "[files]\n", &old);
    let say = |process: &Process, json: &str| {
        let header = "content-type: application/json\r\n";
        told(&Client::new(process.admin).ask("PUT", "/modes/acme", header, json).unwrap())
    };
    let process = Process::start(&files);
    assert_eq!(say(&process, r#"{"mode": "legacy"}"#), (200, vec![]));
    process.stop();
    edit(&files, "mappings/acme.toml", "may  = [\"*\"]", RETIRES);
    let process = Process::start(&files);
    let told = process.logged("\"diagnostic.code\":\"C0407\"");
    assert!(told.contains("\"level\":\"WARN\"") && told.contains("`acme` retire"), "{told}");
    assert_eq!(say(&process, r#"{"mode": "legacy", "validate": true}"#), (200, vec![]));
    process.stop();
    let process = Process::start(&files);
    // It would stand before what a start waits for, which is the addresses.
    assert!(!process.log().contains("C0407"), "{}", process.log());
    process.stop();
}

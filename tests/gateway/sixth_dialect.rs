//! Data alone makes a dialect: the program is started with one that exists nowhere else, beside the five, and what is
//! written through it is read back through it.

use std::{fs, path::Path, process::Command};

use interlingua::{
    boot::DataFiles,
    json::{Document, Limits},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    program::Program,
    support::{self, Dialects, json::differences},
};

/// What may pass as the key of the demonstration data's owner.
const KEY: &str = "DemoOwnerNorthwindPlainOne00000000000000";

#[test]
fn it_loads_beside_the_five() {
    let dialects = support::load(&everything().1);
    let names: Vec<&str> = dialects.registry.dialects().iter().map(|dialect| dialect.name.as_str()).collect();
    assert_eq!(names.len(), support::shipped().registry.dialects().len() + 1);
    assert!(names.contains(&"nimbus"), "{names:?}");
}

#[test]
fn what_is_written_through_it_is_read_back_through_it() {
    let (_folder, files) = everything();
    let dialects = support::load(&files);
    let program = Program::start(&files);
    let added = json!({"address": "zoe@example.com", "seat": null, "call": {"me": "Zoe"}, "shelves": ["northwind-recipes"]});
    let person = ask(&program, "POST", "/people", Some(&added), 201);
    fits(&dialects, "person", &person);
    let expected = json!({
        "id": "<text with per_>", "address": "zoe@example.com", "call": {"me": "Zoe"}, "seat": null,
        "rank": "Passenger", "presence": "waiting", "boarded": "<timestamp>",
        "shelves": [{"shelf": "northwind-recipes", "title": "Recipes"}], "fleet": "nimbus",
    });
    assert_eq!(differences(&expected, &person), Vec::<String>::new());

    let id = person["id"].as_str().expect("an id is a text");
    assert_eq!(ask(&program, "GET", &format!("/people/{id}"), None, 200), person);

    let leaf = ask(&program, "GET", "/people?named=zoe&leaf-size=1", None, 200);
    fits(&dialects, "people", &leaf);
    assert_eq!(leaf, json!({"people": [person], "leaf": {"number": 1, "of": 1, "more": false}}));
}

#[test]
fn many_at_once_are_told_apart_by_how_they_fared() {
    let (_folder, files) = everything();
    let dialects = support::load(&files);
    let program = Program::start(&files);
    let boarding =
        json!({"people": ["yan@example.com", {"address": "ada@example.com", "seat": "2"}], "seat": 1});
    let boarded = ask(&program, "POST", "/boarding", Some(&boarding), 207);
    fits(&dialects, "boarded", &boarded);
    assert_eq!(boarded["count"], 1);
    assert_eq!(boarded["aboard"][0]["rank"], "Crew");
    assert_eq!(boarded["ashore"][0]["address"], "ada@example.com", "who is a member already");
}

#[test]
fn its_refusals_are_in_its_own_words() {
    let (_folder, files) = everything();
    let dialects = support::load(&files);
    let program = Program::start(&files);
    let fault =
        ask(&program, "POST", "/people", Some(&json!({"address": "zoe@example.com", "seat": 4})), 422);
    fits(&dialects, "fault", &fault);
    let expected = json!({"ok": false, "fault": {
        "word": "unfit", "status": 422, "text": "<text>",
        "places": [{"at": "/seat", "why": "<text>", "kind": "wrong"}],
    }});
    assert_eq!(differences(&expected, &fault), Vec::<String>::new());

    let fault = ask(&program, "GET", "/crew", None, 404);
    fits(&dialects, "fault", &fault);
    assert_eq!(fault["fault"]["word"], "no-such-thing");
}

/// An operation that people ask for by following a link.
const LEAVE: &str = r#"
[[operation]]
name    = "leave"
request = "GET /work-spaces/{workspace}/people/{person}/leave"
path    = { workspace = { at = "organization_id", resolve = "workspace" }, person = { at = "member_id", prefix = "per_" } }
calls   = "members.remove"
changes = "people leave by a link in a mail"
answers = { 200 = { status = 204, drops = "who has left knows it" }, 202 = { status = 202 } }
"#;

/// A link that changes something: neither whoever asks for its head alone nor a replay makes it do that.
#[test]
fn a_get_that_changes_something_is_asked_on_purpose_alone() {
    let (folder, files) = everything();
    let mapping = folder.path().join("mappings/nimbus.toml");
    let text = fs::read_to_string(&mapping).expect("it was copied");
    fs::write(&mapping, text + LEAVE).expect("a file can be written");
    let program = Program::start(&files);
    let added = json!({"address": "wim@example.com", "seat": 1, "call": {"me": "Wim"}});
    let person = ask(&program, "POST", "/people", Some(&added), 201);
    let path = format!("/people/{}", person["id"].as_str().expect("an id is a text"));
    let leave = format!("{path}/leave");

    let target = format!("/rest/v3/work-spaces/northwind{leave}");
    let headers = [("host", "api.nimbus.example"), ("nimbus-key", KEY)];
    let head = program.send("HEAD", &target, &headers, None);
    assert_eq!((head.status, head.header("allow")), (405, Some("GET")), "{head:?}");

    let recorded = folder.path().join("recorded.jsonl");
    let record = json!({"method": "GET", "url": format!("/nimbus{target}"), "status": 204, "response": null});
    fs::write(&recorded, record.to_string()).expect("a file can be written");
    let key = folder.path().join("key");
    fs::write(&key, KEY).expect("a file can be written");
    let replayed = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        command.args(["replay", "--to", &format!("http://{}", program.address)]).args(more);
        command.arg("--mappings").arg(folder.path().join("mappings"));
        command.arg("--schemas").arg(folder.path().join("schemas"));
        let output = command.arg("--credential-file").arg(&key).arg(&recorded).output();
        let output = output.expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        format!("{}{}", text(&output.stdout), text(&output.stderr))
    };
    let said = replayed(&[]);
    assert!(said.contains("1 may change something"), "{said}");
    assert_eq!(ask(&program, "GET", &path, None, 200), person);
    let said = replayed(&["--changes"]);
    assert!(said.contains("1 sent: 1 alike"), "{said}");
    ask(&program, "GET", &path, None, 404);
}

/// The shipped files with the sixth dialect's among them, in a folder of their own.
fn everything() -> (TempDir, DataFiles) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder can be made");
    for source in [root.to_owned(), root.join("tests/fixtures/sixth")] {
        for name in ["mappings", "schemas"] {
            copy(&source.join(name), &folder.path().join(name));
        }
    }
    let below = |name| Some(folder.path().join(name));
    let files = DataFiles { mappings: below("mappings"), schemas: below("schemas") };
    (folder, files)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be listed") {
        let entry = entry.expect("a folder can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// Asks for something of the demonstration workspace and gives the answer's body.
fn ask(program: &Program, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
    let path = format!("/rest/v3/work-spaces/northwind{path}");
    let mut headers = vec![("host", "api.nimbus.example"), ("nimbus-key", KEY)];
    headers.extend(body.map(|_| ("content-type", "application/json")));
    let answer = program.send(method, &path, &headers, body.map(Value::to_string).as_deref());
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.json()
}

fn fits(dialects: &Dialects, schema: &str, value: &Value) {
    let schema = dialects.schemas.schema("nimbus", schema).expect("there is such a schema");
    let document = Document::parse(value.to_string().into_bytes(), &Limits::default()).expect("it is JSON");
    let violations = schema.violations(document.root(), 3);
    assert!(violations.is_empty(), "{value}: {violations:?}");
}

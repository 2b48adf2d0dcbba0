//! Data alone makes a dialect: the program is started with one that exists nowhere else, beside the five, and what is
//! written through it is read back through it.

use std::{fs, path::Path};

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

//! Data alone makes a dialect: the program is started with one that exists nowhere else, beside the five, and what is
//! written through it is read back through it.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::mpsc,
    thread,
};

use interlingua::{
    boot::{self, DataFiles},
    config::Config,
    json::{Document, Limits},
    server::{self, Drain, ListenerConfig},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{self, Dialects, json::differences};

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
    running(&files, |address| {
        let added = json!({"address": "zoe@example.com", "seat": null, "call": {"me": "Zoe"}, "shelves": ["northwind-recipes"]});
        let person = ask(address, "POST", "/people", Some(&added), 201);
        fits(&dialects, "person", &person);
        let expected = json!({
            "id": "<text with per_>", "address": "zoe@example.com", "call": {"me": "Zoe"}, "seat": null,
            "rank": "Passenger", "presence": "waiting", "boarded": "<timestamp>",
            "shelves": [{"shelf": "northwind-recipes", "title": "Recipes"}], "fleet": "nimbus",
        });
        assert_eq!(differences(&expected, &person), Vec::<String>::new());

        let id = person["id"].as_str().expect("an id is a text");
        assert_eq!(ask(address, "GET", &format!("/people/{id}"), None, 200), person);

        let leaf = ask(address, "GET", "/people?named=zoe&leaf-size=1", None, 200);
        fits(&dialects, "people", &leaf);
        assert_eq!(leaf, json!({"people": [person], "leaf": {"number": 1, "of": 1, "more": false}}));
    });
}

#[test]
fn many_at_once_are_told_apart_by_how_they_fared() {
    let (_folder, files) = everything();
    let dialects = support::load(&files);
    running(&files, |address| {
        let boarding =
            json!({"people": ["yan@example.com", {"address": "ada@example.com", "seat": "2"}], "seat": 1});
        let boarded = ask(address, "POST", "/boarding", Some(&boarding), 207);
        fits(&dialects, "boarded", &boarded);
        assert_eq!(boarded["count"], 1);
        assert_eq!(boarded["aboard"][0]["rank"], "Crew");
        assert_eq!(boarded["ashore"][0]["address"], "ada@example.com", "who is a member already");
    });
}

#[test]
fn its_refusals_are_in_its_own_words() {
    let (_folder, files) = everything();
    let dialects = support::load(&files);
    running(&files, |address| {
        let fault =
            ask(address, "POST", "/people", Some(&json!({"address": "zoe@example.com", "seat": 4})), 422);
        fits(&dialects, "fault", &fault);
        let expected = json!({"ok": false, "fault": {
            "word": "unfit", "status": 422, "text": "<text>",
            "places": [{"at": "/seat", "why": "<text>", "kind": "wrong"}],
        }});
        assert_eq!(differences(&expected, &fault), Vec::<String>::new());

        let fault = ask(address, "GET", "/crew", None, 404);
        fits(&dialects, "fault", &fault);
        assert_eq!(fault["fault"]["word"], "no-such-thing");
    });
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

/// Starts the program in front of its demonstration backend, and drains it afterwards.
fn running(files: &DataFiles, test: impl FnOnce(SocketAddr)) {
    let mut config = Config::default();
    let listener = ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: None };
    config.server = server::Config { listeners: vec![listener], workers: 1, ..config.server };
    config.admin.address = None;
    config.backend.seed = true;
    let registry = boot::load(files, &mut interlingua::diag::Sources::default())
        .expect("the files can be read")
        .registry;
    let registry = registry.expect("nothing is wrong");

    let drain = Drain::new();
    let (ready, addresses) = mpsc::channel();
    let begun = drain.clone();
    let serving = thread::spawn(move || {
        boot::serve(config, registry, &begun, |bound| ready.send(bound.to_vec()).expect("somebody waits"))
    });
    let address = addresses.recv().expect("the program starts")[0];
    test(address);
    drain.begin();
    serving.join().expect("the program does not panic").expect("it ends well");
}

/// Asks over a socket and gives the answer's body.
fn ask(address: SocketAddr, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut head =
        format!("{method} /rest/v3/work-spaces/northwind{path} HTTP/1.1\r\nHost: api.nimbus.example\r\n");
    head.push_str(&format!("Nimbus-Key: {KEY}\r\nConnection: close\r\n"));
    if !body.is_empty() {
        head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    let mut stream = TcpStream::connect(address).expect("the program listens");
    write!(stream, "{head}\r\n{body}").expect("the request can be sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer comes");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    serde_json::from_str(body).expect("an answer is JSON")
}

fn fits(dialects: &Dialects, schema: &str, value: &Value) {
    let schema = dialects.schemas.schema("nimbus", schema).expect("there is such a schema");
    let document = Document::parse(value.to_string().into_bytes(), &Limits::default()).expect("it is JSON");
    let violations = schema.violations(document.root(), 3);
    assert!(violations.is_empty(), "{value}: {violations:?}");
}

//! Ids of an older system: imported by the program itself, killed in the middle of it too, and used in requests.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use interlingua::boot::DataFiles;
use interlingua::ids::embedded::{Question, Store};
use interlingua::lens::Direction;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::lifecycle::process::Process;
use crate::program::Program;

/// Enough pairs that writing them takes the store several times its cache.
const MANY: u32 = 100_000;

/// A folder with a map in it, and the kind of ids the tests import.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn import(&self, kind: &str, file: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        command.args(["ids", "import", "--dialect", "gitbook", "--kind", kind, "--store"]);
        command.arg(self.path("ids.sqlite")).arg(file).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn imported(&self, kind: &str, pairs: &[(&str, &str)]) {
        let rows = pairs.iter().fold("external,canonical\n".to_owned(), |mut rows, (external, canonical)| {
            writeln!(rows, "{external},{canonical}").unwrap();
            rows
        });
        fs::write(self.path("few.csv"), rows).unwrap();
        let output = self.import(kind, &self.path("few.csv")).output().unwrap();
        let ids = if pairs.len() == 1 { "1 id".to_owned() } else { format!("{} ids", pairs.len()) };
        assert_eq!(said(&output), format!("imported {ids}, 0 were there already\n"));
    }

    /// A file of many pairs, none of which is there yet.
    fn many(&self) -> PathBuf {
        let path = self.path("many.csv");
        let mut file = BufWriter::new(File::create(&path).unwrap());
        writeln!(file, "external,canonical").unwrap();
        for number in 0..MANY {
            writeln!(file, "{},{}", external(number), canonical(number)).unwrap();
        }
        file.flush().unwrap();
        path
    }

    fn store(&self) -> Store {
        Store::open_existing(&self.path("ids.sqlite")).unwrap()
    }

    pub(crate) fn count(&self) -> i64 {
        self.store().count("gitbook", "user").unwrap()
    }

    /// Both directions agree, and `SQLite` finds nothing wrong with its file.
    pub(crate) fn is_sound(&self) -> bool {
        let connection = rusqlite::Connection::open(self.path("ids.sqlite")).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        let apart = "SELECT count(*) FROM (
            SELECT kind, external, organization, canonical FROM by_external
            EXCEPT SELECT kind, external, organization, canonical FROM by_canonical)";
        let apart: i64 = connection.query_row(apart, [], |row| row.get(0)).unwrap();
        let counts = "SELECT (SELECT count(*) FROM by_external) = (SELECT count(*) FROM by_canonical)";
        let same: bool = connection.query_row(counts, [], |row| row.get(0)).unwrap();
        (check.as_str(), apart, same) == ("ok", 0, true)
    }
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn external(number: u32) -> String {
    format!("u-{:08x}", number.wrapping_mul(0x9e37_79b9))
}

fn canonical(number: u32) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes())
}

/// An import that read half of a file and waits for the rest.
fn half_read(place: &Place, file: &Path) -> Child {
    let mut command = place.import("user", Path::new("-"));
    let mut child = command.args(["--format", "csv"]).stdin(Stdio::piped()).spawn().unwrap();
    let text = fs::read(file).unwrap();
    // A pipe holds far less than that, so nearly all of it was read when all of it was written.
    let mut input = child.stdin.take().unwrap();
    input.write_all(&text[..text.len() / 2]).unwrap();
    child.stdin = Some(input);
    child
}

/// Ends a program the hard way.
pub(crate) fn kill(mut child: Child) -> Output {
    child.kill().unwrap();
    child.wait_with_output().unwrap()
}

/// Waits until the store's log has grown to this length, or the program has ended.
pub(crate) fn until_written(child: &mut Child, log: &Path, bytes: u64) {
    while child.try_wait().unwrap().is_none() {
        if fs::metadata(log).is_ok_and(|log| log.len() > bytes) {
            return;
        }
        thread::yield_now();
    }
    panic!("the import ended before it could be killed");
}

#[test]
fn an_import_that_is_killed_leaves_what_was_there_and_can_be_run_again() {
    let place = Place::new();
    place.imported("user", &[("before", "3c90c3cc-0d44-4b50-8888-8dd25736052a")]);
    let many = place.many();
    let log = place.path("ids.sqlite-wal");

    // While it reads, at the first page it writes, and in the middle of writing.
    for written in [None, Some(0), Some(2 << 20)] {
        let mut child = match written {
            None => half_read(&place, &many),
            Some(_) => place.import("user", &many).spawn().unwrap(),
        };
        if let Some(written) = written {
            until_written(&mut child, &log, written);
        }
        let output = kill(child);
        assert!(output.status.code().is_none(), "it was killed, and ended by nothing else: {output:?}");
        assert!(output.stdout.is_empty(), "it had not said that anything was imported");
        assert_eq!(place.count(), 1, "nothing of it is there, killed at {written:?}");
        assert!(place.is_sound());
    }

    let output = place.import("user", &many).output().unwrap();
    assert_eq!(said(&output), format!("imported {MANY} ids, 0 were there already\n"));
    assert_eq!(place.count(), i64::from(MANY) + 1);
    assert!(place.is_sound());
}

#[test]
fn what_was_reported_as_imported_is_there_however_the_program_ends() {
    let place = Place::new();
    let many = place.many();
    let mut child = place.import("user", &many).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    kill(child);

    assert_eq!(line, format!("imported {MANY} ids, 0 were there already\n"));
    assert_eq!(place.count(), i64::from(MANY));
    let question = |number| Question {
        kind: "user".to_owned(),
        direction: Direction::Lift,
        organization: None,
        key: external(number),
    };
    let questions: Vec<_> = (0..MANY).step_by(97).map(question).collect();
    let answers = place.store().look_up("gitbook", &questions).unwrap();
    let expected = (0..MANY).step_by(97).map(|number| Some(canonical(number).to_string()));
    assert!(answers.into_iter().eq(expected));
}

#[test]
fn clients_are_shown_imported_ids_and_may_use_the_old_and_the_new() {
    let place = Place::new();
    let northwind = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
    let start = || {
        Program::start_with(&DataFiles::default(), |config| {
            config.backend.database = Some(place.path("backend.sqlite"));
            config.ids.store = Some(place.path("ids.sqlite"));
        })
    };
    place.imported("entity", &[("Org_North-7", northwind)]);
    let program = start();
    let link = ask(&program, "POST", "/orgs/Org_North-7/link-invites", Some(&json!({"role": "read"})), 201);
    let computed = link["id"].as_str().unwrap().to_owned();
    drop(program);

    let link_id = interlingua::canonical::id::IdForm::ShortUuid.read(&computed).unwrap().to_string();
    place.imported("entity", &[("old link", &link_id)]);
    let program = start();
    let expected = ask(&program, "GET", "/orgs/Org_North-7/link-invites/old%20link", None, 200);
    assert_eq!(expected["id"], "old link");
    for organization in ["Org_North-7", northwind, "CnEqURgZ3swzj528KMLvX5"] {
        for id in ["old%20link", &computed, &link_id] {
            let path = format!("/orgs/{organization}/link-invites/{id}");
            assert_eq!(ask(&program, "GET", &path, None, 200), expected, "{path}");
        }
        let list = ask(&program, "GET", &format!("/orgs/{organization}/link-invites"), None, 200);
        let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|link| &link["id"]).collect();
        assert!(ids.contains(&&json!("old link")), "{list}");
    }
}

/// Asks as the owner of the demonstration organization.
fn ask(program: &Program, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
    let mut headers = vec![
        ("host", "api.gitbook.com"),
        ("authorization", "Bearer gb_api_DemoOwnerNorthwind0000000000000000000000"),
    ];
    headers.extend(body.map(|_| ("content-type", "application/json")));
    let answer = program.send(method, &format!("/v1{path}"), &headers, body.map(Value::to_string).as_deref());
    assert_eq!(answer.status, status, "{}", answer.body);
    answer.json()
}

/// A slip of the pen in the settings must not look like a map that is there.
#[test]
fn a_map_that_was_not_there_is_said_to_be_empty() {
    let place = Place::new();
    let config = place.path("config.toml");
    let store = place.path("ids.sqlite");
    let settings = format!(
        "[server]\nworkers = 1\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
         [telemetry]\nformat = \"json\"\n[ids]\nstore = {:?}\n",
        store.display().to_string()
    );
    fs::write(&config, settings).unwrap();
    let process = Process::start_at(&config, None, &[]);
    let line = process.logged("there was no id map");
    assert!(line.contains("\"WARN\"") && line.contains("no imported id is known"), "{line}");
    process.stop();
    let process = Process::start_at(&config, None, &[]);
    assert!(!process.log().contains("there was no id map"), "it is there now: {}", process.log());
    // An empty one in its place would know no id that clients have.
    fs::remove_file(&store).unwrap();
    let answer = process.reload();
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    let found = &told["diagnostics"][0];
    assert_eq!((answer.status, &found["code"]), (422, &Value::from("C0304")), "{told}");
    assert_eq!(found["labels"][0]["file"], config.display().to_string(), "{told}");
    assert_eq!(found["labels"][0]["start"]["line"], 10, "{told}");
    assert!(!store.exists());
    process.stop();
}

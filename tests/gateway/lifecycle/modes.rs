//! A step back outlives the process that was told of it, however that ends; unless the files say something else by then.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Answer, Client};
use super::process::Process;
use super::rounds;

const SHADOW: &str = "[mode.gitbook]\nmode = \"shadow\"\n";
const SPLIT: &str = "[mode.gitbook]\nmode = \"split\"\nshare = 10\n";

/// A folder with the settings and what is kept.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn kept(&self) -> PathBuf {
        self.0.path().join("modes.json")
    }

    /// Has the settings say this, too.
    fn write(&self, more: &str) -> PathBuf {
        let text = format!(
            "[server]\nworkers = 2\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n\
             [admin]\naddress = \"127.0.0.1:0\"\nmodes_file = {:?}\n[telemetry]\nformat = \"json\"\n\
             [legacy.gitbook]\nbase = \"http://127.0.0.1:1\"\n{more}",
            self.kept().display().to_string(),
        );
        let path = self.0.path().join("config.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// The names of all that is there.
    fn beside(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = names.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn start(&self, more: &str) -> Process {
        Process::start_at(&self.write(more), None, &[])
    }
}

fn put(process: &Process, mode: &Value) -> Answer {
    Client::new(process.admin).ask("PUT", "/modes/gitbook", "", &mode.to_string()).unwrap()
}

fn delete(process: &Process) -> Answer {
    Client::new(process.admin).ask("DELETE", "/modes/gitbook", "", "").unwrap()
}

/// The mode of the dialect, and who said it.
fn shown(process: &Process) -> (String, String) {
    let shown: Value = serde_json::from_str(&process.page("/modes").body).unwrap();
    let shown = &shown["dialects"]["gitbook"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&shown["mode"]["mode"]), text(&shown["said_by"]))
}

/// Whether the next start would find what is said.
fn is_kept(process: &Process) -> bool {
    let shown: Value = serde_json::from_str(&process.page("/modes").body).unwrap();
    shown["persisted"].as_bool().unwrap()
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn said(mode: &str, by: &str) -> (String, String) {
    (mode.to_owned(), by.to_owned())
}

fn kill(process: Process) {
    process.signal("KILL");
    assert!(!process.wait().success());
}

#[test]
fn what_was_said_and_acknowledged_is_in_use_after_every_kill() {
    let place = Place::new();
    let mut process = place.start(SHADOW);
    assert!(place.kept().is_file(), "it is known at the start whether anything can be kept");
    assert_eq!(shown(&process), said("shadow", "files"));
    for round in 0..rounds(4, 40) {
        let mode =
            if round % 2 == 0 { json!({"mode": "legacy"}) } else { json!({"mode": "split", "share": round}) };
        let answer = put(&process, &mode);
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &told["persisted"]), (200, &json!(true)), "{answer:?}");
        kill(process);
        process = place.start(SHADOW);
        assert_eq!(shown(&process), said(mode["mode"].as_str().unwrap(), "admin"), "round {round}");
        process.logged("a mode that was said before this start is in use");
    }
    assert_eq!(delete(&process).status, 200);
    kill(process);
    let process = place.start(SHADOW);
    assert_eq!(shown(&process), said("shadow", "files"), "what was taken back stays so");
    process.stop();
}

#[test]
fn files_that_say_something_else_by_then_spoke_last_for_good() {
    let place = Place::new();
    let process = place.start(SHADOW);
    assert_eq!(put(&process, &json!({"mode": "legacy"})).status, 200);
    kill(process);
    let process = place.start(SPLIT);
    assert_eq!(shown(&process), said("split", "files"));
    kill(process);
    let process = place.start(SHADOW);
    assert_eq!(shown(&process), said("shadow", "files"), "what was dropped does not come back");
    // So it is where a reload has put an end to it.
    assert_eq!(put(&process, &json!({"mode": "legacy"})).status, 200);
    place.write(SPLIT);
    let (status, answer) = told(&process.reload());
    let ended = json!([{"dialect": "gitbook", "said": "legacy", "files": "split"}]);
    assert_eq!((status, &answer["ended"]), (200, &ended), "{answer}");
    let line = process.logged("a mode that was said is over");
    assert!(line.contains("gitbook") && line.contains("legacy") && line.contains("(split)"), "{line}");
    assert_eq!(shown(&process), said("split", "files"));
    assert_eq!(told(&process.reload()).1["ended"], json!([]), "it is told once");
    kill(process);
    let process = place.start(SHADOW);
    assert_eq!(shown(&process), said("shadow", "files"));
    process.stop();
}

/// What the files meant when it was said is held against what they mean by now, by a reload as by a start.
#[test]
fn files_that_say_the_same_in_other_words_end_nothing() {
    let place = Place::new();
    let process = place.start(SHADOW);
    assert_eq!(put(&process, &json!({"mode": "legacy"})).status, 200);
    // It has no effect in this mode.
    place.write(&format!("{SHADOW}share = 20\n"));
    let (status, answer) = told(&process.reload());
    assert_eq!((status, &answer["ended"]), (200, &json!([])), "{answer}");
    assert_eq!(shown(&process), said("legacy", "admin"));
    kill(process);
    let process = place.start(&format!("{SHADOW}share = 20\n"));
    assert_eq!(shown(&process), said("legacy", "admin"));
    process.stop();
}

/// Who tries a configuration beside the process that serves must not take its step back away.
#[test]
fn a_start_that_fails_leaves_what_is_kept_as_it_was() {
    let place = Place::new();
    let process = place.start(SHADOW);
    assert_eq!(put(&process, &json!({"mode": "legacy"})).status, 200);
    let kept = fs::read_to_string(place.kept()).unwrap();
    let taken = process.address;
    let config = place.write(SPLIT);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replacen("127.0.0.1:0", &taken.to_string(), 1)).unwrap();
    let output = interlingua("serve", &config);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(place.kept()).unwrap(), kept);
    assert_eq!(place.beside(), ["config.toml", "modes.json"]);
    kill(process);
    let process = place.start(SHADOW);
    assert_eq!(shown(&process), said("legacy", "admin"));
    process.stop();
}

/// Nobody should find out in the fire that nothing can be put there.
#[test]
fn every_start_that_serves_has_written_what_it_keeps() {
    let place = Place::new();
    fs::write(place.kept(), "").unwrap();
    let mut written = fs::metadata(place.kept()).unwrap().ino();
    for _ in 0..2 {
        let process = place.start(SHADOW);
        let by_now = fs::metadata(place.kept()).unwrap().ino();
        assert_ne!(by_now, written, "another file is in its place");
        assert!(is_kept(&process));
        written = by_now;
        process.stop();
    }
    assert_eq!(place.beside(), ["config.toml", "modes.json"]);
}

/// A step back must not be held up by what would keep it.
#[test]
fn what_cannot_be_kept_is_done_and_told_so() {
    let place = Place::new();
    let process = place.start(SHADOW);
    // Nothing can be put in the place of a folder that is not empty.
    fs::remove_file(place.kept()).unwrap();
    fs::create_dir_all(place.kept().join("full")).unwrap();
    let (status, answer) = told(&put(&process, &json!({"mode": "legacy"})));
    assert_eq!(
        (status, &answer["result"], &answer["persisted"]),
        (202, &json!("taken"), &json!(false)),
        "{answer}"
    );
    assert!(answer["cause"].as_str().unwrap().contains("cannot keep modes in"), "{answer}");
    assert!(answer["until"].as_str().unwrap().starts_with("the program ends"), "{answer}");
    assert_eq!((shown(&process), is_kept(&process)), (said("legacy", "admin"), false));
    let (status, answer) = told(&process.reload());
    assert_eq!((status, &answer["result"]), (200, &json!("taken")));
    assert!(answer["cause"].as_str().unwrap().contains("cannot keep modes in"), "{answer}");
    // A reload tries again.
    fs::remove_dir_all(place.kept()).unwrap();
    let (status, answer) = told(&process.reload());
    assert_eq!((status, &answer["cause"], is_kept(&process)), (200, &Value::Null, true), "{answer}");
    kill(process);
    let process = place.start(SHADOW);
    assert_eq!(shown(&process), said("legacy", "admin"));
    process.stop();
}

/// Nobody begins with a file of which they do not know what it says, and `check` says so before.
#[test]
fn a_file_that_keeps_no_modes_is_told_with_the_line_that_names_it() {
    let place = Place::new();
    let config = place.write(SHADOW);
    fs::write(place.kept(), "{\"secret\": \"hunter2\"}").unwrap();
    for command in ["serve", "check"] {
        let output = interlingua(command, &config);
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("error[C0305]") && text.contains("config.toml:7:"), "{text}");
        assert!(text.contains("`admin.modes_file` names it") && !text.contains("hunter2"), "{text}");
    }
    fs::remove_file(place.kept()).unwrap();
    let nowhere = fs::read_to_string(&config).unwrap().replace("modes.json", "nowhere/modes.json");
    fs::write(&config, nowhere).unwrap();
    let output = interlingua("serve", &config);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("error[C0304]"), "{text}");
}

/// Two replicas were given one file. Whoever has it is the last that started, and the other says so.
#[test]
fn of_two_with_one_file_the_first_is_told_that_it_has_it_no_more() {
    let place = Place::new();
    let first = place.start(SHADOW);
    assert_eq!(put(&first, &json!({"mode": "legacy"})).status, 200);
    let second = place.start(SHADOW);
    assert_eq!(shown(&second), said("legacy", "admin"), "it goes on with what the first was told");
    let (status, answer) = told(&put(&first, &json!({"mode": "canonical"})));
    assert_eq!((status, &answer["persisted"]), (202, &json!(false)), "{answer}");
    assert!(answer["cause"].as_str().unwrap().contains("was taken over by another process"), "{answer}");
    assert_eq!((shown(&first), is_kept(&first)), (said("canonical", "admin"), false));
    assert_eq!((put(&second, &json!({"mode": "split", "share": 5})).status, is_kept(&second)), (200, true));
    kill(second);
    let third = place.start(SHADOW);
    assert_eq!(shown(&third), said("split", "admin"));
    third.stop();
    first.stop();
}

/// As a container is given a single file: it can be written, and nothing can be put in its place. Only where whoever tests may
/// mount anything.
#[test]
fn a_file_that_is_mounted_by_itself_is_told_at_the_start() {
    let mounting = |text: &str| {
        let mut shell = std::process::Command::new("unshare");
        shell.args(["--user", "--map-root-user", "--mount", "sh", "-c", text]);
        shell
    };
    if !mounting("true").output().is_ok_and(|output| output.status.success()) {
        return;
    }
    let place = Place::new();
    let config = place.write(SHADOW);
    fs::write(place.kept(), "").unwrap();
    for command in ["serve", "check"] {
        let mut shell = mounting("mount --bind \"$1\" \"$1\" && exec \"$0\" \"$2\" --config \"$3\"");
        shell.arg(env!("CARGO_BIN_EXE_interlingua")).arg(place.kept()).arg(command).arg(&config);
        let output = shell.output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("error[C0305]") && text.contains("mount the folder"), "{text}");
    }
    assert_eq!(place.beside(), ["config.toml", "modes.json"]);
}

fn interlingua(command: &str, config: &Path) -> std::process::Output {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_interlingua"));
    program.arg(command).arg("--config").arg(config).output().unwrap()
}

//! A step back outlives the process that was told of it, however that ends; unless the files say something else by then.

use std::fs;
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
    assert_eq!(process.reload().status, 200);
    assert_eq!(shown(&process), said("split", "files"));
    kill(process);
    let process = place.start(SHADOW);
    assert_eq!(shown(&process), said("shadow", "files"));
    process.stop();
}

/// A step back must not be held up by what would keep it.
#[test]
fn what_cannot_be_kept_is_done_and_told_so() {
    let place = Place::new();
    let process = place.start(SHADOW);
    // Nothing can be put in the place of a folder that is not empty.
    fs::remove_file(place.kept()).unwrap();
    fs::create_dir_all(place.kept().join("full")).unwrap();
    let answer = put(&process, &json!({"mode": "legacy"}));
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (answer.status, &told["result"], &told["persisted"]),
        (202, &json!("taken"), &json!(false)),
        "{told}"
    );
    assert!(told["cause"].as_str().unwrap().contains("cannot keep modes in"), "{told}");
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

fn interlingua(command: &str, config: &Path) -> std::process::Output {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_interlingua"));
    program.arg(command).arg("--config").arg(config).output().unwrap()
}

//! Runs `tests/replay/*.json`: recordings with planted differences, sent again by the program itself to a started proxy.
//! The README there says how a case is written.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use interlingua::boot::DataFiles;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::program::Program;

/// Credentials of the demonstration data, and the dialects that take them.
const CREDENTIALS: [(&str, &str); 2] = [
    ("gitbook", "gb_api_DemoOwnerNorthwind0000000000000000000000"),
    ("letpiper", "pat_DemoOwnerNorthwind00000000000000"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Case {
    #[allow(dead_code, reason = "for the reader of the file")]
    about: String,
    asks: Vec<Ask>,
    #[serde(default)]
    plants: Vec<Plant>,
    #[serde(default)]
    more: Vec<Value>,
    #[serde(default)]
    har: bool,
    /// How many bytes are missing at the end of the recording.
    #[serde(default)]
    cut: usize,
    #[serde(default)]
    second: bool,
    #[serde(default)]
    changes: Vec<Change>,
    #[serde(default = "yes")]
    credentials: bool,
    #[serde(default)]
    recorded_credential: bool,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    arguments: Vec<String>,
    status: i32,
    says: Vec<String>,
    #[serde(default)]
    never: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    method: String,
    url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plant {
    of: usize,
    at: Option<String>,
    value: Option<Value>,
    append: Option<Value>,
    #[serde(default)]
    reverse: bool,
    status: Option<u16>,
    body: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    method: String,
    path: String,
    body: Value,
}

fn yes() -> bool {
    true
}

impl Ask {
    /// The dialect whose host it is, and the path below.
    fn target(&self) -> (&'static str, &str) {
        let (host, path) = self.url.strip_prefix("https://api.").unwrap().split_once(".com").unwrap();
        let (dialect, _) = CREDENTIALS.iter().find(|(dialect, _)| *dialect == host).unwrap();
        (dialect, path)
    }

    /// Asks, and writes down what was answered.
    fn recorded(&self, program: &Program, with_credential: bool) -> Value {
        let (dialect, path) = self.target();
        let (_, credential) = CREDENTIALS.iter().find(|(known, _)| *known == dialect).unwrap();
        let bearer = format!("Bearer {credential}");
        let target = format!("/{dialect}{path}");
        let answer = program.send(&self.method, &target, &[("authorization", bearer.as_str())], None);
        let kept = if with_credential { bearer.as_str() } else { "Bearer ********" };
        json!({
            "method": self.method,
            "url": self.url,
            "headers": {"Authorization": kept, "Accept": "application/json"},
            "status": answer.status,
            "response": answer.json(),
        })
    }
}

impl Plant {
    fn put(&self, record: &mut Value) {
        if let Some(status) = self.status {
            record["status"] = json!(status);
            record["response"] = self.body.clone().unwrap_or_default();
            return;
        }
        let at = self.at.as_deref().unwrap();
        let place = record["response"].pointer_mut(at).unwrap_or_else(|| panic!("there is no {at}"));
        match (&self.value, &self.append) {
            (Some(value), _) => *place = value.clone(),
            (None, Some(element)) => place.as_array_mut().unwrap().push(element.clone()),
            (None, None) => {
                assert!(self.reverse, "a plant changes something");
                place.as_array_mut().unwrap().reverse();
            }
        }
    }
}

/// An exchange as HAR 1.2 writes it.
fn entry(record: &Value) -> Value {
    let headers = record["headers"].as_object().into_iter().flatten();
    let headers: Vec<_> = headers.map(|(name, value)| json!({"name": name, "value": value})).collect();
    let text = record["response"].to_string();
    json!({
        "request": {"method": record["method"], "url": record["url"], "headers": headers, "bodySize": 0},
        "response": {"status": record["status"], "content": {"size": text.len(), "text": text}},
    })
}

fn run(case: &Case, program: &Program, folder: &Path) -> Output {
    let mut records: Vec<Value> =
        case.asks.iter().map(|ask| ask.recorded(program, case.recorded_credential)).collect();
    for plant in &case.plants {
        plant.put(&mut records[plant.of]);
    }
    records.extend(case.more.iter().cloned());
    let file = folder.join(if case.har { "recorded.har" } else { "recorded.jsonl" });
    let text = if case.har {
        json!({"log": {"entries": records.iter().map(entry).collect::<Vec<_>>()}}).to_string()
    } else {
        records.iter().map(|record| format!("{record}\n")).collect::<Vec<_>>().concat()
    };
    fs::write(&file, &text[..text.len() - case.cut]).unwrap();
    let credentials = folder.join("credentials");
    let lines = CREDENTIALS.iter().map(|(dialect, credential)| format!("{dialect} = {credential}\n"));
    fs::write(&credentials, lines.collect::<String>()).unwrap();

    let second = case.second.then(|| Program::start(&DataFiles::default()));
    if let Some(second) = &second {
        for Change { method, path, body } in &case.changes {
            let bearer = format!("Bearer {}", CREDENTIALS[0].1);
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let answer = second.send(method, path, &headers, Some(&body.to_string()));
            assert!(answer.status < 300, "{method} {path}: {answer:?}");
        }
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    command.args(["replay", "--to", &format!("http://{}", program.address)]).args(&case.arguments);
    if let Some(second) = &second {
        command.args(["--and", &format!("http://{}", second.address)]);
    }
    if case.credentials {
        command.arg("--credential-file").arg(&credentials);
    }
    command.args(&case.words).arg(&file).output().unwrap()
}

#[test]
fn every_planted_difference_is_found_and_nothing_else() {
    let mut failures = Vec::new();
    for (name, case) in cases() {
        // One for each, so that no quota is spent.
        let program = Program::start(&DataFiles::default());
        let folder = tempfile::tempdir().unwrap();
        let output = run(&case, &program, folder.path());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        let mut wrong = Vec::new();
        if output.status.code() != Some(case.status) {
            wrong.push(format!("status {:?}, not {}", output.status.code(), case.status));
        }
        wrong.extend(
            case.says.iter().filter(|text| !said.contains(&**text)).map(|text| format!("no {text:?}")),
        );
        let secrets = CREDENTIALS.iter().map(|(_, credential)| (*credential).to_owned());
        let never: Vec<_> = case.never.iter().cloned().chain(secrets).collect();
        wrong.extend(
            never.iter().filter(|text| said.contains(&**text)).map(|text| format!("{text:?} is shown")),
        );
        if !wrong.is_empty() {
            failures.push(format!("{name}: {}\n{said}", wrong.join(", ")));
        }
    }
    assert!(failures.is_empty(), "{} cases:\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_proxy_that_is_not_there_is_no_difference() {
    let address = Program::start(&DataFiles::default()).address;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recorded.jsonl");
    let record =
        json!({"method": "GET", "url": "/gitbook/v1/orgs", "status": 200, "response": {"items": []}});
    fs::write(&file, record.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    let output = command.args(["replay", "--to", &format!("http://{address}")]).arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    // Whoever has to mend it is told what the system said.
    assert!(said.contains("cannot connect to the backend: Connection refused"), "{said}");
    assert!(said.contains("was asked once and gave no answer"), "{said}");
}

fn cases() -> BTreeMap<String, Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let cases: BTreeMap<_, _> = paths
        .filter(|path: &PathBuf| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let case = serde_json::from_str(&text);
            let case = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_stem().unwrap().to_string_lossy().into_owned(), case)
        })
        .collect();
    assert!(cases.len() > 10, "there are few cases");
    cases
}

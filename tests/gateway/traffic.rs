//! The golden cases as recorded traffic: what `validate` and `coverage` say of it.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::golden::case::{self, Case};

/// A case as a record; none if it is more than one exchange, or its bodies are no JSON or may be anything.
fn record(case: &Case) -> Option<Value> {
    let ask = case.request.ask();
    let (method, url) = ask.line.split_once(' ')?;
    let sent: Option<Value> = match &ask.body {
        Some(bytes) => Some(serde_json::from_slice(bytes).ok()?),
        None => None,
    };
    let is_plain = case.has_backend() && case.quota.is_none();
    let told = case.response.body.clone();
    let is_anything = told.as_ref().and_then(Value::as_str).is_some_and(|text| text.starts_with('<'));
    let calls: Option<Vec<Value>> = case
        .calls
        .iter()
        .map(|call| {
            let (status, body) = call.promised()?;
            let body: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
            Some(json!({ "line": call.expect.line, "status": status, "body": body }))
        })
        .collect();
    let headers: serde_json::Map<_, _> =
        ask.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let record = json!({
        "method": method,
        "url": url,
        "headers": headers,
        "request": sent,
        "status": case.response.status,
        "response": told.map(unmarked),
        "calls": calls?,
    });
    (is_plain && !is_anything).then_some(record)
}

/// A value for each marker of an expected answer.
fn unmarked(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(unmarked).collect(),
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| member != "<optional>")
            .map(|(name, member)| (name, unmarked(member)))
            .collect(),
        Value::String(text) => match text.as_str() {
            "<boolean>" => true.into(),
            "<number>" => 7.into(),
            "<timestamp>" => "2026-01-31T23:59:59Z".into(),
            _ if text.starts_with('<') => "text".into(),
            _ => text.into(),
        },
        other => other,
    }
}

fn records() -> String {
    let records: Vec<_> =
        case::all().iter().filter_map(record).map(|record| record.to_string() + "\n").collect();
    assert!(records.len() > 400, "{}", records.len());
    records.concat()
}

/// Runs the program with this on its standard input.
fn run(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    command.args(arguments).args(["--input", "jsonl", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    output
}

#[test]
fn every_golden_case_is_valid_traffic() {
    let output = run(&["validate"], &records());
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(err, "", "{out}");
    assert!(output.status.success(), "{out}");
}

/// What no golden case is about. An entry here is a case somebody may write; one that is written has to go.
const NEVER_USED: &str = "tests/traffic/never-used.txt";

#[test]
fn the_golden_cases_use_the_mappings_but_for_what_is_listed() {
    let output = run(&["coverage", "--format", "json"], &records());
    let list: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut missing = String::new();
    for mapping in &list {
        for line in mapping["missing"].as_array().unwrap() {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let (file, what) = (text("file"), text("what"));
            missing.extend([&file, "  ", &text("kind"), ": ", &what, "\n"]);

            let number = usize::try_from(line["line"].as_u64().unwrap()).unwrap();
            let shown = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
            let shown = shown.lines().nth(number - 1).unwrap().to_owned();
            let word = match text("kind").as_str() {
                "landings" => what.split([',', ' ']).next().unwrap().to_owned(),
                "answers" => what.split(' ').nth(1).unwrap().to_owned(),
                _ => String::new(),
            };
            assert!(shown.contains(&word), "{file}:{number} does not speak of {what}: {shown}");
        }
        let of = |name: &str| {
            mapping["kinds"].as_array().unwrap().iter().find(|kind| kind["kind"] == name).unwrap()
        };
        let operations = of("operations and cases");
        assert_eq!(operations["used"], operations["of"], "{}", mapping["mapping"]);
    }
    let listed = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(NEVER_USED)).unwrap();
    assert_eq!(missing, listed, "the golden cases use other lines than {NEVER_USED} says");
}

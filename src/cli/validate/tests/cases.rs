//! Runs `tests/validate/`: a folder is a run, with its arguments, its files, and what is expected to be found where.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::Value;

use super::super::super::testing::{Ran, ran_in_acme};
use crate::diag::code;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validate")
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

/// Runs a case; files are named as they are in its folder.
fn run(case: &Path, more: &[&str]) -> Ran {
    let text = fs::read_to_string(case.join("arguments")).unwrap();
    let argument = |line: &str| match case.join(line) {
        path if path.is_file() => path.display().to_string(),
        _ => line.to_owned(),
    };
    let arguments: Vec<_> = text.lines().map(argument).collect();
    let arguments: Vec<_> = ["validate"]
        .into_iter()
        .chain(arguments.iter().map(String::as_str))
        .chain(more.iter().copied())
        .collect();
    let mut ran = ran_in_acme(&arguments);
    let folder = format!("{}/", case.display());
    ran.out = ran.out.replace(&folder, "");
    ran.err = ran.err.replace(&folder, "");
    ran
}

fn finding(found: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let place = &found["labels"][0];
    format!(
        "{}[{}] {}:{}:{} {}",
        text(&found["severity"]),
        text(&found["code"]),
        text(&place["file"]),
        place["start"]["line"],
        place["start"]["column"],
        text(&found["message"])
    )
}

#[test]
fn each_case_finds_what_is_wrong_where_it_is() {
    let mut failures = Vec::new();
    for case in cases() {
        let json = run(&case, &["--format", "json"]);
        let list: Vec<Value> = serde_json::from_str(&json.out).unwrap_or_default();
        let code = (0..3).find(|code| json.status == ExitCode::from(*code));
        let mut said = format!("status {}\n", code.unwrap_or(9));
        said.extend(list.iter().map(|found| finding(found) + "\n"));
        let text = run(&case, &[]);
        assert_eq!(text.status, json.status, "{}", case.display());
        said.extend(text.out.lines().map(|line| format!("| {line}\n")));

        let expected = fs::read_to_string(case.join("expected")).unwrap();
        if said != expected {
            let name = case.file_name().unwrap().to_string_lossy();
            failures.push(format!("{name}\nexpected:\n{expected}\nfound:\n{said}{}", json.err));
        }
    }
    assert!(failures.is_empty(), "{} cases:\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn each_code_of_documents_has_a_case() {
    let expected = cases().into_iter().map(|case| fs::read_to_string(case.join("expected")).unwrap());
    let expected: String = expected.collect();
    let codes: BTreeSet<_> = code::ALL.iter().map(|entry| entry.code.as_str()).collect();
    // What `replay` says has its cases in tests/replay.
    for code in codes.into_iter().filter(|code| code.starts_with("V01") && *code != "V0107") {
        assert!(expected.contains(&format!("[{code}]")), "{code}");
    }
}

#[test]
fn nothing_that_documents_say_is_printed_unless_it_is_asked_for() {
    for case in cases() {
        let ran = run(&case, &[]);
        for value in ["zo", "king", "nonsense", "example.com"] {
            assert!(!ran.err.contains(value) && !ran.out.contains(value), "{}: {}", case.display(), ran.err);
        }
    }
    let shown = run(&root().join("har-request-misfit"), &["--show-values"]);
    assert!(shown.err.contains("king"), "{}", shown.err);
}

#[test]
fn every_format_says_as_much() {
    let case = root().join("har-request-misfit");
    let junit = run(&case, &["--format", "junit"]).out;
    let document = roxmltree::Document::parse(&junit).unwrap();
    let names: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|node| {
            (node.attribute("name").unwrap(), node.children().any(|child| child.has_tag_name("failure")))
        })
        .collect();
    let expected = [
        ("request of `add_member` of `acme`", true),
        ("answer 200 of `add_member` of `acme`", false),
        ("answer 200 of `list_links` of `acme`", false),
        ("request of `list_links` of `acme`", false),
    ];
    assert_eq!(names, expected, "{junit}");

    let sarif: Value = serde_json::from_str(&run(&case, &["--format", "sarif"]).out).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    let github = run(&case, &["--format", "github"]).out;
    let expected = fs::read_to_string(case.join("expected")).unwrap();
    let (line, column) = (&place["startLine"], &place["startColumn"]);
    assert!(expected.contains(&format!("traffic.har:{line}:{column} ")), "{place}");
    assert!(github.contains(&format!("line={line},col={column},")), "{github}");
}

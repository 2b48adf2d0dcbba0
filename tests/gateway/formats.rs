//! Every report format over every fault of `tests/diagnostics/`: it is what its specification says, and read by
//! somebody else it names the file and line of the fault.

mod read;

use std::process::Command;

use interlingua::diag::render::{self, Case, Format, Report};
use interlingua::diag::{Diagnostic, Sources, Span, code};
use proptest::prelude::*;
use serde_json::Value;

use crate::diagnostics::{self, Loaded};
use read::{Read, github, json, junit, sarif, text};

/// What reads a format back.
type Reader = fn(&str) -> Vec<Read>;

const FORMATS: [(Format, Reader); 5] = [
    (Format::Github, github),
    (Format::Json, json),
    (Format::Junit, junit),
    (Format::Sarif, sarif),
    (Format::Text, text),
];

#[test]
fn every_format_names_file_and_line_of_every_seeded_fault() {
    let mut wrong = Vec::new();
    for name in diagnostics::cases() {
        let code = name.split('-').next().unwrap_or_default();
        let seeded = diagnostics::seeded(&name);
        let loaded = diagnostics::loaded(&name);
        for (format, reader) in FORMATS {
            let read = reader(&reported(&loaded, format));
            let is_right = match read.as_slice() {
                [one] => one.code == code && one.place == seeded,
                _ => false,
            };
            if !is_right {
                wrong.push(format!("{name}, {format:?}: expected {seeded:?}, read {read:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_sarif_log_is_valid() {
    let schema = include_str!("../fixtures/formats/sarif-schema-2.1.0.json");
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // This pattern is published with a bracket too many, which strict engines do not take. We name no language.
    for of in ["run", "toolComponent"] {
        let language = schema["definitions"][of]["properties"]["language"].as_object_mut().unwrap();
        assert!(language.remove("pattern").is_some());
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for name in diagnostics::cases() {
        let log = reported(&diagnostics::loaded(&name), Format::Sarif);
        let log: Value = serde_json::from_str(&log).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
    let nothing: Value = serde_json::from_str(&Report::new(Format::Sarif, "nothing", None).finish()).unwrap();
    assert!(validator.is_valid(&nothing));
    assert!(!validator.is_valid(&serde_json::json!({ "version": "2.1.0" })), "it can say no");
}

#[test]
fn junit_counts_what_passed_what_failed_and_what_was_not_looked_at() {
    let report = reported(&diagnostics::loaded("M0102-misspelt-key"), Format::Junit);
    let document = roxmltree::Document::parse(&report).unwrap();
    let suites: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testsuite")).collect();
    assert!(suites.iter().any(|suite| suite.attribute("name").unwrap().starts_with("schemas/")));
    for suite in suites {
        let named =
            |name: &str| suite.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
        assert_eq!(suite.attribute("tests"), Some(named("testcase").as_str()));
        assert_eq!(suite.attribute("failures"), Some(named("failure").as_str()));
        assert_eq!(suite.attribute("skipped"), Some(named("skipped").as_str()));
        let is_at_fault = suite.attribute("name") == Some("mappings/acme.toml");
        assert_eq!(named("failure") == "1", is_at_fault, "{report}");
        assert_eq!(named("skipped") != "0", is_at_fault, "{report}");
        assert_ne!(named("testcase"), "0", "{report}");
    }
}

#[test]
fn what_is_found_twice_is_two_cases_with_two_names() {
    let mut sources = Sources::default();
    let source = sources.add("a.toml", "a\nb\n");
    let at = |line: usize| Diagnostic::error(code::M0301, "x").at(Span::new(source, line..line), "");
    let case = Case { suite: "a.toml", name: "totality", found: &[at(0), at(2)], skipped: None };
    let mut report = Report::new(Format::Junit, "test", None);
    let report = report.case(&case, &sources) + &report.finish();
    let document = roxmltree::Document::parse(&report).unwrap();
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    let names: Vec<_> = cases.map(|case| case.attribute("name").unwrap()).collect();
    assert_eq!(names, ["totality", "totality (2)"]);
}

#[test]
fn a_warning_and_a_note_fail_nothing() {
    let found =
        [Diagnostic::warning(code::C0210, "doubtful"), Diagnostic::notice(code::C0210, "as declared")];
    let case = Case { suite: "config.toml", name: "values", found: &found, skipped: None };
    let printed = |format| {
        let mut report = Report::new(format, "test", None);
        report.case(&case, &Sources::default()) + &report.finish()
    };
    assert!(printed(Format::Junit).contains(r#"tests="2" failures="0""#), "{}", printed(Format::Junit));
    let log: Value = serde_json::from_str(&printed(Format::Sarif)).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["level"], "warning");
    assert_eq!(log["runs"][0]["results"][1]["level"], "note");
    let commands = printed(Format::Github);
    let starts: Vec<_> = commands.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(starts, ["::warning", "::notice"]);
}

#[test]
fn columns_are_told_as_each_format_counts_them() {
    let mut sources = Sources::default();
    let source = sources.add("a.toml", "𝄞 = bad\nnext\n");
    let within = Diagnostic::error(code::M0103, "x").at(Span::new(source, 7..10), "");
    let across = Diagnostic::error(code::M0103, "x").at(Span::new(source, 7..15), "");
    let other = Diagnostic::error(code::M0103, "x")
        .at(Span::new(source, 7..10), "here")
        .also(Span::new(source, 11..13), "and there");
    let printed = |format, found: &Diagnostic| {
        let found = std::slice::from_ref(found);
        let mut report = Report::new(format, "test", None);
        let case = Case { suite: "a.toml", name: "syntax", found, skipped: None };
        report.case(&case, &sources) + &report.finish()
    };
    // A clef is one character, and two units of UTF-16. SARIF ends after the last, GitHub on it.
    let log: Value = serde_json::from_str(&printed(Format::Sarif, &within)).unwrap();
    let region = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startColumn"], &region["endColumn"]), (&6.into(), &9.into()));
    assert_eq!(log["runs"][0]["columnKind"], "utf16CodeUnits");
    let command = printed(Format::Github, &within);
    assert!(command.contains("line=1,col=5,endLine=1,endColumn=7,"), "{command}");
    let command = printed(Format::Github, &across);
    assert!(command.contains("line=1,endLine=2,title"), "{command}");
    // The other half of a conflict is a related location.
    let log: Value = serde_json::from_str(&printed(Format::Sarif, &other)).unwrap();
    let related = &log["runs"][0]["results"][0]["relatedLocations"];
    assert_eq!(related[0]["physicalLocation"]["region"]["startLine"], 2);
    assert_eq!(related[0]["message"]["text"], "and there");
}

#[test]
fn a_brace_in_a_sarif_message_is_no_placeholder() {
    let found = [Diagnostic::error(code::R0101, "`GET /things/{id}` is there twice")];
    let mut report = Report::new(Format::Sarif, "test", None);
    let case = Case { suite: "a", name: "routes", found: &found, skipped: None };
    let log = report.case(&case, &Sources::default()) + &report.finish();
    assert!(log.contains("`GET /things/{{id}}` is there twice"), "{log}");
}

#[test]
fn the_program_tells_paths_from_the_current_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("mappings")).unwrap();
    std::fs::write(folder.join("mappings/canonical.toml"), "[canonical\n").unwrap();
    for (format, expected) in [
        ("github", "::error file=mappings/canonical.toml,line=1,"),
        ("junit", "message=\"mappings/canonical.toml:1:"),
        ("sarif", "{\"uri\":\"mappings/canonical.toml\",\"uriBaseId\":\"%SRCROOT%\"}"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_interlingua"))
            .args(["check", "--format", format, "--mappings"])
            .arg(folder.join("mappings"))
            .current_dir(&folder)
            .output()
            .unwrap();
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(report.contains(expected), "{format}: {report}");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{format}");
    }
}

proptest! {
    #[test]
    fn whatever_is_said_is_well_formed_in_every_format(
        message in any::<String>(),
        label in any::<String>(),
        path in any::<String>(),
        content in any::<String>(),
        offsets in (0..40_usize, 0..40_usize),
    ) {
        let mut sources = Sources::default();
        let source = sources.add(&path, &content);
        let found = [Diagnostic::error(code::M0301, &message)
            .at(Span::new(source, offsets.0..offsets.0 + offsets.1), &label)
            .help(&message)];
        let case = Case { suite: &path, name: &label, found: &found, skipped: None };
        let printed = |format| {
            let mut report = Report::new(format, &message, Some(&path));
            report.case(&case, &sources) + &report.finish()
        };

        let report = printed(Format::Junit);
        let document = roxmltree::Document::parse(&report);
        prop_assert!(document.is_ok(), "{document:?}: {report}");
        let document = document.unwrap();
        let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
        let is_xml = |c: char| {
            matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        };
        let told: String = message.chars().map(|c| if is_xml(c) { c } else { '\u{fffd}' }).collect();
        prop_assert!(failure.attribute("message").unwrap().ends_with(&told), "{report}");

        let log: Value = serde_json::from_str(&printed(Format::Sarif)).unwrap();
        let uri = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        prop_assert!(uri.as_str().unwrap().bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");

        let commands = printed(Format::Github);
        prop_assert_eq!(commands.lines().count(), 1, "{:?}", commands);
        let read = read::command(commands.trim_end_matches('\n'));
        prop_assert!(read.message.starts_with(&message), "{:?}", read);
    }
}

/// A case, reported in a format.
fn reported(loaded: &Loaded, format: Format) -> String {
    let Loaded { sources, files, found } = loaded;
    let mut report = Report::new(format, "test", None);
    let printed = render::files(&mut report, files, &found.clone().into_vec(), sources);
    printed + &report.finish()
}

#[test]
fn a_diagnostic_about_a_file_nobody_listed_is_told_all_the_same() {
    let mut sources = Sources::default();
    let source = sources.add("stray.toml", "x");
    let found = [
        Diagnostic::error(code::M0115, "about nothing in particular"),
        Diagnostic::error(code::M0301, "stray").at(Span::new(source, 0..1), ""),
    ];
    let mut report = Report::new(Format::Junit, "test", None);
    let printed = render::files(&mut report, &[], &found, &sources) + &report.finish();
    assert_eq!(junit(&printed).len(), 2, "{printed}");
    assert!(printed.contains("<testsuite name=\"stray.toml\""), "{printed}");
}

//! What people and programs read of diagnostics.

use serde_json::{Value, json};

use super::{Counts, json as as_json, text};
use crate::diag::{Diagnostic, Sources, Span, Start, code};

const MAPPING: &str = "[roles]\nowner = \"owner\"\nmaintainer = \"maintainer\"\n";
const SCHEMA: &str = "{\n  \"enum\": [\"owner\", \"maintainer\"]\n}\n";

fn conflict() -> (Diagnostic, Sources) {
    let mut sources = Sources::default();
    let mut span = |path: &str, text: &str, at: &str| {
        let start = text.find(at).expect("the text contains it");
        Span::new(sources.add(path, text), start..start + at.len())
    };
    let mapped = span("mappings/acme.toml", MAPPING, "\"maintainer\"");
    let allowed = span("schemas/acme/role.json", SCHEMA, "\"maintainer\"");
    let diagnostic = Diagnostic::error(code::M0103, "role `maintainer` has no canonical counterpart")
        .at(mapped, "mapped here")
        .also(allowed, "allowed here")
        .note("canonical roles are `owner` and `admin`")
        .help("map it under `[roles]`, or declare it `reject = true`");
    (diagnostic, sources)
}

#[test]
fn text_puts_carets_under_the_exact_characters_of_every_file_concerned() {
    let (diagnostic, sources) = conflict();

    let expected = "\
error[M0103]: role `maintainer` has no canonical counterpart
 --> mappings/acme.toml:3:14
  |
3 | maintainer = \"maintainer\"
  |              ^^^^^^^^^^^^ mapped here
  |
 ::: schemas/acme/role.json:2:21
  |
2 |   \"enum\": [\"owner\", \"maintainer\"]
  |                     ------------ allowed here
  |
  = note: canonical roles are `owner` and `admin`
  = help: map it under `[roles]`, or declare it `reject = true`

";
    assert_eq!(text(&[diagnostic], &sources, false), expected);
}

#[test]
fn text_is_coloured_only_when_asked() {
    let (diagnostic, sources) = conflict();
    let found = [diagnostic];

    assert!(text(&found, &sources, true).contains('\x1b'));
    assert!(!text(&found, &sources, false).contains('\x1b'));
}

#[test]
fn a_place_outside_its_text_is_shown_as_the_nearest_one() {
    let mut sources = Sources::default();
    let file = sources.add("a.toml", "größe\n");
    let inside_a_character = Diagnostic::error(code::C0104, "odd").at(Span::new(file, 3..4), "here");
    let past_the_end = Diagnostic::error(code::C0104, "odd").at(Span::new(file, 90..95), "here");

    assert!(text(&[inside_a_character], &sources, false).contains("a.toml:1:3"));
    assert!(text(&[past_the_end], &sources, false).contains("a.toml:1"));
}

#[test]
fn json_gives_every_place_by_line_and_column() {
    let (diagnostic, sources) = conflict();

    let parsed: Value = serde_json::from_str(&super::json(&[diagnostic], &sources)).unwrap();

    assert_eq!(
        parsed,
        json!([{
            "code": "M0103",
            "severity": "error",
            "message": "role `maintainer` has no canonical counterpart",
            "labels": [
                {
                    "file": "mappings/acme.toml",
                    "start": { "line": 3, "column": 14, "byte": 37 },
                    "end": { "line": 3, "column": 26, "byte": 49 },
                    "text": "mapped here",
                    "primary": true,
                },
                {
                    "file": "schemas/acme/role.json",
                    "start": { "line": 2, "column": 21, "byte": 22 },
                    "end": { "line": 2, "column": 33, "byte": 34 },
                    "text": "allowed here",
                    "primary": false,
                },
            ],
            "notes": ["canonical roles are `owner` and `admin`"],
            "help": "map it under `[roles]`, or declare it `reject = true`",
        }])
    );
}

#[test]
fn the_summary_counts_in_words() {
    let error = Diagnostic::error(code::C0101, "wrong");
    let warning = Diagnostic::warning(code::C0101, "doubtful");
    let note = Diagnostic::notice(code::C0101, "as declared");
    let counted = |found: &[&Diagnostic]| found.iter().copied().collect::<Counts>().to_string();

    assert_eq!(counted(&[]), "0 errors");
    assert_eq!(counted(&[&error]), "1 error");
    assert_eq!(counted(&[&warning, &warning]), "2 warnings");
    assert_eq!(counted(&[&error, &warning, &error]), "2 errors and 1 warning");
    assert_eq!(counted(&[&note, &note]), "2 notes");
    assert_eq!(counted(&[&error, &note, &warning]), "1 error, 1 warning and 1 note");
}

#[test]
fn an_excerpt_is_shown_with_the_place_it_has_in_its_file() {
    let mut sources = Sources::default();
    let start = Start { byte: 5000, line: 12, column: 301, column_utf16: 305 };
    let file = sources.add_excerpt("day.har", "\"role\": \"****\"", start);
    let found = [Diagnostic::error(code::V0102, "`/role` is wrong").at(Span::new(file, 8..14), "enum")];

    let expected = "\
error[V0102]: `/role` is wrong
  --> day.har:12:309
   |
12 | \"role\": \"****\"
   |         ^^^^^^ enum

";
    assert_eq!(text(&found, &sources, false), expected);
    let parsed: Value = serde_json::from_str(&as_json(&found, &sources)).unwrap();
    assert_eq!(parsed[0]["labels"][0]["start"], json!({ "line": 12, "column": 309, "byte": 5008 }));
}

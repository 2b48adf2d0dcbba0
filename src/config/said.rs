//! A mode that is said while the program runs, as JSON: read as the file would be, by the same reader, with the same proofs.

use std::fmt::Write;

use serde_json::Value;

use super::{Config, Known, known};
use crate::diag::{Diagnostic, Diagnostics, Label, Severity, Sources, Span};
use crate::gateway::mode;
use crate::json::{Document, Limits, ReadError, ReadErrorKind};

/// What is no mode at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModeError {
    /// The dialect is unknown.
    #[error("there is no such dialect")]
    NoDialect,
    /// It is not JSON.
    #[error("the body is no JSON that can be read, line {line}, column {column}: {}{WAY_OUT}", .what.message())]
    NoJson {
        /// What is wrong.
        what: ReadErrorKind,
        /// Where, from one.
        line: usize,
        /// Where in the line, in characters from one.
        column: usize,
    },
    /// It is JSON that no table is.
    #[error("the body is no object, or something in it is null{WAY_OUT}")]
    NoTable,
}

const WAY_OUT: &str = "; send what `[mode.<dialect>]` takes, such as `{\"mode\": \"canonical\"}`";

/// What is said of that dialect; none if anything is wrong with it, which is told.
pub(super) fn parse(
    config: &Config,
    dialect: &str,
    json: &[u8],
    known: &[Known<'_>],
    sources: &mut Sources,
    found: &mut Diagnostics,
) -> Result<Option<mode::Config>, ModeError> {
    if !known.iter().any(|one| one.name == dialect) {
        return Err(ModeError::NoDialect);
    }
    let table = as_table(dialect, json)?;
    let source = sources.add(format!("PUT /modes/{dialect}"), table);
    let mut told = Diagnostics::default();
    let said = Config::parse(source, sources.text(source), &mut told);
    let mode = said.as_ref().and_then(|said| said.modes.get(dialect)).cloned();
    if let Some(said) = said {
        let legacy = config.legacy.clone();
        told.extend(known::strangers(&Config { legacy, ..said }, known));
    }
    sources.mask_what_hides(&told);
    let told = told.into_iter().map(|one| in_members(one, sources));
    let told: Vec<_> = told.collect();
    let mode = mode.filter(|_| told.iter().all(|one| one.severity != Severity::Error));
    found.extend(told);
    Ok(mode)
}

/// The same, told of members: lines and columns would be those of a text that nobody sent. A name that may be a secret is
/// left out.
fn in_members(one: Diagnostic, sources: &Sources) -> Diagnostic {
    let Diagnostic { labels, hides, .. } = &one;
    let member = |span: Span| {
        let line = sources.shown(span.source).get(..span.range().start)?.matches('\n').count();
        let shown = sources.shown(span.source).lines().nth(line)?;
        shown.strip_prefix('"')?.split_once("\" = ").map(|(name, _)| name).filter(|_| !hides)
    };
    let told = |label: &Label| match member(label.span) {
        Some(name) => format!("`{name}`: {}", label.text),
        None => label.text.clone(),
    };
    let told: Vec<_> = labels.iter().filter(|label| !label.text.is_empty()).map(told).collect();
    told.into_iter().fold(Diagnostic { labels: Vec::new(), ..one }, Diagnostic::note)
}

/// The same as a table of the file.
fn as_table(dialect: &str, json: &[u8]) -> Result<String, ModeError> {
    let no_json = |error: ReadError| {
        let (line, column) = error.line_column(json);
        ModeError::NoJson { what: error.kind, line, column }
    };
    Document::parse(json.to_vec(), &Limits::default()).map_err(no_json)?;
    // What was read by the stricter reader is read by this one.
    let of_other = |error: serde_json::Error| {
        let what = ReadErrorKind::Syntax;
        ModeError::NoJson { what, line: error.line(), column: error.column() }
    };
    let value: Value = serde_json::from_slice(json).map_err(of_other)?;
    let Value::Object(members) = value else { return Err(ModeError::NoTable) };
    let mut table = format!("[mode.{}]\n", Value::from(dialect));
    for (name, value) in members {
        writeln!(table, "{} = {}", Value::from(name), as_toml(&value)?)
            .expect("writing to a string never fails");
    }
    Ok(table)
}

/// Texts, numbers and switches are written alike in both.
fn as_toml(value: &Value) -> Result<String, ModeError> {
    Ok(match value {
        Value::Null => return Err(ModeError::NoTable),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(as_toml).collect::<Result<Vec<_>, _>>()?.join(", "))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                Ok(format!("{} = {}", Value::from(name.as_str()), as_toml(value)?))
            };
            format!("{{ {} }}", members.iter().map(member).collect::<Result<Vec<_>, _>>()?.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::mode::Mode;

    fn said(dialect: &str, json: &str) -> (Result<Option<mode::Config>, ModeError>, Vec<&'static str>) {
        let text = "[legacy.acme]\nbase = \"http://b\"\n";
        let mut found = Diagnostics::default();
        let config = Config::parse(Sources::default().add("config.toml", text), text, &mut found).unwrap();
        let known = ["acme", "bolt"].map(|name| Known { name, operations: vec!["list"], ..Known::default() });
        let mode = config.parse_mode(dialect, json.as_bytes(), &known, &mut Sources::default(), &mut found);
        (mode, found.into_vec().into_iter().map(|one| one.code.as_str()).collect())
    }

    fn no_json(what: ReadErrorKind, line: usize, column: usize) -> ModeError {
        ModeError::NoJson { what, line, column }
    }

    #[test]
    fn what_is_wrong_is_told_of_the_member_that_was_sent() {
        let json = br#"{"mode": "split", "share": 101}"#;
        let known = [Known { name: "acme", ..Known::default() }];
        let mut found = Diagnostics::default();
        let mode = Config::default().parse_mode("acme", json, &known, &mut Sources::default(), &mut found);
        assert_eq!(mode, Ok(None));
        let one = &found.into_vec()[0];
        assert!(one.labels.is_empty(), "nobody sent a line or column: {one:?}");
        assert_eq!(one.notes, ["`share`: expected a number from 0 to 100"]);
    }

    #[test]
    fn what_the_file_may_say_may_be_said() {
        let json = r#"{"mode": "split", "share": 10, "validate": true, "operations": {"list": "legacy"},
            "principals": {"e9cee71ab932fde863338d08be4de9df": "canonical"}}"#;
        let (mode, found) = said("acme", json);
        let mode = mode.unwrap().unwrap();
        assert_eq!((mode.mode, mode.share, mode.validate, found), (Mode::Split, 10, true, vec![]));
        assert_eq!(mode.operations["list"], Mode::Legacy);
        assert_eq!(mode.principals.len(), 1);
    }

    /// Whoever writes a credential in the wrong place must not find it in an answer, a log or on a screen.
    #[test]
    fn a_credential_in_the_place_of_a_digest_is_never_repeated() {
        for json in [
            r#"{"mode": "legacy", "principals": {"csb_canary": 5}}"#,
            r#"{"mode": "legacy", "principals": {"csb_canary": true}}"#,
            r#"{"mode": "legacy", "principals": {"csb_canary": {}}}"#,
            r#"{"mode": "legacy", "principals": {"csb_canary": ["canonical"]}}"#,
            r#"{"mode": "legacy", "principals": {"csb_canary.a.b": "canonical"}}"#,
            r#"{"mode": "legacy", "csb_canary": "canonical"}"#,
            r#"{"mode": "legacy", "principals": {"e9cee71ab932fde863338d08be4de9df": "csb_canary"}}"#,
            r#"{"mode": "legacy", "principals": {"e9cee71ab932fde863338d08be4de9df": ["csb_canary"]}}"#,
        ] {
            let text = "[legacy.acme]\nbase = \"http://b\"\n";
            let config =
                Config::parse(Sources::default().add("config.toml", text), text, &mut Diagnostics::default());
            let known = [Known { name: "acme", ..Known::default() }];
            let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
            let told = config.unwrap().parse_mode("acme", json.as_bytes(), &known, &mut sources, &mut found);
            assert_eq!((told, found.len()), (Ok(None), 1), "{json}: {found:?}");
            let lines: Vec<_> = sources.ids().map(|id| sources.shown(id)).collect();
            assert!(!format!("{found:?} {lines:?}").contains("canary"), "{found:?} {lines:?}");
        }
        // In a file a token with dots is a key with dots.
        let text =
            "[mode.acme]\nmode = \"canonical\"\n[mode.acme.principals]\neyJcanary.abc.def = \"legacy\"\n";
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let source = sources.add("config.toml", text);
        Config::parse(source, text, &mut found);
        sources.mask_what_hides(&found);
        let shown = format!("{found:?} {}", sources.shown(source));
        assert!(
            found.len() == 1 && !["canary", "abc", "def"].iter().any(|part| shown.contains(part)),
            "{shown}"
        );
    }

    #[test]
    fn what_the_file_may_not_say_is_refused_with_the_same_codes() {
        for (dialect, json, code) in [
            ("bolt", r#"{"mode": "legacy"}"#, "C0401"),
            ("acme", r#"{"mode": "legacy", "operations": {"lst": "canonical"}}"#, "C0402"),
            ("acme", r#"{"mode": "legacy", "principals": {"hunter2": "canonical"}}"#, "C0403"),
            ("acme", "{}", "C0104"),
            ("acme", r#"{"share": 50}"#, "C0104"),
            ("acme", r#"{"validate": true}"#, "C0104"),
            ("acme", r#"{"operations": {"list": "legacy"}}"#, "C0104"),
            ("acme", r#"{"mode": "split"}"#, "C0404"),
            ("acme", r#"{"mode": "split", "share": 101}"#, "C0207"),
            ("acme", r#"{"mode": "split", "share": "10"}"#, "C0103"),
            ("acme", r#"{"mode": ["legacy"]}"#, "C0103"),
            ("acme", r#"{"mode": "legacy", "sahre": 1}"#, "C0102"),
            ("acme", r#"{"mode": "legacy", "mode\"]\n[legacy.bolt]\nbase = \"http://x": "legacy"}"#, "C0102"),
        ] {
            let (mode, found) = said(dialect, json);
            assert_eq!((mode, found), (Ok(None), vec![code]), "{json}");
        }
        for (dialect, json, why) in [
            ("acne", "{}", ModeError::NoDialect),
            ("acme", "{\n \"mode\": legacy}", no_json(ReadErrorKind::Syntax, 2, 10)),
            ("acme", r#"{"mode": "legacy""#, no_json(ReadErrorKind::Unfinished, 1, 18)),
            (
                "acme",
                r#"{"mode": "legacy", "mode": "canonical"}"#,
                no_json(ReadErrorKind::DuplicateKey, 1, 20),
            ),
            ("acme", "[]", ModeError::NoTable),
            ("acme", r#"{"mode": null}"#, ModeError::NoTable),
        ] {
            assert_eq!(said(dialect, json).0, Err(why), "{json}");
        }
        let told = no_json(ReadErrorKind::Unfinished, 1, 18).to_string();
        assert!(told.contains("line 1, column 18: unexpected end of text; send what"), "{told}");
    }
}

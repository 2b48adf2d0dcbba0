//! `--current`: the records that updates are compared with before they are sent.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Misasked, Stop, call};
use crate::cli::document;
use crate::diag::{Diagnostic, Sources};
use crate::json::{Document, Limits};
use crate::lens::Resolutions;
use crate::translate::Request;
use crate::translate::keep::{Changed, look};
use crate::translate::lift::Lifted;

/// The member of a call that would be made after a look at its record.
const LOOKS_FIRST: &str = "reads_first";

/// Reads the records.
pub(super) fn parse(
    paths: &[PathBuf],
    texts: Vec<Vec<u8>>,
    limits: &Limits,
    sources: &mut Sources,
) -> Result<Vec<Document>, Box<Diagnostic>> {
    let parsed = paths.iter().zip(texts).map(|(path, text)| document::parse(path, text, limits, sources));
    let parsed = parsed.map(|parsed| parsed.map(|(_, document)| document).map_err(Box::new));
    parsed.collect()
}

/// The calls as they would be sent: with records, what is read first and what is left then; without, what would be sent
/// if everything were a change, and how it would be found out what is one. `changed` leaves out of the call of an index
/// what is so in a record already.
pub(super) fn calls(
    request: &Request,
    lifted: &Lifted,
    known: &Resolutions,
    records: &[Document],
    mut changed: impl FnMut(usize, &Document) -> Result<Changed, Stop>,
) -> Result<Vec<Value>, Stop> {
    let looks: Vec<_> = (0..lifted.calls.len()).map(|index| look(request, lifted, index, known)).collect();
    let reads = looks.iter().flatten().count();
    if !records.is_empty() && records.len() != reads {
        return Err(Misasked::Records { reads, given: records.len() }.into());
    }
    let (mut shown, mut records) = (Vec::new(), records.iter());
    for (index, look) in looks.into_iter().enumerate() {
        let sent = &lifted.calls[index];
        match look.map(|look| (look, records.next())) {
            None => shown.push(call(sent)?),
            Some((look, Some(record))) => {
                shown.push(call(&look.call)?);
                let Changed { call: left, kept } = changed(index, record)?;
                let mut left = call(&left)?;
                if kept > 0 {
                    left["if_match"] = "the ETag of the call before".into();
                }
                shown.push(left);
            }
            Some((look, None)) => {
                let mut sent = call(sent)?;
                sent[LOOKS_FIRST] = call(&look.call)?;
                sent[LOOKS_FIRST]["leaves_out"] = json!(look.fields.concat());
                shown.push(sent);
            }
        }
    }
    Ok(shown)
}

/// Whether something would be looked at that was not said.
pub(super) fn is_open(shown: &Value) -> bool {
    let mut calls = shown["calls"].as_array().into_iter().flatten();
    calls.any(|call| call.get(LOOKS_FIRST).is_some())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::ExitCode;

    use crate::cli::testing::{Ran, acme, file, ran};

    /// Whether somebody is in is told as `on` or `off`; who is away is told as `off`.
    const MAPPING: &str = r#"
[table.presence]
rows  = [["on", "active"], ["off", "idle"]]
lands = { away = { as = "off" } }

[lens.presence]
schema    = "presence"
canonical = "presence"

[lens.presence.fields]
presence = { at = "status", table = "presence" }

[[operation]]
name    = "set_presence"
request = "PUT /people/{person}/presence"
path    = { person = { at = "person_id", id = "entity" } }
body    = "presence"
calls   = "presences.update"
answers = { 200 = { status = 200, body = "presence" } }
"#;

    const CANONICAL: &str = r#"
[[operation]]
name    = "presences.get"
request = "GET /presences/{person_id}"
answers = { 200 = "presence" }

[[operation]]
name    = "presences.update"
request = "PATCH /presences/{person_id}"
body    = "presence"
reads   = "presences.get"
answers = { 200 = "presence" }
"#;

    fn copy(from: &str, to: &Path, more: &[(&str, &str)]) {
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if from.is_dir() {
                fs::create_dir_all(&to).unwrap();
                copy(from.to_str().unwrap(), &to, &[]);
            } else {
                let name = entry.file_name();
                let more = more.iter().find(|(file, _)| name == *file).map_or("", |(_, more)| *more);
                fs::write(to, fs::read_to_string(from).unwrap() + more).unwrap();
            }
        }
    }

    /// Translates the change of a presence, in the dialect of the fixture with one operation more.
    fn translated(body: &str, records: &[&str]) -> Ran {
        let folder = tempfile::tempdir().unwrap();
        let (mappings, schemas) = (folder.path().join("mappings"), folder.path().join("schemas"));
        for (from, to) in [("mappings", &mappings), ("schemas", &schemas)] {
            fs::create_dir(to).unwrap();
            copy(&acme(from), to, &[("acme.toml", MAPPING), ("canonical.toml", CANONICAL)]);
        }
        let schema = |member: &str, words: &str| {
            format!(
                r#"{{"type": "object", "properties": {{"{member}": {{"enum": {words}}}}}, "additionalProperties": false}}"#
            )
        };
        let canonical = schema("status", r#"["active", "idle", "away"]"#);
        fs::write(schemas.join("canonical/presence.json"), canonical).unwrap();
        fs::write(schemas.join("acme/presence.json"), schema("presence", r#"["on", "off"]"#)).unwrap();

        let body = file("body.json", body);
        let records: Vec<_> = records.iter().map(|record| file("record.json", record)).collect();
        let mut arguments = vec![
            "translate",
            "acme",
            "PUT /api/people/CnEqURgZ3swzj528KMLvX5/presence",
            "--mappings",
            mappings.to_str().unwrap(),
            "--schemas",
            schemas.to_str().unwrap(),
            "--body",
            body.path_text(),
        ];
        arguments.extend(records.iter().flat_map(|record| ["--current", record.path_text()]));
        ran(&arguments)
    }

    #[test]
    fn with_the_record_the_calls_are_shown_as_they_would_be_sent() {
        let ran = translated(r#"{"presence": "off"}"#, &[r#"{"status": "away"}"#]);
        let expected = r#"{
  "calls": [
    {
      "operation": "presences.get",
      "method": "GET",
      "target": "/v1/presences/3c90c3cc-0d44-4b50-8888-8dd25736052a"
    },
    {
      "operation": "presences.update",
      "method": "PATCH",
      "target": "/v1/presences/3c90c3cc-0d44-4b50-8888-8dd25736052a",
      "body": {},
      "if_match": "the ETag of the call before"
    }
  ]
}
"#;
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));

        let ran = translated(r#"{"presence": "on"}"#, &[r#"{"status": "away"}"#]);
        assert!(ran.out.contains(r#""status": "active""#), "{}", ran.out);
        assert!(!ran.out.contains("if_match"), "{}", ran.out);
    }

    #[test]
    fn without_the_record_it_is_said_what_depends_on_it() {
        let ran = translated(r#"{"presence": "off"}"#, &[]);
        let expected = r#"{
  "calls": [
    {
      "operation": "presences.update",
      "method": "PATCH",
      "target": "/v1/presences/3c90c3cc-0d44-4b50-8888-8dd25736052a",
      "body": {
        "status": "idle"
      },
      "reads_first": {
        "operation": "presences.get",
        "method": "GET",
        "target": "/v1/presences/3c90c3cc-0d44-4b50-8888-8dd25736052a",
        "leaves_out": [
          "presence"
        ]
      }
    }
  ]
}
"#;
        let note = "what is left out depends on the record: say it with `--current FILE`\n";
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, note));
        assert_eq!(ran.status, ExitCode::SUCCESS);
    }

    #[test]
    fn a_record_nobody_reads_is_one_too_many() {
        let ran = translated("{}", &["{}"]);
        let reason = "the request reads 0 records first, but `--current` is given 1 time";
        assert_eq!(ran.err, format!("interlingua: {reason}\n"));
        assert_eq!(ran.status, ExitCode::from(2));
    }

    #[test]
    fn a_record_that_is_no_json_is_pointed_at() {
        let ran = translated(r#"{"presence": "off"}"#, &["{"]);
        assert!(ran.err.contains("error[V0101]"), "{}", ran.err);
        assert_eq!(ran.status, ExitCode::from(1));
    }
}

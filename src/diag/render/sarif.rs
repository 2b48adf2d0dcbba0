//! Diagnostics as SARIF 2.1.0, the format of code scanners.
//!
//! The log is written result by result; the files and the tool with the rules that were met come last, which JSON does not
//! mind.

use serde_json::{Value, json};

use super::place::{Folder, Region};
use super::{Case, Sink, message};
use crate::diag::{Code, Diagnostic, Severity, Sources, Span, code};

/// Results, case by case.
pub(super) struct Sarif {
    folder: Folder,
    has_begun: bool,
    /// The codes of the results, in order of appearance.
    rules: Vec<Code>,
    /// Where their files are, in order of appearance, and whether below the folder.
    artifacts: Vec<(String, bool)>,
}

impl Sarif {
    pub(super) fn new(folder: Folder) -> Self {
        Self { folder, has_begun: false, rules: Vec::new(), artifacts: Vec::new() }
    }

    fn begin(&mut self, out: &mut String) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.push_str(concat!(
                r#"{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","#,
                r#""version":"2.1.0","runs":[{"columnKind":"utf16CodeUnits","results":["#
            ));
        }
    }

    fn result(&mut self, diagnostic: &Diagnostic, sources: &Sources) -> Value {
        let known = self.rules.iter().position(|rule| *rule == diagnostic.code);
        let rule = known.unwrap_or_else(|| {
            self.rules.push(diagnostic.code);
            self.rules.len() - 1
        });
        let mut result = json!({
            "ruleId": diagnostic.code.as_str(),
            "ruleIndex": rule,
            "level": level(diagnostic.severity),
            "message": text(&message(diagnostic)),
        });
        if let Some(span) = diagnostic.primary() {
            result["locations"] = json!([self.location(span, sources)]);
        }
        let primary = diagnostic.labels.iter().position(|label| label.primary);
        let others = diagnostic.labels.iter().enumerate().filter(|(index, _)| Some(*index) != primary);
        let related: Vec<Value> = others
            .map(|(index, label)| {
                let mut location = self.location(label.span, sources);
                location["id"] = index.into();
                if !label.text.is_empty() {
                    location["message"] = text(&label.text);
                }
                location
            })
            .collect();
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        result
    }

    fn location(&mut self, span: Span, sources: &Sources) -> Value {
        let file = self.folder.uri(sources.path(span.source));
        let known = self.artifacts.iter().position(|known| *known == file);
        let mut artifact = artifact(&file);
        artifact["index"] = known.unwrap_or(self.artifacts.len()).into();
        if known.is_none() {
            self.artifacts.push(file);
        }
        let Region { start_line, start_column, end_line, end_column } = Region::in_utf16(span, sources);
        json!({ "physicalLocation": {
            "artifactLocation": artifact,
            "region": {
                "startLine": start_line,
                "startColumn": start_column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        } })
    }
}

impl Sink for Sarif {
    fn case(&mut self, case: &Case<'_>, sources: &Sources, out: &mut String) {
        for diagnostic in case.found {
            let is_first = !self.has_begun;
            self.begin(out);
            if !is_first {
                out.push(',');
            }
            out.push_str(&self.result(diagnostic, sources).to_string());
        }
    }

    fn finish(&mut self, out: &mut String) {
        self.begin(out);
        let rules: Vec<Value> = self.rules.iter().map(|code| rule(*code)).collect();
        let tool = json!({ "driver": {
            "name": env!("CARGO_PKG_NAME"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        } });
        let artifacts = self.artifacts.iter().map(|file| json!({ "location": artifact(file) }));
        let artifacts: Value = artifacts.collect();
        out.extend(["],\"artifacts\":", &artifacts.to_string(), ",\"tool\":", &tool.to_string(), "}]}\n"]);
    }
}

fn artifact((uri, is_relative): &(String, bool)) -> Value {
    // What everybody calls the folder that the sources are in, which is for who reads the log to know.
    if *is_relative { json!({ "uri": uri, "uriBaseId": "%SRCROOT%" }) } else { json!({ "uri": uri }) }
}

fn rule(code: Code) -> Value {
    let Some(entry) = code::explain(code.as_str()) else { return json!({ "id": code.as_str() }) };
    json!({
        "id": code.as_str(),
        "shortDescription": text(entry.title),
        "fullDescription": text(entry.paragraph),
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Note => "note",
        Severity::Warning => "warning",
    }
}

/// A message that has no placeholders: a brace of its own is written twice (SARIF 2.1.0, section 3.11.5).
fn text(text: &str) -> Value {
    json!({ "text": text.replace('{', "{{").replace('}', "}}") })
}

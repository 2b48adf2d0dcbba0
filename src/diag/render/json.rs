//! Diagnostics as one JSON array.

use serde_json::{Value, json};

use super::{Case, Sink};
use crate::diag::{Diagnostic, Label, Sources};

/// An array, case by case.
#[derive(Default)]
pub(super) struct Json {
    has_begun: bool,
}

impl Sink for Json {
    fn case(&mut self, case: &Case<'_>, sources: &Sources, out: &mut String) {
        for diagnostic in case.found {
            out.push(if self.has_begun { ',' } else { '[' });
            self.has_begun = true;
            out.push_str(&object(diagnostic, sources).to_string());
        }
    }

    fn finish(&mut self, out: &mut String) {
        out.push_str(if self.has_begun { "]\n" } else { "[]\n" });
    }
}

/// Renders diagnostics as one JSON array, as text.
pub fn json(found: &[Diagnostic], sources: &Sources) -> String {
    array(found, sources).to_string()
}

/// Renders diagnostics as one JSON array.
///
/// Lines and columns count from one, columns in characters; `end` stands one past the last character.
pub fn array(found: &[Diagnostic], sources: &Sources) -> Value {
    found.iter().map(|diagnostic| object(diagnostic, sources)).collect()
}

fn object(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<Value> = diagnostic.labels.iter().map(|label| place(label, sources)).collect();
    json!({
        "code": diagnostic.code.as_str(),
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
    })
}

fn place(label: &Label, sources: &Sources) -> Value {
    let position = |offset| {
        let (line, column) = sources.line_column(label.span.source, offset);
        json!({ "line": line, "column": column, "byte": sources.byte(label.span.source, offset) })
    };
    json!({
        "file": sources.path(label.span.source),
        "start": position(label.span.start),
        "end": position(label.span.end),
        "text": label.text,
        "primary": label.primary,
    })
}

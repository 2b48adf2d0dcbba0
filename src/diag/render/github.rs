//! Diagnostics as workflow commands of GitHub Actions: one line each, shown beside the lines of a change.
//!
//! ```text
//! ::error file=mappings/acme.toml,line=3,col=14,endLine=3,endColumn=25,title=M0203: …::role `chief` …%0Ahelp: …
//! ```

use std::fmt::Write;

use super::place::{Folder, Region};
use super::{Case, Sink, message};
use crate::diag::{Diagnostic, Severity, Sources, code};

/// Commands, case by case.
pub(super) struct Github {
    pub(super) folder: Folder,
}

impl Sink for Github {
    fn case(&mut self, case: &Case<'_>, sources: &Sources, out: &mut String) {
        for diagnostic in case.found {
            self.command(diagnostic, sources, out);
        }
    }

    fn finish(&mut self, _out: &mut String) {}
}

impl Github {
    fn command(&self, diagnostic: &Diagnostic, sources: &Sources, out: &mut String) {
        out.push_str(match diagnostic.severity {
            Severity::Error => "::error ",
            Severity::Note => "::notice ",
            Severity::Warning => "::warning ",
        });
        if let Some(span) = diagnostic.primary() {
            let path = self.folder.seen(sources.path(span.source));
            write!(out, "file={},{},", property(&path), lines(Region::in_characters(span, sources)))
                .expect("writing to a string never fails");
        }
        let code = diagnostic.code.as_str();
        let title = code::explain(code).map(|entry| format!("{code}: {}", entry.title));
        writeln!(out, "title={}::{}", property(title.as_deref().unwrap_or(code)), data(&message(diagnostic)))
            .expect("writing to a string never fails");
    }
}

/// The last column is part of what is shown. Columns are only taken if there is one line.
fn lines(region: Region) -> String {
    let Region { start_line, start_column, end_line, end_column } = region;
    if start_line != end_line {
        return format!("line={start_line},endLine={end_line}");
    }
    let last = end_column.saturating_sub(1).max(start_column);
    format!("line={start_line},col={start_column},endLine={end_line},endColumn={last}")
}

/// What stands for itself in the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands for itself in a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

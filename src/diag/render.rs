//! What was checked and what came of it, for people and for tools: one report, five formats.
//!
//! A [`Report`] is told one [`Case`] after the other and gives back the text that is ready to be printed, so that a
//! long run needs little memory. The formats that only want to know what is wrong (text, JSON, SARIF, GitHub) take
//! that from the cases; JUnit also counts what passed.
//!
//! Nothing here prints, and nothing knows the current folder: who prints says which one it is.

mod files;
mod github;
mod json;
mod junit;
mod place;
mod sarif;
mod text;

use std::fmt;

pub use self::files::{Kind, files};
pub use self::json::{array, json};
pub use self::text::text;

use self::place::Folder;
use super::{Diagnostic, Severity, Sources};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Workflow commands that GitHub shows beside the lines of a change.
    Github,
    /// One JSON array of diagnostics.
    Json,
    /// JUnit XML, as most build servers read it.
    Junit,
    /// SARIF 2.1.0, as code scanners speak it.
    Sarif,
    /// The lines concerned with carets under the exact characters.
    Text,
}

/// One thing that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What it is part of: the path of a file, or another name if there is none. Cases of one suite come in a row.
    pub suite: &'a str,
    /// What was checked of it.
    pub name: &'a str,
    /// What was found; it passed if there is no error among them.
    pub found: &'a [Diagnostic],
    /// Why it could not be checked, if it could not.
    pub skipped: Option<&'a str>,
}

/// A report on its way out.
pub struct Report(Box<dyn Sink>);

/// A format at work.
trait Sink {
    /// Takes a case, and adds to `out` what can be printed of it by now.
    fn case(&mut self, case: &Case<'_>, sources: &Sources, out: &mut String);
    /// Adds what is left.
    fn finish(&mut self, out: &mut String);
}

impl Report {
    /// Begins a report. `title` says what ran, `folder` where: paths below it are told relative to it.
    pub fn new(format: Format, title: &str, folder: Option<&str>) -> Self {
        let folder = Folder::new(folder);
        Self(match format {
            Format::Github => Box::new(github::Github { folder }),
            Format::Json => Box::new(json::Json::default()),
            Format::Junit => Box::new(junit::Junit::new(title, folder)),
            Format::Sarif => Box::new(sarif::Sarif::new(folder)),
            Format::Text => Box::new(text::Text { colour: false }),
        })
    }

    /// Begins a report for people that is in colour.
    pub fn coloured() -> Self {
        Self(Box::new(text::Text { colour: true }))
    }

    /// Takes a case, and gives what can be printed by now. Its sources are not needed afterwards.
    #[must_use = "what is given back is to be printed"]
    pub fn case(&mut self, case: &Case<'_>, sources: &Sources) -> String {
        let mut out = String::new();
        self.0.case(case, sources, &mut out);
        out
    }

    /// The rest.
    #[must_use = "what is given back is to be printed"]
    pub fn finish(mut self) -> String {
        let mut out = String::new();
        self.0.finish(&mut out);
        out
    }
}

/// How many diagnostics there are of each severity; as text, what there is, such as `2 errors and 1 warning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// What keeps the program from starting.
    pub errors: usize,
    /// What is doubtful.
    pub warnings: usize,
    /// What is only told.
    pub notes: usize,
}

impl Counts {
    /// Counts one.
    pub fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Note => self.notes += 1,
            Severity::Warning => self.warnings += 1,
        }
    }
}

impl<'d> FromIterator<&'d Diagnostic> for Counts {
    fn from_iter<I: IntoIterator<Item = &'d Diagnostic>>(found: I) -> Self {
        let mut counts = Self::default();
        for diagnostic in found {
            counts.add(diagnostic.severity);
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let counts = severities.iter().zip([self.errors, self.warnings, self.notes]);
        let counted = counts.filter(|(_, number)| *number > 0).map(|(severity, number)| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {}{plural}", severity.name())
        });
        let counted: Vec<String> = counted.collect();
        match counted.as_slice() {
            [] => f.write_str("0 errors"),
            [only] => f.write_str(only),
            [some @ .., last] => write!(f, "{} and {last}", some.join(", ")),
        }
    }
}

/// Everything a diagnostic says but for its places: for formats that have room for one text.
fn message(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.labels.iter().find(|label| label.primary).map(|label| label.text.as_str());
    let label = label.filter(|text| !text.is_empty()).map(|text| format!(": {text}"));
    let mut message = format!("{}{}", diagnostic.message, label.unwrap_or_default());
    for note in &diagnostic.notes {
        message.push_str("\nnote: ");
        message.push_str(note);
    }
    if let Some(help) = &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    message
}

#[cfg(test)]
mod tests;

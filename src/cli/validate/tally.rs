//! What was looked at and what was found, in memory that does not grow with the traffic.

use super::{
    excerpt::{Excerpt, Hidden},
    fault::{Fault, capped},
};
use crate::{
    cli::traffic::Piece,
    diag::{Diagnostic, Severity, Sources, Span},
};

/// How many findings are told; the rest is counted.
const KEPT_MAX: usize = 1_000;

/// Counts and findings of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sources: Sources,
    pub(super) found: Vec<Diagnostic>,
    /// Findings that are not told.
    pub(super) more: usize,
    has_errors: bool,
    /// Requests and answers that were judged, and those of them that fit.
    pub(super) documents: usize,
    pub(super) fitting: usize,
    /// Exchanges that were read, and those of them that could not be judged.
    pub(super) entries: usize,
    pub(super) foreign: usize,
    pub(super) unheard: usize,
    pub(super) other: usize,
    /// Requests that were refused when they were recorded, and would be refused again.
    pub(super) refused: usize,
    /// Requests and answers of which too little was recorded.
    pub(super) unrecorded: usize,
}

impl Tally {
    /// Whether something is wrong, rather than doubtful.
    pub(super) fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// How many exchanges were for somebody who was asked about.
    pub(super) fn meant(&self) -> usize {
        self.entries - self.foreign - self.unheard - self.other
    }

    /// Counts a document that was judged.
    pub(super) fn judged(&mut self, fits: bool) {
        self.documents += 1;
        self.fitting += usize::from(fits);
    }

    /// Keeps the faults of a document, each with the line it is on. `about` says which document, and `hidden` what must
    /// not be shown of its piece.
    pub(super) fn add(
        &mut self,
        name: &str,
        (text, piece): (&str, Piece),
        faults: Vec<Fault>,
        about: Option<&str>,
        hidden: impl Fn() -> Hidden,
    ) {
        if faults.is_empty() {
            return;
        }
        self.has_errors |= faults.iter().any(|fault| fault.severity == Severity::Error);
        let room = KEPT_MAX - self.found.len();
        let mut faults = capped(faults);
        self.more += faults.len().saturating_sub(room);
        faults.truncate(room);
        if faults.is_empty() {
            return;
        }
        let hidden = hidden();
        for fault in faults {
            let Excerpt { text, start, place } = Excerpt::of(text, piece, &fault.place, &hidden);
            let source = self.sources.add_excerpt(name, text, start);
            self.found.push(diagnostic(fault, Span::new(source, place), about));
        }
    }

    /// What was looked at and what was not, for people.
    pub(super) fn summary(&self) -> String {
        let documents = if self.documents == 1 { "document fits" } else { "documents fit" };
        let mut text = format!("{} of {} {documents}\n", self.fitting, self.documents);
        if self.entries == 0 {
            return text;
        }
        let count = |number: usize, what: &str| (number > 0).then(|| format!("{number} {what}"));
        let parts = [
            count(self.foreign, "for no dialect"),
            count(self.other, "for others than those asked about"),
            count(self.unheard, "for no operation"),
            count(self.refused, "refused as they were before"),
            count(self.unrecorded, "with bodies that were not recorded"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let exchanges = if self.entries == 1 { "exchange" } else { "exchanges" };
        text += &format!("{} {exchanges}", self.entries);
        if !parts.is_empty() {
            text += &format!(", of which {}", parts.join(", "));
        }
        text + "\n"
    }

    /// Keeps a finding that is about a whole file.
    pub(super) fn add_about_file(&mut self, diagnostic: Diagnostic) {
        self.has_errors |= diagnostic.severity == Severity::Error;
        if self.found.len() < KEPT_MAX {
            self.found.push(diagnostic);
        } else {
            self.more += 1;
        }
    }
}

fn diagnostic(fault: Fault, span: Span, about: Option<&str>) -> Diagnostic {
    let Fault { code, severity, message, label, notes, place: _ } = fault;
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(code, message),
        Severity::Warning => Diagnostic::warning(code, message),
    };
    let diagnostic = diagnostic.at(span, label);
    let notes = about.map(str::to_owned).into_iter().chain(notes);
    notes.fold(diagnostic, Diagnostic::note)
}

//! What was looked at and what was found, in memory that does not grow with the traffic.

use std::{collections::BTreeMap, fmt::Write, io, mem};

use super::{
    excerpt::{Excerpt, Hidden},
    fault::{Fault, capped},
};
use crate::{
    cli::{console::Console, report::Reporter, traffic::Piece},
    diag::{Diagnostic, Severity, Sources, Span, render::Case},
};

/// How many findings are told; the rest is counted.
const TOLD_MAX: usize = 1_000;

/// Counts of a run, and the findings of the file under way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    file: File,
    told: usize,
    /// Findings that are not told.
    pub(super) more: usize,
    has_errors: bool,
    /// Requests and answers that were judged, and those of them that fit.
    documents: usize,
    fitting: usize,
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

#[derive(Debug, Default)]
struct File {
    sources: Sources,
    found: Vec<(String, Vec<Diagnostic>)>,
    /// What was looked at without a finding. There are not more than operations have sides.
    sound: BTreeMap<String, bool>,
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

    /// Counts a document that was judged, and keeps its faults. `case` is what was looked at.
    pub(super) fn judge(
        &mut self,
        path: &str,
        entry: (&str, Piece),
        case: &str,
        faults: Vec<Fault>,
        hidden: impl Fn() -> Hidden,
    ) {
        self.documents += 1;
        self.fitting += usize::from(faults.is_empty());
        if faults.is_empty() {
            if !self.file.sound.contains_key(case) {
                self.file.sound.insert(case.to_owned(), true);
            }
            return;
        }
        self.add(path, entry, case, faults, hidden);
    }

    /// Keeps faults, each with the line it is on. `hidden` is what must not be shown of the piece.
    pub(super) fn add(
        &mut self,
        path: &str,
        (text, piece): (&str, Piece),
        case: &str,
        faults: Vec<Fault>,
        hidden: impl Fn() -> Hidden,
    ) {
        if faults.is_empty() {
            return;
        }
        self.has_errors |= faults.iter().any(|fault| fault.severity == Severity::Error);
        let mut faults = capped(faults);
        let room = TOLD_MAX - self.told;
        self.more += faults.len().saturating_sub(room);
        faults.truncate(room);
        if faults.is_empty() {
            return;
        }
        self.told += faults.len();
        let hidden = hidden();
        let diagnostic = |fault: Fault| {
            let Excerpt { text, start, place } = Excerpt::of(text, piece, &fault.place, &hidden);
            let source = self.file.sources.add_excerpt(path, text, start);
            fault.diagnostic(Span::new(source, place))
        };
        let found = faults.into_iter().map(diagnostic).collect();
        self.file.found.push((case.to_owned(), found));
        self.file.sound.insert(case.to_owned(), false);
    }

    /// Prints what there is to say of a file.
    pub(super) fn finish_file(
        &mut self,
        path: &str,
        reporter: &mut Reporter,
        console: &mut Console<'_>,
    ) -> io::Result<()> {
        let File { sources, found, sound } = mem::take(&mut self.file);
        for (name, found) in &found {
            reporter.case(&Case { suite: path, name, found, skipped: None }, &sources, console)?;
        }
        for (name, _) in sound.iter().filter(|(_, is_sound)| **is_sound) {
            reporter.case(&Case { suite: path, name, found: &[], skipped: None }, &sources, console)?;
        }
        Ok(())
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
            count(self.refused, "refused as before"),
            count(self.unrecorded, "not recorded to the end"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let exchanges = if self.entries == 1 { "exchange" } else { "exchanges" };
        let colon = if parts.is_empty() { "" } else { ": " };
        writeln!(text, "{} {exchanges}{colon}{}", self.entries, parts.join(", "))
            .expect("writing to a string never fails");
        text
    }
}

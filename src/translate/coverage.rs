//! Which lines of the mappings were made use of, by all that was translated so far.
//!
//! A [`Coverage`] begins with every line that could be used: operations and their cases, the steps of lenses in both
//! directions, words of tables and where canonical words land, answers, pages, errors. It then hears
//! [`Explanation`]s, which name the line of each step, and what clients were told whose backend nobody recorded. Lines
//! belong to the file they stand in, so that a generation's traffic counts for what it inherits.

use std::collections::{HashMap, HashSet};

use crate::diag::Span;
use crate::dialect::Registry;
use crate::lens::Direction;
use crate::lens::explain::{How, Outcome};

use super::explain::{Explanation, Phase};

mod lines;
mod shown;

/// What was used, and what could be.
#[derive(Debug)]
pub struct Coverage {
    lines: Vec<Line>,
    by_span: HashMap<Span, Vec<usize>>,
}

/// Something a mapping says that may be used.
#[derive(Clone, Debug)]
pub struct Line {
    /// What sort of thing it is.
    pub kind: Kind,
    /// What it is, in words: ``field `role` of lens `member` ``.
    pub what: String,
    /// Where it stands.
    pub span: Span,
    /// How often it was used.
    pub used: u64,
}

/// Sorts of lines, in the order they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An operation, or a case of one.
    Operation,
    /// A step of a lens that makes calls.
    Lift,
    /// A step of a lens that makes answers.
    Lower,
    /// A word of a table that was read.
    WordLift,
    /// A word of a table that was written.
    WordLower,
    /// Where a canonical word without a row lands.
    Landing,
    /// An answer, by the status of the backend.
    Answer,
    /// A part of a page.
    Page,
    /// A part of an error, or a status that is told as another.
    Error,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Kind; 9] = [
        Kind::Operation,
        Kind::Lift,
        Kind::Lower,
        Kind::WordLift,
        Kind::WordLower,
        Kind::Landing,
        Kind::Answer,
        Kind::Page,
        Kind::Error,
    ];

    /// What reports call them.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Operation => "operations and cases",
            Kind::Lift => "fields, lifted",
            Kind::Lower => "fields, lowered",
            Kind::WordLift => "words, lifted",
            Kind::WordLower => "words, lowered",
            Kind::Landing => "landings",
            Kind::Answer => "answers",
            Kind::Page => "pages",
            Kind::Error => "errors",
        }
    }

    /// The direction it is about, if it is about one.
    fn direction(self) -> Option<Direction> {
        match self {
            Kind::Lift | Kind::WordLift => Some(Direction::Lift),
            Kind::Landing | Kind::Lower | Kind::WordLower => Some(Direction::Lower),
            Kind::Answer | Kind::Error | Kind::Operation | Kind::Page => None,
        }
    }
}

impl Coverage {
    /// Everything the mappings say, and nothing used.
    pub fn of(registry: &Registry) -> Coverage {
        let mut coverage = Coverage { lines: Vec::new(), by_span: HashMap::new() };
        let mut seen = HashSet::new();
        lines::of(registry, &mut |kind, what, span| {
            if seen.insert((kind, span)) {
                coverage.by_span.entry(span).or_default().push(coverage.lines.len());
                coverage.lines.push(Line { kind, what, span, used: 0 });
            }
        });
        coverage
    }

    /// The lines, in no order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Counts what was done with a request.
    pub fn hear(&mut self, explanation: &Explanation) {
        for section in explanation.sections() {
            let direction = match section.phase {
                Phase::Check | Phase::Lift | Phase::Select => Direction::Lift,
                Phase::Backwards | Phase::Call | Phase::LookUp => continue,
                Phase::Locate | Phase::Lower | Phase::Refuse => Direction::Lower,
            };
            for told in &section.told {
                // What waits for a lookup has been reached by a value.
                let is_used = matches!(
                    told.outcome,
                    Outcome::Around(_)
                        | Outcome::Awaited
                        | Outcome::Checked
                        | Outcome::Kept(_)
                        | Outcome::Written(_)
                );
                if is_used {
                    told.origin.iter().for_each(|span| self.mark(direction, *span));
                }
                for how in &told.how {
                    if let How::Nowhere { origin: Some(origin), .. }
                    | How::Word { origin: Some(origin), .. } = how
                    {
                        self.mark(direction, *origin);
                    }
                }
            }
        }
    }

    fn mark(&mut self, direction: Direction, span: Span) {
        for index in self.by_span.get(&span).into_iter().flatten() {
            let line = &mut self.lines[*index];
            if line.kind.direction().is_none_or(|own| own == direction) {
                line.used += 1;
            }
        }
    }
}

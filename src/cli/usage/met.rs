//! What was met in the days that are kept, in rows: where both sides differ, which losses were met and which are declared, and
//! how many principals still came.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::ledger::{Fate, Ledger};
use crate::dialect::{Dialect, Registry};
use crate::usage::{Kind, Met, Part, Snapshot, UNCONFIRMED};

/// Outcomes in which both answers were compared, or what a change did with what it asked for, in the words of the metric.
const COMPARED: [&str; 7] =
    ["same", "different", "noise", "unsteady", "effect_same", "effect_different", "effect_unsteady"];

/// Those in which they differed.
const DIFFERENT: [&str; 2] = ["different", "effect_different"];

/// The outcome of a change that the canonical side would have refused.
pub(super) const REFUSED: &str = "dry_refused";

/// How often something was met, and on which days since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    /// The first and the last day, if it was met.
    pub(super) days: Option<(u64, u64)>,
}

impl Seen {
    fn add(&mut self, day: u64, count: u64) {
        self.count += count;
        let (first, last) = self.days.unwrap_or((day, day));
        self.days = Some((first.min(day), last.max(day)));
    }
}

/// How comparisons of an operation ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compared {
    /// Both answers were compared.
    pub(super) answers: Seen,
    /// They differed.
    pub(super) different: Seen,
    /// The canonical side would have refused a change that the old one made.
    pub(super) refused: Seen,
}

/// A loss that a mapping declares.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) dialect: String,
    /// Its name, such as `member.timezone`.
    pub(super) name: String,
    /// Whether the client is not told it; else the backend is not.
    pub(super) is_of_answers: bool,
    pub(super) reason: String,
    pub(super) met: Seen,
}

/// What there is to tell of what was met.
#[derive(Debug)]
pub(super) struct Findings {
    /// By dialect and operation.
    pub(super) compared: BTreeMap<(String, String), Compared>,
    /// By place of an operation.
    pub(super) differences: BTreeMap<Part, Seen>,
    /// By dialect and name; of dialects that somebody uses. What was met and is declared no more is there, too.
    pub(super) losses: Vec<Loss>,
    /// How many principals used a dialect, by day and dialect; none where nobody is known who did.
    pub(super) remaining: BTreeMap<u64, BTreeMap<String, u64>>,
    /// Why there may have been more of those, if there may.
    pub(super) more: More,
}

/// Why more principals may have used a dialect on a day than are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct More {
    /// The table of a day was full.
    pub(super) was_full: bool,
    /// Some asked of whom nobody knows who they are.
    pub(super) unconfirmed: bool,
}

impl More {
    /// Whether there may.
    pub(super) fn may_be(self) -> bool {
        self.was_full || self.unconfirmed
    }
}

impl Findings {
    pub(super) fn of(counted: &Snapshot, registry: &Registry) -> Findings {
        let mut compared: BTreeMap<_, Compared> = BTreeMap::new();
        for (day, part, count) in counted.met.of(Kind::Comparison) {
            let of = compared.entry((part.dialect.clone(), part.operation.clone())).or_default();
            match part.value.as_str() {
                REFUSED => of.refused.add(day, count),
                outcome if COMPARED.contains(&outcome) => of.answers.add(day, count),
                _ => {}
            }
            if DIFFERENT.contains(&part.value.as_str()) {
                of.different.add(day, count);
            }
        }
        let mut differences: BTreeMap<_, Seen> = BTreeMap::new();
        for (day, part, count) in counted.met.of(Kind::Difference) {
            differences.entry(part.clone()).or_default().add(day, count);
        }
        let mut remaining: BTreeMap<u64, BTreeMap<String, u64>> = BTreeMap::new();
        for (day, table) in &counted.days {
            let of_day = remaining.entry(*day).or_default();
            // Of those that nobody knows, none is known to be left.
            for ((who, dialect), _) in table.uses() {
                *of_day.entry(dialect.clone()).or_default() += u64::from(*who != UNCONFIRMED);
            }
        }
        let more = More {
            was_full: counted.days.values().any(|table| table.missed > 0),
            unconfirmed: counted
                .days
                .values()
                .any(|table| table.uses().any(|((who, _), _)| *who == UNCONFIRMED)),
        };
        Findings { compared, differences, losses: losses(counted, registry), remaining, more }
    }

    /// How comparisons ended, all together.
    pub(super) fn compared(&self) -> (u64, u64, u64) {
        self.compared.values().fold((0, 0, 0), |(answers, different, refused), of| {
            (answers + of.answers.count, different + of.different.count, refused + of.refused.count)
        })
    }
}

fn losses(counted: &Snapshot, registry: &Registry) -> Vec<Loss> {
    let mut met = met_by_name(&counted.met);
    let used: BTreeSet<&str> = counted.uses.uses().map(|((_, part), _)| part.dialect.as_str()).collect();
    let mut losses = Vec::new();
    for dialect in registry.dialects() {
        if !used.contains(dialect.name.as_str()) && !met.keys().any(|(name, _)| *name == dialect.name) {
            continue;
        }
        for (name, (is_of_answers, reason)) in declared(dialect) {
            let met = met.remove(&(dialect.name.clone(), name.clone())).unwrap_or_default();
            losses.push(Loss { dialect: dialect.name.clone(), name, is_of_answers, reason, met });
        }
    }
    let gone = met.into_iter().map(|((dialect, name), met)| {
        let reason = "no mapping declares it any more".to_owned();
        Loss { dialect, name, is_of_answers: false, reason, met }
    });
    losses.extend(gone);
    losses.sort_by(|one, other| (&one.dialect, &one.name).cmp(&(&other.dialect, &other.name)));
    losses
}

fn met_by_name(met: &Met) -> BTreeMap<(String, String), Seen> {
    let mut seen: BTreeMap<_, Seen> = BTreeMap::new();
    for (day, part, count) in met.of(Kind::Loss) {
        seen.entry((part.dialect.clone(), part.field.clone())).or_default().add(day, count);
    }
    seen
}

/// The losses of a dialect by the names that they are counted by: whether clients are not told, and why.
fn declared(dialect: &Dialect) -> BTreeMap<String, (bool, String)> {
    let ledger = Ledger::of(dialect);
    let lenses = ledger.lenses.iter().flat_map(|lens| &lens.entries);
    let entries = lenses.chain(ledger.operations.iter().flat_map(|operation| &operation.entries));
    let mut declared: BTreeMap<_, _> = entries
        .filter_map(|entry| match &entry.fate {
            Fate::Lost { name, reason } => Some((name.clone(), (entry.canonical.is_some(), reason.clone()))),
            Fate::Constant(_) | Fate::Mapped { .. } => None,
        })
        .collect();
    // A word that is told as another is a loss with the table's name.
    for table in &ledger.words {
        for (word, told) in &table.told {
            let name = format!("{}.{}", table.table, word.trim_matches('"'));
            declared.entry(name).or_insert_with(|| (true, format!("it is told as {told}")));
        }
    }
    declared
}

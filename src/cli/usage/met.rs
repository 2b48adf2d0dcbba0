//! What was met in the days that are kept, in rows: where both sides differ, which losses were met and which are declared, and
//! how many principals still came.

use std::collections::{BTreeMap, BTreeSet};

use super::compared::{Compared, Seen};
use crate::dialect::ledger::{Fate, Ledger};
use crate::dialect::{Dialect, Registry};
use crate::gateway::mode;
use crate::usage::{Kind, Met, Part, Snapshot, UNCONFIRMED};

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
    /// By place of an operation, in canonical answers.
    pub(super) differences: BTreeMap<Part, Seen>,
    /// The same of the dialect's own answers, where something is only shown. What the modes know is not there.
    pub(super) shown: BTreeMap<Part, Seen>,
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
    pub(super) fn of(
        counted: &Snapshot,
        registry: &Registry,
        modes: &BTreeMap<String, mode::Config>,
    ) -> Findings {
        let is_known = |part: &Part| {
            let mode = registry.dialect(&part.dialect).and_then(|dialect| mode_of(modes, dialect));
            part.is_shown() && mode.is_some_and(|mode| mode.knows(&part.field))
        };
        let mut compared: BTreeMap<_, Compared> = BTreeMap::new();
        for (day, part, count) in counted.met.of(Kind::Comparison) {
            let of = compared.entry((part.dialect.clone(), part.operation.clone())).or_default();
            of.add(&part.value, day, count);
        }
        let [mut differences, mut shown]: [BTreeMap<_, Seen>; 2] = Default::default();
        for (day, part, count) in counted.met.of(Kind::Difference).filter(|(_, part, _)| !is_known(part)) {
            let of = if part.is_shown() { &mut shown } else { &mut differences };
            of.entry(part.clone()).or_default().add(day, count);
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
        Findings { compared, differences, shown, losses: losses(counted, registry), remaining, more }
    }

    /// The places where the old side's answers to an operation show something else than the mapping does.
    pub(super) fn shown_by<'f>(&'f self, operation: &Part) -> impl Iterator<Item = (&'f str, &'f Seen)> {
        let is_own =
            |part: &Part| (&part.dialect, &part.operation) == (&operation.dialect, &operation.operation);
        let own = self.shown.iter().filter(move |(part, _)| is_own(part));
        own.map(|(part, seen)| (part.field.as_str(), seen))
    }

    /// What is told of operations beside the places where the sides differ: what would have been refused, and what was tried
    /// and not compared.
    pub(super) fn besides(&self) -> impl Iterator<Item = (&(String, String), String, &Seen)> {
        self.compared.iter().flat_map(|(operation, of)| {
            let refused = (of.refused.count > 0)
                .then(|| (operation, "changes that would be refused".to_owned(), &of.refused));
            let failed = of.failed.iter();
            let failed =
                failed.map(move |(outcome, seen)| (operation, format!("not compared: `{outcome}`"), seen));
            refused.into_iter().chain(failed)
        })
    }
}

/// What is said of a dialect, or else of what it extends.
pub(super) fn mode_of<'m>(
    modes: &'m BTreeMap<String, mode::Config>,
    dialect: &Dialect,
) -> Option<&'m mode::Config> {
    std::iter::once(&dialect.name).chain(&dialect.extends).find_map(|name| modes.get(name))
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

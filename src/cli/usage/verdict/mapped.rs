//! What the mappings, as they are now, say of a part that somebody uses: whether it crosses, and why not if it does not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Inexpressible, Moving, Verdict, listed, parts};
use crate::cli::usage::compared::Compared;
use crate::cli::usage::met::mode_of;
use crate::dialect::ledger::{Crossing, Crossings, Ledger, landings};
use crate::dialect::{Dialect, Operation, Registry};
use crate::gateway::mode;
use crate::translate::reverse::told::{Reader, rights, unread};
use crate::usage::heavy::Use;
use crate::usage::{Kind, Part};

/// What the mappings say now.
pub(in crate::cli::usage) struct Mapped<'r> {
    /// By dialect and operation.
    operations: HashMap<(&'r str, &'r str), OperationSays<'r>>,
    /// Every part that there is to be used.
    parts: HashSet<Part>,
}

impl<'r> Mapped<'r> {
    /// Of all dialects, where these are in such modes.
    pub(in crate::cli::usage) fn of(
        registry: &'r Registry,
        inexpressible: &'r Inexpressible,
        modes: &BTreeMap<String, mode::Config>,
    ) -> Mapped<'r> {
        let mut operations = HashMap::new();
        for dialect in registry.dialects() {
            let ledger = Ledger::of(dialect);
            let mode = mode_of(modes, dialect);
            for operation in &dialect.operations {
                let remarks = remarks(dialect, operation, &ledger);
                let refused = inexpressible.get(&(dialect.name.clone(), operation.name.clone()));
                let (crossings, inexpressible) = (Crossings::of(operation), refused.map(String::as_str));
                let reader = Reader::offline(registry.api(), dialect, operation);
                let (unread, looked_at) = (unread(operation), reader.shown_places().into_iter().collect());
                let mut rights = rights(registry.api(), operation);
                rights.retain(|at| !mode.is_some_and(|mode| mode.knows(at)));
                let says = OperationSays { crossings, remarks, unread, looked_at, rights, inexpressible };
                operations.insert((dialect.name.as_str(), operation.name.as_str()), says);
            }
        }
        Mapped { operations, parts: parts(registry).into_iter().collect() }
    }

    /// Every part that there is to be used.
    pub(super) fn parts(&self) -> &HashSet<Part> {
        &self.parts
    }

    /// Says where answers to an operation show what nobody reads, and where nobody has looked whether the old side shows the
    /// same.
    pub(super) fn say_what_is_unread(&self, part: &Part, ended: Option<&Compared>, verdict: &mut Verdict) {
        let says = self.operations.get(&(part.dialect.as_str(), part.operation.as_str()));
        let Some(says) = says.filter(|says| says.inexpressible.is_none()) else { return };
        let was_looked_at = ended.is_some_and(|ended| ended.answers.count > 0);
        let (looked_at, unread): (Vec<_>, Vec<_>) =
            says.unread.iter().cloned().partition(|at| was_looked_at && says.looked_at.contains(at));
        for (of, places) in [(&mut verdict.looked_at, looked_at), (&mut verdict.unread, unread)] {
            if !places.is_empty() {
                of.entry(part.dialect.clone()).or_default().extend(places);
            }
        }
    }

    /// Says of a part that a principal uses whether it crosses.
    pub(super) fn judge(
        &self,
        part: &Part,
        known: &Use<()>,
        uses: &HashMap<&Part, &Use<()>>,
        verdict: &mut Verdict,
    ) {
        let Some(says) = self.operations.get(&(part.dialect.as_str(), part.operation.as_str())) else {
            let gone = (Moving::Blocked, "no mapping has this operation any more".to_owned());
            return verdict.hinders(part, gone, known, true);
        };
        if let Some(reason) = says.inexpressible {
            // Whatever is in it is refused with it.
            if part.kind == Kind::Operation {
                let reason = format!(
                    "the backend's dialect has no words for it, and it is refused with 501: {reason}"
                );
                verdict.hinders(part, (Moving::Blocked, reason), known, true);
            }
            return;
        }
        if part.kind == Kind::Operation {
            verdict.remarks.extend(says.remarks.iter().cloned());
            if let Some(reason) = lacking(part, known, &says.crossings, uses).filter(|_| !verdict.may_miss) {
                verdict.hinders(part, (Moving::Unknown, reason), known, false);
            }
            if !says.rights.is_empty() {
                let reason = format!(
                    "its answers tell what somebody may do, at {}, and no shadow can look whether the old side \
                     tells the same: look once, and name the places in `known`",
                    listed(&says.rights)
                );
                verdict.hinders(part, (Moving::Unknown, reason), known, false);
            }
            return;
        }
        if part.kind == Kind::Unread {
            // What they would have used, had anybody read them, may be in the way.
            let all = uses
                .get(&Part::operation(&part.dialect, &part.operation))
                .map_or(known.count, |all| all.count);
            let reason =
                format!("{} of {all} requests were not read, and nobody knows what they use", known.count);
            return verdict.hinders(part, (Moving::Unknown, reason), known, false);
        }
        if !self.parts.contains(part) {
            let reason = format!("the mapping has no such {} any more", part.kind.name());
            return verdict.hinders(part, (Moving::Unknown, reason), known, true);
        }
        let crossing = match part.kind {
            Kind::Field => says.crossings.field(&part.field),
            Kind::Id => says.crossings.id(&part.field),
            Kind::Value => says.crossings.value(&part.field, &part.value),
            Kind::Comparison
            | Kind::Dialect
            | Kind::Difference
            | Kind::Loss
            | Kind::Operation
            | Kind::Unread => Crossing::Unknown,
        };
        if let Crossing::Respelt(shown) = &crossing {
            verdict.remarks.insert(format!("{part} is read back as {shown}"));
        }
        let is_of_all = !matches!(crossing, Crossing::ByValue | Crossing::Inside);
        // Where parts were forgotten, nothing follows from what is not there.
        if !is_of_all && verdict.may_miss {
            return;
        }
        if let Some(found) = hindrance(&crossing, part, known, uses) {
            verdict.hinders(part, found, known, is_of_all);
        }
    }
}

struct OperationSays<'r> {
    crossings: Crossings<'r>,
    remarks: Vec<String>,
    /// Where its answers show what nothing compares.
    unread: BTreeSet<String>,
    /// At which of these a shadow looks whether the old side shows the same.
    looked_at: BTreeSet<String>,
    /// Where its answers tell what somebody may do, that nobody has said he knows.
    rights: BTreeSet<String>,
    /// Why it is always refused, if it is.
    inexpressible: Option<&'r str>,
}

/// What the answers of an operation may tell otherwise.
fn remarks(dialect: &Dialect, operation: &Operation, ledger: &Ledger) -> Vec<String> {
    let omits = ledger.operations.iter().filter(|entries| entries.operation == operation.name);
    let omits = omits.flat_map(|entries| &entries.omits);
    let omits = omits.map(|reason| format!("{dialect}/{}: lists leave items out: {reason}", operation.name));
    let landings = landings(operation).into_iter().map(|(table, word, shown)| {
        format!("{dialect}: answers tell the canonical {} {word} as {shown}", table.noun)
    });
    omits.chain(landings).collect()
}

/// Why a part that crosses so does not cross for certain, if it does not.
fn hindrance(
    crossing: &Crossing,
    part: &Part,
    known: &Use<()>,
    uses: &HashMap<&Part, &Use<()>>,
) -> Option<(Moving, String)> {
    let blocked = |reason: String| Some((Moving::Blocked, reason));
    let unknown = |reason: &str| Some((Moving::Unknown, reason.to_owned()));
    let what = part.kind.name();
    match crossing {
        Crossing::Respelt(_) | Crossing::Whole => None,
        Crossing::Lost { reason, sometimes } => {
            let when = if *sometimes { " in some requests" } else { "" };
            blocked(format!("the field is lost{when}: {reason}"))
        }
        Crossing::Merged(shown) => blocked(format!("the value is read back as {shown}")),
        Crossing::Refused(only) => blocked(format!("the value is refused: it must be {only}")),
        Crossing::Shown => blocked("the field is only shown: what is written there is never read".to_owned()),
        Crossing::Unknown => unknown(&format!("the mapping does not say what becomes of the {what}")),
        Crossing::ByValue => {
            let is_value =
                |other: &Part| other.kind == Kind::Value && part.field == other.field && is_of(other, part);
            let values: u64 =
                uses.iter().filter(|(other, _)| is_value(other)).map(|(_, known)| known.count).sum();
            let others = known.count.saturating_sub(values);
            (others > 0).then(|| {
                let reason =
                    format!("in {others} of {} requests it had a value that is not known", known.count);
                (Moving::Unknown, reason)
            })
        }
        Crossing::Inside => {
            let is_inside = |other: &Part| {
                let rest = other.field.strip_prefix(&part.field);
                is_of(other, part) && rest.is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            let has_some = uses.keys().any(|other| is_inside(other));
            if has_some {
                None
            } else {
                unknown("nothing is known that was in it, and alone it has no place")
            }
        }
    }
}

/// Whether some requests lacked what the operation requires, besides those of which it is said that nobody has read them. An
/// earlier version did not say so.
fn lacking(
    part: &Part,
    known: &Use<()>,
    crossings: &Crossings<'_>,
    uses: &HashMap<&Part, &Use<()>>,
) -> Option<String> {
    let read = |name: &String| uses.get(&part.field(name)).map_or(0, |known| known.count);
    let (least, name) = crossings.required().iter().map(|name| (read(name), name)).min()?;
    let unread = uses.get(&part.unread()).map_or(0, |unread| unread.count);
    let others = known.count.saturating_sub(least.saturating_add(unread));
    (others > 0).then(|| {
        format!("{others} of {} requests lacked `{name}`, or were refused before they were read", known.count)
    })
}

/// Whether both are parts of one operation.
fn is_of(one: &Part, other: &Part) -> bool {
    (&one.dialect, &one.operation) == (&other.dialect, &other.operation)
}

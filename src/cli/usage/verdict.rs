//! Who can be moved: whoever uses only what its dialect's mapping, as it is now, brings to the other side whole.
//!
//! What becomes of a part is asked of the mapping's ledger, which the loader has proved. Nothing is safe because nobody
//! objects: a part that is lost, refused or heard as something else is in the way, and one that the mapping says nothing of,
//! or has no more, leaves the principal in doubt. So does a shadow in which both sides differed in an operation that it uses,
//! or to which one of them had no answer that means anything: whose answers those were is not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::axis::DAY;
use super::compared::{Compared, Seen};
use super::met::Findings;
use crate::dialect::ledger::{Crossing, Crossings, Ledger, landings};
use crate::dialect::{Dialect, Operation, Registry};
use crate::limit::Principal;
use crate::translate::reverse::told::{Reader, unread};
use crate::usage::heavy::Use;
use crate::usage::snapshot::date;
use crate::usage::{Book, Config, Kind, Part, Snapshot, UNCONFIRMED, Watches};

/// So many places of answers that nothing compares are told in a note.
const UNREAD_TOLD_MAX: usize = 8;

/// What is to be said of a principal.
pub(super) struct Verdict {
    pub(super) who: Principal,
    /// Requests, by dialect.
    pub(super) dialects: BTreeMap<String, Use<()>>,
    /// What its programs call themselves.
    pub(super) clients: BTreeSet<String>,
    /// How many operations, fields, values and spellings of ids it uses.
    pub(super) parts: usize,
    /// What it uses that does not cross for certain, what is in the way first.
    pub(super) hindrances: Vec<Hindrance>,
    /// What it may be told otherwise, and what nobody has compared.
    pub(super) remarks: BTreeSet<String>,
    /// Where answers that it gets show what nothing compares, by dialect.
    pub(super) unread: BTreeMap<String, BTreeSet<String>>,
    /// Where a shadow looked at what answers only show, as far as they had it, by dialect.
    looked_at: BTreeMap<String, BTreeSet<String>>,
    /// Whether it may have used parts of which nothing is known any more.
    pub(super) may_miss: bool,
}

/// Something that a principal uses, and why it does not cross for certain.
pub(super) struct Hindrance {
    pub(super) part: Part,
    /// Whether it is in the way, or in doubt.
    pub(super) moving: Moving,
    pub(super) reason: String,
    pub(super) known: Use<()>,
    /// Whether it is about all that is in the part, too.
    is_of_all: bool,
}

/// Whether somebody can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moving {
    /// Something is in the way.
    Blocked,
    /// Nothing is known to be, and not everything is known to cross.
    Unknown,
    /// Everything crosses whole.
    Safe,
}

impl Moving {
    /// In one word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Moving::Blocked => "blocked",
            Moving::Unknown => "unknown",
            Moving::Safe => "safe",
        }
    }
}

impl Verdict {
    fn of(who: Principal) -> Verdict {
        let (dialects, clients, hindrances) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Verdict {
            who,
            dialects,
            clients,
            parts: 0,
            hindrances,
            remarks: BTreeSet::new(),
            unread: BTreeMap::new(),
            looked_at: BTreeMap::new(),
            may_miss: false,
        }
    }

    fn hinders(&mut self, part: &Part, why: (Moving, String), known: &Use<()>, is_of_all: bool) {
        let (moving, reason) = why;
        self.hindrances.push(Hindrance { part: part.clone(), moving, reason, known: *known, is_of_all });
    }

    /// Whether it can be moved.
    pub(super) fn moving(&self) -> Moving {
        let worst = self.hindrances.iter().map(|hindrance| hindrance.moving).min();
        worst.unwrap_or(if self.may_miss { Moving::Unknown } else { Moving::Safe })
    }

    /// Notes what shadows and replays do not see in its answers, or may not have seen: it is counted how many answers were
    /// compared, and not what was in them.
    fn say_what_nothing_compares(&mut self) {
        for (dialect, places) in &self.unread {
            let told = listed(places);
            self.remarks.insert(format!("{dialect}: nothing compares what answers only show: {told}"));
        }
        for (dialect, places) in &self.looked_at {
            let told = listed(places);
            self.remarks.insert(format!(
                "{dialect}: what answers only show was compared only where they had it, if any did: {told}"
            ));
        }
    }

    /// Leaves out what follows from something else that is said: there is nothing of an operation that there is no more, and
    /// nothing that is in a field crosses if the field does not.
    fn say_once(&mut self) {
        let of_all = self.hindrances.iter().filter(|one| one.is_of_all);
        let told: HashSet<Part> = of_all.map(|one| one.part.clone()).collect();
        self.hindrances.retain(|one| !around(&one.part).any(|whole| told.contains(&whole)));
        self.hindrances.sort_by(|one, other| (one.moving, &one.part).cmp(&(other.moving, &other.part)));
    }
}

/// The first of some places, and how many more there are.
fn listed<S: AsRef<str>>(places: impl IntoIterator<Item = S, IntoIter: ExactSizeIterator>) -> String {
    let places = places.into_iter();
    let more = places.len().saturating_sub(UNREAD_TOLD_MAX);
    let told: Vec<_> = places.take(UNREAD_TOLD_MAX).map(|place| format!("`{}`", place.as_ref())).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", told.join(", "))
}

/// What a part is a part of: its operation, and each field that it is in.
fn around(part: &Part) -> impl Iterator<Item = Part> {
    let operation = Part::operation(&part.dialect, &part.operation);
    let ends = part.field.match_indices(['.', '[']).map(|(at, _)| at).collect::<Vec<_>>();
    let own = (part.kind != Kind::Field).then_some(part.field.len());
    let fields: Vec<_> = ends.into_iter().chain(own).map(|end| operation.field(&part.field[..end])).collect();
    let is_part = part.kind != Kind::Operation;
    fields.into_iter().chain(is_part.then_some(operation))
}

/// Why operations are always refused where the backend speaks a dialect, by dialect and operation.
pub(super) type Inexpressible = HashMap<(String, String), String>;

/// What is to be said of every principal, in their order, where comparisons of operations ended like this.
pub(super) fn all(
    counted: &Snapshot,
    registry: &Registry,
    met: &Findings,
    inexpressible: &Inexpressible,
) -> Vec<Verdict> {
    let mapped = Mapped::of(registry, inexpressible);
    let mut verdicts: BTreeMap<Principal, Verdict> = BTreeMap::new();
    let mut uses: BTreeMap<Principal, HashMap<&Part, &Use<()>>> = BTreeMap::new();
    for ((who, part), known) in counted.uses.uses() {
        uses.entry(*who).or_default().insert(part, known);
        let verdict = verdicts.entry(*who).or_insert_with(|| Verdict::of(*who));
        // What is used least is forgotten first, and what is in the way is used seldom.
        verdict.may_miss |= counted.uses.missed > 0;
        if part.kind == Kind::Unread {
            continue;
        }
        verdict.parts += 1;
        if part.kind == Kind::Operation {
            let all =
                verdict.dialects.entry(part.dialect.clone()).or_insert(Use { count: 0, error: 0, ..*known });
            all.count += known.count;
            all.error += known.error;
            all.first = all.first.min(known.first);
            all.last = all.last.max(known.last);
        }
    }
    for (who, uses) in &uses {
        let Some(verdict) = verdicts.get_mut(who) else { continue };
        for (part, known) in uses {
            mapped.judge(part, known, uses, verdict);
            if *who == UNCONFIRMED && part.kind == Kind::Operation {
                let whose = (Moving::Unknown, "nobody knows whose these requests are".to_owned());
                verdict.hinders(part, whose, known, false);
            }
            if part.kind != Kind::Operation {
                continue;
            }
            if let Some(reason) = shown_otherwise(met.shown_by(part)) {
                verdict.hinders(part, (Moving::Unknown, reason), known, false);
            }
            let ended = met.compared.get(&(part.dialect.clone(), part.operation.clone()));
            mapped.say_what_is_unread(part, ended, verdict);
            let Some(ended) = ended else { continue };
            if let Some(reason) = ended.doubt() {
                verdict.hinders(part, (Moving::Unknown, reason), known, false);
            } else if let Some(remark) = ended.remark() {
                verdict.remarks.insert(format!("{part}: {remark}"));
            }
        }
        verdict.say_once();
        verdict.say_what_nothing_compares();
    }
    for ((who, _, client), _) in counted.clients.uses() {
        if let Some(verdict) = verdicts.get_mut(who).filter(|_| !client.is_empty()) {
            verdict.clients.insert(client.clone());
        }
    }
    verdicts.into_values().collect()
}

/// What the mappings say now.
struct Mapped<'r> {
    /// By dialect and operation.
    operations: HashMap<(&'r str, &'r str), OperationSays<'r>>,
    /// Every part that there is to be used.
    parts: HashSet<Part>,
}

struct OperationSays<'r> {
    crossings: Crossings<'r>,
    remarks: Vec<String>,
    /// Where its answers show what nothing compares.
    unread: BTreeSet<String>,
    /// At which of these a shadow looks whether the old side shows the same.
    looked_at: BTreeSet<String>,
    /// Why it is always refused, if it is.
    inexpressible: Option<&'r str>,
}

impl<'r> Mapped<'r> {
    fn of(registry: &'r Registry, inexpressible: &'r Inexpressible) -> Mapped<'r> {
        let mut operations = HashMap::new();
        for dialect in registry.dialects() {
            let ledger = Ledger::of(dialect);
            for operation in &dialect.operations {
                let remarks = remarks(dialect, operation, &ledger);
                let refused = inexpressible.get(&(dialect.name.clone(), operation.name.clone()));
                let (crossings, inexpressible) = (Crossings::of(operation), refused.map(String::as_str));
                let reader = Reader::offline(registry.api(), dialect, operation);
                let (unread, looked_at) = (unread(operation), reader.shown_places().into_iter().collect());
                let says = OperationSays { crossings, remarks, unread, looked_at, inexpressible };
                operations.insert((dialect.name.as_str(), operation.name.as_str()), says);
            }
        }
        Mapped { operations, parts: parts(registry).into_iter().collect() }
    }

    /// Says where answers to an operation show what nobody reads, and where nobody has looked whether the old side shows the
    /// same.
    fn say_what_is_unread(&self, part: &Part, ended: Option<&Compared>, verdict: &mut Verdict) {
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
    fn judge(&self, part: &Part, known: &Use<()>, uses: &HashMap<&Part, &Use<()>>, verdict: &mut Verdict) {
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

/// What the old side's answers show otherwise than the mapping does, if anything.
fn shown_otherwise<'s>(places: impl Iterator<Item = (&'s str, &'s Seen)>) -> Option<String> {
    let places: Vec<_> = places.collect();
    let last = places.iter().filter_map(|(_, seen)| seen.days).map(|(_, last)| last).max()?;
    let (told, last) = (listed(places.iter().map(|(place, _)| place)), date(last * DAY));
    Some(format!("the old side's answers show something else, or more, at {told}; the last did on {last}"))
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

/// Every part that the mappings know.
pub(super) fn parts(registry: &Registry) -> Vec<Part> {
    let book = Arc::new(Book::empty(Config { entries: 1, ..Config::default() }));
    let _watches = Watches::of(registry, Arc::clone(&book));
    book.parts().since(0)
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

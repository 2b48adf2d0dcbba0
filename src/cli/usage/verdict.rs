//! Who can be moved: whoever uses only what its dialect's mapping, as it is now, brings to the other side whole.
//!
//! What becomes of a part is asked of the mapping's ledger, which the loader has proved. Nothing is safe because nobody
//! objects: a part that is lost, refused, gone or heard as something else is in the way, and one that the mapping says nothing
//! of, or has no more, leaves the principal in doubt. So does a shadow in which both sides differed in an operation that it uses,
//! or to which one of them had no answer that means anything: whose answers those were is not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

mod mapped;
mod retiring;

pub(super) use self::mapped::Mapped;
use self::retiring::Retiring;
use super::axis::DAY;
use super::compared::Seen;
use super::ending::Ending;
use super::met::Findings;
use crate::dialect::Registry;
use crate::limit::Principal;
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
    mapped: &Mapped<'_>,
    met: &Findings,
    endings: &[Ending],
) -> Vec<Verdict> {
    let retiring = Retiring::of(endings, mapped.parts());
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
            retiring.judge(part, known, verdict);
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

/// What the old side's answers show otherwise than the mapping does, if anything.
fn shown_otherwise<'s>(places: impl Iterator<Item = (&'s str, &'s Seen)>) -> Option<String> {
    let places: Vec<_> = places.collect();
    let last = places.iter().filter_map(|(_, seen)| seen.days).map(|(_, last)| last).max()?;
    let (told, last) = (listed(places.iter().map(|(place, _)| place)), date(last * DAY));
    Some(format!("the old side's answers show something else, or more, at {told}; the last did on {last}"))
}

/// Every part that the mappings know.
pub(super) fn parts(registry: &Registry) -> Vec<Part> {
    let book = Arc::new(Book::empty(Config { entries: 1, ..Config::default() }));
    let _watches = Watches::of(registry, Arc::clone(&book));
    book.parts().since(0)
}

//! What is met on the way, by day: how comparisons of both sides ended, where the sides differ, and declared losses.
//!
//! Nothing of it belongs to a principal, and there is little of it: the outcomes that there are, 50 places of an
//! operation and one for all others, and the losses that mappings declare. So all of it is exact, and no client can make it
//! more. A worker counts losses, and the shadows that it drops, on a sheet of its own, as it does uses. What shadows find is
//! counted at once, by the one thread that compares: no worker waits for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, Weak};
use std::time::SystemTime;

use foldhash::fast::FixedState;
use serde_json::{Value as Tree, json};

use super::book::{Book, locked};
use super::part::{Kind, Part, Parts};
use super::sheet::DAY;
use super::snapshot::{Unreadable, date, seconds, text};
use crate::dialect::Dialect;
use crate::lens::Tally;
use crate::once::Each;
use crate::telemetry::ShadowOutcome;
use crate::time::unix_seconds;
use crate::translate::reverse::told::SHOWN;

/// How many places of one operation are told apart; all others are one.
const PLACES_MAX: usize = 50;

/// What those are called: places of meaning, and such as only show something.
const OTHER: &str = "other";
const OTHER_SHOWN: &str = "dialect:other";

/// How often, by day since 1970 and by the number of the part.
pub(super) type Counts = BTreeMap<(u64, u32), u64>;

/// The same of one worker. A request may meet twenty losses, and nobody who asks chooses their numbers: hence a table, and
/// one that is hashed fast.
type Sheet = HashMap<(u64, u32), u64, FixedState>;

/// What was met on which day, by names: as a file has it, and as a report puts several together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met(BTreeMap<u64, BTreeMap<Part, u64>>);

impl Met {
    /// Counts something that was met on a day since 1970.
    pub fn add(&mut self, day: u64, part: Part, count: u64) {
        *self.0.entry(day).or_default().entry(part).or_default() += count;
    }

    /// Adds what another replica met.
    pub fn merge(&mut self, other: &Met) {
        for (day, part, count) in other.all() {
            self.add(day, part.clone(), count);
        }
    }

    /// Everything, by day and part.
    pub fn all(&self) -> impl Iterator<Item = (u64, &Part, u64)> {
        self.0.iter().flat_map(|(day, parts)| parts.iter().map(|(part, count)| (*day, part, *count)))
    }

    /// What is of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (u64, &Part, u64)> {
        self.all().filter(move |(_, part, _)| part.kind == kind)
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Tree {
        let entries = self.all().map(|(day, part, count)| {
            json!({"day": date(day * DAY), "dialect": part.dialect, "operation": part.operation, "kind": part.kind.name(),
                "field": part.field, "value": part.value, "count": count})
        });
        entries.collect()
    }

    /// Reads JSON that [`Met::to_json`] made. A proxy that counts none of it yet says nothing.
    pub(super) fn from_json(told: &Tree) -> Result<Met, Unreadable> {
        let mut met = Met::default();
        if told.is_null() {
            return Ok(met);
        }
        for entry in told.as_array().ok_or(Unreadable)? {
            let at = format!("{}T00:00:00Z", text(&entry["day"])?);
            let kind = Kind::named(entry["kind"].as_str().unwrap_or_default()).ok_or(Unreadable)?;
            let (dialect, operation) = (text(&entry["dialect"])?, text(&entry["operation"])?);
            let (field, value) = (text(&entry["field"])?, text(&entry["value"])?);
            let count = entry["count"].as_u64().ok_or(Unreadable)?;
            met.add(seconds(&at.into())? / DAY, Part { dialect, operation, kind, field, value }, count);
        }
        Ok(met)
    }
}

/// What was met and is not written down yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    counts: Mutex<Counts>,
    sheets: Mutex<Vec<Weak<Mutex<Sheet>>>>,
    /// The places that are told apart, by dialect and operation.
    places: Mutex<BTreeMap<(String, String), BTreeSet<String>>>,
}

impl Pending {
    /// One that tells the places apart that are known already.
    pub(super) fn new(parts: &Parts) -> Pending {
        let mut places: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for part in parts.since(0).into_iter().filter(|part| part.kind == Kind::Difference) {
            places.entry((part.dialect, part.operation)).or_default().insert(part.field);
        }
        Pending { places: Mutex::new(places), ..Pending::default() }
    }

    /// Everything, which is the caller's to write down.
    pub(super) fn take(&self) -> Counts {
        let mut sheets = Vec::new();
        locked(&self.sheets).retain(|sheet| sheet.upgrade().map(|sheet| sheets.push(sheet)).is_some());
        for sheet in sheets {
            let counts = std::mem::take(&mut *locked(&sheet));
            self.put_back(counts);
        }
        std::mem::take(&mut *locked(&self.counts))
    }

    /// Takes in what a sheet has, or what could not be written down.
    pub(super) fn put_back(&self, counts: impl IntoIterator<Item = ((u64, u32), u64)>) {
        let mut pending = locked(&self.counts);
        for (key, count) in counts {
            *pending.entry(key).or_default() += count;
        }
    }

    fn add(&self, number: u32, now: SystemTime) {
        *locked(&self.counts).entry((unix_seconds(now) / DAY, number)).or_default() += 1;
    }

    /// What a place is called: by its name, if there is room for it.
    fn place<'p>(&self, (dialect, operation): (&str, &str), place: &'p str) -> &'p str {
        let mut places = locked(&self.places);
        let known = places.entry((dialect.to_owned(), operation.to_owned())).or_default();
        if known.contains(place) {
            return place;
        }
        let is_shown = place.starts_with(SHOWN);
        if known.iter().filter(|known| known.starts_with(SHOWN) == is_shown).count() >= PLACES_MAX {
            return if is_shown { OTHER_SHOWN } else { OTHER };
        }
        known.insert(place.to_owned());
        place
    }
}

impl Book {
    /// Counts a request of an operation that the other side was to be asked too, by what came of it.
    pub fn compared(&self, dialect: &str, operation: &str, outcome: &str, now: SystemTime) {
        let part = Part::operation(dialect, operation).value(Kind::Comparison, outcome);
        self.met().add(self.parts().number(&part), now);
    }

    /// Counts a place of canonical answers where the sides differ, or one of the dialect's where the old side shows something
    /// else than the mapping does.
    pub fn differs(&self, dialect: &str, operation: &str, place: &str, now: SystemTime) {
        let place = self.met().place((dialect, operation), place);
        let part = Part { kind: Kind::Difference, ..Part::operation(dialect, operation).field(place) };
        self.met().add(self.parts().number(&part), now);
    }
}

/// The declared losses that an operation can meet, by their numbers in its dialect. A name is only numbered when it is met.
#[derive(Debug)]
pub(super) struct Losses {
    operation: Part,
    names: Arc<[String]>,
    numbers: Each<u32>,
}

impl Losses {
    /// Those of each operation of a dialect.
    pub(super) fn of(dialect: &Dialect) -> impl Iterator<Item = (String, Losses)> {
        let names: Arc<[String]> = dialect.losses.as_slice().into();
        dialect.operations.iter().map(move |operation| {
            let (names, numbers) = (Arc::clone(&names), Each::below(names.len()));
            let losses =
                Losses { operation: Part::operation(&dialect.name, &operation.name), names, numbers };
            (operation.name.clone(), losses)
        })
    }

    fn number(&self, loss: usize, parts: &Parts) -> Option<u32> {
        let name = self.names.get(loss)?;
        let part = || Part { kind: Kind::Loss, ..self.operation.field(name) };
        self.numbers.made(loss, || parts.number(&part())).copied()
    }
}

/// How shadows of an operation may end, by number. An outcome is only numbered when it is met.
#[derive(Debug)]
pub(super) struct Outcomes {
    operation: Part,
    numbers: Each<u32>,
}

impl Outcomes {
    /// Those of each operation of a dialect.
    pub(super) fn of(dialect: &Dialect) -> impl Iterator<Item = (String, Outcomes)> {
        dialect.operations.iter().map(|operation| {
            let part = Part::operation(&dialect.name, &operation.name);
            (operation.name.clone(), Outcomes::new(part))
        })
    }

    pub(super) fn new(operation: Part) -> Outcomes {
        Outcomes { operation, numbers: Each::below(ShadowOutcome::COUNT) }
    }

    fn number(&self, outcome: ShadowOutcome, parts: &Parts) -> u32 {
        let part = || self.operation.value(Kind::Comparison, outcome.name());
        let number = self.numbers.made(outcome as usize, || parts.number(&part()));
        *number.expect("`COUNT` counts every outcome")
    }
}

/// Counts what one worker meets.
#[derive(Debug)]
pub(super) struct Meter {
    book: Arc<Book>,
    sheet: Arc<Mutex<Sheet>>,
}

impl Meter {
    pub(super) fn new(book: Arc<Book>) -> Meter {
        let sheet = Arc::default();
        locked(&book.met().sheets).push(Arc::downgrade(&sheet));
        Meter { book, sheet }
    }

    /// Counts the declared losses that a request met.
    pub(super) fn lost(&self, losses: &Losses, met: &Tally, now: SystemTime) {
        let day = unix_seconds(now) / DAY;
        let mut met = met.met().peekable();
        if met.peek().is_none() {
            return;
        }
        let mut sheet = locked(&self.sheet);
        for (loss, count) in met {
            if let Some(number) = losses.number(loss, self.book.parts()) {
                *sheet.entry((day, number)).or_default() += u64::from(count);
            }
        }
    }

    /// Counts a shadow that ended before anybody else heard of it.
    pub(super) fn compared(&self, outcomes: &Outcomes, outcome: ShadowOutcome, now: SystemTime) {
        let number = outcomes.number(outcome, self.book.parts());
        *locked(&self.sheet).entry((unix_seconds(now) / DAY, number)).or_default() += 1;
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let counts = std::mem::take(&mut *locked(&self.sheet));
        self.book.met().put_back(counts);
    }
}

#[cfg(test)]
mod tests;

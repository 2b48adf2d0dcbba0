//! What retires, by the mappings as they are now, and who still uses it.
//!
//! Each declaration is told once, wherever it holds: that of a dialect for the operations that say nothing else, that of a
//! word for each operation that takes it. How it stands is told as of the moment of the last count.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::removal;
use crate::dialect::retirement::{Dates, Retirement, Standing, Step, Watch};
use crate::dialect::{Dialect, Operation, Registry};
use crate::limit::Principal;
use crate::problem::Root;
use crate::time::rfc3339;
use crate::usage::heavy::Use;
use crate::usage::{Kind, Part, Snapshot, UNCONFIRMED};

/// Something that retires, and who uses it.
pub(super) struct Ending {
    /// Where it is in requests.
    pub(super) places: Vec<Place>,
    /// When what happens.
    pub(super) dates: Dates,
    /// How it stood when all was counted.
    pub(super) state: &'static str,
    /// That moment.
    now: SystemTime,
    /// Who uses it, who came last first.
    pub(super) users: Vec<(Principal, Use<()>)>,
    /// In how many requests it was used of which nobody knows whose they are, if in any.
    pub(super) unconfirmed: Option<Use<()>>,
    /// How often somebody may have used it who is not there, at most.
    pub(super) missed: u64,
    /// Whether its values are not told apart, so that whoever uses the field is there.
    pub(super) is_vague: bool,
}

/// What of a dialect retires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) dialect: String,
    /// None is all of them.
    pub(super) operation: Option<String>,
    pub(super) field: Option<String>,
    /// As JSON; none are all of them.
    pub(super) values: Vec<String>,
}

/// What all dialects declare, what ends first before the others.
pub(super) fn all(counted: &Snapshot, registry: &Registry) -> Vec<Ending> {
    let known: HashSet<Part> = super::verdict::parts(registry).into_iter().collect();
    let mut endings: Vec<_> =
        registry.dialects().iter().flat_map(|dialect| of(dialect, counted, &known)).collect();
    let end = |dates: &Dates| dates.sunset.into_iter().chain(dates.gone).min();
    endings.sort_by(|one, other| {
        let key =
            |ending: &Ending| (end(&ending.dates).is_none(), end(&ending.dates), ending.dates.deprecated);
        key(one).cmp(&key(other)).then_with(|| one.places.cmp(&other.places))
    });
    endings
}

fn of(dialect: &Dialect, counted: &Snapshot, known: &HashSet<Part>) -> Vec<Ending> {
    let mut declared: Vec<(&Arc<Retirement>, Vec<Place>)> = Vec::new();
    let mut declare =
        |retirement, place: Place| match declared.iter_mut().find(|(one, _)| Arc::ptr_eq(one, retirement)) {
            Some((_, places)) if places.contains(&place) => {}
            Some((_, places)) => places.push(place),
            None => declared.push((retirement, vec![place])),
        };
    let is_of_all = |whole: &Arc<Retirement>| {
        let has_it = |own: &Arc<Retirement>| Arc::ptr_eq(own, whole);
        dialect.operations.iter().all(|operation| operation.retirement.as_ref().is_some_and(has_it))
    };
    for operation in &dialect.operations {
        let of = Place { operation: Some(operation.name.clone()), ..Place::of(dialect) };
        if let Some(retirement) = &operation.retirement {
            declare(retirement, if is_of_all(retirement) { Place::of(dialect) } else { of.clone() });
        }
        for watch in operation.with_cases().flat_map(|case: &Operation| &case.watches) {
            let values = watch.values.iter().map(|value| value.json().to_owned()).collect();
            declare(&watch.retirement, Place { field: Some(field(watch)), values, ..of.clone() });
        }
    }
    declared.into_iter().map(|(retirement, places)| Ending::of(retirement, places, counted, known)).collect()
}

/// A field by the name that it is counted by.
fn field(watch: &Watch) -> String {
    let mut name = String::from(if watch.root == Root::Query { "?" } else { "" });
    for step in &watch.way {
        match step {
            Step::Elements => name.push_str("[]"),
            Step::Bare(member) | Step::Member(member) => {
                let dot = if name.is_empty() || name == "?" { "" } else { "." };
                name.extend([dot, member]);
            }
        }
    }
    name
}

impl Ending {
    fn of(retirement: &Retirement, places: Vec<Place>, counted: &Snapshot, known: &HashSet<Part>) -> Ending {
        let now = UNIX_EPOCH.checked_add(Duration::from_secs(counted.written)).unwrap_or(UNIX_EPOCH);
        let (mut users, mut unread, mut is_vague) = (BTreeMap::<Principal, Use<()>>::new(), 0, false);
        for place in &places {
            let is_told_apart = place.is_told_apart(known);
            let asked = if is_told_apart { place } else { &place.of_any_value() };
            is_vague |= !is_told_apart;
            for (who, more) in removal::users(counted, |part| asked.is(part)) {
                users.entry(who).and_modify(|known| known.join(&more)).or_insert(more);
            }
            unread += removal::unread(counted, |part| asked.may_be_in(part));
        }
        let unconfirmed = users.remove(&UNCONFIRMED);
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_by_key(|(who, known)| (std::cmp::Reverse(known.last), *who));
        let missed = counted.uses.missed.max(unread);
        let state = state(retirement, now);
        Ending { places, dates: retirement.dates().clone(), state, now, users, unconfirmed, missed, is_vague }
    }

    /// Whether those who are known to use it are all there are, as far as everything was counted.
    pub(super) fn is_certain(&self) -> bool {
        self.unconfirmed.is_none() && self.missed == 0 && !self.is_vague
    }

    /// Since when it is refused, at the moment of the last count.
    pub(super) fn gone_since(&self) -> Option<String> {
        self.dates.gone.filter(|moment| *moment <= self.now).map(short)
    }

    /// Whether it is, or may be, refused some day, for a while or for good.
    pub(super) fn has_an_end(&self) -> bool {
        let Dates { sunset, gone, brown_outs, .. } = &self.dates;
        sunset.is_some() || gone.is_some() || brown_outs.iter().any(|window| window.end > self.now)
    }

    /// Its dates in a sentence, as of the moment of the last count.
    pub(super) fn when(&self) -> String {
        let Dates { deprecated, sunset, gone, brown_outs, .. } = &self.dates;
        let mut told = vec![format!("deprecated {}", short(*deprecated))];
        let over = brown_outs.iter().filter(|window| window.end <= self.now).count();
        match (brown_outs.len(), brown_outs.get(over)) {
            (0, _) => {}
            (1, None) => told.push("its brown-out over".to_owned()),
            (all, None) => told.push(format!("all {all} brown-outs over")),
            (all, Some(next)) => {
                let (from, until) = (short(next.start), short(next.end));
                told.push(if all == 1 {
                    format!("its brown-out from {from} to {until}")
                } else {
                    format!("{over} of {all} brown-outs over, the next from {from} to {until}")
                });
            }
        }
        told.extend(sunset.map(|moment| format!("sunset {}", short(moment))));
        told.extend(gone.map(|moment| format!("gone {}", short(moment))));
        told.join(", ")
    }

    /// Who uses it, in a sentence. `is_counted` is whether something was counted everywhere.
    pub(super) fn by_whom(&self, is_counted: bool) -> String {
        let vague =
            if self.is_vague { "; its values are not told apart, so these use the field" } else { "" };
        match self.users.len() {
            0 if is_counted && self.is_certain() => "nobody used it".to_owned(),
            0 => "nobody is known to have used it".to_owned(),
            1 => format!("1 principal used it{vague}"),
            users => format!("{users} principals used it{vague}"),
        }
    }
}

impl Place {
    fn of(dialect: &Dialect) -> Place {
        Place { dialect: dialect.name.clone(), operation: None, field: None, values: Vec::new() }
    }

    /// Whether it is known of a use whether it was of this.
    pub(super) fn is_told_apart(&self, known: &HashSet<Part>) -> bool {
        self.values.is_empty() || known.iter().any(|part| self.is(part))
    }

    /// The same, whatever its value is.
    pub(super) fn of_any_value(&self) -> Place {
        Place { values: Vec::new(), ..self.clone() }
    }

    /// Whether that is used with it.
    pub(super) fn is(&self, part: &Part) -> bool {
        let kind = match (&self.operation, &self.field) {
            (None, _) | (Some(_), None) => part.kind == Kind::Operation,
            (Some(_), Some(_)) if self.values.is_empty() => {
                matches!(part.kind, Kind::Field | Kind::Value | Kind::Id)
            }
            (Some(_), Some(_)) => part.kind == Kind::Value,
        };
        kind && self.is_there(part)
            && self.field.as_ref().is_none_or(|field| *field == part.field)
            && (self.values.is_empty() || self.values.contains(&part.value))
    }

    /// Whether requests that nobody has read may have had it.
    fn may_be_in(&self, part: &Part) -> bool {
        part.kind == Kind::Unread && self.field.is_some() && self.is_there(part)
    }

    fn is_there(&self, part: &Part) -> bool {
        part.dialect == self.dialect && self.operation.as_ref().is_none_or(|name| *name == part.operation)
    }
}

/// As parts are written; several values have `or` between them.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dialect)?;
        for name in self.operation.iter().chain(&self.field) {
            write!(f, "/{name}")?;
        }
        if self.values.is_empty() { Ok(()) } else { write!(f, "={}", self.values.join(" or ")) }
    }
}

/// How it stands at that moment.
fn state(retirement: &Retirement, now: SystemTime) -> &'static str {
    let dates = retirement.dates();
    match retirement.standing(now) {
        Standing::Gone(_) => "gone",
        Standing::BrownOut(_) => "in a brown-out",
        Standing::Served if dates.sunset.is_some_and(|sunset| sunset <= now) => "past its sunset",
        Standing::Served if dates.deprecated <= now => "deprecated",
        Standing::Served => "to be deprecated",
    }
}

/// A moment; the beginning of a day is the day.
fn short(moment: SystemTime) -> String {
    let whole = rfc3339(moment);
    whole.strip_suffix("T00:00:00Z").map(str::to_owned).unwrap_or(whole)
}

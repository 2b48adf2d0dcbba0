//! What comes of asking both sides: how comparisons ended, where the sides differ, and the newest differences, masked.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use serde_json::{Value as Tree, json};

use super::{RequestId, names::metric};
use crate::{once::Each, time::unix_seconds};

/// How many places of one operation are told apart; all others are one.
const PLACES_MAX: usize = 50;

/// What those are called: places of meaning, and such as only show something.
const OTHER: [&str; 2] = ["other", "dialect:other"];

/// How many differences are kept.
const KEPT_MAX: usize = 256;

/// How asking the other side ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShadowOutcome {
    /// Both say the same.
    Same,
    /// They do not.
    Different,
    /// There was no room for it.
    Dropped,
    /// They differ only where the old side differs from itself.
    Noise,
    /// They differed, and did not when both were asked again.
    Unsteady,
    /// An answer is too large to be compared.
    TooLarge,
    /// Comparing broke down.
    Broken,
    /// It took too long.
    Late,
    /// The other side did not answer.
    Unanswered,
    /// An answer is none that the mapping can read.
    Unreadable,
    /// The canonical side could have done what the old one did.
    DryFits,
    /// It would have refused it.
    DryRefused,
    /// It would have refused it, for a part that retires.
    DryGone,
    /// There was nothing to try.
    Untried,
    /// A change of the old side did what the canonical call asks for, as far as that is told.
    EffectSame,
    /// It did something else.
    EffectDifferent,
    /// It seemed to, but somebody else was at it, or it was gone when looked at again.
    EffectUnsteady,
    /// What it did could not be read.
    EffectUnread,
    /// To look closer would have spent more of what the client may ask than there is to spare.
    Spared,
    /// They differed, and to ask both once more would have spent too much, or a side had no time.
    Unrepeated,
    /// A later page, which only the side knows that made the one before.
    Cursor,
    /// A side had no time for its client just then, which says nothing of what is asked.
    Busy,
    /// Each side has other items on that page of a longer list, and what both have is the same.
    OtherPage,
    /// A side failed, and did not when it was asked again, or the other way round: no two answers came that could be compared
    /// twice.
    FailedOnce,
}

impl ShadowOutcome {
    /// How many there are: as many as the last one says.
    pub const COUNT: usize = ShadowOutcome::FailedOnce as usize + 1;

    /// The word for it in metrics and files.
    pub fn name(self) -> &'static str {
        match self {
            ShadowOutcome::Same => "same",
            ShadowOutcome::Different => "different",
            ShadowOutcome::Dropped => "dropped",
            ShadowOutcome::Noise => "noise",
            ShadowOutcome::Unsteady => "unsteady",
            ShadowOutcome::TooLarge => "too_large",
            ShadowOutcome::Broken => "broken",
            ShadowOutcome::Late => "late",
            ShadowOutcome::Unanswered => "unanswered",
            ShadowOutcome::Unreadable => "unreadable",
            ShadowOutcome::DryFits => "dry_fits",
            ShadowOutcome::DryRefused => "dry_refused",
            ShadowOutcome::DryGone => "dry_gone",
            ShadowOutcome::Untried => "untried",
            ShadowOutcome::EffectSame => "effect_same",
            ShadowOutcome::EffectDifferent => "effect_different",
            ShadowOutcome::EffectUnsteady => "effect_unsteady",
            ShadowOutcome::EffectUnread => "effect_unread",
            ShadowOutcome::Spared => "spared",
            ShadowOutcome::Unrepeated => "unrepeated",
            ShadowOutcome::Cursor => "cursor",
            ShadowOutcome::Busy => "busy",
            ShadowOutcome::OtherPage => "other_page",
            ShadowOutcome::FailedOnce => "failed_once",
        }
    }

    /// Whether both answers were compared, or what a change did with what it was to do.
    pub fn has_compared(self) -> bool {
        match self {
            ShadowOutcome::Same
            | ShadowOutcome::Different
            | ShadowOutcome::Noise
            | ShadowOutcome::Unsteady
            | ShadowOutcome::OtherPage
            | ShadowOutcome::EffectSame
            | ShadowOutcome::EffectDifferent
            | ShadowOutcome::EffectUnsteady => true,
            ShadowOutcome::Dropped
            | ShadowOutcome::TooLarge
            | ShadowOutcome::Broken
            | ShadowOutcome::Late
            | ShadowOutcome::Unanswered
            | ShadowOutcome::Unreadable
            | ShadowOutcome::DryFits
            | ShadowOutcome::DryRefused
            | ShadowOutcome::DryGone
            | ShadowOutcome::Untried
            | ShadowOutcome::EffectUnread
            | ShadowOutcome::Spared
            | ShadowOutcome::Unrepeated
            | ShadowOutcome::Cursor
            | ShadowOutcome::Busy
            | ShadowOutcome::FailedOnce => false,
        }
    }
}

/// A place where the sides differ. Nothing of what they said is in it.
#[derive(Clone, Debug)]
pub struct Different {
    /// The request.
    pub request: Option<RequestId>,
    /// Its dialect.
    pub dialect: String,
    /// Its operation.
    pub operation: String,
    /// Where in the canonical answer, or in that of the dialect.
    pub place: String,
    /// Whether something is only shown there, and means nothing.
    pub is_shown: bool,
    /// How.
    pub what: &'static str,
    /// What the old side said, masked.
    pub old: String,
    /// What the canonical side said, masked.
    pub new: String,
}

/// Says where answers to an operation are compared, of which so many were: as JSON.
pub trait Places: Send + Sync {
    /// The operation with its dialect, and how many answers.
    fn json(&self, of: (&str, &str), answers: u64) -> Tree;
}

/// What is counted and kept of shadows; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct ShadowMetrics {
    requests: Family<OutcomeLabels, Counter>,
    differences: Family<PlaceLabels, Counter>,
    noise: Family<NoiseLabels, Counter>,
    kept: Arc<Mutex<Kept>>,
}

struct Compared {
    answers: u64,
    /// By the mappings that read the last of them.
    places: Arc<dyn Places>,
}

impl fmt::Debug for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compared").field("answers", &self.answers).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Kept {
    /// By dialect and operation, and by whether they only show something: so that neither leaves no room for the other.
    places: BTreeMap<(String, String, bool), BTreeSet<String>>,
    /// By the same: the places that count for nothing.
    noisy: BTreeMap<(String, String), Vec<String>>,
    /// By dialect and operation: how many answers were compared, and where.
    compared: BTreeMap<(String, String), Compared>,
    /// The oldest first.
    newest: VecDeque<(u64, Different)>,
    /// The same of what is only shown, of each place the newest: it is in every answer.
    shown: VecDeque<(u64, Different)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    dialect: Arc<str>,
    operation: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaceLabels {
    dialect: String,
    operation: String,
    place: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NoiseLabels {
    dialect: String,
    operation: String,
    is_noisy: &'static str,
}

/// How shadows of one operation end.
///
/// Workers count here what they drop, and the thread that compares counts all else: each counter is found by its labels once,
/// so that no worker waits at every request for a lock that this thread has, which may get no processor just then.
#[derive(Debug)]
pub(super) struct Endings {
    requests: Family<OutcomeLabels, Counter>,
    dialect: Arc<str>,
    operation: Arc<str>,
    /// By outcome, filled in as they occur: of most operations there are no shadows.
    counters: Each<Counter>,
}

impl Endings {
    pub(super) fn count(&self, outcome: ShadowOutcome) {
        let counter = self.counters.made(outcome as usize, || {
            let (dialect, operation) = (Arc::clone(&self.dialect), Arc::clone(&self.operation));
            self.requests.get_or_create_owned(&OutcomeLabels { dialect, operation, outcome: outcome.name() })
        });
        counter.expect("`COUNT` counts every outcome").inc();
    }
}

impl ShadowMetrics {
    /// How shadows of one operation end.
    pub(super) fn endings(&self, dialect: &Arc<str>, operation: &Arc<str>) -> Endings {
        let (dialect, operation) = (Arc::clone(dialect), Arc::clone(operation));
        Endings {
            requests: self.requests.clone(),
            dialect,
            operation,
            counters: Each::below(ShadowOutcome::COUNT),
        }
    }

    /// The old side was asked twice; `places` are noise by now.
    pub(super) fn noise(&self, dialect: &str, operation: &str, is_noisy: bool, places: Vec<String>) {
        let (dialect, operation) = (dialect.to_owned(), operation.to_owned());
        self.lock().noisy.insert((dialect.clone(), operation.clone()), places);
        let is_noisy = if is_noisy { "true" } else { "false" };
        self.noise.get_or_create(&NoiseLabels { dialect, operation, is_noisy }).inc();
    }

    pub(super) fn differs(&self, different: &Different, now: SystemTime) {
        fn of(one: &Different) -> [&str; 3] {
            [&one.dialect, &one.operation, &one.place]
        }
        let mut kept = self.lock();
        let (dialect, operation) = (different.dialect.clone(), different.operation.clone());
        let is_shown = different.is_shown;
        let places = kept.places.entry((dialect.clone(), operation.clone(), is_shown)).or_default();
        let has_room = places.len() < PLACES_MAX || places.contains(&different.place);
        let place = if has_room { different.place.clone() } else { OTHER[usize::from(is_shown)].to_owned() };
        if has_room {
            places.insert(place.clone());
        }
        let newest = if is_shown { &mut kept.shown } else { &mut kept.newest };
        if is_shown {
            newest.retain(|(_, one)| of(one) != of(different));
        }
        newest.push_back((unix_seconds(now), different.clone()));
        if newest.len() > KEPT_MAX {
            newest.pop_front();
        }
        drop(kept);
        self.differences.get_or_create(&PlaceLabels { dialect, operation, place }).inc();
    }

    /// Two answers were compared, as far as they had these places.
    pub(super) fn compared(&self, (dialect, operation): (&str, &str), places: &Arc<dyn Places>) {
        let mut kept = self.lock();
        let new = || Compared { answers: 0, places: Arc::clone(places) };
        let of = kept.compared.entry((dialect.to_owned(), operation.to_owned())).or_insert_with(new);
        of.answers += 1;
        if !Arc::ptr_eq(&of.places, places) {
            of.places = Arc::clone(places);
        }
    }

    /// The newest differences, the newest first, and where answers were compared.
    pub(super) fn json(&self) -> String {
        let kept = self.lock();
        let told = |(at, one): &(u64, Different)| {
            json!({
                "at": at,
                "request": one.request.as_ref().map(RequestId::as_str),
                "dialect": one.dialect,
                "operation": one.operation,
                "place": one.place,
                "what": one.what,
                "legacy": one.old,
                "canonical": one.new,
            })
        };
        let [differences, shown] =
            [&kept.newest, &kept.shown].map(|all| all.iter().rev().map(told).collect::<Vec<_>>());
        let unsteady = kept.noisy.iter().filter(|(_, places)| !places.is_empty());
        let unsteady = unsteady.map(|((dialect, operation), places)| {
            json!({"dialect": dialect, "operation": operation, "places": places})
        });
        let noise = unsteady.collect::<Vec<_>>();
        let compared = kept.compared.iter();
        let compared = compared
            .map(|((dialect, operation), of)| of.places.json((dialect, operation), of.answers))
            .collect::<Vec<_>>();
        let json = json!({ "differences": differences, "shown": shown, "noise": noise, "places": compared });
        format!("{json}\n")
    }

    /// A panic while the lock was held cannot have left half of a difference, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            metric::SHADOW_REQUESTS,
            "Requests that the other side was to be asked too, by what came of it",
            self.requests.clone(),
        );
        registry.register(
            metric::SHADOW_DIFFERENCES,
            "Places of answers where the sides differ: of the canonical one, or of the dialect's where something is only shown",
            self.differences.clone(),
        );
        registry.register(
            metric::SHADOW_NOISE,
            "Times the old side was asked twice, by whether it differed from itself",
            self.noise.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn different(place: String) -> Different {
        let (old, new) = ("string 1".to_owned(), "nothing".to_owned());
        let (dialect, operation) = ("acme".to_owned(), "list".to_owned());
        let is_shown = place.starts_with("dialect:");
        Different { request: None, dialect, operation, place, is_shown, what: "missing", old, new }
    }

    #[test]
    fn no_more_places_than_that_are_told_apart_and_no_more_differences_kept() {
        let shadow = ShadowMetrics::default();
        for number in 0..1000 {
            shadow.differs(&different(format!("/{number}")), SystemTime::UNIX_EPOCH);
        }
        shadow.differs(&different("/7".to_owned()), SystemTime::UNIX_EPOCH);
        let mut registry = Registry::default();
        shadow.register(&mut registry);
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        let lines = page.lines().filter(|line| line.starts_with("shadow_differences_total{")).count();
        assert_eq!(lines, PLACES_MAX + 1);
        assert!(page.contains(r#"place="other"} 950"#) && page.contains(r#"place="/7"} 2"#), "{page}");
        let json: serde_json::Value = serde_json::from_str(&shadow.json()).unwrap();
        let kept = json["differences"].as_array().unwrap();
        assert_eq!((kept.len(), &kept[0]["place"]), (KEPT_MAX, &json!("/7")));
    }

    #[test]
    fn what_is_only_shown_leaves_room_for_what_means_something() {
        let shadow = ShadowMetrics::default();
        shadow.differs(&different("/name".to_owned()), SystemTime::UNIX_EPOCH);
        for number in 0..1000 {
            shadow.differs(&different(format!("dialect:/{}", number % 60)), SystemTime::UNIX_EPOCH);
        }
        shadow.differs(&different("/title".to_owned()), SystemTime::UNIX_EPOCH);
        let json: serde_json::Value = serde_json::from_str(&shadow.json()).unwrap();
        let places = |of: &str| -> Vec<_> {
            json[of].as_array().unwrap().iter().map(|one| one["place"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(places("differences"), ["/title", "/name"]);
        let shown = places("shown");
        assert_eq!(
            (shown.len(), shown[0].as_str()),
            (60, "dialect:/39"),
            "each place once, the newest first"
        );
        let mut registry = Registry::default();
        shadow.register(&mut registry);
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        assert!(
            page.contains(r#"place="/title"} 1"#) && page.contains(r#"place="dialect:other"} "#),
            "{page}"
        );
    }

    #[test]
    fn each_outcome_has_a_counter_of_its_own() {
        let shadow = ShadowMetrics::default();
        let endings = shadow.endings(&"acme".into(), &"list".into());
        let outcomes = [ShadowOutcome::Same, ShadowOutcome::Dropped, ShadowOutcome::FailedOnce];
        for (at, outcome) in outcomes.into_iter().enumerate() {
            for _ in 0..=at {
                endings.count(outcome);
            }
        }
        // Whoever loads the mappings anew counts on.
        shadow.endings(&"acme".into(), &"list".into()).count(ShadowOutcome::Dropped);
        let mut registry = Registry::default();
        shadow.register(&mut registry);
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        for (outcome, count) in [("same", 1), ("dropped", 3), ("failed_once", 3)] {
            let line = format!(
                r#"shadow_requests_total{{dialect="acme",operation="list",outcome="{outcome}"}} {count}"#
            );
            assert!(page.lines().any(|written| written == line), "{line}\n{page}");
        }
    }
}

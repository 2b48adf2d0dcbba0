//! What comparing both sides of a dialect needs, and what is learnt by it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Tree;
use tokio::time::Instant;

use super::noise::Noise;
use super::{Config, Plan};
use crate::dialect::{Dialect, Operation, Registry};
use crate::telemetry::Places;
use crate::translate::compare::{Differences, Masks};
use crate::translate::reverse::back::Back;
use crate::translate::reverse::told::{Covers, Reader};

/// What reads the answers of both sides, and what is known of the old side's noise.
#[derive(Default)]
pub(super) struct Comparison {
    /// By operation: of those that only read.
    readers: HashMap<String, Reader>,
    /// Of those that change something, cases included; none where nothing is read back.
    changes: Vec<Change>,
    /// By operation: where what it is answered, or what it did, is compared.
    covers: HashMap<String, Arc<dyn Places>>,
    masks: Masks,
    /// By operation.
    noise: Mutex<HashMap<String, Noise>>,
}

impl fmt::Debug for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Comparison").field("readers", &self.readers).finish_non_exhaustive()
    }
}

impl Places for Covers {
    fn json(&self, of: (&str, &str), answers: u64) -> Tree {
        Covers::json(self, of, answers)
    }
}

/// How it is found out what an operation changed.
#[derive(Debug)]
pub(in crate::gateway) struct Change {
    operation: Arc<Operation>,
    /// What reads its own answers.
    pub(in crate::gateway) reader: Reader,
    /// How the record is read, if it can be.
    pub(in crate::gateway) back: Option<Back>,
}

impl Plan {
    /// How it is found out what an operation changed, or a case of one; none where that is not wanted.
    pub(in crate::gateway) fn change(&self, operation: &Arc<Operation>) -> Option<&Change> {
        self.comparison.as_ref()?.changes.iter().find(|change| Arc::ptr_eq(&change.operation, operation))
    }

    /// What reads the answers of an operation.
    pub(in crate::gateway) fn reader(&self, operation: &str) -> Option<&Reader> {
        self.comparison.as_ref()?.readers.get(operation)
    }

    /// Where answers to an operation are compared, or what it did.
    pub(in crate::gateway) fn covers(&self, operation: &str) -> Option<&Arc<dyn Places>> {
        self.comparison.as_ref()?.covers.get(operation)
    }

    /// How values of answers are hidden.
    pub(in crate::gateway) fn masks(&self) -> Option<&Masks> {
        self.comparison.as_ref().map(|comparison| &comparison.masks)
    }

    /// Whether it is known, and meant, that the old side shows something else there than the mapping does.
    pub(in crate::gateway) fn is_known(&self, place: &str) -> bool {
        self.config.knows(place)
    }

    /// Whether the old side is to be asked twice this time.
    pub(in crate::gateway) fn is_to_be_asked_twice(&self, operation: &str) -> bool {
        let share = u64::from(self.config.noise);
        self.noise(operation, |noise| noise.is_to_be_asked_twice(share)).unwrap_or(false)
    }

    /// Learns where the old side, first asked at `begun`, differs from itself; what is noise by now is returned.
    pub(in crate::gateway) fn learn(
        &self,
        operation: &str,
        between: &Differences,
        begun: Instant,
    ) -> Vec<String> {
        let learned = |noise: &mut Noise| {
            noise.learn(between, begun);
            noise.places().into_iter().map(str::to_owned).collect()
        };
        self.noise(operation, learned).unwrap_or_default()
    }

    /// The differences that are no noise.
    pub(in crate::gateway) fn without_noise(
        &self,
        operation: &str,
        mut differences: Differences,
    ) -> Differences {
        self.noise(operation, |noise| differences.drop_at(|place| noise.holds(place)));
        differences
    }

    fn noise<T>(&self, operation: &str, of: impl FnOnce(&mut Noise) -> T) -> Option<T> {
        let mut all = self.comparison.as_ref()?.noise();
        Some(of(all.entry(operation.to_owned()).or_default()))
    }
}

impl Comparison {
    pub(super) fn of(registry: &Registry, dialect: &Arc<Dialect>, config: &Config) -> Comparison {
        let api = registry.api();
        let (safe, others): (Vec<_>, Vec<_>) =
            dialect.operations.iter().partition(|operation| operation.is_safe());
        let reader = |one: &&Arc<Operation>| (one.name.clone(), Reader::offline(api, dialect, one));
        let change = |operation: &Arc<Operation>| Change {
            operation: Arc::clone(operation),
            reader: Reader::offline(api, dialect, operation),
            back: Back::of(api, dialect, operation),
        };
        let others = if config.read_back { others } else { Vec::new() };
        let covers = safe.iter().chain(&others).map(|operation| {
            let covers: Arc<dyn Places> = Arc::new(Covers::of(api, dialect, operation));
            (operation.name.clone(), covers)
        });
        let covers = covers.collect();
        let cases = |whole: &Arc<Operation>| {
            let cases = whole.cases.iter().map(|case| change(&case.operation));
            std::iter::once(change(whole)).chain(cases).collect::<Vec<_>>()
        };
        let changes: Vec<_> = others.into_iter().flat_map(cases).collect();
        let readers: HashMap<_, _> = safe.iter().map(reader).collect();
        Comparison { readers, changes, covers, ..Comparison::default() }
    }

    /// A panic while the lock was held cannot have left anything half learned, so poison is ignored.
    fn noise(&self) -> MutexGuard<'_, HashMap<String, Noise>> {
        self.noise.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

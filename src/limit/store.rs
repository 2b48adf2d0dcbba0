//! Where governor keeps what it knows of each principal: a table that cannot be made to grow.
//!
//! Governor's own tables grow by one entry per key, and whoever mints credentials mints keys. This one has a fixed
//! number of places. When they are taken, a principal it has never seen shares one of a few *stranger* places with
//! others like it, so that under a flood
//!
//! - those already known keep their own count,
//! - newcomers are limited together rather than not at all,
//! - memory stays where it was.
//!
//! A sweep of what has grown back to a full quota makes room again. The store raises a flag when one is needed; the
//! limiter, who knows the time, does it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use governor::{
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};

use crate::limit::Principal;

/// Independently locked parts, so that workers seldom meet.
const SHARDS: usize = 64;

/// Places per shard that newcomers share when all others are taken.
const STRANGERS: u8 = 16;

/// Principals and their theoretical arrival times.
#[derive(Debug)]
pub(super) struct Store {
    shards: [Mutex<HashMap<Principal, Nanos>>; SHARDS],
    shard_keys_max: usize,
    /// Raised when someone finds no place of its own.
    crowded: Arc<AtomicBool>,
}

impl Store {
    /// An empty store with room for about `keys_max` principals, which raises `crowded` when it is full.
    pub(super) fn new(keys_max: usize, crowded: Arc<AtomicBool>) -> Store {
        Store {
            shards: std::array::from_fn(|_| Mutex::default()),
            shard_keys_max: keys_max.div_ceil(SHARDS),
            crowded,
        }
    }

    fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, HashMap<Principal, Nanos>>> {
        self.shards.iter().map(lock)
    }
}

impl StateStore for Store {
    type Key = Principal;

    fn measure_and_replace<T, F, E>(&self, key: &Principal, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = lock(&self.shards[usize::from(key.0[0]) % SHARDS]);
        // Whoever is known has a place, and is looked for once.
        if let Some(known) = shard.get_mut(key) {
            let (outcome, arrival) = measure(Some(*known))?;
            *known = arrival;
            return Ok(outcome);
        }
        let key = if shard.len() < self.shard_keys_max {
            *key
        } else {
            self.crowded.store(true, Ordering::Relaxed);
            stranger(*key)
        };
        let (outcome, arrival) = measure(shard.get(&key).copied())?;
        shard.insert(key, arrival);
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<Principal> for Store {
    fn retain_recent(&self, drop_below: Nanos) {
        for mut shard in self.shards() {
            shard.retain(|_, arrival| *arrival > drop_below);
        }
    }

    fn len(&self) -> usize {
        self.shards().map(|shard| shard.len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.shards().all(|shard| shard.is_empty())
    }
}

/// The place `principal` shares with other newcomers. No digest looks like one: fourteen of its bytes are zero.
fn stranger(principal: Principal) -> Principal {
    let mut place = [0; 16];
    place[15] = principal.0[15] % STRANGERS;
    Principal(place)
}

/// A panic while the lock was held cannot have left half an entry behind, so poison is ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(keys_max: usize) -> (Store, Arc<AtomicBool>) {
        let crowded = Arc::default();
        (Store::new(keys_max, Arc::clone(&crowded)), crowded)
    }

    /// Adds one nanosecond to whatever is stored, and returns what was.
    fn touch(store: &Store, principal: Principal) -> Option<Nanos> {
        let outcome: Result<_, ()> = store.measure_and_replace(&principal, |arrival| {
            let next = Nanos::new(arrival.map_or(0, Nanos::as_u64) + 1);
            Ok((arrival, next))
        });
        outcome.unwrap()
    }

    fn number(n: u32) -> Principal {
        Principal::of(&n.to_be_bytes())
    }

    #[test]
    fn a_flood_of_newcomers_does_not_grow_the_table() {
        let (store, crowded) = store(640);
        for n in 0..20_000 {
            touch(&store, number(n));
        }
        assert!(crowded.load(Ordering::Relaxed));
        assert!(store.len() <= 640 + SHARDS * usize::from(STRANGERS), "{}", store.len());
    }

    #[test]
    fn the_known_keep_their_place_in_a_flood() {
        let (store, _) = store(64);
        let known = number(7);
        touch(&store, known);
        for n in 100..2_000 {
            touch(&store, number(n));
        }
        assert_eq!(touch(&store, known), Some(Nanos::new(1)));
    }

    #[test]
    fn newcomers_are_counted_together_when_there_is_no_place_left() {
        let (store, _) = store(0);
        let places = SHARDS * usize::from(STRANGERS);
        let visits = 10 * u32::try_from(places).unwrap();
        for n in 0..visits {
            touch(&store, number(n));
        }
        let total: u64 =
            store.shards().flat_map(|shard| shard.values().map(|at| at.as_u64()).collect::<Vec<_>>()).sum();
        assert_eq!(total, u64::from(visits));
        assert!(store.len() <= places);
    }

    #[test]
    fn a_sweep_drops_what_is_old_and_keeps_what_is_not() {
        let (store, _) = store(64);
        let (busy, idle) = (number(1), number(2));
        for _ in 0..10 {
            touch(&store, busy);
        }
        touch(&store, idle);
        store.retain_recent(Nanos::new(9));
        assert_eq!(touch(&store, busy), Some(Nanos::new(10)));
        assert_eq!(touch(&store, idle), None);
    }

    #[test]
    fn a_refused_measurement_leaves_no_trace() {
        let (store, _) = store(64);
        let refused: Result<(), _> = store.measure_and_replace(&number(1), |_| Err("no"));
        assert_eq!(refused, Err("no"));
        assert!(store.is_empty());
    }
}

//! When something was last written, so that what was found before is not believed any more.
//!
//! The moments stand in a table of a fixed size, by the hash of what was written. Two things that share a place share
//! its newest write: one of them is doubted without need and looked up once more, but no write is ever forgotten, however
//! many others follow it, and noting one takes neither a lock nor memory.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use tokio::time::Instant;

/// Places in the table: 128 KiB, and at a thousand collections under way one in sixteen shares its place.
const PLACES: usize = 1 << 14;

/// The newest write of everything.
#[derive(Debug)]
pub(super) struct Writes {
    /// Nanoseconds since `begun`, plus one; zero for never.
    places: Box<[AtomicU64]>,
    begun: Instant,
    /// Keyed at random, so that nobody can choose names that share a place with another's.
    hashing: RandomState,
}

impl Writes {
    pub(super) fn new() -> Writes {
        let places = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Writes { places, begun: Instant::now(), hashing: RandomState::default() }
    }

    /// Notes that `what` is written at this moment.
    pub(super) fn note(&self, what: impl Hash, at: Instant) {
        self.place(what).fetch_max(self.nanos(at) + 1, Ordering::Relaxed);
    }

    /// Whether `what` may have been written at that moment or later.
    pub(super) fn is_written_since(&self, what: impl Hash, moment: Instant) -> bool {
        self.place(what).load(Ordering::Relaxed) > self.nanos(moment)
    }

    fn place(&self, what: impl Hash) -> &AtomicU64 {
        let hash = usize::try_from(self.hashing.hash_one(what) % PLACES as u64);
        &self.places[hash.expect("less than the number of places")]
    }

    /// Half a millennium fits.
    fn nanos(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.begun).as_nanos()).unwrap_or(u64::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_write_is_forgotten_however_many_follow(writes in prop::collection::vec((0..40_000u32, 0..50u64), 1..200)) {
            let (table, mut now) = (Writes::new(), Instant::now());
            let mut newest = std::collections::HashMap::new();
            for (what, later) in writes {
                now += Duration::from_nanos(later);
                table.note(what, now);
                newest.insert(what, now);
            }
            for (what, at) in newest {
                prop_assert!(table.is_written_since(what, at));
            }
        }
    }

    #[test]
    fn what_was_written_before_a_moment_was_not_written_since() {
        let (table, now) = (Writes::new(), Instant::now());
        assert!(!table.is_written_since("a", now));
        table.note("a", now);
        assert!(table.is_written_since("a", now));
        assert!(!table.is_written_since("a", now + Duration::from_nanos(1)));
        let untouched = (0..100).filter(|other| !table.is_written_since(other, now)).count();
        assert!(untouched > 90, "of a hundred others hardly one shares its place");
    }
}

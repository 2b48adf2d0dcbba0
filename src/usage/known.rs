//! Who is known: a set in which every worker looks, and to which whoever is confirmed comes at once, by whichever worker.
//!
//! Nobody waits here. Who looks only reads: however many strangers come, no processor takes a word away from another. Who adds
//! writes, once for each newcomer.
//!
//! Nobody is taken out, either. When enough have come, another set is made of those who are to stay ([`Book`]), and takes the
//! place of the first. Until every worker has it there are two: whoever still has the first adds to both and looks in both.
//!
//! [`Book`]: super::Book

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use crate::limit::Principal;

/// Stands where nobody does.
const NOBODY: u64 = 0;

/// The set. Of a principal it has 64 bits, by which it takes less than one stranger in 10^16 for somebody whom it has.
///
/// A tag is written once and never changes, and nothing but tags is read: so no order is asked of the memory. Whoever hears that
/// somebody was added, as a client does by being answered, finds them.
pub(super) struct Known {
    /// Each stands in the first place that was free from its own on, and behind the last comes the first.
    tags: Box<[AtomicU64]>,
    count: AtomicUsize,
    /// Nobody outside chooses who stand side by side.
    keys: RandomState,
    /// What takes its place.
    next: OnceLock<Arc<Known>>,
}

impl Known {
    /// One with room for so many, half of which is free when they are there.
    pub(super) fn with_room(room: usize) -> Known {
        let tags = (0..room.max(1) * 2).map(|_| AtomicU64::new(NOBODY)).collect();
        Known { tags, count: AtomicUsize::new(0), keys: RandomState::default(), next: OnceLock::new() }
    }

    /// How many it has room for.
    pub(super) fn room(&self) -> usize {
        self.tags.len() / 2
    }

    /// Whether that principal is there.
    pub(super) fn has(&self, who: &Principal) -> bool {
        let tag = self.tag(who);
        let tags = self.places(tag).map(|place| place.load(Ordering::Relaxed));
        tags.take_while(|found| *found != NOBODY).any(|found| found == tag)
            || self.next.get().is_some_and(|next| next.has(who))
    }

    /// Adds that principal. Without a free place nobody is added; it is never left to come to that.
    pub(super) fn add(&self, who: &Principal) {
        self.put(self.tag(who));
        if let Some(next) = self.next.get() {
            next.add(who);
        }
    }

    /// Whether it is a good time to make another.
    pub(super) fn is_filling(&self) -> bool {
        self.count() * 8 > self.tags.len() * 5
    }

    /// Whether it is high time for that.
    pub(super) fn is_almost_full(&self) -> bool {
        self.count() * 4 > self.tags.len() * 3
    }

    /// What is to take its place, to which whoever is added here is added, too, from now on.
    pub(super) fn next(&self, make: impl FnOnce() -> Known) -> Arc<Known> {
        Arc::clone(self.next.get_or_init(|| Arc::new(make())))
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn tag(&self, who: &Principal) -> u64 {
        self.keys.hash_one(who).max(NOBODY + 1)
    }

    /// Where a tag may be, from its own place on.
    fn places(&self, tag: u64) -> impl Iterator<Item = &AtomicU64> {
        // As far from the beginning as the tag is from zero.
        let own = (u128::from(tag) * self.tags.len() as u128) >> u64::BITS;
        let (before, after) = self.tags.split_at(usize::try_from(own).unwrap_or_default());
        after.iter().chain(before)
    }

    fn put(&self, tag: u64) {
        for place in self.places(tag) {
            let mut found = place.load(Ordering::Relaxed);
            if found == NOBODY {
                match place.compare_exchange(NOBODY, tag, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        self.count.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    // Another was faster: perhaps with the same.
                    Err(other) => found = other,
                }
            }
            if found == tag {
                return;
            }
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("count", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn who(number: u32) -> Principal {
        Principal::of(&number.to_be_bytes())
    }

    #[test]
    fn whoever_was_added_is_there_and_nobody_else() {
        // Down to the last free place.
        for room in [0, 1, 50, 128] {
            let known = Known::with_room(room);
            let places = u32::try_from(known.tags.len()).unwrap();
            for number in 0..places {
                assert_eq!(known.count(), number as usize);
                assert!(!known.has(&who(number)));
                // Twice is once.
                known.add(&who(number));
                known.add(&who(number));
            }
            assert!((0..places).all(|number| known.has(&who(number))));
            assert!((places..2 * places).all(|number| !known.has(&who(number))));
            // There is no room, and no end is missed.
            known.add(&who(places));
            assert!(!known.has(&who(places)));
        }
    }

    #[test]
    fn it_tells_when_another_is_to_be_made() {
        let known = Known::with_room(40);
        let mut told = Vec::new();
        for number in 0..80 {
            known.add(&who(number));
            told.push([known.is_filling(), known.is_almost_full()]);
        }
        let first = |at: usize| told.iter().position(|told| told[at]);
        assert_eq!([first(0), first(1)], [Some(50), Some(60)], "more than five and than six eighths");
    }

    #[test]
    fn while_another_takes_its_place_both_know_whoever_comes() {
        let first = Known::with_room(10);
        first.add(&who(1));
        let next = first.next(|| Known::with_room(10));
        first.add(&who(2));
        next.add(&who(3));
        assert_eq!([1, 2, 3].map(|number| first.has(&who(number))), [true; 3]);
        assert_eq!([1, 2, 3].map(|number| next.has(&who(number))), [false, true, true]);
        assert!(Arc::ptr_eq(&next, &first.next(|| unreachable!("there is one"))));
    }

    #[test]
    fn several_add_at_once_and_nobody_is_there_twice_or_missing() {
        const EACH: u32 = 2000;
        let known = Known::with_room(4 * EACH as usize);
        thread::scope(|scope| {
            for adder in 0..4 {
                let known = &known;
                scope.spawn(move || {
                    for number in 0..EACH {
                        // Some of its own, and some that the next one adds as well.
                        known.add(&who(adder * EACH / 2 + number));
                        assert!(known.has(&who(adder * EACH / 2 + number)));
                    }
                });
            }
        });
        let all = 5 * EACH / 2;
        assert_eq!(known.count(), all as usize);
        assert!((0..all).all(|number| known.has(&who(number))));
    }
}

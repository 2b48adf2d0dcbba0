//! Which side was first asked with an `Idempotency-Key`. The other side has never heard of the key, so whoever tries again
//! after a switch would have made twice what was made; so a key stays with its side, whatever the mode says by then.
//!
//! It is known in this process alone, and of a key that nobody has asked a side with nothing is kept.
//!
//! Law: as long as a key is known, no two sides are asked with it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Side;

/// How many keys of a dialect, its generations included, are known. The oldest are forgotten first.
const KEYS_MAX: usize = 1 << 16;

/// How long one is known, from when it was first used: longer than most servers keep theirs.
const KEPT: Duration = Duration::from_hours(24);

/// A request that is known again by its key: a digest of that, of whose it is, and of what it asks for.
pub(in crate::gateway) type Name = [u8; 16];

/// The keys of one dialect, and its generations.
#[derive(Default)]
pub(in crate::gateway) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_name: HashMap<Name, One>,
    /// In the order in which they came.
    by_number: BTreeMap<u64, (Name, Instant)>,
    next: u64,
}

struct One {
    side: Side,
    number: u64,
    /// How many requests with it are under way.
    under_way: usize,
    /// Whether something may have been done for one of them.
    may_be_done: bool,
}

/// Where a key belongs.
pub(in crate::gateway) struct Held {
    pub(in crate::gateway) side: Side,
    keys: Arc<Keys>,
    name: Name,
    number: u64,
    /// Whether nothing was done for this request, and nobody was told otherwise.
    is_released: bool,
}

/// Shows no keys.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// The side that is to be asked with a key: the one that was first, or this one, which is from now on.
    pub(in crate::gateway) fn hold(self: &Arc<Keys>, name: Name, side: Side) -> Held {
        let now = Instant::now();
        let mut known = self.known();
        known.forget(|count, came| count > KEYS_MAX || now.duration_since(came) >= KEPT);
        let keys = Arc::clone(self);
        if let Some(one) = known.by_name.get_mut(&name) {
            one.under_way += 1;
            return Held { side: one.side, keys, name, number: one.number, is_released: false };
        }
        let number = known.next;
        known.next += 1;
        known.by_name.insert(name, One { side, number, under_way: 1, may_be_done: false });
        known.by_number.insert(number, (name, now));
        known.forget(|count, _| count > KEYS_MAX);
        drop(known);
        Held { side, keys, name, number, is_released: false }
    }

    /// A panic while the lock was held cannot have left anything that asks two sides, so poison is ignored.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Forgets the oldest, as long as that is so of how many there are and when it came.
    fn forget(&mut self, is_to_go: impl Fn(usize, Instant) -> bool) {
        while let Some(oldest) = self.by_number.first_entry() {
            let (name, came) = *oldest.get();
            if !is_to_go(self.by_name.len(), came) {
                return;
            }
            oldest.remove();
            self.by_name.remove(&name);
        }
    }
}

impl Held {
    /// Nothing was done for this request, and nobody was told otherwise. With the last that is under way the key is not known any
    /// more, if that is so of all of them.
    pub(in crate::gateway) fn release(mut self) {
        self.is_released = true;
    }
}

impl Drop for Held {
    /// Of a request whose client has left nobody knows what was done.
    fn drop(&mut self) {
        let mut known = self.keys.known();
        // It may have been forgotten, and come anew.
        let Some(one) = known.by_name.get_mut(&self.name).filter(|one| one.number == self.number) else {
            return;
        };
        one.under_way -= 1;
        one.may_be_done |= !self.is_released;
        if one.under_way == 0 && !one.may_be_done {
            known.by_name.remove(&self.name);
            known.by_number.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn name(number: usize) -> Name {
        (number as u128).to_be_bytes()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_stays_with_its_side_for_a_day() {
        let keys = Arc::new(Keys::default());
        assert_eq!(keys.hold(name(1), Side::Legacy).side, Side::Legacy);
        let second = Duration::from_secs(1);
        advance(KEPT.saturating_sub(second)).await;
        assert_eq!(keys.hold(name(1), Side::Canonical).side, Side::Legacy);
        assert_eq!(keys.hold(name(2), Side::Canonical).side, Side::Canonical);
        // From when it was first used.
        advance(second).await;
        assert_eq!(keys.hold(name(1), Side::Canonical).side, Side::Canonical);
        assert_eq!(keys.hold(name(2), Side::Legacy).side, Side::Canonical);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_was_asked_with_is_free_again_unless_somebody_else_came_with_it() {
        let keys = Arc::new(Keys::default());
        keys.hold(name(1), Side::Legacy).release();
        assert_eq!(keys.hold(name(1), Side::Canonical).side, Side::Canonical);
        keys.hold(name(1), Side::Legacy).release();
        assert_eq!(keys.hold(name(1), Side::Legacy).side, Side::Canonical, "it was known before");
        let first = keys.hold(name(2), Side::Legacy);
        let second = keys.hold(name(2), Side::Canonical);
        assert_eq!(second.side, Side::Legacy);
        first.release();
        assert_eq!(keys.hold(name(2), Side::Canonical).side, Side::Legacy, "the second may be under way");
        let (first, second) = (keys.hold(name(4), Side::Legacy), keys.hold(name(4), Side::Legacy));
        first.release();
        second.release();
        assert_eq!(keys.hold(name(4), Side::Canonical).side, Side::Canonical, "nothing was done for either");
        // One that was forgotten meanwhile is another's by now.
        let late = keys.hold(name(3), Side::Legacy);
        advance(KEPT).await;
        keys.hold(name(3), Side::Canonical);
        late.release();
        assert_eq!(keys.hold(name(3), Side::Legacy).side, Side::Canonical);
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_the_oldest_are_forgotten_and_those_that_were_released_take_no_room() {
        let keys = Arc::new(Keys::default());
        for number in 0..KEYS_MAX {
            keys.hold(name(KEYS_MAX + 1), Side::Legacy).release();
            keys.hold(name(number), Side::Legacy);
        }
        assert_eq!(keys.known().by_name.len(), KEYS_MAX);
        assert_eq!(keys.hold(name(0), Side::Canonical).side, Side::Legacy, "all of them are known");
        keys.hold(name(KEYS_MAX), Side::Legacy);
        assert_eq!(keys.known().by_name.len(), KEYS_MAX);
        assert_eq!(keys.known().by_number.len(), KEYS_MAX);
        assert_eq!(keys.hold(name(1), Side::Canonical).side, Side::Legacy);
        assert_eq!(keys.hold(name(0), Side::Canonical).side, Side::Canonical, "the oldest is not");
    }
}

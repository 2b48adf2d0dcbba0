//! The heavy users of a stream, counted in bounded memory, each with the most it can be wrong by.
//!
//! The algorithm is Space-Saving (Metwally, Agrawal, El Abbadi: *Efficient Computation of Frequent and Top-k Elements in Data
//! Streams*, 2005). A table has room for so many keys. When it is full, a new key takes the place of the one that was
//! counted least, and its count, as what it may be wrong by. Of `total` uses and room for `m` keys
//!
//! - no count is too small, and none is too large by more than `total / m`;
//! - every key that was used more than `total / m` times is there;
//! - as long as there were no more than `m` different keys, everything is exact.
//!
//! Many uses of one key may be added at once: that is the same as one after the other. A property states each of these.
//!
//! A table never asks what time it is, and asks for no memory after it was made.

use std::collections::HashMap;
use std::hash::Hash;

/// The heavy users among what was added.
#[derive(Clone, Debug)]
pub struct Heavy<K> {
    /// A heap: whatever was counted least comes first.
    slots: Vec<Slot<K>>,
    /// Where in the heap a key is.
    places: HashMap<K, u32>,
    room: usize,
    total: u64,
    /// How often, at most, a key was added that is not there although there is room.
    floor: u64,
}

#[derive(Clone, Debug)]
struct Slot<K> {
    what: Use<K>,
    /// Which line of a file holds it, whatever key is in it.
    row: u32,
    has_changed: bool,
}

/// How often something was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<K> {
    /// What.
    pub key: K,
    /// How often, at most.
    pub count: u64,
    /// How much less than that it may have been.
    pub error: u64,
    /// When it was first used since it is counted: a moment in whatever unit the caller has.
    pub first: u64,
    /// When it was last used.
    pub last: u64,
}

impl<K> Use<K> {
    /// The same of another key.
    pub fn of<T>(&self, key: T) -> Use<T> {
        let Use { count, error, first, last, .. } = *self;
        Use { key, count, error, first, last }
    }

    /// The same where so many uses were not counted that may have been of this key: as many more at most, and as many no
    /// surer.
    #[must_use]
    pub fn but_for(self, lost: u64) -> Use<K> {
        Use { count: self.count + lost, error: self.error + lost, ..self }
    }

    /// Adds what was counted of the same key elsewhere, or before.
    pub fn join<T>(&mut self, other: &Use<T>) {
        self.count += other.count;
        self.error += other.error;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Uses of one key, one or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many.
    pub count: u64,
    /// When the first was.
    pub first: u64,
    /// When the last was.
    pub last: u64,
}

impl Seen {
    /// One use at that moment.
    pub fn once(now: u64) -> Seen {
        Seen { count: 1, first: now, last: now }
    }
}

impl<K: Copy + Eq + Hash> Heavy<K> {
    /// A table with room for so many keys; for one, if for none.
    pub fn new(room: usize) -> Heavy<K> {
        let room = room.clamp(1, u32::MAX as usize);
        // A map in which keys come and go is put in order where it is, instead of growing, if half of it is free.
        let places = HashMap::with_capacity(room * 2 + 2);
        Heavy { slots: Vec::with_capacity(room), places, room, total: 0, floor: 0 }
    }

    /// A table that goes on from what another knew, in the order of its rows. Where it has less room, the heaviest stay,
    /// and get other rows.
    pub fn restored(room: usize, mut uses: Vec<Use<K>>, total: u64, missed: u64) -> Heavy<K> {
        let mut heavy = Heavy { total, floor: missed, ..Heavy::new(room) };
        let is_smaller = uses.len() > heavy.room;
        if is_smaller {
            uses.sort_by_key(|one| std::cmp::Reverse(one.count));
            heavy.floor = missed.max(uses[heavy.room].count);
            uses.truncate(heavy.room);
        }
        for what in uses {
            let at = heavy.slots.len();
            heavy.places.insert(what.key, place(at));
            heavy.slots.push(Slot { what, row: place(at), has_changed: is_smaller });
            heavy.rise(at);
        }
        heavy
    }

    /// Counts one use at that moment.
    pub fn add(&mut self, key: K, now: u64) {
        self.add_all(key, Seen::once(now));
    }

    /// Counts uses of one key.
    pub fn add_all(&mut self, key: K, seen: Seen) {
        self.total += seen.count;
        if let Some(&at) = self.places.get(&key) {
            let slot = &mut self.slots[at as usize];
            slot.what.count += seen.count;
            slot.what.first = slot.what.first.min(seen.first);
            slot.what.last = slot.what.last.max(seen.last);
            slot.has_changed = true;
            self.sink(at as usize);
            return;
        }
        let error = self.missed();
        let what = Use { key, count: error + seen.count, error, first: seen.first, last: seen.last };
        if self.slots.len() < self.room {
            let at = self.slots.len();
            self.slots.push(Slot { what, row: place(at), has_changed: true });
            self.places.insert(key, place(at));
            self.rise(at);
        } else {
            let least = &mut self.slots[0];
            self.places.remove(&least.what.key);
            least.what = what;
            least.has_changed = true;
            self.places.insert(key, 0);
            self.sink(0);
        }
    }

    /// What it knows of a key.
    pub fn of(&self, key: &K) -> Option<&Use<K>> {
        self.places.get(key).map(|at| &self.slots[*at as usize].what)
    }

    /// Everything it knows, in no order.
    pub fn uses(&self) -> impl Iterator<Item = &Use<K>> {
        self.slots.iter().map(|slot| &slot.what)
    }

    /// What changed since this was asked last, with the number of the row it is in: what was in that row before is not
    /// there any more.
    pub fn changes(&mut self) -> Vec<(u32, Use<K>)> {
        // Asked for at once: a vector that grows takes up to three times as much for a moment.
        let count = self.slots.iter().filter(|slot| slot.has_changed).count();
        let mut changes = Vec::with_capacity(count);
        for slot in self.slots.iter_mut().filter(|slot| slot.has_changed) {
            slot.has_changed = false;
            changes.push((slot.row, slot.what));
        }
        changes
    }

    /// Takes everything for changed.
    pub fn change_all(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.has_changed = true);
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How often something was added.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How often, at most, a key was added that is not there.
    pub fn missed(&self) -> u64 {
        let least = self.slots.first().filter(|_| self.slots.len() >= self.room);
        least.map_or(0, |least| least.what.count).max(self.floor)
    }

    fn count(&self, at: usize) -> u64 {
        self.slots[at].what.count
    }

    /// Moves a slot towards the front, where less was counted.
    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let above = (at - 1) / 2;
            if self.count(above) <= self.count(at) {
                break;
            }
            self.swap(above, at);
            at = above;
        }
    }

    /// Moves a slot towards the end, where more was counted.
    fn sink(&mut self, mut at: usize) {
        loop {
            let below = [at * 2 + 1, at * 2 + 2].into_iter().filter(|below| *below < self.slots.len());
            let Some(least) = below.min_by_key(|below| self.count(*below)) else { return };
            if self.count(at) <= self.count(least) {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.slots.swap(one, other);
        for at in [one, other] {
            self.places.insert(self.slots[at].what.key, place(at));
        }
    }
}

/// A place as it is kept; no table has room for more.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

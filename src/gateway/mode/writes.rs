//! Which changes of one record were under way at the same time.
//!
//! Whoever reads back what a change did has to know whether somebody else has changed the record since, or was at it
//! meanwhile: then what is read says nothing of the change. Changes are known by a digest of what they are about, and
//! those that share one by chance are taken for changes of one record: then less is told, but nothing untrue.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::canonical::id::IdForm;

/// How many records are told apart.
const SLOTS: usize = 1024;

/// The changes that go through this process, of one dialect and its generations.
#[derive(Default)]
pub(super) struct Writes {
    key: RandomState,
    book: Mutex<Book>,
}

/// Shows nothing of the records.
impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writes").finish_non_exhaustive()
    }
}

struct Book {
    /// Counts beginnings and ends.
    now: u64,
    /// Changes go another way now, and none of them stands here.
    is_closed: bool,
    slots: Box<[Slot]>,
}

/// What is known of the changes of one record.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// When one last began or ended.
    last: u64,
    under_way: u32,
}

impl Default for Book {
    fn default() -> Book {
        Book { now: 0, is_closed: false, slots: vec![Slot::default(); SLOTS].into() }
    }
}

/// A change under way. It ends when this is dropped, too: whoever called may have left.
#[derive(Debug)]
pub(in crate::gateway) struct Writing {
    all: Arc<Writes>,
    slot: usize,
    /// When it began; none if another was under way then.
    began: Option<u64>,
}

/// When a change ended, and whether nobody else was at its record meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Passage {
    ended: u64,
    was_alone: bool,
}

impl Writes {
    /// A change begins of what these texts name.
    pub(super) fn begin<'t>(self: &Arc<Self>, names: impl Iterator<Item = &'t str>) -> Writing {
        let slot = self.slot(names);
        let mut book = self.book();
        let (now, before) = book.stamp(slot);
        book.slots[slot].under_way += 1;
        drop(book);
        Writing { all: Arc::clone(self), slot, began: (before.under_way == 0).then_some(now) }
    }

    /// Whether nobody else has changed what these texts name since that change began, nor is about to.
    pub(super) fn are_none_since<'t>(&self, passage: Passage, names: impl Iterator<Item = &'t str>) -> bool {
        let book = self.book();
        let Slot { last, under_way } = book.slots[self.slot(names)];
        passage.was_alone && last <= passage.ended && under_way == 0 && !book.is_closed
    }

    /// Changes that begin from now on are noted elsewhere, if at all: of none before is it known any more to be the last.
    pub(super) fn close(&self) {
        self.book().is_closed = true;
    }

    fn slot<'t>(&self, names: impl Iterator<Item = &'t str>) -> usize {
        let digest = self.key.hash_one(names.map(meant).collect::<Vec<_>>());
        usize::try_from(digest % SLOTS as u64).unwrap_or_default()
    }

    /// A panic while the lock was held cannot have left anything half counted, so poison is ignored.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One spelling of what a name may be spelt as: clients may write one id in several forms, and a word in either case.
fn meant(name: &str) -> String {
    let id = [IdForm::Uuid, IdForm::ShortUuid].iter().find_map(|form| form.read(name).ok());
    id.map_or_else(|| name.to_lowercase(), |id| id.to_string())
}

impl Book {
    /// Something begins or ends: when, and what was known before.
    fn stamp(&mut self, slot: usize) -> (u64, Slot) {
        self.now += 1;
        let before = self.slots[slot];
        self.slots[slot].last = self.now;
        (self.now, before)
    }
}

impl Writing {
    /// It has ended.
    pub(in crate::gateway) fn end(mut self) -> Passage {
        // What is dropped after this has ended already.
        let began = self.began.take();
        let (ended, last) = self.ended();
        self.slot = usize::MAX;
        Passage { ended, was_alone: began == Some(last) }
    }

    /// Counts the end: when it is, and when something last began or ended before.
    fn ended(&self) -> (u64, u64) {
        let mut book = self.all.book();
        let (now, before) = book.stamp(self.slot);
        book.slots[self.slot].under_way -= 1;
        (now, before.last)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.slot < SLOTS {
            self.ended();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'t>(all: &[&'t str]) -> impl Iterator<Item = &'t str> {
        all.iter().copied()
    }

    #[test]
    fn a_change_is_alone_unless_another_of_the_record_overlaps_or_follows() {
        let all = Arc::new(Writes::default());
        let alone = all.begin(names(&["org", "ada"])).end();
        assert!(all.are_none_since(alone, names(&["org", "ada"])));

        let other = all.begin(names(&["org", "ada"]));
        assert!(!all.are_none_since(alone, names(&["org", "ada"])), "another is under way");
        drop(other);
        assert!(
            !all.are_none_since(alone, names(&["org", "ada"])),
            "another has been, whatever became of it"
        );

        let first = all.begin(names(&["org", "ada"]));
        let second = all.begin(names(&["org", "ada"])).end();
        let first = first.end();
        assert!(!all.are_none_since(first, names(&["org", "ada"])), "the other was inside");
        assert!(!all.are_none_since(second, names(&["org", "ada"])), "it was not alone when it began");

        let last = all.begin(names(&["org", "ada"])).end();
        assert!(all.are_none_since(last, names(&["org", "ada"])));
        all.close();
        assert!(!all.are_none_since(last, names(&["org", "ada"])), "later ones are noted elsewhere");
    }

    #[test]
    fn one_record_is_one_however_it_is_spelt() {
        for (one, other) in [
            ("3c90c3cc-0d44-4b50-8888-8dd25736052a", "3C90C3CC-0D44-4B50-8888-8DD25736052A"),
            ("3c90c3cc-0d44-4b50-8888-8dd25736052a", "CnEqURgZ3swzj528KMLvX5"),
            ("ada@example.com", "Ada@Example.com"),
        ] {
            let all = Arc::new(Writes::default());
            let alone = all.begin(names(&["org", one])).end();
            all.begin(names(&["org", other])).end();
            assert!(!all.are_none_since(alone, names(&["org", one])), "{one} {other}");
        }
    }

    #[test]
    fn what_is_made_is_looked_at_under_the_name_it_got() {
        let all = Arc::new(Writes::default());
        let made = all.begin(names(&["org"])).end();
        assert!(all.are_none_since(made, names(&["org", "new"])));
        all.begin(names(&["org", "new"])).end();
        assert!(!all.are_none_since(made, names(&["org", "new"])));
    }
}

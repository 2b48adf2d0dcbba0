//! Which changes of one record were under way at the same time.
//!
//! Whoever reads back what a change did, or compares what both sides tell of a record, has to know whether somebody else has
//! changed the record since, or was at it meanwhile: then what is read says nothing. Changes are known by a digest of what they
//! are about, and those that share one by chance are taken for changes of one record: then less is told, but nothing untrue.
//!
//! Each change is noted, whichever mode it is made in, so noting one takes neither a lock nor memory: whoever is answered
//! never waits for whoever compares.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use crate::canonical::id::IdForm;

/// How many records are told apart.
const SLOTS: usize = 1024;

/// The changes that go through this process, of one dialect and its generations.
pub(super) struct Writes {
    key: RandomState,
    /// Counts beginnings and ends.
    now: AtomicU64,
    /// Changes are noted elsewhere now, if at all, and none of them stands here.
    is_closed: AtomicBool,
    slots: Box<[Slot]>,
}

impl Default for Writes {
    fn default() -> Writes {
        let slots = std::iter::repeat_with(Slot::default).take(SLOTS).collect();
        Writes { key: RandomState::new(), now: AtomicU64::new(0), is_closed: AtomicBool::new(false), slots }
    }
}

/// Shows nothing of the records.
impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writes").finish_non_exhaustive()
    }
}

/// What is known of the changes of one record, in one word: [`Known`].
#[derive(Default)]
struct Slot(AtomicU64);

/// Bits of how many changes are under way: a million, which is more than there may be requests.
const UNDER_WAY_BITS: u32 = 20;

/// What a slot says. Beginnings and ends have 44 bits: a million a second for half a year, or ten thousand for fifty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    /// When a change last began or ended.
    last: u64,
    under_way: u64,
}

impl Known {
    fn read(word: u64) -> Known {
        Known { last: word >> UNDER_WAY_BITS, under_way: word & ((1 << UNDER_WAY_BITS) - 1) }
    }

    fn word(self) -> u64 {
        self.last << UNDER_WAY_BITS | self.under_way
    }
}

impl Slot {
    fn known(&self) -> Known {
        Known::read(self.0.load(SeqCst))
    }

    /// Something begins or ends at that time, so that so many are under way; what was known before is returned. Who took an
    /// earlier time may come here later: the latest stays.
    fn note(&self, now: u64, under_way: impl Fn(u64) -> u64) -> Known {
        let noted = |word| {
            let before = Known::read(word);
            Known { last: before.last.max(now), under_way: under_way(before.under_way) }.word()
        };
        let mut word = self.0.load(SeqCst);
        loop {
            match self.0.compare_exchange_weak(word, noted(word), SeqCst, SeqCst) {
                Ok(before) => return Known::read(before),
                Err(other) => word = other,
            }
        }
    }
}

/// A change under way. It ends when this is dropped, too: whoever called may have left.
#[derive(Debug)]
pub(in crate::gateway) struct Writing {
    all: Arc<Writes>,
    slot: usize,
    /// When it began; none if another was under way then.
    began: Option<u64>,
    has_ended: bool,
}

/// Since when a record has to be unchanged: the end of a change, and whether nobody else was at its record meanwhile; or the
/// beginning of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) struct Passage {
    ended: u64,
    was_alone: bool,
}

impl Writes {
    /// A change begins of what these texts name.
    pub(super) fn begin<'t>(self: &Arc<Self>, names: impl Iterator<Item = &'t str>) -> Writing {
        let slot = self.slot(names);
        let now = self.tick();
        let before = self.slots[slot].note(now, |under_way| under_way + 1);
        let began = (before.under_way == 0).then_some(now);
        Writing { all: Arc::clone(self), slot, began, has_ended: false }
    }

    /// A look begins: what is changed from now on, or is being changed, may be seen in it or not.
    pub(super) fn look(&self) -> Passage {
        Passage { ended: self.now.load(SeqCst), was_alone: true }
    }

    /// Whether nobody else has changed what these texts name since then, nor is about to.
    pub(super) fn are_none_since<'t>(&self, passage: Passage, names: impl Iterator<Item = &'t str>) -> bool {
        let Known { last, under_way } = self.slots[self.slot(names)].known();
        passage.was_alone && last <= passage.ended && under_way == 0 && !self.is_closed.load(SeqCst)
    }

    /// Changes that begin from now on are noted elsewhere, if at all: of none before is it known any more to be the last.
    pub(super) fn close(&self) {
        self.is_closed.store(true, SeqCst);
    }

    fn tick(&self) -> u64 {
        self.now.fetch_add(1, SeqCst) + 1
    }

    fn slot<'t>(&self, names: impl Iterator<Item = &'t str>) -> usize {
        let digest = self.key.hash_one(names.map(meant).collect::<Vec<_>>());
        usize::try_from(digest % SLOTS as u64).unwrap_or_default()
    }
}

/// One spelling of what a name may be spelt as: clients may write one id in several forms, and a word in either case.
pub(super) fn meant(name: &str) -> String {
    let id = [IdForm::Uuid, IdForm::ShortUuid].iter().find_map(|form| form.read(name).ok());
    id.map_or_else(|| name.to_lowercase(), |id| id.to_string())
}

impl Writing {
    /// It has ended.
    pub(in crate::gateway) fn end(mut self) -> Passage {
        self.ended()
    }

    /// Notes the end. It was alone if nobody else is under way, and what was noted last is its own beginning.
    fn ended(&mut self) -> Passage {
        self.has_ended = true;
        let ended = self.all.tick();
        let before = self.all.slots[self.slot].note(ended, |under_way| under_way.saturating_sub(1));
        Passage { ended, was_alone: before.under_way == 1 && self.began == Some(before.last) }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.has_ended {
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

    /// The name of a record that is told apart from that one. Which are is up to the key, and a fixed one may be not.
    fn apart_from(all: &Writes, name: &str) -> String {
        let taken = all.slot(names(&[name]));
        let mut others = (0..).map(|number: u32| format!("else-{number}"));
        others.find(|other| all.slot(names(&[other])) != taken).unwrap()
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
    fn a_look_has_been_at_rest_unless_a_change_of_the_record_overlaps_it() {
        let all = Arc::new(Writes::default());
        let before = all.begin(names(&["org"]));
        let look = all.look();
        assert!(!all.are_none_since(look, names(&["org"])), "one is under way");
        before.end();
        assert!(!all.are_none_since(look, names(&["org"])), "one has ended meanwhile");
        let look = all.look();
        assert!(all.are_none_since(look, names(&["org"])));
        all.begin(names(&[&apart_from(&all, "org")])).end();
        assert!(all.are_none_since(look, names(&["org"])), "of another record");
        all.begin(names(&["org"])).end();
        assert!(!all.are_none_since(look, names(&["org"])));
    }

    #[test]
    fn whoever_took_its_time_first_and_is_noted_later_is_not_passed_over() {
        let all = Arc::new(Writes::default());
        let slot = &all.slots[all.slot(names(&["org"]))];
        let early = all.tick();
        let late = all.begin(names(&["org"]));
        slot.note(early, |under_way| under_way + 1);
        assert_eq!(slot.known(), Known { last: early + 1, under_way: 2 });
        assert!(!late.end().was_alone, "the other is still under way");

        let alone = all.begin(names(&[&apart_from(&all, "org")]));
        let ended = all.tick();
        slot.note(ended, |under_way| under_way - 1);
        assert!(alone.end().was_alone, "of another record");
        assert_eq!(slot.known(), Known { last: ended, under_way: 0 });
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

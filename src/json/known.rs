//! Names that are looked for in many documents, found by the digest that the reader noted of each name.

use super::{Key, Name};

/// Names in their order, each found without looking at the others.
///
/// To compare each member's name with those that are known, one after another, took as many instructions as to read all
/// strings of the answer: of a record most members are dropped, and known by none of them or by the last.
#[derive(Clone, Debug, Default)]
pub struct Names {
    all: Vec<Name>,
    /// A table by the upper bits of the digest; where two names meet, the later one stands in the next free slot. At
    /// least three slots in four are free.
    slots: Box<[Slot]>,
    /// How many of a digest's bits do not matter for its slot.
    shift: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// That of the name, or [`FREE`].
    digest: u32,
    /// Which name.
    name: u32,
}

/// What no digest is.
const FREE: u32 = u32::MAX;

impl Names {
    /// Adds a name. Of two that are equal the first is found.
    pub fn push(&mut self, name: Name) {
        self.all.push(name);
        let slots = (self.all.len() * 4).next_power_of_two();
        if slots == self.slots.len() {
            return self.settle(self.all.len() - 1);
        }
        self.shift = Name::DIGEST_BITS.saturating_sub(slots.trailing_zeros());
        self.slots = vec![Slot { digest: FREE, name: 0 }; slots].into();
        (0..self.all.len()).for_each(|index| self.settle(index));
    }

    /// Gives a name its slot.
    fn settle(&mut self, index: usize) {
        let digest = self.all[index].digest;
        let mut at = (digest >> self.shift) as usize;
        while self.slots[at].digest != FREE {
            at = (at + 1) % self.slots.len();
        }
        let name = u32::try_from(index).expect("the texts that names are from have fewer bytes");
        self.slots[at] = Slot { digest, name };
    }

    /// The index of a member's name, if it is one of these.
    #[inline]
    pub fn find(&self, key: Key<'_>) -> Option<usize> {
        let digest = key.digest();
        let at = (digest >> self.shift) as usize;
        // Without any name there is no slot either.
        let slot = self.slots.get(at)?;
        if slot.digest == digest && self.all[slot.name as usize].is_plainly(key) {
            return Some(slot.name as usize);
        }
        if slot.digest == FREE { None } else { self.search(key, at) }
    }

    /// The same, from a slot on: for the few names that meet others there, are long, or hold escapes. Kept apart, as it needs
    /// registers that those who walk over members have other uses for.
    #[inline(never)]
    fn search(&self, key: Key<'_>, mut at: usize) -> Option<usize> {
        let digest = key.digest();
        loop {
            let slot = self.slots.get(at)?;
            if slot.digest == digest && key.is(self.all[slot.name as usize].as_str()) {
                return Some(slot.name as usize);
            }
            if slot.digest == FREE {
                return None;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

impl FromIterator<Name> for Names {
    fn from_iter<I: IntoIterator<Item = Name>>(all: I) -> Names {
        let mut names = Names::default();
        all.into_iter().for_each(|name| names.push(name));
        names
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Document, Limits};
    use super::*;

    proptest! {
        #[test]
        fn a_name_is_found_where_a_search_one_by_one_finds_it(
            known in prop::collection::vec("[ab]{0,9}|\\PC{0,3}|aaaa[ab]{1,12}aaaa", 0..40),
            sought in prop::collection::hash_set("[ab]{0,9}|\\PC{0,3}|aaaa[ab]{1,12}aaaa", 0..40),
        ) {
            let names: Names = known.iter().map(|name| Name::new(name)).collect();
            let members: Vec<_> = sought.iter().map(|name| format!("{}:0", serde_json::json!(name))).collect();
            let text = format!("{{{}}}", members.join(","));
            let document = Document::parse(text.into(), &Limits::default()).unwrap();
            for (key, _) in document.root().members() {
                let one_by_one = known.iter().position(|name| key.is(name));
                prop_assert_eq!(names.find(key), one_by_one, "{:?}", key.as_str());
            }
        }
    }
}

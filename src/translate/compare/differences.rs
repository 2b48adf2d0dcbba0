//! What was found: each difference by its place and kind, and how many there are of each.

use std::collections::BTreeMap;

use super::mask::Mask;

/// One thing that is said differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: a JSON Pointer into the canonical body with `*` for positions and for names of maps; or `status`, `code` or
    /// `errors` and such a pointer.
    pub place: String,
    /// How they differ.
    pub what: What,
    /// What stands on either side.
    pub sides: [Mask; 2],
}

/// How two values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Only the second side has it.
    Extra,
    /// Both have an id, which stands for another elsewhere.
    Id,
    /// They are of different kinds, such as a number and a text.
    Kind,
    /// Only the first side has it.
    Missing,
    /// They are of one kind and not the same.
    Value,
}

impl What {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            What::Extra => "extra",
            What::Id => "id",
            What::Kind => "kind",
            What::Missing => "missing",
            What::Value => "value",
        }
    }
}

/// What two answers say differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first of them.
    pub found: Vec<Difference>,
    /// How many there are besides.
    pub more: usize,
    /// How many values were compared.
    pub compared: usize,
    /// How many items of a page have no counterpart on the other one, which has as many others. They may be on another page there.
    pub apart: usize,
    /// How many there are of each kind at each place, and the first of them. Places are those of schemas and
    /// mappings; of those that only an answer names, whoever adds them sees to it that they are few.
    pub(super) places: BTreeMap<(String, What), (usize, [Mask; 2])>,
}

impl Differences {
    /// Whether both say the same.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.more == 0
    }

    /// Adds a difference, with no more than so many told.
    pub fn add(&mut self, difference: Difference, most: usize) {
        let first = difference.sides.clone();
        self.places.entry((difference.place.clone(), difference.what)).or_insert((0, first)).0 += 1;
        if self.found.len() < most { self.found.push(difference) } else { self.more += 1 }
    }

    /// Where there are differences, told or only counted.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(|(place, _)| place.as_str())
    }

    /// Those of them that lie in the body. That one of two answers is a refusal, or another one, says nothing of how steady
    /// the record is.
    pub fn places_in_body(&self) -> impl Iterator<Item = &str> {
        self.places().filter(|place| place.is_empty() || place.starts_with('/'))
    }

    /// Adds what was found in another part of the same answers.
    pub fn absorb(&mut self, other: Differences) {
        self.found.extend(other.found);
        self.more += other.more;
        self.compared += other.compared;
        self.apart += other.apart;
        for (place, (count, first)) in other.places {
            self.places.entry(place).or_insert((0, first)).0 += count;
        }
    }

    /// Leaves out what is at certain places.
    pub fn drop_at(&mut self, is_out: impl Fn(&str) -> bool) {
        self.retain(|place, _| !is_out(place));
    }

    /// Keeps what another comparison of the same answers found at the same place and of the same kind.
    pub fn confirm(&mut self, again: &Differences) {
        self.retain(|place, what| again.places.contains_key(&(place.to_owned(), what)));
    }

    /// Keeps what is of some places and kinds. Of each one difference is told, if it was only counted before.
    fn retain(&mut self, is_in: impl Fn(&str, What) -> bool) {
        self.places.retain(|(place, what), _| is_in(place, *what));
        self.found.retain(|difference| is_in(&difference.place, difference.what));
        for ((place, what), (_, sides)) in &self.places {
            if !self.found.iter().any(|known| known.place == *place && known.what == *what) {
                self.found.push(Difference { place: place.clone(), what: *what, sides: sides.clone() });
            }
        }
        let all: usize = self.places.values().map(|(count, _)| count).sum();
        self.more = all.saturating_sub(self.found.len());
    }
}

//! Ids of two sides that stand for each other.

use std::collections::HashMap;

/// Up to how many pairs are remembered. Beyond it ids that were not seen before are taken for what they say they are.
const PAIRS_MAX: usize = 1 << 18;

/// Which id of one side stands for which of the other: each for one, all along.
///
/// That two ids are the same says more than that they were met at one place first: then they are the same thing, whatever
/// was taken for it before.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    there: HashMap<Box<str>, Box<str>>,
    back: HashMap<Box<str>, Box<str>>,
    /// Whether ids that both sides have are a sign that neither made its own.
    may_be_kept: bool,
    same: usize,
    made: usize,
}

impl Pairs {
    /// Pairs of two sides that may well have one set of records. As long as every id is the same on both, they have: then
    /// another id is another thing.
    pub fn of_records() -> Pairs {
        Pairs { may_be_kept: true, ..Pairs::default() }
    }

    /// Pairs of one side with itself: another id is another thing.
    pub fn of_one_side() -> Pairs {
        Pairs { same: 1, ..Pairs::of_records() }
    }

    /// Whether the two may be the same thing: they stand for each other, or neither was seen before and they do from now on.
    pub fn agree(&mut self, one: &str, other: &str) -> bool {
        if let Some(known) = self.there.get(one) {
            if **known == *other {
                return true;
            }
            if one != other {
                return false;
            }
        } else if one != other && (self.back.contains_key(other) || self.are_kept()) {
            return false;
        }
        self.bind(one, other);
        true
    }

    fn are_kept(&self) -> bool {
        self.may_be_kept && self.same > 0 && self.made == 0
    }

    fn bind(&mut self, one: &str, other: &str) {
        if let Some(before) = self.there.remove(one) {
            self.back.remove(&before);
        }
        if let Some(before) = self.back.remove(other) {
            self.there.remove(&before);
        }
        if one == other {
            self.same += 1;
        } else {
            self.made += 1;
        }
        if self.there.len() < PAIRS_MAX {
            self.there.insert(one.into(), other.into());
            self.back.insert(other.into(), one.into());
        }
    }

    /// The id of the second side that this one of the first stands for.
    pub fn of(&self, one: &str) -> Option<&str> {
        self.there.get(one).map(|other| &**other)
    }
}

//! Ids of two sides that stand for each other.

use std::collections::HashMap;

/// Up to how many pairs are remembered. Beyond it ids that were not seen before are taken for what they say they are.
const PAIRS_MAX: usize = 1 << 18;

/// Which id of one side stands for which of the other: each for one, all along.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    there: HashMap<Box<str>, Box<str>>,
    back: HashMap<Box<str>, Box<str>>,
}

impl Pairs {
    /// Whether the two may be the same thing: they stand for each other, or neither was seen before and they do from now on.
    pub fn agree(&mut self, one: &str, other: &str) -> bool {
        match (self.there.get(one), self.back.get(other)) {
            (Some(known), _) => **known == *other,
            (None, Some(_)) => false,
            (None, None) => {
                if self.there.len() < PAIRS_MAX {
                    self.there.insert(one.into(), other.into());
                    self.back.insert(other.into(), one.into());
                }
                true
            }
        }
    }

    /// The id of the second side that this one of the first stands for.
    pub fn of(&self, one: &str) -> Option<&str> {
        self.there.get(one).map(|other| &**other)
    }
}

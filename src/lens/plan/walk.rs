//! One walk over a document: what is read from it goes into the slots, the rest is counted.

use super::Trie;
use crate::json::{Key, Kind, Name, Value};
use crate::lens::Tally;
use crate::lens::explain::held;
use crate::lens::run::Source;

/// What a walk over a document came by and had no slot for.
#[derive(Default)]
pub(super) struct Unread {
    pub(super) ignored: u64,
    pub(super) lost: Tally,
}

impl Trie {
    /// Fills the slots of a value, and counts the members no slot is for.
    pub(super) fn walk<'a>(&self, value: Value<'a>, slots: &mut [Option<Source<'a>>], unread: &mut Unread) {
        if let Some(slot) = self.slot {
            slots[slot] = Some(Source::Json(value));
        }
        let is_leaf = self.children.is_empty();
        if is_leaf && self.losses.is_empty() || value.kind() != Kind::Object {
            return;
        }
        let mut expected = 0;
        for (key, member) in value.members() {
            if let Some(child) = self.child(key, &mut expected) {
                child.walk(member, slots, unread);
                continue;
            }
            unread.ignored += u64::from(!is_leaf);
            for lost in self.losses.iter().filter(|lost| key.is_named(&lost.name)) {
                if held(member, &lost.rest).is_some() {
                    unread.lost.add(lost.number);
                }
            }
        }
    }

    /// The child of that name. Members mostly come in one order, so the one after the last is looked at first.
    fn child(&self, key: Key<'_>, expected: &mut usize) -> Option<&Trie> {
        let is_it = |(name, _): &(Name, Trie)| key.is_named(name);
        let found = match self.children.get(*expected).filter(|child| is_it(child)) {
            Some(_) => *expected,
            None => self.children.iter().position(is_it)?,
        };
        *expected = found + 1;
        Some(&self.children[found].1)
    }
}

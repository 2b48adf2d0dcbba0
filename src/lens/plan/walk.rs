//! One walk over a document: what is read from it goes into the slots, the rest is counted.

use super::{Member, Trie};
use crate::json::{Key, Kind, Value};
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
        if self.is_leaf() || value.kind() != Kind::Object {
            return;
        }
        let mut ignored = 0;
        for (key, member) in value.members() {
            match self.find(key) {
                Some(Member::Read(child)) => match child.slot {
                    // Most are places without others inside: nobody is called for them.
                    Some(slot) if child.is_leaf() => slots[slot] = Some(Source::Json(member)),
                    Some(_) | None => child.walk(member, slots, unread),
                },
                Some(Member::Lost(lost)) => {
                    ignored += 1;
                    for lost in lost.iter().filter(|lost| held(member, &lost.rest).is_some()) {
                        unread.lost.add(lost.number);
                    }
                }
                None => ignored += 1,
            }
        }
        if self.reads {
            unread.ignored += ignored;
        }
    }

    /// What is looked at of a member, if anything is.
    #[inline]
    pub(super) fn find(&self, key: Key<'_>) -> Option<&Member> {
        self.names.find(key).map(|index| &self.members[index].1)
    }

    /// Whether nothing in it is looked at.
    #[inline]
    fn is_leaf(&self) -> bool {
        self.members.is_empty()
    }
}

//! One walk over a document: what is read from it goes into the slots, the rest is counted.

use super::Trie;
use crate::json::{Kind, Value};
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
        for (key, member) in value.members() {
            if let Some(child) = self.names.find(key) {
                self.children[child].1.walk(member, slots, unread);
                continue;
            }
            unread.ignored += u64::from(!is_leaf);
            // Several places below one member may be lost.
            let Some(first) = self.lost.find(key) else { continue };
            for lost in self.losses[first..].iter().filter(|lost| key.is_named(&lost.name)) {
                if held(member, &lost.rest).is_some() {
                    unread.lost.add(lost.number);
                }
            }
        }
    }
}

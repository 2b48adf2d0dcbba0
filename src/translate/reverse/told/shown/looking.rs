//! Looking through one answer: what stands there, beside what the mapping writes.
//!
//! The names of members that no schema has are the old side's, and so is how many there are: not many are told, and none that
//! may be somebody's.

use std::collections::BTreeSet;

use super::{Members, Part, SHOWN};
use crate::json::{Kind, Value};
use crate::schema::is_same_number;
use crate::translate::compare::{Difference, Differences, Mask, Masks, What};

#[cfg(test)]
mod tests;

/// What stands for a position, and for a name that may be anybody's.
pub(super) const ANY: &str = "*";

/// Characters of a name that is told.
const NAME_MAX: usize = 40;

/// Places that nobody has a name for and that are told of one answer: the old side writes their names.
const UNKNOWN_MAX: usize = 50;

/// Digits in a name that is told: what has more of them may be a number of somebody.
const DIGITS_MAX: usize = 3;

/// An answer that is looked through.
pub(super) struct Looking<'l> {
    masks: &'l Masks,
    /// Whether it is known, and meant, that the old side shows something else at a place.
    is_known: &'l dyn Fn(&str) -> bool,
    /// The place under way, as it is told.
    at: String,
    /// The places that were told: one that is in each item is told of the first.
    told: BTreeSet<String>,
    /// How many of them nobody has a name for.
    unknown: usize,
    found: Differences,
}

impl<'l> Looking<'l> {
    pub(super) fn begin(masks: &'l Masks, is_known: &'l dyn Fn(&str) -> bool) -> Looking<'l> {
        let (at, told, found) = (SHOWN.to_owned(), BTreeSet::new(), Differences::default());
        Looking { masks, is_known, at, told, unknown: 0, found }
    }

    pub(super) fn end(self) -> Differences {
        self.found
    }

    /// Looks at what stands at a place, and at what the mapping writes there.
    pub(super) fn at(&mut self, part: &Part, heard: Option<Value<'_>>, again: Option<Value<'_>>) {
        let kind = heard.map(Value::kind);
        match part {
            Part::Left => {}
            // What is there is compared elsewhere.
            Part::Read if heard.is_some_and(|heard| !heard.is_null()) => {}
            Part::Shown | Part::Read => self.shown(heard, again),
            Part::Each(item) if kind == Some(Kind::Array) => {
                let [heard, again] = [heard, again].map(|list| list.into_iter().flat_map(Value::elements));
                let mut again = again.fuse();
                self.below([ANY], |looking| {
                    heard.for_each(|heard| looking.at(item, Some(heard), again.next()));
                });
            }
            Part::Object(members) if kind == Some(Kind::Object) => {
                if let Some(heard) = heard {
                    self.unnamed(members, heard);
                }
                for (name, part) in &members.known {
                    let [heard, again] = [heard, again].map(|around| around?.member(name));
                    self.below([&**name], |looking| looking.at(part, heard, again));
                }
            }
            // Not even that it is empty is told.
            Part::Each(_) if kind.is_none() => self.shown(heard, again),
            // There is nothing to look into: what the mapping writes there is there as a whole, or instead.
            Part::Each(_) | Part::Object(_) => {
                self.shown(heard, again.filter(|again| part.is_shown_in(*again)));
            }
        }
    }

    /// Tells the members that nobody has a name for.
    fn unnamed(&mut self, members: &Members, heard: Value<'_>) {
        let is_known = |name: &str| members.known.contains_key(name);
        // Where no name is known, and where the schema has no names, it may be that all of them are somebody's.
        let is_map = members.is_map || !heard.members().any(|(name, _)| is_known(&name.as_str()));
        for (name, value) in heard.members() {
            let name = name.as_str();
            if is_known(&name) || value.is_null() {
                continue;
            }
            let name = if !is_map && is_plain(&name) { &*name } else { ANY };
            if self.below([name], |looking| looking.is_done()) {
                continue;
            }
            let name = if self.unknown < UNKNOWN_MAX { name } else { ANY };
            self.unknown += usize::from(name != ANY);
            self.below([name], |looking| looking.tell(What::Missing, [Some(value), None]));
        }
    }

    fn shown(&mut self, heard: Option<Value<'_>>, again: Option<Value<'_>>) {
        self.found.compared += 1;
        match (heard, again) {
            (Some(heard), Some(again)) if !is_same(heard, again) => {
                self.tell(What::Value, [Some(heard), Some(again)]);
            }
            (None, Some(again)) if !again.is_null() => self.tell(What::Extra, [None, Some(again)]),
            // What the mapping would write is not known where it wrote nothing: it may take more than was told.
            _ => {}
        }
    }

    /// Tells that the old side has nothing at the place under way, where the mapping always tells something.
    pub(super) fn lacks(&mut self) {
        self.tell_masked(What::Extra, [self.masks.of(None), Mask::unknown()]);
    }

    fn tell(&mut self, what: What, sides: [Option<Value<'_>>; 2]) {
        self.tell_masked(what, sides.map(|side| self.masks.of(side)));
    }

    fn tell_masked(&mut self, what: What, sides: [Mask; 2]) {
        if self.is_done() {
            return;
        }
        self.told.insert(self.at.clone());
        // There are not more places than the mapping and the schema have, and so many unknown ones.
        self.found.add(Difference { place: self.at.clone(), what, sides }, usize::MAX);
    }

    /// Whether there is nothing to tell of the place under way any more.
    fn is_done(&self) -> bool {
        self.told.contains(&self.at) || (self.is_known)(&self.at)
    }

    /// Does something at a place below this one.
    pub(super) fn below<'n, T>(
        &mut self,
        names: impl IntoIterator<Item = &'n str>,
        inside: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.at.len();
        for name in names {
            self.at.push('/');
            self.at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        let result = inside(self);
        self.at.truncate(before);
        result
    }
}

fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    let is_number = |value: Value<'_>| matches!(value.kind(), Kind::Integer | Kind::Number);
    if is_number(one) && is_number(other) { is_same_number(one.raw(), other.raw()) } else { one.same(other) }
}

/// Whether a name looks like that of a field, and not like an address or an id. What somebody is called in a map may look so,
/// too.
fn is_plain(name: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    name.len() <= NAME_MAX
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && name.bytes().all(is_of_names)
        && name.bytes().filter(u8::is_ascii_digit).count() <= DIGITS_MAX
}

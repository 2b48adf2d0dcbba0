//! What two canonical answers say differently.
//!
//! Compared is what is meant, not what is written: numbers by value, objects whatever the order of members, lists of what
//! has ids whatever their order, null and nothing alike where the schema allows null. Times are generated anew on each side
//! and ignored; ids are too, and each id of one side stands for one id of the other, all along ([`Pairs`]).
//!
//! Of a page of a longer list nobody knows which items the other side has on it, for each may have an order of its own. What is on
//! one page alone is counted, and no difference, as far as the other page has as many alone.
//!
//! Only places are compared that both sides tell. What is told of a difference are its place and the kinds of the two
//! values, with digests that say no more than whether two values of one run are the same.
//!
//! Laws: an answer is like itself; two answers differ whichever comes first, or do not; and what was taken for noise is
//! never told.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::canonical::api::Key;
use crate::json::{Kind, Value};
use crate::problem::{Problem, Segment};
use crate::schema::{Schema, Shape};
use crate::translate::answer::Answer;

mod differences;
mod generated;
mod list;
mod mask;
mod noise;
mod pages;
mod pairs;
mod refusals;

use self::generated::{Generated, are_alike, generated, is_time};

pub use self::differences::{Difference, Differences, What};
pub use self::mask::{Mask, Masks};
pub use self::noise::Noise;
pub use self::pairs::Pairs;

/// What stands for the position in a list, and for a name that no schema declares.
const ANY: &str = "*";

/// How two answers are compared.
pub struct By<'b> {
    /// What canonical bodies look like; without it nothing is known of ids and times.
    pub schema: Option<&'b Schema>,
    /// Whether both sides tell a place; `*` is any element of a list.
    pub tells: &'b dyn Fn(&[Segment]) -> bool,
    /// What is known of the list that the body is, if it is one.
    pub list: List<'b>,
    /// How values are hidden.
    pub masks: &'b Masks,
    /// How many differences are told; the rest is counted.
    pub most: usize,
}

/// What is known of a list, and of its items.
#[derive(Clone, Copy, Debug, Default)]
pub struct List<'b> {
    /// What names an item besides its id, the better ones first.
    pub keys: &'b [Key],
    /// Whether it is a page of a longer one.
    pub is_page: bool,
    /// Whether items may have been left out of it: then a page may have fewer of them.
    pub is_cut: bool,
}

/// Whether of values of that shape only the form is compared: they are made anew on each side, and nothing ties the two together.
pub(super) fn is_by_form(shape: &Shape<'_>) -> bool {
    generated(Some(shape)) == Some(Generated::Time)
}

/// Compares how two calls ended.
pub fn outcomes(sides: [&Result<Answer, Box<Problem>>; 2], by: &By<'_>, pairs: &mut Pairs) -> Differences {
    let mut comparing = Comparing::new(by, pairs);
    let statuses = sides.map(|side| match side {
        Ok(answer) => answer.status,
        Err(problem) => problem.status.get(),
    });
    comparing.found.compared += 1;
    if statuses[0] != statuses[1] {
        comparing.tell("status".to_owned(), What::Value, statuses.map(Mask::status));
    }
    match sides {
        [Ok(one), Ok(other)] => {
            let [one, other] = [one, other].map(|answer| answer.body.as_ref().map(|body| body.root()));
            comparing.both(by.schema.map(Schema::shape).as_ref(), one, other);
        }
        [Err(one), Err(other)] if statuses[0] == statuses[1] => comparing.problems(one, other),
        _ => {}
    }
    comparing.found
}

/// Compares two canonical bodies.
pub fn bodies(one: Value<'_>, other: Value<'_>, by: &By<'_>, pairs: &mut Pairs) -> Differences {
    let mut comparing = Comparing::new(by, pairs);
    comparing.both(by.schema.map(Schema::shape).as_ref(), Some(one), Some(other));
    comparing.found
}

/// Compares two values of canonical bodies, of that shape. Places begin at the values.
pub fn values(
    shape: Option<&Shape<'_>>,
    [one, other]: [Value<'_>; 2],
    by: &By<'_>,
    pairs: &mut Pairs,
) -> Differences {
    let mut comparing = Comparing::new(by, pairs);
    comparing.both(shape, Some(one), Some(other));
    comparing.found
}

/// A comparison under way.
struct Comparing<'c> {
    by: &'c By<'c>,
    pairs: &'c mut Pairs,
    /// The way to the values under way, and the same as it may be told.
    at: Vec<Segment>,
    shown: String,
    found: Differences,
}

impl<'c> Comparing<'c> {
    fn new(by: &'c By<'c>, pairs: &'c mut Pairs) -> Comparing<'c> {
        Comparing { by, pairs, at: Vec::new(), shown: String::new(), found: Differences::default() }
    }

    /// Compares what stands at one place, if anything does.
    fn both(&mut self, shape: Option<&Shape<'_>>, one: Option<Value<'_>>, other: Option<Value<'_>>) {
        let kinds = [one, other].map(|value| value.map(Value::kind));
        let is_inner = |kind: Option<Kind>| matches!(kind, Some(Kind::Object | Kind::Array));
        let is_nothing = |kind: Option<Kind>| matches!(kind, None | Some(Kind::Null));
        match (one, other) {
            (None, None) => {}
            (Some(one), Some(other)) if kinds == [Some(Kind::Object); 2] => self.objects(shape, one, other),
            (Some(one), Some(other)) if kinds == [Some(Kind::Array); 2] => self.lists(shape, one, other),
            // What is inside of one and not of the other is told where it lies.
            (Some(inner), _) if is_inner(kinds[0]) && is_nothing(kinds[1]) => {
                self.alone(shape, inner, What::Missing);
            }
            (_, Some(inner)) if is_inner(kinds[1]) && is_nothing(kinds[0]) => {
                self.alone(shape, inner, What::Extra);
            }
            _ => self.leaves(shape, one, other),
        }
    }

    fn objects(&mut self, shape: Option<&Shape<'_>>, one: Value<'_>, other: Value<'_>) {
        // Whoever answers chooses how many members there are.
        let (ones, others) = (by_name(one), by_name(other));
        for (name, value) in one.members() {
            let name = name.as_str();
            self.member(shape, &name, |own, inner| {
                own.both(inner, Some(value), others.get(&*name).copied());
            });
        }
        for (name, value) in other.members() {
            let name = name.as_str();
            if !ones.contains_key(&*name) {
                self.member(shape, &name, |own, inner| own.both(inner, None, Some(value)));
            }
        }
    }

    /// Goes into a member of that name.
    fn member(
        &mut self,
        shape: Option<&Shape<'_>>,
        name: &str,
        inside: impl FnOnce(&mut Self, Option<&Shape<'_>>),
    ) {
        let inner = shape.and_then(|shape| shape.property(name));
        // The names of a map may be anything, an address of somebody among them.
        // So may those of which nothing is known.
        let is_known = inner.is_some();
        self.step(name, if is_known { name } else { ANY }, |own| inside(own, inner.as_ref()));
    }

    fn step(&mut self, name: &str, shown: &str, inside: impl FnOnce(&mut Self)) {
        let before = self.shown.len();
        self.shown.push('/');
        self.shown.push_str(&shown.replace('~', "~0").replace('/', "~1"));
        self.at.push(Segment::Name(name.to_owned()));
        inside(self);
        self.at.pop();
        self.shown.truncate(before);
    }

    /// What only one side has, or has more than null of.
    fn alone(&mut self, shape: Option<&Shape<'_>>, value: Value<'_>, what: What) {
        if value.is_empty() {
            let [one, other] = if what == What::Missing { [Some(value), None] } else { [None, Some(value)] };
            return self.leaves(shape, one, other);
        }
        let half = |value| if what == What::Missing { (Some(value), None) } else { (None, Some(value)) };
        for (name, value) in value.members() {
            let (one, other) = half(value);
            self.member(shape, &name.as_str(), |own, inner| own.both(inner, one, other));
        }
        if value.kind() == Kind::Array {
            self.step(ANY, ANY, |own| {
                let inner = shape.and_then(Shape::items);
                for element in value.elements() {
                    own.element_alone(inner.as_ref(), element, what);
                }
            });
        }
    }

    /// Compares two values of which one has nothing inside.
    fn leaves(&mut self, shape: Option<&Shape<'_>>, one: Option<Value<'_>>, other: Option<Value<'_>>) {
        if !(self.by.tells)(&self.at) {
            return;
        }
        self.found.compared += 1;
        let nullable = || shape.is_some_and(Shape::nullable);
        let what = match (one, other) {
            (Some(one), Some(other)) => self.differs(shape, one, other),
            (Some(alone), None) => (!(alone.is_null() && nullable())).then_some(What::Missing),
            (None, Some(alone)) => (!(alone.is_null() && nullable())).then_some(What::Extra),
            (None, None) => None,
        };
        if let Some(what) = what {
            let sides = [one, other].map(|value| self.by.masks.of(value));
            self.tell(self.shown.clone(), what, sides);
        }
    }

    fn differs(&mut self, shape: Option<&Shape<'_>>, one: Value<'_>, other: Value<'_>) -> Option<What> {
        let is_number = |kind| matches!(kind, Kind::Integer | Kind::Number);
        match (one.kind(), other.kind()) {
            (one_kind, other_kind) if is_number(one_kind) && is_number(other_kind) => {
                (!crate::schema::is_same_number(one.raw(), other.raw())).then_some(What::Value)
            }
            (Kind::True | Kind::False, Kind::True | Kind::False) => (!one.same(other)).then_some(What::Value),
            (one_kind, other_kind) if one_kind != other_kind => Some(What::Kind),
            (Kind::String, _) => {
                let texts = [one, other].map(|text| text.as_str().unwrap_or_default());
                match generated(shape) {
                    Some(Generated::Time) if texts.iter().all(|text| is_time(text)) => None,
                    // What is an id on one side only is none that was made anew.
                    Some(Generated::Id) if texts.iter().all(|text| !text.is_empty()) && are_alike(&texts) => {
                        (!self.pairs.agree(&texts[0], &texts[1])).then_some(What::Id)
                    }
                    _ => (!one.same(other)).then_some(What::Value),
                }
            }
            _ => (!one.same(other)).then_some(What::Value),
        }
    }

    fn tell(&mut self, place: String, what: What, sides: [Mask; 2]) {
        self.found.add(Difference { place, what, sides }, self.by.most);
    }
}

fn by_name(value: Value<'_>) -> HashMap<Cow<'_, str>, Value<'_>> {
    value.members().map(|(name, value)| (name.as_str(), value)).collect()
}

#[cfg(test)]
mod tests;

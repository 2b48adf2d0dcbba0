//! What two canonical answers say differently.
//!
//! Compared is what is meant, not what is written: numbers by value, objects whatever the order of members, lists of what
//! has ids whatever their order, null and nothing alike where the schema allows null. Times are generated anew on each side
//! and ignored; ids are too, and each id of one side stands for one id of the other, all along ([`Pairs`]).
//!
//! Only places are compared that both sides tell. What is told of a difference are its place and the kinds of the two
//! values, with digests that say no more than whether two values of one run are the same.
//!
//! Laws: an answer is like itself; two answers differ whichever comes first, or do not; and what was taken for noise is
//! never told.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::canonical::id::IdForm;
use crate::json::{Kind, Value};
use crate::problem::{Problem, Segment};
use crate::schema::{Schema, Shape};
use crate::translate::answer::Answer;

mod list;
mod mask;
mod noise;
mod pairs;

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
    /// How values are hidden.
    pub masks: &'b Masks,
    /// How many differences are told; the rest is counted.
    pub most: usize,
}

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
    /// How many there are of each kind at each place, and the first of them. There are not more places than schemas have.
    places: BTreeMap<(String, What), (usize, [Mask; 2])>,
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

    /// Adds what was found in another part of the same answers.
    pub fn absorb(&mut self, other: Differences) {
        self.found.extend(other.found);
        self.more += other.more;
        self.compared += other.compared;
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

    /// Compares two refusals: by their words and by what they complain of. Sentences are for people.
    fn problems(&mut self, one: &Problem, other: &Problem) {
        self.found.compared += 1;
        if one.code != other.code {
            let sides = [one, other].map(|problem| self.by.masks.text(&problem.code));
            self.tell("code".to_owned(), What::Value, sides);
        }
        let complaints = |problem: &Problem| {
            let mut complaints: Vec<(String, String)> = problem
                .violations
                .iter()
                .map(|one| (masked_positions(&one.place.segments), one.kind.to_string()))
                .collect();
            complaints.sort_unstable();
            complaints.dedup();
            complaints
        };
        let (ones, others) = (complaints(one), complaints(other));
        for (place, kind) in ones.iter().filter(|complaint| others.binary_search(complaint).is_err()) {
            let sides = [self.by.masks.text(kind), self.by.masks.of(None)];
            self.tell(format!("errors{place}"), What::Missing, sides);
        }
        for (place, kind) in others.iter().filter(|complaint| ones.binary_search(complaint).is_err()) {
            let sides = [self.by.masks.of(None), self.by.masks.text(kind)];
            self.tell(format!("errors{place}"), What::Extra, sides);
        }
    }

    fn tell(&mut self, place: String, what: What, sides: [Mask; 2]) {
        self.found.add(Difference { place, what, sides }, self.by.most);
    }
}

/// A value that is made anew wherever something is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generated {
    Id,
    Time,
}

fn generated(shape: Option<&Shape<'_>>) -> Option<Generated> {
    match shape?.format()?.as_str() {
        "uuid" => Some(Generated::Id),
        "date-time" => Some(Generated::Time),
        _ => None,
    }
}

fn by_name(value: Value<'_>) -> HashMap<Cow<'_, str>, Value<'_>> {
    value.members().map(|(name, value)| (name.as_str(), value)).collect()
}

/// Whether both are ids of that form, or neither is.
fn are_alike(ids: &[Cow<'_, str>; 2]) -> bool {
    let [one, other] = ids.each_ref().map(|id| IdForm::Uuid.read(id).is_ok());
    one == other
}

/// Whether a text begins as a time does: a day, `T` and the time of day.
fn is_time(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00";
    let fits = |(given, wanted): (u8, u8)| match wanted {
        b'0' => given.is_ascii_digit(),
        b'T' => matches!(given, b'T' | b't' | b' '),
        _ => given == wanted,
    };
    text.len() > pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

/// A place that a refusal complains of. What does not look like the name of a field may be anything: the names of a map
/// are repeated, too.
fn masked_positions(segments: &[Segment]) -> String {
    let masked: Vec<Segment> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Name(name) if is_field(name) => Segment::Name(name.clone()),
            Segment::Index(_) | Segment::Name(_) => Segment::Name(ANY.to_owned()),
        })
        .collect();
    crate::problem::place::pointer(&masked)
}

fn is_field(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.len() <= 40 && !name.is_empty() && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests;

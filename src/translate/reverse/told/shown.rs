//! What an answer only shows: constants, labels, views, and what says once more what was read elsewhere, none of which is
//! read; and members that no schema names.
//!
//! What was read of an answer is told again by the mapping. Where that writes something which is not read, and the answer
//! shows another value, its clients would see the mapping's after the move. What nobody has a name for they would not see
//! at all.
//!
//! Law: an answer that the mapping itself has made shows nothing else than it would.

use std::collections::BTreeMap;

use super::list::items_at;
use super::reading::{Spot, Telling, Way, is_read};
use super::record::over;
use super::{Reader, Reading};
use crate::dialect::operation::{self, AnswerBody};
use crate::dialect::{Dialect, Operation};
use crate::json::{Kind, Value};
use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens, Wrap, flat};
use crate::problem::{Root, Segment};
use crate::schema::{Shape, is_same_number};
use crate::translate::answer::Answer;
use crate::translate::compare::{Difference, Differences, Masks, What};

/// What the places begin with that are the dialect's, and not of the canonical answer: `dialect:/urls/location`.
pub const SHOWN: &str = "dialect:";

/// What stands for a position, and for a name that may be anybody's.
const ANY: &str = "*";

/// Characters of a name that is told.
const NAME_MAX: usize = 40;

/// Digits in a name that is told: what has more of them may be a number of somebody.
const DIGITS_MAX: usize = 3;

/// What the answers to one canonical status show.
#[derive(Debug)]
pub(super) struct Showing {
    /// Around the items of a list; the list itself is looked into item by item.
    frame: Option<Part>,
    /// The record, be it all of the answer or an item of a list.
    record: Part,
}

/// What is known of a value of the dialect.
#[derive(Debug)]
enum Part {
    /// It is compared elsewhere, or nobody can say what would stand there.
    Left,
    /// Known by its members.
    Object(BTreeMap<Box<str>, Part>),
    /// A list, known by its elements.
    Each(Box<Part>),
    /// It is only shown, and what the mapping shows there is known.
    Shown,
}

impl Showing {
    /// What the answers of a plan show, given what is read of them. Canonical lists have their items there.
    pub(super) fn of(
        dialect: &Dialect,
        operation: &Operation,
        (plan, reading): (&operation::Answer, &Reading),
        items: &str,
    ) -> Option<Showing> {
        let (lens, below) = match &plan.body {
            AnswerBody::Lens(lens) => (lens, Vec::new()),
            AnswerBody::Items { lens, .. } => (lens, vec![Way::Name(items.into()), Way::Each]),
            AnswerBody::Constant(_) | AnswerBody::Empty => return None,
        };
        let tells = |place: &[Segment]| tells(&reading.spots, place);
        let mut record = record(lens, &below, &tells);
        if let Some(schema) = dialect.lenses.get(lens.name()).and_then(|lens| lens.left.as_ref()) {
            record.declare(&schema.shape());
        }
        let frame = match &plan.body {
            AnswerBody::Items { under, .. } => {
                let page = operation.page.as_deref();
                let mut frame = Part::Object(BTreeMap::new());
                frame.put(items_at(page, under), Part::Left);
                for (way, _) in page.iter().flat_map(|page| &page.fields) {
                    frame.put(way, Part::Left);
                }
                if let Some(schema) = &plan.schema {
                    frame.declare(&schema.shape());
                }
                Some(frame)
            }
            _ => None,
        };
        Some(Showing { frame, record })
    }
}

impl Reader {
    /// Where an answer of the dialect shows something else than the mapping would, given what was read of it: its side
    /// first, the mapping's second. Places begin with [`SHOWN`].
    pub fn shown(&self, told: &Answer, heard: Value<'_>, masks: &Masks, most: usize) -> Differences {
        let mut looking = Looking { masks, most, at: SHOWN.to_owned(), found: Differences::default() };
        let Some((plan, Some(showing))) = self.showing(told) else { return looking.found };
        let (AnswerBody::Lens(lens) | AnswerBody::Items { lens, .. }) = &plan.body else {
            return looking.found;
        };
        let Some(body) = told.body.as_ref().map(|body| body.root()) else { return looking.found };
        let again = |record| over(lens, Direction::Lower, record);
        match &showing.frame {
            None => {
                let again = again(body);
                looking.at(&showing.record, Some(heard), again.as_ref().map(|again| again.root()));
            }
            Some(frame) => {
                looking.at(frame, Some(heard), None);
                let items = self.listed(heard).into_iter().flat_map(Value::elements);
                let way = items_at(self.operation.page.as_deref(), under(plan));
                let records = body.member(&self.items).into_iter().flat_map(Value::elements);
                looking.below(way.iter().map(|name| &**name).chain([ANY]), |looking| {
                    for (item, record) in items.zip(records) {
                        let again = again(record);
                        looking.at(&showing.record, Some(item), again.as_ref().map(|again| again.root()));
                    }
                });
            }
        }
        looking.found
    }

    /// The places that [`Reader::shown`] compares in any of the answers, in the dialect's words, as
    /// [`unread`](super::unread) has them.
    pub fn shown_places(&self) -> Vec<String> {
        let mut found = Vec::new();
        for showing in self.showings.iter().flatten() {
            showing.record.collect(if showing.frame.is_some() { "[]" } else { "" }, &mut found);
        }
        found
    }

    fn showing(&self, told: &Answer) -> Option<(&operation::Answer, Option<&Showing>)> {
        let operation::AnswerPlan::One(plans) = &self.operation.answer else { return None };
        let (plan, showing) = plans.iter().zip(&self.showings).find(|(plan, _)| plan.from == told.status)?;
        Some((plan, showing.as_ref()))
    }
}

fn under(plan: &operation::Answer) -> &[Box<str>] {
    if let AnswerBody::Items { under, .. } = &plan.body { under } else { &[] }
}

fn tells(spots: &[Spot], place: &[Segment]) -> bool {
    spots.iter().any(|spot| spot.tells(place) != Telling::Nothing)
}

/// What a lens shows of a record that lies there in the canonical answer.
fn record(lens: &Lens, below: &[Way], tells: &impl Fn(&[Segment]) -> bool) -> Part {
    if lens.wrap() != Wrap::Object {
        return Part::Left;
    }
    let around: Vec<Segment> = below.iter().map(Way::segment).collect();
    let fields = flat::flat(lens.fields());
    let mut all = Part::Object(BTreeMap::new());
    // Several fields may write one place: then each of them has to be known.
    let is_known = |field: &Field| {
        let is_told = |at: &Address| at.root == Root::Body && tells(&[&around[..], &at.segments()].concat());
        let Field { right, when, .. } = field;
        right.iter().chain(&when.instead).chain(when.tag.iter().map(|(at, _)| at)).all(is_told)
    };
    for (index, field) in fields.iter().enumerate() {
        let Some(left) = field.left.as_ref().filter(|left| left.root == Root::Body) else { continue };
        let mut same = fields.iter().filter(|other| other.left.as_ref() == Some(left));
        let part = match (&field.op, &field.right) {
            _ if !is_read(&fields, field, true) || is_read_already(&fields[..index], field) => {
                if same.all(is_known) { Part::Shown } else { Part::Left }
            }
            (Op::Each(Each { item: Item::Lens(lens), .. }), Some(right)) => {
                let way = right.path.iter().cloned().map(Way::Name).chain([Way::Each]);
                let below: Vec<_> = below.iter().cloned().chain(way).collect();
                Part::Each(Box::new(record(lens, &below, tells)))
            }
            _ => Part::Left,
        };
        all.put(&left.path, part);
    }
    all
}

/// Whether another field is read in the place of this one, of those before it: such as an id, of which an address is
/// made, too.
fn is_read_already(before: &[Field], field: &Field) -> bool {
    let is_list = matches!(field.op, Op::Each(_));
    !is_list && before.iter().any(|other| other.right == field.right && is_read(before, other, true))
}

impl Part {
    /// Puts a part at the end of a way. What is put where something else stands is left.
    fn put(&mut self, way: &[Box<str>], part: Part) {
        match (way, self) {
            ([], own) => match (own, part) {
                (Part::Object(known), Part::Object(more)) => known.extend(more),
                (own @ Part::Object(_), part) if own.is_empty() => *own = part,
                (Part::Shown, Part::Shown) => {}
                (own, _) => *own = Part::Left,
            },
            ([name, rest @ ..], Part::Object(members)) => {
                let empty = || Part::Object(BTreeMap::new());
                members.entry(name.clone()).or_insert_with(empty).put(rest, part);
            }
            ([_, ..], _) => {}
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Part::Object(members) if members.is_empty())
    }

    /// What a schema names is known, though the mapping writes nothing there: it says why.
    fn declare(&mut self, shape: &Shape<'_>) {
        match self {
            Part::Object(members) => {
                for name in shape.properties() {
                    match (members.get_mut(&*name), shape.property(&name)) {
                        (Some(part), Some(shape)) => part.declare(&shape),
                        (Some(_), None) => {}
                        (None, _) => {
                            members.insert(name.into(), Part::Left);
                        }
                    }
                }
            }
            Part::Each(item) => {
                if let Some(shape) = shape.items() {
                    item.declare(&shape);
                }
            }
            Part::Left | Part::Shown => {}
        }
    }

    fn collect(&self, at: &str, found: &mut Vec<String>) {
        match self {
            Part::Left => {}
            Part::Shown => found.push(at.to_owned()),
            Part::Each(item) => item.collect(&format!("{at}[]"), found),
            Part::Object(members) => {
                for (name, part) in members {
                    part.collect(
                        &if at.is_empty() { name.to_string() } else { format!("{at}.{name}") },
                        found,
                    );
                }
            }
        }
    }
}

/// An answer that is looked through.
struct Looking<'l> {
    masks: &'l Masks,
    most: usize,
    /// The place under way, as it is told.
    at: String,
    found: Differences,
}

impl Looking<'_> {
    /// Looks at what stands at a place, and at what the mapping writes there.
    fn at(&mut self, part: &Part, heard: Option<Value<'_>>, again: Option<Value<'_>>) {
        match part {
            Part::Left => {}
            Part::Shown => self.shown(heard, again),
            Part::Each(item) => {
                let [heard, again] = [heard, again].map(|list| list.into_iter().flat_map(Value::elements));
                let mut again = again.fuse();
                self.below([ANY], |looking| {
                    heard.for_each(|heard| looking.at(item, Some(heard), again.next()));
                });
            }
            Part::Object(members) => {
                let Some(heard) = heard.filter(|heard| heard.kind() == Kind::Object) else { return };
                for (name, value) in heard.members() {
                    let name = name.as_str();
                    if !members.contains_key(&*name) && !value.is_null() {
                        let shown = if is_plain(&name) { &*name } else { ANY };
                        self.below([shown], |looking| looking.tell(What::Missing, [Some(value), None]));
                    }
                }
                for (name, part) in members {
                    let [heard, again] = [Some(heard), again].map(|around| around?.member(name));
                    self.below([&**name], |looking| looking.at(part, heard, again));
                }
            }
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

    fn tell(&mut self, what: What, sides: [Option<Value<'_>>; 2]) {
        let sides = sides.map(|side| self.masks.of(side));
        self.found.add(Difference { place: self.at.clone(), what, sides }, self.most);
    }

    fn below<'n>(&mut self, names: impl IntoIterator<Item = &'n str>, inside: impl FnOnce(&mut Self)) {
        let before = self.at.len();
        for name in names {
            self.at.push('/');
            self.at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        inside(self);
        self.at.truncate(before);
    }
}

fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    let is_number = |value: Value<'_>| matches!(value.kind(), Kind::Integer | Kind::Number);
    if is_number(one) && is_number(other) { is_same_number(one.raw(), other.raw()) } else { one.same(other) }
}

/// Whether a name looks like that of a field, and not like an address, an id or what somebody is called in a map.
fn is_plain(name: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    name.len() <= NAME_MAX
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && name.bytes().all(is_of_names)
        && name.bytes().filter(u8::is_ascii_digit).count() <= DIGITS_MAX
}

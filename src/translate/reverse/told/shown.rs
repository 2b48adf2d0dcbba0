//! What an answer only shows: constants, labels, views, and what says once more what was read elsewhere, none of which is
//! read; what it leaves out and the mapping always tells; and members that no schema names.
//!
//! What was read of an answer is told again by the mapping. Where that writes something which is not read, and the answer
//! shows another value, its clients would see the mapping's after the move. What nobody has a name for they would not see
//! at all.
//!
//! Law: an answer that the mapping itself has made shows nothing else than it would.

use std::collections::BTreeMap;

mod looking;

use self::looking::{ANY, Looking};
use super::list::{items_at, value_at};
use super::reading::{Spot, Telling, Way, is_read};
use super::record::over;
use super::{Reader, Reading};
use crate::dialect::operation::{self, AnswerBody};
use crate::dialect::{Dialect, Operation};
use crate::json::Value;
use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens, Wrap, flat};
use crate::problem::{Root, Segment};
use crate::schema::Shape;
use crate::translate::answer::Answer;
use crate::translate::compare::{Differences, Masks};

/// What the places begin with that are the dialect's, and not of the canonical answer: `dialect:/urls/location`.
pub const SHOWN: &str = "dialect:";

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
    Object(Members),
    /// A list, known by its elements.
    Each(Box<Part>),
    /// It is read, and compared elsewhere if it is there. Where it is not, the mapping may tell something all the same, such as
    /// a default.
    Read,
    /// It is only shown, and what the mapping shows there is known.
    Shown,
}

#[derive(Debug, Default)]
struct Members {
    known: BTreeMap<Box<str>, Part>,
    /// Whether the schema says what members without a name are: then their names may be anybody's.
    is_map: bool,
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
                let mut frame = Part::empty();
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
    /// first, the mapping's second. Places begin with [`SHOWN`]; each is told once, and those that are known not at all.
    pub fn shown(
        &self,
        told: &Answer,
        heard: Value<'_>,
        masks: &Masks,
        is_known: &dyn Fn(&str) -> bool,
    ) -> Differences {
        let mut looking = Looking::begin(masks, is_known);
        let Some((plan, Some(showing))) = self.showing(told) else { return looking.end() };
        let (AnswerBody::Lens(lens) | AnswerBody::Items { lens, .. }) = &plan.body else {
            return looking.end();
        };
        let Some(body) = told.body.as_ref().map(|body| body.root()) else { return looking.end() };
        let again = |record| over(lens, Direction::Lower, record);
        match &showing.frame {
            None => {
                let again = again(body);
                looking.at(&showing.record, Some(heard), again.as_ref().map(|again| again.root()));
            }
            Some(frame) => {
                looking.at(frame, Some(heard), None);
                for (way, _) in self
                    .operation
                    .page
                    .iter()
                    .flat_map(|page| &page.fields)
                    .filter(|(_, slot)| slot.is_always_told())
                {
                    if value_at(heard, way).is_none_or(Value::is_null) {
                        looking.below(way.iter().map(|name| &**name), Looking::lacks);
                    }
                }
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
        looking.end()
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
    let mut all = Part::empty();
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
            // What is left out of a list has no counterpart: nobody can say which element would stand where.
            (Op::Each(Each { item: Item::Lens(lens), only }), Some(right)) if only.is_empty() => {
                let way = right.path.iter().cloned().map(Way::Name).chain([Way::Each]);
                let below: Vec<_> = below.iter().cloned().chain(way).collect();
                Part::Each(Box::new(record(lens, &below, tells)))
            }
            // Whether it is there at all may depend on what nobody tells.
            _ if field.when.tag.is_some() => Part::Left,
            _ => Part::Read,
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
    fn empty() -> Part {
        Part::Object(Members::default())
    }

    /// Puts a part at the end of a way. What is put where something else stands is left.
    fn put(&mut self, way: &[Box<str>], part: Part) {
        match (way, self) {
            ([], own) => match (own, part) {
                (Part::Object(own), Part::Object(more)) => own.known.extend(more.known),
                (own @ Part::Object(_), part) if own.is_empty() => *own = part,
                (Part::Shown, Part::Shown) => {}
                (own, _) => *own = Part::Left,
            },
            ([name, rest @ ..], Part::Object(members)) => {
                members.known.entry(name.clone()).or_insert_with(Part::empty).put(rest, part);
            }
            ([_, ..], _) => {}
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Part::Object(members) if members.known.is_empty())
    }

    /// What a schema names is known, though the mapping writes nothing there: it says why.
    fn declare(&mut self, shape: &Shape<'_>) {
        match self {
            Part::Object(Members { known, is_map }) => {
                *is_map |= shape.is_map();
                for name in shape.properties() {
                    match (known.get_mut(&*name), shape.property(&name)) {
                        (Some(part), Some(shape)) => part.declare(&shape),
                        (Some(_), None) => {}
                        (None, _) => {
                            known.insert(name.into(), Part::Left);
                        }
                    }
                }
            }
            Part::Each(item) => {
                if let Some(shape) = shape.items() {
                    item.declare(&shape);
                }
            }
            Part::Left | Part::Read | Part::Shown => {}
        }
    }

    /// Whether a value that the mapping wrote where there is none has something in it that its clients will be told.
    fn is_shown_in(&self, again: Value<'_>) -> bool {
        match self {
            Part::Left => false,
            Part::Read | Part::Shown => !again.is_null(),
            Part::Each(item) => again.elements().any(|element| item.is_shown_in(element)),
            Part::Object(members) => members
                .known
                .iter()
                .any(|(name, part)| again.member(name).is_some_and(|value| part.is_shown_in(value))),
        }
    }

    fn collect(&self, at: &str, found: &mut Vec<String>) {
        match self {
            Part::Left | Part::Read => {}
            Part::Shown => found.push(at.to_owned()),
            Part::Each(item) => item.collect(&format!("{at}[]"), found),
            Part::Object(members) => {
                for (name, part) in &members.known {
                    part.collect(
                        &if at.is_empty() { name.to_string() } else { format!("{at}.{name}") },
                        found,
                    );
                }
            }
        }
    }
}

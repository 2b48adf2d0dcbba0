//! Look-ups the other way round: which canonical id stands beside which of the dialect's, read from a list of the backend
//! that tells both.
//!
//! Where two values of the dialect could be meant, there is no pair: a role of somebody's own that is called as one of the
//! dialect's roles is not that role.

use super::{Way, Ways};
use crate::dialect::operation::{AnswerBody, AnswerPlan};
use crate::dialect::page::{PageSlot, Wanted};
use crate::dialect::{Operation, Resolver};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::lens::op::Op;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Field, Input, Lens, Presence, Resolutions, Run, Wrap, flat};
use crate::problem::Problem;
use crate::translate::Step;
use crate::translate::reverse::told::total;

/// The dialect's halves and the canonical ones.
pub type Pairs = Vec<(String, String)>;

/// How the pairs of a resolver are read from the answers to one way.
#[derive(Debug)]
pub struct Rows<'w> {
    /// The way that is asked.
    pub way: &'w Way,
    left: Column,
    right: Column,
}

/// How one canonical field is read from an item of the dialect.
#[derive(Debug)]
struct Column {
    lens: Lens,
    /// The canonical place.
    at: Address,
    /// What the item has to hold for that.
    only: Option<(Address, Literal)>,
}

impl<'w> Rows<'w> {
    /// Finds a list of the dialect that tells both halves of a resolver's pairs.
    ///
    /// # Errors
    ///
    /// 501 if there is none.
    pub fn of(ways: &'w Ways, resolver: &Resolver) -> Result<Rows<'w>, Box<Problem>> {
        let rows = |way: &'w Way| {
            let fields = flat::flat(items_of(&way.operation)?.fields());
            let column = |name: &str| Column::of(&fields, &Address::parse(name)?);
            Some(Rows { way, left: column(&resolver.left)?, right: column(&resolver.right)? })
        };
        ways.to(&resolver.calls.name).iter().find_map(rows).ok_or_else(|| {
            let Resolver { name, left, right, .. } = resolver;
            Box::new(Problem::inexpressible(format!(
                "`{name}` cannot be looked up: no list of the backend's API, `{}`, tells `{left}` and `{right}`",
                ways.dialect().name
            )))
        })
    }

    /// The pairs of an answer, and how many items it had; nothing if it has no list.
    pub fn read(&self, answer: Value<'_>, known: &Resolutions) -> Option<(Step<Pairs>, usize)> {
        let list = member(answer, list_at(&self.way.operation)?).filter(|list| list.kind() == Kind::Array)?;
        let (mut pairs, mut needs) = (Vec::new(), Vec::new());
        for item in list.elements() {
            let mut read = |column: &Column| match column.read(item, known) {
                Step::Done(text) => text,
                Step::Needs(some) => {
                    needs.extend(some);
                    None
                }
            };
            if let (Some(left), Some(right)) = (read(&self.left), read(&self.right)) {
                pairs.push((left, right));
            }
        }
        Some((if needs.is_empty() { Step::Done(pairs) } else { Step::Needs(needs) }, list.len()))
    }

    /// How many items there are on all pages, as far as an answer says that tells that page.
    pub fn total(&self, answer: Value<'_>, wanted: Wanted) -> Option<u64> {
        let list = member(answer, list_at(&self.way.operation)?)?;
        let page = self.way.whole.page.as_ref()?;
        total(page, answer, list.len() as u64, Some(wanted), false)
    }
}

impl Column {
    fn of(fields: &[Field], at: &Address) -> Option<Column> {
        let fields_of = |field: &Field| -> Option<Field> {
            let alone = told_alone(field);
            let told = alone.as_ref().unwrap_or(field);
            let is_told = told.right.as_ref() == Some(at) && told.left.is_some();
            (is_told && is_plain(&told.op)).then(|| told.clone())
        };
        let column = |field: Field| {
            let only = match &field.when.tag {
                Some((tag, value)) => Some(shown_as(fields, tag, value)?),
                None => None,
            };
            let field = Field { when: Presence::default(), ..field };
            Some(Column { lens: Lens::new("column", Wrap::Object, vec![field]), at: at.clone(), only })
        };
        fields.iter().filter_map(fields_of).find_map(column)
    }

    fn read(&self, item: Value<'_>, known: &Resolutions) -> Step<Option<String>> {
        let is_meant = |(at, value): &(Address, Literal)| {
            member(item, &at.path).is_some_and(|held| held.same(value.value()))
        };
        if !self.only.iter().all(is_meant) {
            return Step::Done(None);
        }
        let mut run = Run::new(Direction::Lift, known);
        let input = Input { body: Some(item), ..Input::default() };
        let written = self.lens.run(input, &mut run, Writer::new()).body.into_vec();
        if !run.needs().is_empty() {
            return Step::Needs(run.needs().to_vec());
        }
        if !run.refusals().is_empty() {
            return Step::Done(None);
        }
        let document = Document::parse(written, &Limits::default()).ok();
        let value = document.as_ref().and_then(|document| member(document.root(), &self.at.path));
        Step::Done(value.and_then(|value| match value.kind() {
            Kind::String => value.as_str().map(std::borrow::Cow::into_owned),
            Kind::Integer => Some(value.raw().to_owned()),
            _ => None,
        }))
    }
}

/// Whether the step is taken without looking anything up, and back.
fn is_plain(op: &Op) -> bool {
    matches!(op, Op::Copy | Op::Id(_) | Op::Prefix(_) | Op::Table(_))
}

/// The one field of a lens that tells a value alone, of the document that it is in.
fn told_alone(field: &Field) -> Option<Field> {
    let Op::Nested(nested) = &field.op else { return None };
    let Wrap::Scalar(index) = nested.lens.wrap() else { return None };
    if field.right.as_ref() != Some(&Address::whole()) {
        return None;
    }
    let inner = nested.lens.fields().get(index)?;
    Some(Field { left: field.left.clone(), when: field.when.clone(), ..inner.clone() })
}

/// Where the dialect shows that a canonical field has that value, and how.
fn shown_as(fields: &[Field], at: &Address, value: &Literal) -> Option<(Address, Literal)> {
    fields.iter().find_map(|field| {
        let left = field.left.clone()?;
        match &field.op {
            Op::Constant(shown) if field.when.tag.as_ref() == Some(&(at.clone(), value.clone())) => {
                Some((left, shown.clone()))
            }
            Op::Copy if field.right.as_ref() == Some(at) && field.when.tag.is_none() => {
                Some((left, value.clone()))
            }
            _ => None,
        }
    })
}

/// The lens of the items of a list that is answered.
fn items_of(operation: &Operation) -> Option<&Lens> {
    let AnswerPlan::One(answers) = &operation.answer else { return None };
    answers.iter().find_map(|answer| match &answer.body {
        AnswerBody::Items { lens, .. } => Some(&**lens),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    })
}

/// The way to the list in an answer.
fn list_at(operation: &Operation) -> Option<&[Box<str>]> {
    if let Some(page) = &operation.page {
        let items = page.fields.iter().find(|(_, slot)| *slot == PageSlot::Items);
        return Some(items.map_or(&[][..], |(at, _)| at.as_slice()));
    }
    let AnswerPlan::One(answers) = &operation.answer else { return None };
    answers.iter().find_map(|answer| match &answer.body {
        AnswerBody::Items { under, .. } => Some(under.as_slice()),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    })
}

fn member<'a>(value: Value<'a>, at: &[Box<str>]) -> Option<Value<'a>> {
    at.iter().try_fold(value, |value, name| value.member(name))
}

//! Single fields of a dialect's list, read in canonical words: as much of an item as somebody needs, whatever else is in it.

use std::borrow::Cow;

use super::told::value_at;
use crate::dialect::Operation;
use crate::dialect::operation::{AnswerBody, AnswerPlan};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::lens::op::Op;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Field, Input, Lens, Presence, Resolutions, Run, Wrap};
use crate::translate::Step;

/// How one canonical field is read from an item of the dialect.
#[derive(Debug)]
pub(super) struct Column {
    lens: Lens,
    /// The canonical place.
    at: Address,
    /// What the item has to hold for that.
    only: Option<(Address, Literal)>,
}

impl Column {
    /// The column that tells a place, among the fields of an item's lens said flat.
    pub(super) fn of(fields: &[Field], at: &Address) -> Option<Column> {
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

    /// What an item holds there, if anything.
    pub(super) fn read(&self, item: Value<'_>, known: &Resolutions) -> Step<Option<String>> {
        let is_meant = |(at, value): &(Address, Literal)| {
            value_at(item, &at.path).is_some_and(|held| held.same(value.value()))
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
        let value = document.as_ref().and_then(|document| value_at(document.root(), &self.at.path));
        Step::Done(value.and_then(|value| match value.kind() {
            Kind::String => value.as_str().map(Cow::into_owned),
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
pub(super) fn items_of(operation: &Operation) -> Option<&Lens> {
    let AnswerPlan::One(answers) = &operation.answer else { return None };
    answers.iter().find_map(|answer| match &answer.body {
        AnswerBody::Items { lens, .. } => Some(&**lens),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    })
}

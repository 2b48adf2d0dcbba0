//! One record, be it all of an answer or an item of a list: read by itself, and told again.

use http::StatusCode;

use super::list::{list_at, total, value_at};
use super::reading::Telling;
use super::{Reader, Reading};
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan};
use crate::dialect::page::Wanted;
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::lens::{Direction, Input, Lens, Resolutions, Run};
use crate::problem::Segment;
use crate::schema::Shape;

/// What comes behind a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another one, behind so many items.
    At(u64),
    /// Nothing.
    End,
}

impl Reader {
    /// What a canonical record looks like that answers of that canonical status tell, if anything is known of it.
    pub fn record_shape(&self, status: StatusCode) -> Option<Shape<'_>> {
        let (plan, _) = self.of_record(status)?;
        let shape = plan.canonical.as_ref()?.shape();
        match plan.body {
            AnswerBody::Items { .. } => shape.property(&self.items)?.items(),
            _ => Some(shape),
        }
    }

    /// Whether answers of that canonical status tell anything of a place in the record.
    pub fn tells_of_record(&self, status: StatusCode, place: &[Segment]) -> bool {
        let around = match self.of_record(status) {
            Some((Answer { body: AnswerBody::Items { .. }, .. }, _)) => {
                vec![Segment::Name(self.items.to_string()), Segment::Name("*".to_owned())]
            }
            _ => Vec::new(),
        };
        self.tells(status, &[&around, place].concat()) != Telling::Nothing
    }

    /// What is read of a canonical record, or of a part of one, when the dialect has told it: what the dialect has no words
    /// for is not there, and what it tells alike is the same.
    pub fn retold(&self, status: StatusCode, record: Value<'_>) -> Option<Document> {
        let (plan, _) = self.of_record(status)?;
        let (AnswerBody::Lens(lens) | AnswerBody::Items { lens, .. }) = &plan.body else { return None };
        let told = over(lens, Direction::Lower, record)?;
        self.record(status, told.root())
    }

    /// A record of the dialect in canonical words, as far as it is known without looking anything up.
    pub fn record(&self, status: StatusCode, told: Value<'_>) -> Option<Document> {
        let (_, reading) = self.of_record(status)?;
        over(&reading.lens, Direction::Lift, told)
    }

    /// The items of a list in the words of the dialect.
    pub fn listed<'v>(&self, body: Value<'v>) -> Option<Value<'v>> {
        value_at(body, list_at(&self.operation)?).filter(|items| items.kind() == Kind::Array)
    }

    /// Where a list goes on that such a page was asked of; the end if it does not, and nothing if nobody can say: what has no
    /// words in the dialect may be missing from any page.
    pub fn goes_on(&self, body: Value<'_>, wanted: Option<Wanted>) -> Option<Next> {
        let is_cut = self.leaves_out();
        let shown = self.listed(body)?.len() as u64;
        let end = (!is_cut).then_some(Next::End);
        let Some(page) = &self.operation.page else { return end };
        let Wanted { offset, limit } = wanted?;
        let next = offset + if is_cut { u64::from(limit) } else { shown };
        match total(page, body, shown, wanted, is_cut)? {
            total if total > next && next > offset => Some(Next::At(next)),
            total if total > next => None,
            _ => end,
        }
    }

    /// Whether items may be left out of the lists that it reads: those that have no words in the dialect, or that are told
    /// elsewhere.
    pub fn leaves_out(&self) -> bool {
        let AnswerPlan::One(plans) = &self.operation.answer else { return false };
        plans.iter().any(|plan| {
            matches!(&plan.body, AnswerBody::Items { omits, only, .. } if omits.is_some() || !only.is_empty())
        })
    }

    fn of_record(&self, status: StatusCode) -> Option<(&Answer, &Reading)> {
        let AnswerPlan::One(plans) = &self.operation.answer else { return None };
        let mut own = plans.iter().zip(&self.readings).filter(|(plan, _)| plan.from == status);
        own.find_map(|(plan, reading)| Some((plan, reading.as_ref()?)))
    }
}

/// A value on the other side of a lens; what is refused there, or had to be looked up, is not in it.
pub(super) fn over(lens: &Lens, direction: Direction, value: Value<'_>) -> Option<Document> {
    let known = Resolutions::default();
    let mut run = Run::new(direction, &known);
    let input = Input { body: Some(value), ..Input::default() };
    let text = lens.run(input, &mut run, Writer::new()).body.into_vec();
    let limits = Limits { bytes_max: text.len(), nodes_max: usize::MAX, ..Limits::default() };
    Document::parse(text, &limits).ok()
}

//! What a change asks for, and what came of it.
//!
//! The body of a canonical call says what of the record it sets. Afterwards the record is read in the words of the dialect,
//! and what the call set is told in the same words before the two are compared: so only what the dialect tells is, and what
//! it tells alike is alike.
//!
//! Law: a record that holds what the call sets, told by the same dialect, has no difference from it.

use http::StatusCode;

use super::Request;
use super::compare::{self, By, Differences, List, Masks, Pairs};
use super::reverse::told::Reader;
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::lens::{Direction, Input, Resolutions, Run};
use crate::problem::Segment;

/// What a change sets.
#[derive(Debug)]
pub struct Effect(Document);

impl Effect {
    /// What that request sets of one record, as far as it is known without looking anything up; none if that is nothing, or
    /// if it changes several.
    pub fn of(request: &Request) -> Option<Effect> {
        if request.operation.is_bulk() || request.operation.calls.body.is_none() {
            return None;
        }
        let known = Resolutions::default();
        let mut run = Run::new(Direction::Lift, &known);
        let body = request.body.as_ref().map(Document::root);
        let input = Input { body, outer: None, path: &request.path, query: &request.query };
        let text = request.operation.request.run(input, &mut run, Writer::new()).body.into_vec();
        let limits = Limits { bytes_max: text.len(), nodes_max: usize::MAX, ..Limits::default() };
        let body = Document::parse(text, &limits).ok()?;
        (!body.root().is_empty()).then_some(Effect(body))
    }

    /// Where the record, as it was read, is not what the change set: what was found first, and what was wanted second. The
    /// canonical status is that of the answers by which the reader tells of the record. None if nothing can be compared.
    pub fn differences(
        &self,
        reader: &Reader,
        status: StatusCode,
        found: Value<'_>,
        masks: &Masks,
        most: usize,
    ) -> Option<Differences> {
        let told = reader.retold(status, self.0.root())?;
        let (set, told) = (self.0.root(), told.root());
        let tells = |place: &[Segment]| {
            let is_set = match reach(set, place) {
                // That there is nothing may be told by leaving it out.
                Some(value) => value.is_null() || reach(told, place).is_some(),
                None => false,
            };
            is_set && reader.tells_of_record(status, place)
        };
        let by = By { schema: None, tells: &tells, list: List::default(), masks, most };
        let shape = reader.record_shape(status);
        let found = compare::values(shape.as_ref(), [found, told], &by, &mut Pairs::of_one_side());
        (found.compared > 0).then_some(found)
    }
}

/// What stands at a place, or around it where there is nothing further: what is set is set with all that lies in it.
fn reach<'v>(value: Value<'v>, place: &[Segment]) -> Option<Value<'v>> {
    let mut value = value;
    for segment in place {
        value = match (value.kind(), segment) {
            (Kind::Object, Segment::Name(name)) => value.member(name)?,
            (Kind::Object, Segment::Index(_)) => return None,
            _ => return Some(value),
        };
    }
    Some(value)
}

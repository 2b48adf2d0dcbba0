//! Answers to many calls at once, taken apart again: how each call ended, as far as the one answer tells.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value as Tree};

use super::reading::{Spot, Telling, Way};
use super::{Heard, Lifting, Outcome, Reading, document, refusal, unexpected};
use crate::dialect::operation::{Collect, Gather};
use crate::json::{Document, Kind, Value, Writer};
use crate::lens::Lens;
use crate::lens::path::{Address, Literal};
use crate::problem::Problem;
use crate::translate::answer::Answer;

/// How each call ended; none where nobody can tell.
type Outcomes = Vec<Option<Outcome>>;

/// What reads a member of a collected answer.
pub(super) fn reading_of(gather: &Gather, of: &impl Fn(&Arc<Lens>) -> Reading) -> Option<Reading> {
    match gather {
        Gather::Count | Gather::Failed(_) => None,
        Gather::Lens(lens) => Some(of(lens)),
        Gather::Value { at, id, only, .. } => {
            // Of a list of some successes nobody knows which they are.
            let telling = if only.is_empty() { Telling::Exactly } else { Telling::Roughly };
            let way = |at: &Address| at.path.iter().cloned().map(Way::Name).collect();
            let spot = |at: &Address| Spot { at: way(at), telling, whole: true };
            let spots = std::iter::once(spot(at)).chain(only.iter().map(|(at, _)| spot(at))).collect();
            let lens = id.as_ref().map_or_else(|| copy(at), |id| of(id).lens);
            Some(Reading { lens, spots })
        }
    }
}

/// A lens that brings a value as it is to that place.
fn copy(at: &Address) -> Arc<Lens> {
    use crate::lens::{Field, Presence, Wrap, op::Op};
    let left = Some(Address { path: vec!["value".into()], ..Address::whole() });
    let (right, when) = (Some(at.clone()), Presence::default());
    Arc::new(Lens::new(
        "value",
        Wrap::Scalar(0),
        vec![Field { left, right, op: Op::Copy, when, origin: None }],
    ))
}

impl<'t> Lifting<'t> {
    /// Takes an answer apart. Without items nothing was asked for but whether the caller may.
    pub(super) fn collected(
        &mut self,
        collect: &'t Collect,
        heard: &Heard<'t>,
    ) -> Result<Outcomes, Box<Problem>> {
        let (operation, count) = (&self.reader.operation, self.asked.items.len());
        let statuses = [Some(collect.all), Some(collect.some), collect.none];
        if !statuses.contains(&Some(heard.status)) {
            // Where no call succeeded the first refusal is told, or the one that concerns all of them.
            let problem = self.reader.refused(heard).ok_or_else(|| unexpected(operation, heard.status))?;
            let mut outcomes: Outcomes = (1..count).map(|_| None).collect();
            outcomes.insert(0, Some(Err(problem)));
            return Ok(outcomes);
        }
        let body = heard.body.ok_or_else(super::bodiless)?;
        let refused = self.refused_items(collect, body);
        let list = |name: &str| body.member(name).filter(|list| list.kind() == Kind::Array);
        let said = collect.fields.iter().find_map(|(name, gather)| match gather {
            Gather::Count => body.member(name)?.as_i64().and_then(|count| usize::try_from(count).ok()),
            Gather::Lens(_) => list(name).map(Value::len),
            Gather::Value { only, .. } if only.is_empty() => list(name).map(Value::len),
            Gather::Failed(_) | Gather::Value { .. } => None,
        });
        let tells_failures = collect
            .fields
            .iter()
            .any(|(name, gather)| matches!(gather, Gather::Failed(_)) && list(name).is_some());
        // Without a word of it nobody knows whether anything succeeded.
        let counted = || tells_failures.then(|| count.saturating_sub(refused.len()));
        let Some(succeeded) = said.or_else(counted) else {
            return Ok((0..count).map(|_| None).collect());
        };
        let agrees = heard.status == collect.all && succeeded == count
            || heard.status == collect.some && (1..count).contains(&succeeded)
            || collect.none == Some(heard.status) && succeeded == 0;
        if !agrees || refused.len() > count - succeeded {
            let cause = "the answer speaks of other items than were sent";
            return Err(Box::new(Problem::bad_gateway("invalid-answer", cause)));
        }
        let Some(failed) = which(self.asked.items, refused, count - succeeded) else {
            return Ok((0..count).map(|_| None).collect());
        };
        let status = operation.calls.answers.first().map_or(StatusCode::OK, |(status, _)| *status);
        let mut bodies = Vec::new();
        for index in 0..succeeded {
            bodies.push(self.body(collect, body, index, succeeded)?);
        }
        let mut bodies = bodies.into_iter();
        let outcome = |failed| match failed {
            Ended::Refused(problem) => Some(Err(problem)),
            Ended::Unknown => None,
            Ended::Well => bodies.next().map(|body| Ok(Answer { status, body: Some(body) })),
        };
        Ok(failed.into_iter().map(outcome).collect())
    }

    /// The errors of items, each with what it repeats of its item.
    fn refused_items(&self, collect: &'t Collect, body: Value<'t>) -> Vec<Refused<'t>> {
        let reader = self.reader;
        let lists = collect.fields.iter().filter_map(|(name, gather)| match gather {
            Gather::Failed(template) => Some((template, body.member(name)?)),
            Gather::Count | Gather::Lens(_) | Gather::Value { .. } => None,
        });
        let mut refused = Vec::new();
        for (template, list) in lists {
            for element in list.elements() {
                let said = reader.dialect.errors.read_as(template, element);
                let problem = Box::new(refusal::of_item(&reader.operation, &said));
                refused.push(Refused { problem, inputs: said.inputs });
            }
        }
        refused
    }

    /// What is told of the success of that index, of so many.
    fn body(
        &mut self,
        collect: &Collect,
        body: Value<'t>,
        index: usize,
        of: usize,
    ) -> Result<Document, Box<Problem>> {
        let mut tree = Tree::Object(Map::new());
        let reader = self.reader;
        for ((name, gather), reading) in collect.fields.iter().zip(&reader.readings) {
            let Some((reading, list)) = reading.as_ref().zip(body.member(name)) else { continue };
            if list.kind() != Kind::Array {
                continue;
            }
            let only: &[(Address, Literal)] = match gather {
                Gather::Value { only, .. } => only,
                Gather::Count | Gather::Failed(_) | Gather::Lens(_) => &[],
            };
            // Where only some successes are listed, it is known of which one a value is if all are, or none.
            let Some(value) = list.elements().nth(index).filter(|_| list.len() == of) else { continue };
            let mut out = Writer::new();
            self.value(&reading.lens, value, &mut out)?;
            let part =
                if self.needs.is_empty() { document(out.into_vec())?.root().to_value() } else { Tree::Null };
            merge(&mut tree, part);
            for (at, is) in only {
                put(&mut tree, &at.path, is.value().to_value());
            }
        }
        document(tree.to_string().into_bytes())
    }
}

/// An item that was refused, with what is repeated of it.
struct Refused<'v> {
    problem: Box<Problem>,
    inputs: Vec<(&'v Address, Value<'v>)>,
}

/// How a call ended.
enum Ended {
    Well,
    Refused(Box<Problem>),
    Unknown,
}

/// Which items were refused, of so many. None if nobody can tell.
fn which(items: &[Value<'_>], refused: Vec<Refused<'_>>, failures: usize) -> Option<Vec<Ended>> {
    let mut ended: Vec<Ended> = items.iter().map(|_| Ended::Well).collect();
    if failures == items.len() {
        // All of them; if all are told of, it is in their order.
        if failures != refused.len() {
            return Some(ended.iter().map(|_| Ended::Unknown).collect());
        }
        return Some(refused.into_iter().map(|refused| Ended::Refused(refused.problem)).collect());
    }
    if failures != refused.len() {
        return None;
    }
    for Refused { problem, inputs } in refused {
        let is_meant = |item: &Value<'_>| {
            let repeated = inputs.iter().filter_map(|(at, value)| Some((value_at(*item, at)?, value)));
            let mut count = 0;
            repeated.inspect(|_| count += 1).all(|(sent, value)| sent.same(*value)) && count > 0
        };
        let places = items.iter().zip(&ended).enumerate();
        let mut free = places.filter(|(_, (item, ended))| matches!(ended, Ended::Well) && is_meant(item));
        let (index, _) = free.next()?;
        // Two that look alike end as they like.
        let is_alone = free.next().is_none();
        drop(free);
        if !is_alone {
            return None;
        }
        ended[index] = Ended::Refused(problem);
    }
    Some(ended)
}

fn value_at<'v>(item: Value<'v>, at: &Address) -> Option<Value<'v>> {
    at.path.iter().try_fold(item, |value, name| value.member(name))
}

/// Adds the members of an object to another's.
fn merge(tree: &mut Tree, part: Tree) {
    match (tree, part) {
        (Tree::Object(members), Tree::Object(more)) => {
            for (name, value) in more {
                merge(members.entry(name).or_insert(Tree::Null), value);
            }
        }
        (tree, part) => *tree = part,
    }
}

fn put(tree: &mut Tree, path: &[Box<str>], value: Tree) {
    let Some((name, rest)) = path.split_first() else {
        *tree = value;
        return;
    };
    if !tree.is_object() {
        *tree = Tree::Object(Map::new());
    }
    if let Tree::Object(members) = tree {
        put(members.entry(&**name).or_insert(Tree::Null), rest, value);
    }
}

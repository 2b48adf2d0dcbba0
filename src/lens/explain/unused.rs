//! What nothing was made of, and which field has to do with a place.

use super::{How, Loss, Outcome, Told};
use crate::json::Value;
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens, Run};
use crate::problem::{Place, Root, Segment};

impl Lens {
    /// Tells what nothing was made of: as declared, or without a word.
    pub(in crate::lens) fn tell_unused(&self, body: Option<Value<'_>>, run: &mut Run<'_, '_>) {
        let direction = run.direction();
        let Some(trace) = &mut run.trace else { return };
        let shown = self.fields.iter().filter(|field| direction == Direction::Lift && field.when.shown);
        for field in shown {
            let Some(left) = field.left.as_ref().filter(|_| body.is_some_and(|body| field.is_in(body)))
            else {
                continue;
            };
            trace.push(Told {
                to: None,
                from: Some(trace.read_place(left.root, &run.at, left.segments())),
                origin: field.origin,
                outcome: Outcome::LeftOut("is shown, and never read"),
                how: Vec::new(),
            });
        }
        let declared = || self.losses.iter().filter(|loss| loss.direction == direction);
        // What is mapped is lost sometimes, and the plan told whether it was.
        let is_mapped = |loss: &Loss| {
            self.fields.iter().any(|field| match direction {
                Direction::Lift => field.left.as_ref() == Some(&loss.at),
                Direction::Lower => field.right.as_ref() == Some(&loss.at),
            })
        };
        let lost = declared().filter(|loss| loss.at.root == Root::Body && !is_mapped(loss));
        for loss in lost.filter(|loss| loss.held(body).is_some()) {
            trace.push(Told {
                to: None,
                from: Some(trace.read_place(loss.at.root, &run.at, loss.at.segments())),
                origin: loss.origin,
                outcome: Outcome::Lost,
                how: vec![How::Lost { name: loss.name.clone(), reason: loss.reason.clone() }],
            });
        }
        // A view answers for what it shows, and the lens around it for the rest.
        let is_declared = |path: &[Segment]| {
            declared().any(|loss| {
                let declared = loss.at.segments();
                declared.starts_with(path) || path.starts_with(&declared)
            })
        };
        for path in self.plan(direction).unread(body) {
            if !is_declared(&path) {
                let from = Some(trace.read_place(Root::Body, &run.at, path));
                let (outcome, how) = (Outcome::Ignored, Vec::new());
                trace.push(Told { to: None, from, origin: None, outcome, how });
            }
        }
    }

    /// Tells which parameters of the query nothing was made of.
    pub(in crate::lens) fn tell_unread(&self, query: &[(Box<str>, String)], run: &mut Run<'_, '_>) {
        let direction = run.direction();
        let Some(trace) = &mut run.trace else { return };
        for (name, _) in query {
            let place = Place::parameter(Root::Query, name);
            let is_it = |at: &Address| at.root == Root::Query && at.path.first() == Some(name);
            if self.plan(direction).reads(is_it) {
                continue;
            }
            let loss = self.losses.iter().find(|loss| loss.direction == direction && is_it(&loss.at));
            let how = loss.map(|loss| How::Lost { name: loss.name.clone(), reason: loss.reason.clone() });
            trace.push(Told {
                to: None,
                from: Some(place),
                origin: loss.and_then(|loss| loss.origin),
                outcome: if how.is_some() { Outcome::Lost } else { Outcome::Ignored },
                how: how.into_iter().collect(),
            });
        }
    }

    /// What nothing is made of in what is around the items of a bulk request.
    pub fn unread_around(&self, outer: Value<'_>) -> Vec<Place> {
        self.plan(Direction::Lift).unread_around(outer).into_iter().map(Place::body).collect()
    }

    /// The field that reaches furthest towards a canonical place.
    pub fn field_of(&self, place: &Place) -> Option<&Field> {
        let reach = |field: &&Field| {
            let tag = field.when.tag.as_ref().filter(|(tag, _)| tag.root == place.root);
            if let Some((tag, _)) = tag.filter(|(tag, _)| place.segments.starts_with(&tag.segments())) {
                return Some(tag.path.len());
            }
            let right = field.right.as_ref().filter(|right| right.root == place.root)?;
            let (own, asked) = (right.segments(), &place.segments);
            let leads_there = asked.starts_with(&own) || !asked.is_empty() && own.starts_with(asked);
            leads_there.then(|| own.len().min(asked.len()))
        };
        let candidates = self.fields.iter().filter(|field| !field.when.shown);
        let candidates = candidates.filter_map(|field| Some((reach(&field)?, field)));
        let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, field)| field)
    }
}

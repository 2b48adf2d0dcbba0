//! What a client of one dialect lacks in front of a backend that speaks another, known before anybody asks: a call that has
//! no words, a look-up that nothing answers, a field of the answer that the backend never tells.

use crate::canonical::api::{self, Api, PathPart};
use crate::dialect::operation::{AnswerBody, AnswerPlan, Gather};
use crate::dialect::{Dialect, Operation};
use crate::lens::op::Op;
use crate::lens::path::{Address, Literal};
use crate::lens::{Field, Lens, Wrap, flat};
use crate::problem::{Root, Segment};

use super::ask::Ways;
use super::told::Telling;

/// Why no request of an operation can be answered; none if some may.
pub fn lacks(api: &Api, ways: &Ways, dialect: &Dialect, operation: &Operation) -> Option<String> {
    let asked = Lacks { api, ways, dialect };
    asked
        .call(&operation.calls)
        .or_else(|| operation.guard.as_ref().and_then(|guard| asked.call(&guard.reads)))
        .or_else(|| asked.look_ups(operation))
        .or_else(|| asked.answers(operation))
}

/// The list of the records of which an operation reads one, if the backend tells them in a list: that whose path is the
/// record's without its last parameter.
pub fn list_of<'a>(
    api: &'a Api,
    ways: &Ways,
    reads: &api::Operation,
) -> Option<&'a std::sync::Arc<api::Operation>> {
    let [around @ .., PathPart::Parameter(_)] = reads.path.as_slice() else { return None };
    api.page.id.as_ref()?;
    let takes = |list: &api::Operation, name: &str| list.query.iter().any(|known| known == name);
    let is_list = |list: &&std::sync::Arc<api::Operation>| {
        list.is_safe()
            && list.path == around
            && takes(list, &api.page.limit)
            && takes(list, &api.page.offset)
            && !ways.to(&list.name).is_empty()
    };
    api.operations.iter().filter(|_| reads.is_safe()).find(is_list)
}

struct Lacks<'a> {
    api: &'a Api,
    ways: &'a Ways,
    dialect: &'a Dialect,
}

impl Lacks<'_> {
    fn call(&self, calls: &api::Operation) -> Option<String> {
        let is_lacking =
            self.ways.to(&calls.name).is_empty() && list_of(self.api, self.ways, calls).is_none();
        is_lacking.then(|| format!("`{}` has no operation for `{}`", self.ways.dialect().name, calls.name))
    }

    /// Look-ups without which the call has no path.
    fn look_ups(&self, operation: &Operation) -> Option<String> {
        let in_path = |field: &&Field| field.right.as_ref().is_some_and(|right| right.root == Root::Path);
        operation.request.fields().iter().filter(in_path).find_map(|field| {
            let Op::Resolve(resolve) = &field.op else { return None };
            // Who writes the canonical id itself needs none.
            if !resolve.0.accepted.is_empty() {
                return None;
            }
            let resolver = self.dialect.resolvers.get(resolve.0.index)?;
            let below = |field: &str| {
                let names = field.split('.').map(|name| Segment::Name(name.to_owned()));
                let rows = [Segment::Name(resolver.rows.clone()), Segment::Name("*".to_owned())];
                rows.into_iter().chain(names).collect::<Vec<_>>()
            };
            self.call(&resolver.calls).or_else(|| {
                let halves = [&resolver.left, &resolver.right];
                let untold = halves.into_iter().find(|half| !self.tells(&resolver.calls, &below(half)))?;
                let (name, calls) = (&self.ways.dialect().name, &resolver.calls.name);
                Some(format!(
                    "`{name}` does not tell `{untold}` in `{calls}`, to look `{}` up",
                    resolver.name
                ))
            })
        })
    }

    /// Fields that every answer has, and of which the backend tells nothing.
    fn answers(&self, operation: &Operation) -> Option<String> {
        let item = [Segment::Name(self.api.page.items.clone()), Segment::Name("*".to_owned())];
        match &operation.answer {
            AnswerPlan::One(plans) => plans.iter().find_map(|plan| {
                let reads = plan.reads.as_ref().unwrap_or(&operation.calls);
                match &plan.body {
                    AnswerBody::Lens(lens) => self.untold(reads, lens, &[]),
                    AnswerBody::Items { lens, only, .. } => {
                        self.unseen(reads, only, &item).or_else(|| self.untold(reads, lens, &item))
                    }
                    AnswerBody::Constant(_) | AnswerBody::Empty => None,
                }
            }),
            AnswerPlan::Collect(collect) => collect.fields.iter().find_map(|(_, gather)| match gather {
                Gather::Lens(lens) => self.untold(&operation.calls, lens, &[]),
                Gather::Count | Gather::Failed(_) | Gather::Value { .. } => None,
            }),
        }
    }

    /// The first place by which items are chosen and that is not told: all of them would be left out.
    fn unseen(
        &self,
        calls: &api::Operation,
        only: &[(Address, Literal)],
        below: &[Segment],
    ) -> Option<String> {
        let (at, _) = only.iter().find(|(at, _)| !self.tells(calls, &[below, &at.segments()].concat()))?;
        let name = &self.ways.dialect().name;
        Some(format!("`{name}` does not tell `{at}` in `{}`, by which items are chosen", calls.name))
    }

    /// The first field of a lens that has to be there and comes from a place that is not told.
    fn untold(&self, calls: &api::Operation, lens: &Lens, below: &[Segment]) -> Option<String> {
        let schema = self.dialect.lenses.get(lens.name())?.left.as_ref()?;
        if lens.wrap() != Wrap::Object {
            return None;
        }
        let is_required = |left: &Address| {
            let mut shape = Some(schema.shape());
            left.path.iter().all(|name| {
                let around = shape.take();
                shape = around.as_ref().and_then(|around| around.property(name));
                around.is_some_and(|around| around.is_required(name))
            })
        };
        let fields = flat::flat(lens.fields());
        let place = |at: &Address| [below, &at.segments()].concat();
        // What a field is made of; nothing where it is made of nothing.
        let source = |field: &Field| {
            let when = &field.when;
            let is_untold = |at: &&Address| at.root == Root::Body && !self.tells(calls, &place(at));
            if let Some((tag, _)) = &when.tag {
                return Some(tag.clone()).filter(|tag| is_untold(&tag));
            }
            let right = field.right.as_ref().filter(|right| !right.path.is_empty())?;
            // What a list is not known to hold is not known to be missing in it.
            let is_made_up = match &field.op {
                Op::Has(_) => false,
                Op::Constant(_) => true,
                _ => when.absent.is_some(),
            };
            let instead = when.instead.as_ref().is_none_or(|instead| is_untold(&instead));
            Some(right.clone()).filter(|right| !is_made_up && instead && is_untold(&right))
        };
        let is_asserted =
            |field: &&Field| matches!(field.op, Op::Has(_)) || field.left.as_ref().is_some_and(&is_required);
        let lefts = fields.iter().filter(is_asserted).filter_map(|field| field.left.as_ref());
        lefts.into_iter().find_map(|left| {
            // Several ways to tell a field: one is enough.
            let ways = fields.iter().filter(|field| field.left.as_ref() == Some(left));
            let untold: Option<Vec<Address>> = ways.map(source).collect();
            let right = untold?.into_iter().next()?;
            let name = &self.ways.dialect().name;
            Some(format!("`{name}` does not tell `{right}` in `{}`, from which `{left}` is made", calls.name))
        })
    }

    /// Whether some answer to a call tells of a place.
    fn tells(&self, calls: &api::Operation, place: &[Segment]) -> bool {
        let listed = list_of(self.api, self.ways, calls).filter(|_| self.ways.to(&calls.name).is_empty());
        if let Some(list) = listed {
            let item = [Segment::Name(self.api.page.items.clone()), Segment::Name("*".to_owned())];
            return self.tells(list, &[&item, place].concat());
        }
        let is_told = |telling| telling != Telling::Nothing;
        let ways = self.ways.to(&calls.name).iter();
        let mut tellings =
            ways.flat_map(|way| calls.answers.iter().map(|(status, _)| way.reader().tells(*status, place)));
        tellings.any(is_told)
    }
}

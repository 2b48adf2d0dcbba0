//! From the fields of a lens to a plan for one direction.

use super::{Guard, Lost, Member, Note, Param, Plan, Shape, Step, Trie};
use crate::diag::Span;
use crate::json::{Name, Writer};
use crate::lens::explain::Loss;
use crate::lens::op::Op;
use crate::lens::path::{Address, Literal};
use crate::lens::run::{Direction, Resolutions, Run, Source};
use crate::lens::{Field, Wrap};
use crate::problem::Root;

impl Plan {
    pub(in crate::lens) fn compile(fields: &[Field], wrap: Wrap, direction: Direction) -> Plan {
        let mut plan = Plan::default();
        for (index, field) in fields.iter().enumerate() {
            let step = plan.add(field, fields, direction);
            match (wrap, direction) {
                (Wrap::Bare(alone) | Wrap::Scalar(alone), Direction::Lift) if alone == index => {
                    plan.bare = field.left.as_ref().map(|left| plan.slot(left));
                    plan.scalar = matches!(wrap, Wrap::Scalar(_));
                }
                (Wrap::Scalar(alone), Direction::Lower) if alone == index => {
                    plan.shape = Shape::Steps(step.into_iter().collect());
                    if let Some(note) = step.and_then(|step| plan.notes.get_mut(step)) {
                        note.target = Some(Address::whole());
                    }
                }
                (Wrap::Object | Wrap::Bare(_) | Wrap::Scalar(_), _) => {}
            }
        }
        plan.order_params();
        plan
    }

    /// What is looked up in the scope of other parameters is looked up after those, wherever the mapping says it: a body
    /// may name whom the call's path is about.
    fn order_params(&mut self) {
        let steps = &self.steps;
        let is_scoped = |step: &usize| match &steps[*step].op {
            Op::Resolve(resolve) => !resolve.0.scope.is_empty(),
            Op::Row(row) => !row.resolver.scope.is_empty(),
            _ => false,
        };
        self.params.sort_by_key(|param| param.steps.iter().any(is_scoped));
    }

    /// Lets look-ups find a parameter of their scope in the document.
    pub(in crate::lens) fn add_scope(&mut self, name: &str, at: &Address) {
        let slot = self.slot(at);
        self.scopes.push((name.into(), slot));
    }

    /// Counts what is lost as declared, besides all that nothing is made of.
    pub(in crate::lens) fn add_loss(&mut self, loss: &Loss) {
        match (loss.at.root, loss.at.path.as_slice()) {
            (Root::Body, path) => {
                self.body.add_loss(path, loss.number);
                self.add_partial(loss);
            }
            (Root::Query, [name]) => self.query_losses.push((name.clone(), loss.number)),
            (Root::Outer | Root::Path | Root::Query, _) => {}
        }
    }

    /// Adds what a field needs in one direction, and gives its step if it writes anything.
    fn add(&mut self, field: &Field, all: &[Field], direction: Direction) -> Option<usize> {
        let lifting = direction == Direction::Lift;
        let (input, output) = if lifting { (&field.left, &field.right) } else { (&field.right, &field.left) };
        let source = input.as_ref().map(|address| self.slot(address));
        if lifting && field.when.shown {
            return None;
        }
        let when = &field.when;
        let mut step = Step {
            source,
            fallback: None,
            guard: None,
            op: field.op.clone(),
            missing: None,
            blank: None,
            null_is_missing: false,
        };
        match (&field.op, output) {
            (Op::Fixed(_), None) if lifting => {
                let check = self.push(step, None, field.origin);
                self.checks.push(check);
                return None;
            }
            (_, None) => return None,
            (Op::Constant(literal), Some(_)) => step = Step { source: None, ..Step::constant(literal) },
            (Op::Fixed(fixed), Some(_)) => step = Step::constant(&fixed.0),
            (_, Some(_)) if lifting => {
                step.missing = when.default.as_ref().and_then(|value| field.op.beforehand(value));
            }
            (_, Some(_)) => step.missing = when.absent.as_ref().map(|value| value.json().into()),
        }
        if lifting {
            step.fallback = when.fallback.as_ref().map(|address| self.slot(address));
            step.blank.clone_from(&when.absent);
            step.guard = when.lift_when.as_ref().map(|(at, values)| {
                let owner = all.iter().find(|owner| owner.left.as_ref() == Some(at));
                Guard::Equals {
                    slot: self.slot(at),
                    fallback: owner.and_then(|owner| owner.when.fallback.as_ref()).map(|at| self.slot(at)),
                    default: owner.and_then(|owner| owner.when.default.clone()),
                    values: values.clone(),
                }
            });
        } else {
            step.fallback = when.instead.as_ref().map(|address| self.slot(address));
            step.null_is_missing = when.absent.is_some() || when.instead.is_some() || when.optional;
            step.guard = when.tag.as_ref().map(|(at, value)| Guard::Equals {
                slot: self.slot(at),
                fallback: None,
                default: None,
                values: vec![value.clone()],
            });
        }
        let guard = step.guard.clone().map(Box::new);
        let index = self.push(step, output.as_ref(), field.origin);
        self.write_at(output.as_ref()?, index);
        if lifting {
            self.add_tag(source, guard, when.tag.as_ref(), field.origin);
        }
        Some(index)
    }

    fn push(&mut self, step: Step, target: Option<&Address>, origin: Option<Span>) -> usize {
        self.notes.push(Note { target: target.cloned(), origin });
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// The value that tells which of several fields was lifted. Null is told by leaving it out.
    fn add_tag(
        &mut self,
        source: Option<usize>,
        with: Option<Box<Guard>>,
        tag: Option<&(Address, Literal)>,
        origin: Option<Span>,
    ) {
        let (Some(source), Some((at, value))) = (source, tag) else {
            return;
        };
        if value.value().is_null() {
            return;
        }
        let step = Step { guard: Some(Guard::Present { slot: source, with }), ..Step::constant(value) };
        let index = self.push(step, Some(at), origin);
        self.write_at(at, index);
    }

    /// The slot of an address.
    fn slot(&mut self, address: &Address) -> usize {
        if let Some(known) = self.slots.iter().position(|slot| slot == address) {
            return known;
        }
        let slot = self.slots.len();
        self.slots.push(address.clone());
        match address.root {
            Root::Body => self.body.insert(&address.path, slot),
            Root::Outer => self.outer.insert(&address.path, slot),
            Root::Path | Root::Query => self.given.push(slot),
        }
        slot
    }

    fn write_at(&mut self, address: &Address, step: usize) {
        if matches!(address.root, Root::Body | Root::Outer) {
            self.shape.insert(&address.path, step);
            return;
        }
        let name = address.path.concat().into_boxed_str();
        match self.params.iter_mut().find(|param| param.root == address.root && param.name == name) {
            Some(param) => param.steps.push(step),
            None => self.params.push(Param { root: address.root, name, steps: vec![step] }),
        }
    }
}

impl Step {
    fn constant(literal: &Literal) -> Step {
        Step {
            source: None,
            fallback: None,
            guard: None,
            op: Op::Constant(literal.clone()),
            missing: Some(literal.json().into()),
            blank: None,
            null_is_missing: false,
        }
    }
}

impl Op {
    /// What a default of the dialect is in the canonical form. None if the op refuses it, makes nothing of it, or would
    /// have to look something up: a default is computed once, at the start.
    pub fn beforehand(&self, default: &Literal) -> Option<Box<str>> {
        let resolutions = Resolutions::default();
        let mut run = Run::new(Direction::Lift, &resolutions);
        let mut out = Writer::new();
        self.run(Source::Json(default.value()), &mut run, &mut out).ok()?;
        // A lens inside is asked for all it needs before it stops, and may have nothing to write: that is no JSON.
        if !run.needs().is_empty() || out.is_empty() {
            return None;
        }
        String::from_utf8(out.into_vec()).ok().map(String::into_boxed_str)
    }
}

impl Trie {
    fn insert(&mut self, path: &[Box<str>], slot: usize) {
        let Some((name, rest)) = path.split_first() else {
            self.slot = Some(slot);
            return;
        };
        self.reads = true;
        let member = self.member(name, || Member::Read(Trie::default()));
        // What is read is not lost, whoever said so first; what lies beside it still is.
        if let Member::Lost(lost) = member {
            let mut child = Trie::default();
            for loss in lost.drain(..) {
                child.add_loss(&loss.rest, loss.number);
            }
            *member = Member::Read(child);
        }
        if let Member::Read(child) = member {
            child.insert(rest, slot);
        }
    }

    fn add_loss(&mut self, path: &[Box<str>], number: usize) {
        let Some((name, rest)) = path.split_first() else { return };
        match self.member(name, || Member::Lost(Vec::new())) {
            Member::Read(child) => child.add_loss(rest, number),
            Member::Lost(lost) => lost.push(Lost { rest: rest.into(), number }),
        }
    }

    /// The member of that name, which is a new one if nothing is known of it yet.
    fn member(&mut self, name: &str, new: impl FnOnce() -> Member) -> &mut Member {
        let known = self.members.iter().position(|(known, _)| **known == *name);
        let index = known.unwrap_or_else(|| {
            self.names.push(Name::new(name));
            self.members.push((name.into(), new()));
            self.members.len() - 1
        });
        &mut self.members[index].1
    }
}

impl Shape {
    fn insert(&mut self, path: &[Box<str>], step: usize) {
        match (self, path.split_first()) {
            (Shape::Steps(steps), _) => steps.push(step),
            (shape @ Shape::Object(_), None) => *shape = Shape::Steps(vec![step]),
            (Shape::Object(members), Some((name, rest))) => {
                let key = quoted(name);
                let known = members.iter().position(|(member, _)| *member == key);
                let index = known.unwrap_or_else(|| {
                    members.push((key, Shape::default()));
                    members.len() - 1
                });
                members[index].1.insert(rest, step);
            }
        }
    }
}

/// A member's name as it stands in JSON, colon included.
fn quoted(name: &str) -> Box<str> {
    let mut out = Writer::new();
    out.string(name);
    let mut quoted = String::from_utf8(out.into_vec()).unwrap_or_default();
    quoted.push(':');
    quoted.into_boxed_str()
}

//! There and back: what a client wrote is what it would be shown, and what it was shown it can write back without
//! changing anything.
//!
//! Laws, for the fields a lens both reads and writes: what was lifted, lowered and lifted again is the same; what was
//! lowered, lifted and lowered again is the same; and what was lowered and lifted is what it was, unless the mapping
//! says that it is not: a landing, a value for null, a field that is only there with a tag.

use std::sync::Arc;

use super::finding::{Finding, field_at, named, nearest, shown};
use super::world::World;
use super::{Trial, run, with_scopes};
use crate::diag::code;
use crate::json::{Document, Value};
use crate::lens::op::Op;
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens, Refusal};
use crate::problem::Root;
use crate::translate::Request;

mod same;

use same::{differing, same_read, same_written, told_otherwise};

/// How many items of one request or answer are brought back.
const ITEMS_MAX: usize = 2;

impl Trial<'_> {
    /// What a request asks for can be shown, and asked for again.
    pub(super) fn request_returns(&mut self, request: &Request, world: &World<'_>) {
        let Some(lens) = self.way_back(request) else { return };
        for (item, _) in request.items().take(ITEMS_MAX) {
            let (Some(item), mut world) = (item, world.clone()) else { continue };
            let outer = request.body.as_ref().filter(|_| request.operation.is_bulk()).map(Document::root);
            let Ok(lifted) = super::run_with(&lens, Direction::Lift, item, outer, &request.path, &mut world)
            else {
                continue; // told as a refusal
            };
            let lowered = match run(&lens, Direction::Lower, lifted.root(), &[], &mut world) {
                Ok(lowered) => lowered,
                Err(refusals) => {
                    self.one_way(&lens, Direction::Lower, &refusals, lifted.root());
                    continue;
                }
            };
            let again = match super::run_with(
                &lens,
                Direction::Lift,
                lowered.root(),
                outer,
                &request.path,
                &mut world,
            ) {
                Ok(again) => again,
                Err(refusals) => {
                    self.one_way(&lens, Direction::Lift, &refusals, lowered.root());
                    continue;
                }
            };
            if let Some((field, before, after)) = differing(&lens, lifted.root(), again.root(), &same_written)
            {
                let what = "what is written and read comes back as something else";
                self.changed(code::M0901, &lens, field, what, (before, after));
            }
        }
    }

    /// What an answer tells can be written back, and is what it was.
    pub(super) fn answer_returns(&mut self, lens: &Arc<Lens>, canonical: Value<'_>, world: &World<'_>) {
        let part = self.file.lenses.iter().find(|part| part.name.value == lens.name());
        if part.and_then(|part| part.part.as_ref()).is_none_or(|part| part.shows) {
            return;
        }
        let lens = with_scopes(lens, lens.fields().to_vec(), self.dialect);
        let mut world = world.clone();
        let Ok(told) = run(&lens, Direction::Lower, canonical, &[], &mut world) else { return };
        let lifted = match run(&lens, Direction::Lift, told.root(), &[], &mut world) {
            Ok(lifted) => lifted,
            Err(refusals) => {
                self.one_way(&lens, Direction::Lift, &refusals, told.root());
                return;
            }
        };
        if let Some((field, before, after)) = differing(&lens, canonical, lifted.root(), &same_read) {
            let what = "what is read and written back is another value";
            self.changed(code::M0902, &lens, field, what, (before, after));
            return;
        }
        let Ok(again) = run(&lens, Direction::Lower, lifted.root(), &[], &mut world) else { return };
        if let Some((field, before, after)) = told_otherwise(&lens, told.root(), again.root()) {
            let what = "what is read, written back and read again is told otherwise";
            self.changed(code::M0901, &lens, field, what, (before, after));
        }
    }

    /// The lens of a request's body alone, both ways. A filter asks for several things at once and has no way back.
    fn way_back(&mut self, request: &Request) -> Option<Arc<Lens>> {
        let operation = &request.operation;
        let key = Arc::as_ptr(operation).addr();
        if let Some(known) = self.ways_back.get(&key) {
            return known.clone();
        }
        let in_body = |field: &&Field| {
            field.left.as_ref().is_none_or(|left| left.root == Root::Body)
                && field.right.as_ref().is_some_and(|right| right.root == Root::Body)
                && !matches!(field.op, Op::Filter(_))
        };
        let fields: Vec<Field> = operation.request.fields().iter().filter(in_body).cloned().collect();
        let is_read = fields.iter().any(|field| field.left.is_some());
        let lens = is_read.then(|| with_scopes(&operation.request, fields, self.dialect));
        self.ways_back.insert(key, lens.clone());
        lens
    }

    fn one_way(&mut self, lens: &Lens, direction: Direction, refusals: &[Refusal], value: Value<'_>) {
        for refusal in refusals {
            let field = field_at(lens, direction, &refusal.place);
            let Some(span) = field.and_then(|at| at.field.origin) else { continue };
            let message = match direction {
                Direction::Lift => "shown to clients, and refused when they write it back",
                Direction::Lower => "taken from clients, and cannot be shown to them",
            };
            self.findings.tell(Finding {
                code: code::M0901,
                span,
                rule: refusal.kind,
                message: format!("{} of lens `{}` is {message}", named(&refusal.place.segments), lens.name()),
                label: refusal.message.clone(),
                help: HELP.to_owned(),
                instance: shown(Some(nearest(value, &refusal.place.segments))),
            });
        }
    }

    fn changed(
        &mut self,
        code: crate::diag::Code,
        lens: &Lens,
        field: &Field,
        what: &str,
        (before, after): (Option<Value<'_>>, Option<Value<'_>>),
    ) {
        let place = field.left.as_ref().map(Address::segments).unwrap_or_default();
        let Some(span) = field.origin else { return };
        self.findings.tell(Finding {
            code,
            span,
            rule: what,
            message: format!("{} of lens `{}`: {what}", named(&place), lens.name()),
            label: "does not come back".to_owned(),
            help: HELP.to_owned(),
            instance: format!("{}, which became {}", shown(before), shown(after)),
        });
    }
}

const HELP: &str = "map it so that both directions agree, or declare what is lost: a landing, `absent`, `default`, or a `tag` that \
                    tells when the field is there";

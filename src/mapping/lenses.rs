//! Lenses: fields as they were written become fields that run, and paths are looked for in the schemas.

mod field;
mod path;

use std::sync::Arc;

use super::canonical::suggest;
use super::compile::{Compiler, Kind};
use super::file::{LensPart, Named, OpPart, Reason, Text};
use crate::diag::{Diagnostic, code};
use crate::lens::explain::Loss;
use crate::lens::op::Op;
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens, Presence, Wrap};
use crate::problem::Root;
use crate::schema::Schema;

pub(super) use field::{Line, Shapes};
pub(super) use path::{Schemas, no_path, shape_at};

/// A lens that was built, with what the checks need to know of it.
#[derive(Debug)]
pub(super) struct BuiltLens<'a> {
    pub(super) lens: Arc<Lens>,
    pub(super) name: &'a Text,
    pub(super) part: &'a LensPart,
    /// The dialect's schema.
    pub(super) left: Option<Arc<Schema>>,
    /// The canonical schema.
    pub(super) right: Option<Arc<Schema>>,
    /// Its fields.
    pub(super) lines: Vec<Line<'a>>,
    /// What it writes as it is told to.
    pub(super) sets: Vec<(&'a Text, Address)>,
}

impl BuiltLens<'_> {
    /// Whether it is known what the lens is about on the dialect's side.
    pub(super) fn knows_left(&self) -> bool {
        self.lines.iter().all(|line| !line.left.is_doubtful)
    }

    /// Whether it is known what the lens is about on the canonical side.
    pub(super) fn knows_right(&self) -> bool {
        self.lines.iter().all(|line| !line.right.is_doubtful) && self.sets.len() == self.part.sets.len()
    }
}

impl<'a> Compiler<'a> {
    /// Builds each lens after those inside it.
    pub(super) fn build_lenses(&mut self) {
        let file = self.file;
        let mut waiting: Vec<(&'a Text, &'a LensPart)> =
            file.lenses.iter().filter_map(|Named { name, part }| Some((name, part.as_ref()?))).collect();
        loop {
            let (blocked, ready): (Vec<_>, Vec<_>) = waiting.iter().partition(|(_, part)| {
                inner(part).any(|inner| waiting.iter().any(|(name, _)| name.value == inner.value))
            });
            if ready.is_empty() {
                break;
            }
            for (name, part) in ready {
                let built = self.lens(name, part);
                self.lenses.insert(&name.value, built);
            }
            waiting = blocked;
        }
        for (name, _) in &waiting {
            self.saw_all = false;
            if contains(&waiting, &name.value, &name.value) {
                let found = Diagnostic::error(code::M0217, format!("lens `{}` contains itself", name.value));
                self.report(
                    found
                        .at(name.span, "its fields lead back to it")
                        .help("let one of these lenses tell its field otherwise: as it is, or by a lens that goes no deeper"),
                );
            }
        }
    }

    /// The lens of that name, if it could be built.
    pub(super) fn lens_named(&mut self, name: &Text) -> Option<Arc<Lens>> {
        if !self.refer(Kind::Lens, name) {
            return None;
        }
        self.lenses.get(name.value.as_str()).map(|built| Arc::clone(&built.lens))
    }

    fn lens(&mut self, name: &'a Text, part: &'a LensPart) -> BuiltLens<'a> {
        let left = part.schema.as_ref().and_then(|schema| self.schema(schema));
        let right = self.canonical_schema(&part.canonical);
        let shapes = Shapes { left: left.as_deref(), right: right.as_deref() };

        let mut lines = Vec::new();
        for field in &part.fields {
            let at = self.address(&field.left);
            lines.push(self.field(field, at, Root::Body, shapes));
        }
        let mut sets = Vec::new();
        let mut fields: Vec<_> = lines.iter().filter_map(|line| line.field.clone()).collect();
        for (path, literal) in &part.sets {
            let Some(at) = self.address(path) else { continue };
            if self.check_path(path, &at, shapes.right, Schemas::Canonical) {
                sets.push((path, at.clone()));
            }
            fields.push(Field {
                left: None,
                right: Some(at),
                op: Op::Constant(literal.value.clone()),
                when: Presence::default(),
                origin: Some(path.span),
            });
        }
        let mut scope = Vec::new();
        for (parameter, path) in &part.scope {
            let Some(at) = self.address(path) else { continue };
            if self.check_path(path, &at, shapes.right, Schemas::Canonical) {
                scope.push((parameter.value.clone(), at));
            }
        }
        let wrap = self.wrap(name, part, &fields);
        let losses = [(Direction::Lower, &part.drops), (Direction::Lift, &part.ignores)];
        let losses = losses.into_iter().flat_map(|(direction, losses)| {
            losses.iter().filter_map(move |(path, reason)| {
                let at = Address::parse(&path.value)?;
                Some(loss(&name.value, path, at, direction, reason))
            })
        });
        let lens = Lens::new(name.value.as_str(), wrap, fields).with_scope(&scope);
        let losses: Vec<Loss> = losses.collect();
        let lens = Arc::new(lens.with_losses(self.numbered(losses)));
        BuiltLens { lens, name, part, left, right, lines, sets }
    }

    /// Gives losses the numbers by which they are counted.
    pub(super) fn numbered(&mut self, mut losses: Vec<Loss>) -> Vec<Loss> {
        for loss in &mut losses {
            loss.number = self.number_loss(loss.name.clone());
        }
        losses
    }

    fn wrap(&mut self, name: &Text, part: &LensPart, fields: &[Field]) -> Wrap {
        let (field, wrap): (_, fn(usize) -> Wrap) = match (&part.bare, &part.scalar) {
            (None, None) => return Wrap::Object,
            (Some(field), None) => (field, Wrap::Bare),
            (None, Some(field)) => (field, Wrap::Scalar),
            (Some(bare), Some(_)) => {
                let message = format!("lens `{}` is both `bare` and `scalar`", name.value);
                self.report(Diagnostic::error(code::M0106, message).at(bare.span, "one of the two"));
                return Wrap::Object;
            }
        };
        if !part.fields.iter().any(|declared| declared.left.value == field.value) {
            let message = format!("lens `{}` has no field `{}`", name.value, field.value);
            let diagnostic = Diagnostic::error(code::M0201, message).at(field.span, "not among its fields");
            let known = part.fields.iter().map(|field| field.left.value.as_str());
            self.report(suggest(diagnostic, &field.value, known));
        }
        let at = Address::parse(&field.value);
        let index = fields.iter().position(|known| known.left.is_some() && known.left == at);
        index.map_or(Wrap::Object, wrap)
    }
}

/// What nothing is made of, as it was declared in `owner`.
pub(super) fn loss(owner: &str, path: &Text, at: Address, direction: Direction, reason: &Reason) -> Loss {
    let (name, reason) = (format!("{owner}.{}", path.value), reason.text().to_owned());
    Loss { number: 0, name, at, direction, reason, origin: Some(path.span) }
}

/// The names of the lenses inside a lens.
fn inner(part: &LensPart) -> impl Iterator<Item = &Text> {
    part.fields.iter().filter_map(|field| match &field.op {
        Some(OpPart::Lens(name) | OpPart::EachLens(name)) => Some(name),
        _ => None,
    })
}

/// Whether following the lenses inside `from` leads to `to`.
fn contains(lenses: &[(&Text, &LensPart)], from: &str, to: &str) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        let Some((_, part)) = lenses.iter().find(|(known, _)| known.value == name) else { continue };
        for inner in inner(part) {
            if inner.value == to {
                return true;
            }
            if !seen.contains(&inner.value.as_str()) {
                seen.push(&inner.value);
                open.push(&inner.value);
            }
        }
    }
    false
}

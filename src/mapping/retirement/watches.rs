//! Fields, values and words that retire, as parts of the requests that can have them.

use std::sync::Arc;

use serde_json::Value as Tree;

use super::contradictions::is_refused_alone;
use crate::diag::{Diagnostic, code};
use crate::dialect::Retirement;
use crate::dialect::parameters::QueryShape;
use crate::dialect::retirement::{Step, Watch};
use crate::lens::path::{Address, Literal};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{FieldPart, LensPart, OpPart, OperationPart, RetirementPart, Text};
use crate::mapping::lenses::shape_at;
use crate::problem::Root;
use crate::schema::{Schema, Shape};

/// The way out where something retires that every request needs, and nothing of its kind stays.
pub(super) const SUCCESSOR: &str = "say under `successor` where it is described what clients do instead";

/// Where the fields of a lens lie in a request.
#[derive(Clone, Copy)]
pub(super) struct Below<'w> {
    /// The way to the whole that the lens is about.
    way: &'w [Step],
    /// The lens, unless the fields are parameters.
    lens: Option<&'w LensPart>,
    /// All of them.
    fields: &'w [FieldPart],
    pub(super) schema: Option<&'w Schema>,
    /// How the operation retires.
    pub(super) whole: Option<&'w Retirement>,
}

impl Compiler<'_> {
    /// What of an operation's requests retires; `whole` is how the operation does.
    pub(in crate::mapping) fn watches(
        &mut self,
        part: &OperationPart,
        parameters: Option<&QueryShape>,
        whole: Option<&Retirement>,
    ) -> Vec<Watch> {
        if self.retirements.parts.is_empty() {
            return Vec::new();
        }
        let mut watches = Vec::new();
        let items = part.each.as_ref().map_or_else(Vec::new, |each| {
            let over = Address::parse(&each.over.value).unwrap_or_else(Address::whole);
            over.path.into_iter().map(Step::Member).chain([Step::Elements]).collect()
        });
        if let Some(body) = &part.body {
            self.watch_lens(body, &items, whole, &mut watches);
        }
        let schema = parameters.map(|parameters| &**parameters.schema());
        for field in &part.query {
            let at = Address { root: Root::Query, path: vec![field.left.value.as_str().into()] };
            let below = Below { way: &[], lens: None, fields: &part.query, schema, whole };
            self.watch_field(field, &at, below, &mut watches);
        }
        watches
    }

    /// The fields of a lens, and of those inside it.
    fn watch_lens(
        &mut self,
        name: &Text,
        way: &[Step],
        whole: Option<&Retirement>,
        watches: &mut Vec<Watch>,
    ) {
        let Some(built) = self.lenses.get(name.value.as_str()) else { return };
        let (part, schema) = (built.part, built.left.clone());
        let below = Below { way, lens: Some(part), fields: &part.fields, schema: schema.as_deref(), whole };
        for field in &part.fields {
            let Some(at) = Address::parse(&field.left.value) else { continue };
            self.watch_field(field, &at, below, watches);
            if let Some(from) = field.from.as_ref().and_then(|from| Address::parse(&from.value)) {
                self.watch_field(field, &from, Below { schema: None, ..below }, watches);
            }
            let (inner, item) = match &field.op {
                Some(OpPart::Lens(inner)) => (inner, None),
                Some(OpPart::EachLens(inner)) => (inner, Some(Step::Elements)),
                _ => continue,
            };
            let way: Vec<_> = below.to(field, &at).into_iter().chain(item).collect();
            self.watch_lens(inner, &way, whole, watches);
        }
    }

    /// One field, if it retires or holds words that do.
    fn watch_field(&mut self, field: &FieldPart, at: &Address, below: Below<'_>, watches: &mut Vec<Watch>) {
        // What is only shown is in no request, and a path is what the operation is, not what its client says.
        if !is_read(field) || at.root == Root::Path {
            return;
        }
        let way = below.to(field, at);
        let root = if at.root == Root::Query { Root::Query } else { Root::Body };
        if let Some(part) = &field.retirement
            && let Some(retirement) = self.retirements.parts.get(&part.span).map(Arc::clone)
        {
            if self.retirements.watched.insert(part.span) {
                self.check_field(field, part, at, below);
            }
            self.check_values(field, part, below);
            self.note_met(part, below.whole);
            let values = part.values.iter().flatten().map(|value| value.value.clone()).collect();
            let mut way = way.clone();
            if part.values.is_some() && is_list(field) {
                way.push(Step::Elements);
            }
            watches.push(Watch { root, way, values, retirement });
        }
        let names_roles = match &field.op {
            Some(OpPart::Role) => true,
            Some(OpPart::Filter(table)) => table.value == "role",
            _ => false,
        };
        let rows = self.file.roles.iter().flat_map(|roles| &roles.rows);
        for row in rows.filter(|_| names_roles) {
            let Some(part) = &row.retirement else { continue };
            let Some(retirement) = self.retirements.parts.get(&part.span).map(Arc::clone) else { continue };
            self.retirements.watched.insert(part.span);
            self.note_met(part, below.whole);
            if is_refused_alone(&retirement, below.whole) {
                self.retirements.alone.insert(part.span);
            }
            let words = std::iter::once(&row.word).chain(&row.also);
            let values: Vec<Literal> = words.map(|word| word.value.clone()).collect();
            watches.push(Watch { root, way: way.clone(), values, retirement });
        }
        if names_roles {
            self.check_words(field, at, below);
        }
    }

    /// What is said of a field that requests can have.
    fn check_field(&mut self, field: &FieldPart, part: &RetirementPart, at: &Address, below: Below<'_>) {
        self.check_ways(field, part, below.fields);
        if let Some(values) = &part.values {
            if values.is_empty() {
                let message = format!("no value of `{}` retires", field.left.value);
                let found = Diagnostic::error(code::M1005, message);
                self.report(found.at(part.span, "name some values, or none for all of the field"));
            }
            let shape = below.schema.and_then(|schema| shape_of(field, at, schema));
            for value in values {
                if let Some(shape) = &shape {
                    self.check_met_by(value, at, shape);
                }
            }
            let known = shape.and_then(|shape| shape.enumeration()).filter(|_| !is_list(field));
            let retires = |known: &Tree| values.iter().any(|value| value.value.value().to_value() == *known);
            if !known.is_some_and(|known| known.iter().all(retires)) {
                return;
            }
        }
        let is_required = below.schema.is_some_and(|schema| is_required(&schema.shape(), at));
        let is_refused = part.gone.is_some() || part.brown_outs.as_ref().is_some_and(|all| !all.is_empty());
        if !is_required || part.successor.is_some() && !is_refused {
            return;
        }
        let message = format!("`{}` retires, and every request needs it", field.left.value);
        let found = Diagnostic::error(code::M1006, message);
        self.report(if is_refused {
            found
                .at(part.span, "when it is refused, every request is")
                .help("say it of the operation, or let the schema not require the field")
        } else {
            found.at(part.span, "no client can do without it").help(SUCCESSOR)
        });
    }

    /// A client knows the field and not the ways it is read, and all of them say the same of it.
    fn check_ways(&mut self, field: &FieldPart, part: &RetirementPart, fields: &[FieldPart]) {
        let said = |part: &RetirementPart| {
            let values = part.values.iter().flatten().map(|value| value.value.clone());
            let retirement = self.retirements.parts.get(&part.span)?;
            Some((retirement.dates().clone(), values.collect::<Vec<_>>()))
        };
        let own = said(part);
        let is_other = |way: &&FieldPart| match &way.retirement {
            Some(other) => said(other).is_some_and(|other| Some(other) != own),
            None => true,
        };
        let mut ways = fields.iter().filter(|way| way.left.value == field.left.value && is_read(way));
        let Some(other) = ways.find(is_other) else { return };
        let message = format!("one way to read `{}` retires, and another does not", field.left.value);
        self.report(
            Diagnostic::error(code::M1008, message)
                .at(part.span, "whoever sends the field is told so")
                .also(other.span, "also where it is read so"),
        );
    }

    /// Whatever retires is something that a request can have: else nobody would ever be told.
    pub(in crate::mapping) fn check_watched(&mut self) {
        if !self.saw_all {
            return;
        }
        for part in self.retiring() {
            if !self.retirements.parts.contains_key(&part.span) {
                continue;
            }
            if self.retirements.watched.contains(&part.span) {
                self.check_met_in_time(part);
                continue;
            }
            self.report(
                Diagnostic::error(code::M1005, "what retires here is in no request")
                    .at(part.span, "no client would be told")
                    .help("a field or word that is only shown retires with the operations that show it"),
            );
        }
        self.check_landings();
    }
}

impl Below<'_> {
    /// The way to a field. An item may be, or is, that field alone; what is around the items is not below them.
    fn to(&self, field: &FieldPart, at: &Address) -> Vec<Step> {
        let is = |alone: Option<&Text>| alone.is_some_and(|alone| alone.value == field.left.value);
        let mut members = at.path.iter().cloned().map(Step::Member);
        match at.root {
            Root::Outer | Root::Query | Root::Path => members.collect(),
            Root::Body if is(self.lens.and_then(|lens| lens.scalar.as_ref())) => self.way.to_vec(),
            Root::Body if is(self.lens.and_then(|lens| lens.bare.as_ref())) => {
                let first = members.next().map(|step| match step {
                    Step::Member(name) => Step::Bare(name),
                    other => other,
                });
                self.way.iter().cloned().chain(first).chain(members).collect()
            }
            Root::Body => self.way.iter().cloned().chain(members).collect(),
        }
    }
}

/// Whether a field is in requests; some are only shown.
fn is_read(field: &FieldPart) -> bool {
    !matches!(field.op, Some(OpPart::Constant(_) | OpPart::Has(_) | OpPart::Label))
}

/// Whether it is the elements that have a value.
fn is_list(field: &FieldPart) -> bool {
    matches!(field.op, Some(OpPart::Each | OpPart::EachId(_)))
}

/// What the schema says of a field, or of each of its elements. Of what is around an item its schema says nothing.
pub(super) fn shape_of<'s>(field: &FieldPart, at: &Address, schema: &'s Schema) -> Option<Shape<'s>> {
    if at.path.is_empty() || !matches!(at.root, Root::Body | Root::Query) {
        return None;
    }
    let shape = shape_at(schema.shape(), &at.path).ok()??;
    if is_list(field) { shape.items() } else { Some(shape) }
}

/// Whether everything around it requires what is at that place.
pub(super) fn is_required(shape: &Shape<'_>, at: &Address) -> bool {
    let steps = at.path.iter().enumerate();
    matches!(at.root, Root::Body | Root::Query)
        && !at.path.is_empty()
        && steps.into_iter().all(|(depth, name)| {
            let around = shape_at(shape.clone(), &at.path[..depth]).ok().flatten();
            around.is_some_and(|around| around.is_required(name))
        })
}

//! Lenses: which canonical schema each is about, and where each field lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Around, Todos, closest, is_open, near};
use crate::lens::path::Address;
use crate::mapping::CANONICAL;
use crate::mapping::file::{FieldPart, LensPart, MappingFile, OpPart, OperationPart, Text};
use crate::mapping::lenses::shape_at;
use crate::schema::{Schema, Shape};

pub(super) fn take(todos: &mut Todos, file: &mut MappingFile, around: &Around<'_>) {
    // Found once: a document of thousands of schemas has as many lenses.
    let (inside, uses) = (inside(file, around), uses(file, around));
    for index in 0..file.lenses.len() {
        let name = file.lenses[index].name.clone();
        let Some(part) = &file.lenses[index].part else { continue };
        let left = part.schema.as_ref().and_then(|schema| around.dialect_schema(&schema.value));
        let guesses = if is_open(&part.canonical) {
            guesses(&name, part, left.as_deref(), (&uses, &inside), around)
        } else {
            Vec::new()
        };
        if is_open(&part.canonical) {
            let message = format!("lens `{}` is not about a canonical schema yet", name.value);
            let help = closest(&guesses).or_else(|| {
                let help = "its call has no body: fields go to `$path.x` or `$query.x`, and the schema of the answer will do";
                uses.get(&name.value).is_some_and(|uses| uses.fills_no_body).then(|| help.to_owned())
            });
            todos.tell_with(&part.canonical, message, "which one its fields live in", help);
        }
        let canonical = guesses.first().map_or(part.canonical.value.as_str(), String::as_str);
        let right = around.schemas.schema(CANONICAL, canonical).map(Arc::clone);
        let is_lens_open = is_open(&part.canonical);
        let Some(part) = &mut file.lenses[index].part else { continue };
        for field in &mut part.fields {
            let shape = left.as_ref().and_then(|left| shape_of(left, field));
            self::field(todos, field, &name, around, (right.as_deref(), shape));
        }
        part.is_whole = part.fields.iter().all(|field| field.op.is_some());
        if is_lens_open {
            file.lenses[index].part = None;
        }
    }
}

/// What operations use a lens for.
#[derive(Default)]
struct Use {
    as_body: bool,
    as_answer: bool,
    /// Whether it is that of a request whose call has no body.
    fills_no_body: bool,
    /// The canonical schemas on the other side, as far as calls are known.
    known: Vec<String>,
}

type Uses = BTreeMap<String, Use>;

/// What operations use lenses for, by the names of those.
fn uses(file: &MappingFile, around: &Around<'_>) -> Uses {
    let api = &around.canonical.api;
    let mut found = Uses::new();
    for operation in file.operations.iter().flat_map(with_cases) {
        let calls = api.operation(&operation.calls.value);
        if let Some(body) = &operation.body {
            let of = found.entry(body.value.clone()).or_default();
            of.as_body = true;
            of.fills_no_body |= calls.is_some_and(|calls| calls.body.is_none());
            of.known.extend(calls.and_then(|calls| calls.body.clone()));
        }
        let list = calls.and_then(|calls| near::answer_of(calls));
        for (_, answer) in &operation.answers {
            if let Some(items) = &answer.items {
                let of = found.entry(items.value.clone()).or_default();
                of.as_answer = true;
                of.known.extend(list.and_then(|list| near::items_of(around.schemas, list, &api.page.items)));
            }
            let body = answer.body.as_ref();
            if let Some(body) =
                body.filter(|body| answer.items.as_ref().is_none_or(|items| items.value != body.value))
            {
                let of = found.entry(body.value.clone()).or_default();
                of.as_answer = true;
                of.known.extend(list.map(str::to_owned));
            }
        }
    }
    found
}

/// Tells a field of which nobody says where it lives, and takes what it does.
fn field(
    todos: &mut Todos,
    field: &mut FieldPart,
    lens: &Text,
    around: &Around<'_>,
    (right, shape): (Option<&Schema>, Option<Shape<'_>>),
) {
    let Some(at) = field.at.clone().filter(is_open) else { return };
    let message = format!("field `{}` of lens `{}` is not placed yet", field.left.value, lens.value);
    let near = right.map(|right| near::fields(&around.places, right, &field.left.value, shape.as_ref()));
    let near = near.unwrap_or_default();
    let otherwise = format!("if nothing here needs it, say why under `[lens.{}.ignores]`", lens.value);
    let help = match closest(&near) {
        Some(closest) => format!("{closest}; {otherwise}"),
        None => otherwise,
    };
    todos.tell_with(&at, message, "where it lives", Some(help));
    (field.at, field.op) = (None, None);
}

/// What the dialect's schema says about a field.
fn shape_of<'s>(left: &'s Schema, field: &FieldPart) -> Option<Shape<'s>> {
    let at = Address::parse(&field.left.value)?;
    shape_at(left.shape(), &at.path).ok().flatten()
}

/// The schemas a lens is likeliest about: that of the call it is used with if that is known, or those that are like it.
fn guesses(
    name: &Text,
    part: &LensPart,
    left: Option<&Schema>,
    (uses, inside): (&Uses, &Inside),
    around: &Around<'_>,
) -> Vec<String> {
    let api = &around.canonical.api;
    let unused = Use::default();
    let Use { as_body, as_answer, known, .. } = uses.get(&name.value).unwrap_or(&unused);
    let mut known = known.clone();
    known.extend(inside.get(&name.value).into_iter().flatten().cloned());
    known.dedup();
    if !known.is_empty() {
        return known;
    }
    let bodies = api.operations.iter().filter_map(|operation| operation.body.as_deref());
    let all = around.schemas.names(CANONICAL);
    let names: Vec<&str> = match (as_body, as_answer) {
        (true, false) => bodies.collect(),
        (false, true) => {
            let is_body =
                |name: &&str| api.operations.iter().any(|known| known.body.as_deref() == Some(*name));
            all.filter(|name| !is_body(name)).collect()
        }
        _ => all.collect(),
    };
    let schema = part.schema.as_ref().map_or(name.value.as_str(), |schema| schema.value.as_str());
    near::schemas((&around.places, around.schemas), schema, left, names)
}

/// What the canonical sides of placed fields say about the lenses inside them, by the names of those.
fn inside(file: &MappingFile, around: &Around<'_>) -> Inside {
    let mut found = Inside::new();
    for outer in file.lenses.iter().filter_map(|lens| lens.part.as_ref()) {
        let Some(schema) = around.schemas.schema(CANONICAL, &outer.canonical.value) else { continue };
        for field in &outer.fields {
            let (inner, is_each) = match &field.op {
                Some(OpPart::Lens(inner)) => (inner, false),
                Some(OpPart::EachLens(inner)) => (inner, true),
                _ => continue,
            };
            let at = field.at.as_ref().filter(|at| !is_open(at));
            let reference = at.and_then(|at| {
                let path: Vec<_> = at.value.split('.').collect();
                let [member] = path.as_slice() else { return None };
                let property = schema.document().get("properties")?.get(member)?;
                let property = if is_each { property.get("items")? } else { property };
                property.get("$ref")?.as_str()?.strip_suffix(".json").map(str::to_owned)
            });
            if let Some(reference) = reference {
                found.entry(inner.value.clone()).or_default().push(reference);
            }
        }
    }
    found
}

type Inside = BTreeMap<String, Vec<String>>;

fn with_cases(operation: &OperationPart) -> impl Iterator<Item = &OperationPart> {
    std::iter::once(operation).chain(operation.cases.iter().map(|case| &case.operation))
}

impl Around<'_> {
    /// The dialect's schema of that name.
    pub(super) fn dialect_schema(&self, name: &str) -> Option<Arc<Schema>> {
        self.folders.iter().find_map(|folder| self.schemas.schema(folder, name)).map(Arc::clone)
    }
}

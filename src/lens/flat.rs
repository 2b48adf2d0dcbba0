//! Fields of a lens inside a lens, as if the lens around it said them itself.
//!
//! A mapping may say `info = { at = "$body", lens = "info" }` with `title = "name"` inside, or `"info.title" = "name"`:
//! both relate the same two places, so whatever asks about places asks about them said flat.

use super::op::Op;
use super::path::{Address, Literal};
use super::{Field, Presence, Wrap};

/// All fields, with those of lenses inside objects in the place of the objects.
pub fn flat(fields: &[Field]) -> Vec<Field> {
    fields
        .iter()
        .flat_map(|field| opened(field).map_or_else(|| vec![field.clone()], |inner| flat(&inner)))
        .collect()
}

/// What fields say of one place of the dialect: those of the place itself and of places within it, and of a field
/// around it the part that is there.
pub(super) fn at(fields: &[Field], place: &Address) -> Vec<Field> {
    let said = |field: &Field| {
        let Some(left) = field.left.as_ref().filter(|left| left.root == place.root) else {
            return Vec::new();
        };
        if left.path.starts_with(&place.path) {
            return vec![field.clone()];
        }
        let Some(rest) = place.path.strip_prefix(left.path.as_slice()) else { return Vec::new() };
        match opened(field) {
            Some(inner) => at(&inner, place),
            None => part(field, rest).into_iter().collect(),
        }
    };
    fields.iter().flat_map(said).collect()
}

/// The fields of the lens inside a field; none if there is none, or if it is not one of an object.
fn opened(field: &Field) -> Option<Vec<Field>> {
    let Op::Nested(nested) = &field.op else { return None };
    let (left, right) = (field.left.as_ref()?, field.right.as_ref()?);
    let inner = |inner: &Field| {
        let (of, around) = (&inner.when, &field.when);
        let tag = of.tag.as_ref().map(|(at, value)| (below(right, at), value.clone()));
        let lift_when = of.lift_when.as_ref().map(|(at, values)| (below(left, at), values.clone()));
        Field {
            left: inner.left.as_ref().map(|at| below(left, at)),
            right: inner.right.as_ref().map(|at| below(right, at)),
            when: Presence {
                fallback: of.fallback.as_ref().map(|at| below(left, at)),
                instead: of.instead.as_ref().map(|at| below(right, at)),
                tag: tag.or_else(|| around.tag.clone()),
                lift_when: lift_when.or_else(|| around.lift_when.clone()),
                shown: of.shown || around.shown,
                ..of.clone()
            },
            ..inner.clone()
        }
    };
    (nested.lens.wrap() == Wrap::Object).then(|| nested.lens.fields().iter().map(inner).collect())
}

/// The part of a field that is told as it is.
fn part(field: &Field, rest: &[Box<str>]) -> Option<Field> {
    let (Op::Copy, Some(left), Some(right)) = (&field.op, &field.left, &field.right) else { return None };
    let below = |at: &Address| Address { root: at.root, path: [at.path.as_slice(), rest].concat() };
    let absent = field.when.absent.as_ref().and_then(|absent| member(absent, rest));
    let instead = field.when.instead.as_ref().map(below);
    let when = Presence { absent, instead, ..field.when.clone() };
    Some(Field { left: Some(below(left)), right: Some(below(right)), when, ..field.clone() })
}

fn member(value: &Literal, way: &[Box<str>]) -> Option<Literal> {
    let value = way.iter().try_fold(value.value(), |value, name| value.member(name))?;
    Literal::parse(&value.to_value().to_string())
}

/// A place inside a document, where the document is the one at a place of another.
fn below(document: &Address, at: &Address) -> Address {
    if at.root != Address::whole().root {
        return at.clone();
    }
    Address { root: document.root, path: [document.path.as_slice(), &at.path].concat() }
}

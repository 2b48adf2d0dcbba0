//! How much was proved, and how much only tried.
//!
//! A field whose values can be listed is proved: every one of them occurs among the instances. Of all others some values
//! were tried.

use std::collections::BTreeSet;

use super::lenses;
use crate::dialect::Dialect;
use crate::lens::op::Op;
use crate::lens::path::Address;
use crate::lens::{Field, Lens};
use crate::problem::Root;
use crate::schema::{Schema, Type};

/// How many fields of a dialect are proved, and how many tried.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) proved: usize,
    pub(super) tried: usize,
}

/// Counts the fields of everything that runs, each line of the mapping once.
pub(super) fn fields(dialect: &Dialect) -> Fields {
    let mut seen = BTreeSet::new();
    let mut fields = Fields::default();
    for lens in lenses(dialect) {
        for field in lens.fields() {
            let Some(origin) = field.origin else { continue };
            if !seen.insert((origin.source, origin.start)) {
                continue;
            }
            if is_finite(dialect, lens, field) {
                fields.proved += 1;
            } else {
                fields.tried += 1;
            }
        }
    }
    fields
}

fn is_finite(dialect: &Dialect, lens: &Lens, field: &Field) -> bool {
    match &field.op {
        Op::Constant(_)
        | Op::Filter(_)
        | Op::Fixed(_)
        | Op::Has(_)
        | Op::Label(_)
        | Op::Row(_)
        | Op::Table(_) => true,
        Op::Copy => {
            let shaped = dialect.lenses.get(lens.name());
            let is_listed = |schema: Option<&Schema>, at: Option<&Address>| {
                schema.zip(at).is_some_and(|(schema, at)| is_listed(schema, at))
            };
            shaped.is_some_and(|shaped| {
                is_listed(shaped.left.as_deref(), field.left.as_ref())
                    || is_listed(shaped.right.as_deref(), field.right.as_ref())
            })
        }
        // What is inside is counted by itself.
        Op::Each(_) | Op::Id(_) | Op::Nested(_) | Op::Prefix(_) | Op::Resolve(_) => false,
    }
}

/// Whether a schema lists the values of a place.
fn is_listed(schema: &Schema, at: &Address) -> bool {
    if at.root != Root::Body {
        return false;
    }
    let mut shape = Some(schema.shape());
    for name in &at.path {
        shape = shape.and_then(|shape| shape.property(name));
    }
    shape.is_some_and(|shape| shape.enumeration().is_some() || shape.types().is_only(Type::Boolean))
}

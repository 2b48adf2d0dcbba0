//! One id, one spelling: fields of one document that tell the same id agree on how it is spelt.

use super::finding::{Finding, named};
use super::{Trial, lenses};
use crate::diag::code;
use crate::lens::Field;
use crate::lens::op::Op;
use crate::lens::op::id::Id;
use crate::lens::path::Address;

impl Trial<'_> {
    /// Looks at every two fields of a lens that live at the same canonical place.
    pub(super) fn spellings(&mut self) {
        for lens in lenses(self.dialect) {
            for (index, field) in lens.fields().iter().enumerate() {
                let others = lens.fields()[..index].iter().filter(|other| other.right == field.right);
                let differs = |other: &&Field| differ(&field.op, &other.op);
                let (Some(other), Some(span)) =
                    (others.filter(|_| field.right.is_some()).find(differs), field.origin)
                else {
                    continue;
                };
                let place = |field: &Field| field.left.as_ref().map(Address::segments).unwrap_or_default();
                self.findings.tell(Finding {
                    code: code::M0903,
                    span,
                    rule: "form",
                    message: format!(
                        "{} of lens `{}` spells an id otherwise than {}",
                        named(&place(field)),
                        lens.name(),
                        named(&place(other))
                    ),
                    label: "another form of the same id".to_owned(),
                    help: "use one kind of id for both".to_owned(),
                    instance: "every id".to_owned(),
                });
            }
        }
    }
}

/// Whether two ops spell the same id in two ways. One that takes the value as it is spells it as the backend does.
fn differ(one: &Op, other: &Op) -> bool {
    match (kind(one), kind(other)) {
        (Some(one), Some(other)) => one.dialect.written != other.dialect.written,
        (Some(id), None) => is_plain(other) && id.dialect.written != id.canonical.written,
        (None, Some(id)) => is_plain(one) && id.dialect.written != id.canonical.written,
        (None, None) => false,
    }
}

/// The kind of id that an op spells, if it does.
fn kind(op: &Op) -> Option<&Id> {
    match op {
        Op::Id(id) => Some(id),
        Op::Prefix(prefix) => prefix.id.as_ref(),
        _ => None,
    }
}

fn is_plain(op: &Op) -> bool {
    matches!(op, Op::Copy) || matches!(op, Op::Prefix(prefix) if prefix.id.is_none())
}

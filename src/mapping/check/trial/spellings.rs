//! One id, one spelling: fields of one document that tell the same id agree on how it is spelt.

use super::finding::{Finding, named};
use super::{Trial, lenses};
use crate::canonical::id::IdForm;
use crate::diag::code;
use crate::lens::Field;
use crate::lens::op::Op;
use crate::lens::path::Address;

impl Trial<'_> {
    /// Looks at every two fields of a lens that live at the same canonical place.
    pub(super) fn spellings(&mut self) {
        for lens in lenses(self.dialect) {
            for (index, field) in lens.fields().iter().enumerate() {
                let others = lens.fields()[..index].iter().filter(|other| other.right == field.right);
                let differs = |other: &&Field| {
                    let forms = written(&field.op).zip(written(&other.op));
                    forms.is_some_and(|(own, other)| own != other)
                };
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

/// How an op spells ids, if it does.
fn written(op: &Op) -> Option<IdForm> {
    match op {
        Op::Id(id) => Some(id.dialect.written),
        Op::Prefix(prefix) => prefix.id.as_ref().map(|id| id.dialect.written),
        _ => None,
    }
}

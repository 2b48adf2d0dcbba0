//! Which fields of a request could change a record when they are written back as they were read.

use crate::lens::path::Address;
use crate::lens::{Field, Lens, flat};
use crate::problem::Root;

/// The fields that read the body and write to it, in groups of those that share a place on either side: one of them is
/// another way to say the other.
pub(super) fn groups(fields: &[Field]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        if !is_written(field) {
            continue;
        }
        let shares = |other: &usize| {
            let other = &fields[*other];
            other.left == field.left || other.right == field.right
        };
        let (joined, apart): (Vec<_>, Vec<_>) =
            std::mem::take(&mut groups).into_iter().partition(|group| group.iter().any(shares));
        groups = apart;
        let mut group: Vec<usize> = joined.into_iter().flatten().collect();
        group.push(index);
        groups.push(group);
    }
    groups
}

fn is_written(field: &Field) -> bool {
    let reads = field.left.as_ref().is_some_and(|at| matches!(at.root, Root::Body | Root::Outer));
    let writes = field.right.as_ref().is_some_and(|at| at.root == Root::Body);
    reads && writes && !field.when.shown
}

/// Whether writing back what clients are shown of a group could change it.
pub(super) fn is_lossy(request: &Lens, group: &[usize], views: &[&Lens]) -> bool {
    group.iter().map(|index| &request.fields()[*index]).any(|field| {
        let at = in_body_of(field);
        let shown = at.iter().flat_map(|at| views.iter().flat_map(|view| flat::at(view.fields(), at)));
        !field.is_lossless() || shown.into_iter().any(|shown| !is_told_alike(field, &shown))
    })
}

/// Whether what a view shows of a field is surely what the field is lifted from.
fn is_told_alike(field: &Field, shown: &Field) -> bool {
    let when = &shown.when;
    in_body_of(field) == shown.left
        && field.right == shown.right
        && shown.op.is_lossless()
        && shown.op.is_like(&field.op)
        && (when.absent.is_none() || when.absent == field.when.absent)
        && when.instead.is_none()
}

fn in_body_of(field: &Field) -> Option<Address> {
    field.left.as_ref().map(in_body)
}

/// The same place in a document of its own.
pub(super) fn in_body(at: &Address) -> Address {
    Address { root: Root::Body, path: at.path.clone() }
}

//! Whether two documents say the same of the fields that a lens both reads and writes.

use crate::json::Value;
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::table::Table;
use crate::lens::path::Address;
use crate::lens::{Field, Lens, Wrap};
use crate::problem::Root;

/// Two values of one place, as they were before and after.
pub(super) type Difference<'l, 'v> = (&'l Field, Option<Value<'v>>, Option<Value<'v>>);

/// What a lens says of two values of a field.
pub(super) type Same = dyn Fn(&Field, Value<'_>, Option<Value<'_>>) -> bool;

/// The first field both sides of the way know that holds something else on the canonical side.
pub(super) fn differing<'l, 'v>(
    lens: &'l Lens,
    before: Value<'v>,
    after: Value<'v>,
    same: &Same,
) -> Option<Difference<'l, 'v>> {
    for field in lens.fields().iter().filter(|field| is_read(field)) {
        let Some(at) = field.right.as_ref().filter(|right| right.root == Root::Body) else { continue };
        let Some(own) = value_at(before, at) else { continue };
        let other = value_at(after, at);
        let is_told = field.when.tag.as_ref().is_none_or(|(at, is)| match value_at(before, at) {
            Some(value) => value.same(is.value()),
            None => is.value().is_null(),
        });
        if !is_told {
            continue;
        }
        match (&field.op, other) {
            (Op::Nested(nested), Some(other)) if !own.is_null() && !other.is_null() => {
                if let Some(found) = differing(&nested.lens, own, other, same) {
                    return Some(found);
                }
            }
            (Op::Each(each), Some(other)) if !own.is_null() => {
                let is_meant = |element: &Value<'v>| {
                    each.only
                        .iter()
                        .all(|(at, is)| value_at(*element, at).is_some_and(|value| value.same(is.value())))
                };
                let meant: Vec<_> = own.elements().filter(is_meant).collect();
                if meant.len() != other.len() {
                    return Some((field, Some(own), Some(other)));
                }
                for (own, other) in meant.into_iter().zip(other.elements()) {
                    let found = match &each.item {
                        Item::Lens(lens) => differing(lens, own, other, same),
                        Item::Copy | Item::Id(_) => {
                            (!own.same(other)).then_some((field, Some(own), Some(other)))
                        }
                    };
                    if found.is_some() {
                        return found;
                    }
                }
            }
            _ if same(field, own, other) => {}
            _ => return Some((field, Some(own), other)),
        }
    }
    None
}

/// Whether a value that was written is the same after it was shown and written again.
pub(super) fn same_written(field: &Field, before: Value<'_>, after: Option<Value<'_>>) -> bool {
    after.is_some_and(|after| before.same(after)) || (before.is_null() && has_word_for_null(field))
}

/// Whether a value that was read is the same after it was written back, as far as the mapping does not say otherwise.
pub(super) fn same_read(field: &Field, before: Value<'_>, after: Option<Value<'_>>) -> bool {
    let lands = |table: &Table| !table.rows.iter().any(|row| row.is.value().same(before));
    // A word that also stands for null is read as null.
    let is_null_too = |table: &Table| {
        let word = table.rows.iter().find(|row| row.is.value().same(before)).map(|row| row.word.value());
        word.zip(field.when.absent.as_ref()).is_some_and(|(word, absent)| word.same(absent.value()))
    };
    let is_declared = match &field.op {
        Op::Table(table) => lands(table) || is_null_too(table),
        Op::Row(row) => lands(&row.table),
        _ => false,
    };
    let is_blank = field.when.absent.as_ref().is_some_and(|absent| absent.value().same(before));
    let is_nothing = before.is_null() && after.is_none_or(Value::is_null);
    let is_null = before.is_null() && has_word_for_null(field);
    is_declared || is_blank || is_nothing || is_null || after.is_some_and(|after| before.same(after))
}

fn has_word_for_null(field: &Field) -> bool {
    field.when.optional
        || field.when.absent.is_some()
        || field.when.instead.is_some()
        || field.when.default.is_some()
}

/// The first field that is told in another way.
pub(super) fn told_otherwise<'l, 'v>(
    lens: &'l Lens,
    before: Value<'v>,
    after: Value<'v>,
) -> Option<Difference<'l, 'v>> {
    if matches!(lens.wrap(), Wrap::Scalar(_)) {
        return (!before.same(after)).then(|| (&lens.fields()[0], Some(before), Some(after)));
    }
    for field in lens.fields().iter().filter(|field| is_ever_read(field) && is_open(lens, field, before)) {
        let Some(at) = field.left.as_ref().filter(|left| left.root == Root::Body) else { continue };
        let (own, other) = (value_at(before, at), value_at(after, at));
        let found = match (&field.op, own, other) {
            (Op::Nested(nested), Some(own), Some(other)) if !own.is_null() && !other.is_null() => {
                told_otherwise(&nested.lens, own, other)
            }
            (Op::Each(each), Some(own), Some(other)) if own.len() == other.len() => match &each.item {
                Item::Lens(lens) => own
                    .elements()
                    .zip(other.elements())
                    .find_map(|(own, other)| told_otherwise(lens, own, other)),
                Item::Copy | Item::Id(_) => (!own.same(other)).then_some((field, Some(own), Some(other))),
            },
            (_, Some(own), Some(other)) if own.same(other) => None,
            (_, None, None) => None,
            (_, own, other) => Some((field, own, other)),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether a field is read back at all, and always.
fn is_read(field: &Field) -> bool {
    field.when.lift_when.is_none() && is_ever_read(field)
}

/// Whether a field is read back at all, if only beside some values of another.
fn is_ever_read(field: &Field) -> bool {
    !field.when.shown
        && field.left.is_some()
        && !matches!(field.op, Op::Constant(_) | Op::Fixed(_) | Op::Filter(_) | Op::Has(_) | Op::Label(_))
}

/// Whether a field is read beside what else was told: by the rule of the lens, for which a place that is missing holds what its
/// own field would be read as.
fn is_open(lens: &Lens, field: &Field, told: Value<'_>) -> bool {
    let Some((at, values)) = &field.when.lift_when else { return true };
    let owner = lens.fields().iter().find(|owner| owner.left.as_ref() == Some(at));
    let own = |at: &Address| value_at(told, at).filter(|_| at.root == Root::Body);
    let given = own(at).or_else(|| own(owner?.when.fallback.as_ref()?));
    let default = owner.and_then(|owner| owner.when.default.as_ref());
    values.iter().any(|value| match (given, default) {
        (Some(given), _) => value.value().same(given),
        (None, Some(default)) => value.value().same(default.value()),
        (None, None) => value.value().is_null(),
    })
}

fn value_at<'v>(root: Value<'v>, at: &Address) -> Option<Value<'v>> {
    at.path.iter().try_fold(root, |value, name| value.member(name))
}

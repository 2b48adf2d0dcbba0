//! Values that are made anew on each side: ids and times, by the formats of their schemas.

use std::borrow::Cow;

use crate::canonical::id::IdForm;
use crate::schema::Shape;

/// A value that is made anew wherever something is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generated {
    Id,
    Time,
}

/// Whether values of that shape are.
pub(super) fn generated(shape: Option<&Shape<'_>>) -> Option<Generated> {
    match shape?.format()?.as_str() {
        "uuid" => Some(Generated::Id),
        "date-time" => Some(Generated::Time),
        _ => None,
    }
}

/// Whether both are ids of that form, or neither is.
pub(super) fn are_alike(ids: &[Cow<'_, str>; 2]) -> bool {
    let [one, other] = ids.each_ref().map(|id| IdForm::Uuid.read(id).is_ok());
    one == other
}

/// Whether a text begins as a time does: a day, `T` and the time of day.
pub(super) fn is_time(text: &str) -> bool {
    let pattern = "0000-00-00T00:00:00";
    let fits = |(given, wanted): (u8, u8)| match wanted {
        b'0' => given.is_ascii_digit(),
        b'T' => matches!(given, b'T' | b't' | b' '),
        _ => given == wanted,
    };
    text.len() > pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

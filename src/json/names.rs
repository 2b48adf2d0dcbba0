//! Finding two members of the same name in one object.
//!
//! A digest of each name stands on the tape. In small objects two names are compared if their digests meet. Large
//! ones are sorted, because whoever sends the text also chooses the names: pairs would cost quadratic time, and a hash
//! table could be filled with collisions.

use std::borrow::Cow;

use super::read::offset;
use super::{Entry, text};

/// Objects up to this size are compared pair by pair where digests meet.
const PAIRWISE_MAX: u32 = 32;

/// Bits of a digest: as many as an [`Entry`] has for it.
pub(super) const DIGEST_BITS: u32 = 32 - Entry::COUNT_SHIFT;

/// The offset of the first name that was there before, if there is one. The object at `own` has `count` names and nothing
/// behind it on the tape. Names are equal when they mean the same characters, however these are escaped.
///
/// It is no part of the reader's loop, whose registers it would need; what happens seldom is no part of it.
#[inline(never)]
pub(super) fn first_duplicate(tape: &[Entry], own: u32, count: u32, text: &str) -> Option<u32> {
    if count > PAIRWISE_MAX {
        return first_duplicate_of_many(tape, own, text);
    }
    // Most digests are alone in their place among 1024, and so nothing is compared.
    let mut places = [0_u64; 16];
    let mut at = own as usize + 1;
    // Right after the name comes its value, and after that the next name.
    while let Some([name, value]) = tape.get(at..).and_then(<[Entry]>::first_chunk) {
        let place = spread(name.digest());
        let (word, bit) = (&mut places[usize::from(place >> 6)], 1 << (place & 63));
        if *word & bit != 0 && occurs_before(tape, own, at, text) {
            return Some(name.start);
        }
        *word |= bit;
        at = value.next as usize;
    }
    None
}

/// Whether the name at `at` is one of those before it in the object.
#[cold]
fn occurs_before(tape: &[Entry], own: u32, at: usize, text: &str) -> bool {
    let name = tape[at];
    names(&tape[..at], own).any(|earlier| is_same(earlier, name, text))
}

#[cold]
fn first_duplicate_of_many(tape: &[Entry], own: u32, text: &str) -> Option<u32> {
    let decoded = |name: Entry| (content(name, text), name.start);
    let mut sorted: Vec<(Cow<'_, str>, u32)> = names(tape, own).map(decoded).collect();
    sorted.sort_unstable();
    sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min()
}

/// The names of the object at `own`, up to the end of the tape.
fn names(tape: &[Entry], own: u32) -> impl Iterator<Item = Entry> {
    let mut at = own as usize + 1;
    std::iter::from_fn(move || {
        let name = *tape.get(at)?;
        at = tape.get(at + 1)?.next as usize;
        Some(name)
    })
}

fn is_same(one: Entry, other: Entry, text: &str) -> bool {
    one.digest() == other.digest() && content(one, text) == content(other, text)
}

/// What a name means.
fn content(name: Entry, text: &str) -> Cow<'_, str> {
    text::decoded(&text[name.start as usize + 1..name.end as usize - 1])
}

impl Entry {
    /// The digest of a member name.
    #[inline]
    pub(super) fn digest(self) -> u32 {
        self.head >> Entry::COUNT_SHIFT
    }
}

/// A digest of what a name means, made of its length, its first and its last four bytes: equal names share it, and most unequal
/// ones do not.
#[inline]
pub(super) fn digest(name: &[u8]) -> u32 {
    let edges = match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => u32::from_le_bytes(*first) ^ u32::from_le_bytes(*last).rotate_left(13),
        _ => name.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)),
    };
    let mixed = edges ^ offset(name.len()).rotate_right(8);
    mixed.wrapping_mul(0x9e37_79b1) >> (32 - DIGEST_BITS)
}

/// One of 1024 places for a digest.
fn spread(digest: u32) -> u16 {
    u16::try_from(digest >> (DIGEST_BITS - 10)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::{Document, Limits, ReadErrorKind};

    fn duplicate_at(text: &str) -> Option<usize> {
        let error = Document::parse(text.into(), &Limits::default()).err()?;
        assert_eq!(error.kind, ReadErrorKind::DuplicateKey, "{text}");
        Some(error.offset)
    }

    #[test]
    fn escapes_do_not_hide_a_duplicate() {
        for disguised in [r#"{"role":0,"r\u006fle":2}"#, r#"{"role":0,"\u0072\u006F\u006c\u0065":2}"#] {
            assert_eq!(duplicate_at(disguised), Some(10), "{disguised}");
        }
        assert_eq!(duplicate_at(r#"{"a/b":0,"a\/b":2}"#), Some(9));
        assert_eq!(duplicate_at(r#"{"𝄞":0,"\ud834\udd1e":2}"#), Some(10));
    }

    #[test]
    fn names_that_only_look_alike_are_different() {
        // Case, composed and decomposed accents, a zero-width joiner, a NUL at the end.
        let text = r#"{"a":0,"A":0,"é":0,"e\u0301":0,"a\u200d":0,"a\u0000":0,"":0,"\u0000":0}"#;
        assert_eq!(duplicate_at(text), None);
    }

    #[test]
    fn the_same_name_may_occur_in_different_objects() {
        assert_eq!(duplicate_at(r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#), None);
        assert_eq!(duplicate_at(r#"{"a":{"a":{"a":1,"b":1,"a":1}}}"#), Some(23));
    }

    proptest! {
        #[test]
        fn the_first_repetition_is_found_in_objects_of_every_size(
            numbers in prop::collection::vec((0_u32..60, any::<bool>()), 0..40),
        ) {
            let mut text = String::from("{");
            let mut seen = HashSet::new();
            let mut expected = None;
            for (place, (number, disguised)) in numbers.into_iter().enumerate() {
                text += if place == 0 { "" } else { "," };
                if !seen.insert(number) && expected.is_none() {
                    expected = Some(text.len());
                }
                text += if disguised { "\"\\u006e" } else { "\"n" };
                text += &number.to_string();
                text += "\":0";
            }
            text += "}";
            prop_assert_eq!(duplicate_at(&text), expected);
        }
    }
}

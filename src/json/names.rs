//! Finding two members of the same name in one object.
//!
//! Small objects are compared pair by pair, which beats any table. Large ones are sorted, because whoever
//! sends the text also chooses the names: pairs would cost quadratic time, and a hash table could be filled
//! with collisions.

use std::borrow::Cow;

use super::{Entry, value::decoded};

/// Objects up to this size are compared pair by pair.
const PAIRWISE_MAX: usize = 16;

/// A member name of an object that is still being read.
#[derive(Clone, Copy)]
pub(super) struct Name {
    /// Equal names share it; most unequal ones do not.
    digest: u32,
    entry: Entry,
}

impl Name {
    /// The name at `entry`, which must be a string of `text`.
    pub(super) fn new(entry: Entry, text: &str) -> Self {
        Name { digest: digest(&decoded(text, entry)), entry }
    }

    /// Where the name stands in the text.
    pub(super) fn offset(self) -> usize {
        self.entry.start as usize
    }
}

/// The first name that was there before, if there is one. Names are equal when they mean the same
/// characters, however these are escaped.
pub(super) fn first_duplicate(names: &[Name], text: &str) -> Option<Name> {
    if names.len() > PAIRWISE_MAX {
        return first_duplicate_of_many(names, text);
    }
    let same = |left: &Name, right: &Name| {
        left.digest == right.digest && decoded(text, left.entry) == decoded(text, right.entry)
    };
    let repeated =
        (1..names.len()).find(|&later| names[..later].iter().any(|earlier| same(earlier, &names[later])));
    repeated.map(|later| names[later])
}

fn first_duplicate_of_many(names: &[Name], text: &str) -> Option<Name> {
    let mut sorted: Vec<(Cow<'_, str>, usize)> =
        names.iter().enumerate().map(|(position, name)| (decoded(text, name.entry), position)).collect();
    sorted.sort_unstable();
    let repeated = sorted.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1).min();
    repeated.map(|position| names[position])
}

/// A digest made of a name's length, its first and its last four bytes.
fn digest(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let word = |four: Option<&[u8; 4]>| four.map_or(0, |four| u32::from_le_bytes(*four));
    let edges = word(bytes.first_chunk()) ^ word(bytes.last_chunk()).rotate_left(13);
    edges ^ u32::try_from(bytes.len()).unwrap_or(u32::MAX).rotate_right(8)
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

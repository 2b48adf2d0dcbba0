//! The `uuid` form: hyphenated 8-4-4-4-12, read in either case, written in lower case.
//!
//! The libraries' other spellings (no hyphens, braces, `urn:uuid:`) are refused: a schema with
//! `format: uuid` refuses them too, and one identifier should not have more names than necessary.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::IdError;

pub(super) fn read(text: &str) -> Result<Uuid, IdError> {
    // Of all spellings the library takes only the hyphenated one has this length.
    if text.len() != Hyphenated::LENGTH {
        return Err(IdError::Malformed);
    }
    Uuid::try_parse(text).map_err(|_| IdError::Malformed)
}

/// Whether a text has hexadecimal digits in groups of 8, 4, 4, 4 and 12, in either case.
pub(crate) fn is_hyphenated(text: &[u8]) -> bool {
    words(text).is_some_and(are_hexadecimal)
}

/// Whether a text is spelt as [`write`](fn@write) spells it.
pub(super) fn is_as_written(text: &str) -> bool {
    words(text.as_bytes())
        .is_some_and(|words| are_hexadecimal(words) && words.into_iter().all(is_in_lower_case))
}

/// The digits, eight in a word, if there are hyphens where they should be.
fn words(text: &[u8]) -> Option<[u64; 4]> {
    let text: &[u8; Hyphenated::LENGTH] = text.try_into().ok()?;
    let word = |first: usize, second: usize| {
        let mut word = [0; 8];
        word[..4].copy_from_slice(&text[first..first + 4]);
        word[4..].copy_from_slice(&text[second..second + 4]);
        u64::from_le_bytes(word)
    };
    let hyphens = [text[8], text[13], text[18], text[23]] == *b"----";
    hyphens.then(|| [word(0, 4), word(9, 14), word(19, 24), word(28, 32)])
}

const EACH: u64 = 0x0101_0101_0101_0101;

/// Whether all bytes of all words are hexadecimal digits.
fn are_hexadecimal<const N: usize>(words: [u64; N]) -> bool {
    const TOP: u64 = EACH * 0x80;
    // Sets the top bit of each byte that is `from` or more; right for bytes below 0x80.
    let reach = |word: u64, from: u8| word + EACH * u64::from(0x80 - from);
    if words.iter().fold(0, |any, word| any | word) & TOP != 0 {
        return false;
    }
    let digits_of = |word: &u64| {
        let small = word | (EACH * 0x20);
        let digits = reach(*word, b'0') & !reach(*word, b'9' + 1);
        let letters = reach(small, b'a') & !reach(small, b'f' + 1);
        digits | letters
    };
    words.iter().map(digits_of).fold(TOP, |all, digits| all & digits) == TOP
}

/// Whether all letters among hexadecimal digits are small: each byte with the bit of letters has that of small ones.
fn is_in_lower_case(word: u64) -> bool {
    word & (EACH * 0x40) & !(word << 1) == 0
}

pub(super) fn write(id: Uuid, out: &mut String) {
    let mut buffer = [0; Hyphenated::LENGTH];
    out.push_str(id.hyphenated().encode_lower(&mut buffer));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_hyphenated_spelling_is_read() {
        let expected = Uuid::from_u128(0x3c90_c3cc_0d44_4b50_8888_8dd2_5736_052a);
        assert_eq!(read("3c90c3cc-0d44-4b50-8888-8dd25736052a"), Ok(expected));
        assert_eq!(read("3C90C3CC-0d44-4B50-8888-8DD25736052A"), Ok(expected));
        for refused in [
            "",
            "3c90c3cc0d444b5088888dd25736052a",
            "{3c90c3cc-0d44-4b50-8888-8dd25736052a}",
            "urn:uuid:3c90c3cc-0d44-4b50-8888-8dd25736052a",
            "3c90c3cc-0d44-4b50-8888-8dd25736052",
            "3c90c3cc-0d44-4b50-8888-8dd25736052a ",
            " 3c90c3cc-0d44-4b50-8888-8dd25736052",
            "3c90c3cc-0d444-b50-8888-8dd25736052a",
            "3c90c3cc_0d44_4b50_8888_8dd25736052a",
            "3c90c3cc-0d44-4b50-8888-8dd25736052g",
            "3c90c3cc-0d44-4b50-8888-8dd2573605é",
            "----3c90c3cc0d444b5088888dd25736052a",
        ] {
            assert_eq!(read(refused), Err(IdError::Malformed), "{refused}");
        }
    }

    #[test]
    fn writing_is_in_lower_case() {
        let mut out = String::new();
        write(Uuid::max(), &mut out);
        write(Uuid::nil(), &mut out);
        assert_eq!(out, "ffffffff-ffff-ffff-ffff-ffffffffffff00000000-0000-0000-0000-000000000000");
    }

    proptest! {
        #[test]
        fn eight_bytes_are_hexadecimal_if_each_of_them_is(bytes in prop::array::uniform8(prop_oneof![
            4 => prop::sample::select(b"0123456789abcdefABCDEF".to_vec()), 1 => any::<u8>(),
        ])) {
            let all = bytes.iter().all(u8::is_ascii_hexdigit);
            prop_assert_eq!(are_hexadecimal([u64::from_le_bytes(bytes)]), all);
        }

        #[test]
        fn what_is_as_written_is_what_is_written_again(
            bits: u128, places in prop::collection::vec(0..36_usize, 0..3), upper: bool,
        ) {
            let mut text = Uuid::from_u128(bits).to_string();
            for place in places {
                let one = &text[place..=place];
                let other = if upper { one.to_uppercase() } else { "x".to_owned() };
                text.replace_range(place..=place, &other);
            }
            let mut again = String::new();
            if let Ok(id) = read(&text) {
                write(id, &mut again);
            }
            prop_assert_eq!(is_as_written(&text), again == text);
            prop_assert_eq!(is_hyphenated(text.as_bytes()), !again.is_empty());
        }
    }
}

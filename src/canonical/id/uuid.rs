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

pub(super) fn write(id: Uuid, out: &mut String) {
    let mut buffer = [0; Hyphenated::LENGTH];
    out.push_str(id.hyphenated().encode_lower(&mut buffer));
}

#[cfg(test)]
mod tests {
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
}

//! The `opaque` form: text that means nothing to us and is passed on as it is.
//!
//! What may be in it is what needs no escaping anywhere an identifier may stand: paths, queries, headers
//! and logs.

use super::IdError;

const LENGTH_MAX: usize = 128;

pub(super) fn read(text: &str) -> Result<&str, IdError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if text.is_empty() || text.len() > LENGTH_MAX || !text.bytes().all(is_allowed) {
        return Err(IdError::Malformed);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_underscores_and_hyphens_are_read() {
        let longest = "x".repeat(LENGTH_MAX);
        for text in ["a", "-", "3MtQ_9-z", &longest] {
            assert_eq!(read(text), Ok(text));
        }
    }

    #[test]
    fn anything_with_a_meaning_elsewhere_is_refused() {
        let too_long = "x".repeat(LENGTH_MAX + 1);
        for refused in [
            "", ".", "..", "a/b", "a%2Fb", "a b", "a\0", "a\n", "a?b", "a;b", "a:b", "a~b", "é", "а",
            &too_long,
        ] {
            assert_eq!(read(refused), Err(IdError::Malformed), "{refused}");
        }
    }
}

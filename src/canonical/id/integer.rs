//! The `integer` form: decimal digits, written in the one canonical way.
//!
//! `007`, `+7`, `-0` and ` 7` are refused: they are further names for numbers that have one already.

use std::fmt::Write;

use super::IdError;

pub(super) fn read(text: &str) -> Result<i64, IdError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = is_decimal && (text == "0" || !digits.starts_with('0'));
    if !is_canonical {
        return Err(IdError::Malformed);
    }
    text.parse().map_err(|_| IdError::Overflow)
}

pub(super) fn write(id: i64, out: &mut String) {
    write!(out, "{id}").expect("writing to a string never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_spelling_is_read() {
        for (text, expected) in [
            ("0", 0),
            ("42", 42),
            ("-7", -7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_spellings_of_numbers_are_refused() {
        for refused in [
            "", "-", "+7", "-0", "00", "007", "-07", "7.0", "7e0", " 7", "7 ", "0x7", "--7", "-+7", "７",
            "٧", "1_000",
        ] {
            assert_eq!(read(refused), Err(IdError::Malformed), "{refused}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_told_from_nonsense() {
        for beyond in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999999"] {
            assert_eq!(read(beyond), Err(IdError::Overflow), "{beyond}");
        }
        assert_eq!(read("99999999999999999999999999x"), Err(IdError::Malformed));
    }
}

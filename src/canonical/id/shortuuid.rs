//! The `shortuuid` form: a UUID as a number of exactly 22 digits in base 57.
//!
//! Digits are figures and letters in ASCII order without `0 1 I O l`, the most significant first, as the
//! Python library of that name writes them since its version 1.0. 57²² exceeds 2¹²⁸ by a quarter, so a
//! fifth of all texts of the right shape mean no UUID; they are refused, because a reader that let them
//! wrap would give one identifier two names.

use std::str;

use uuid::Uuid;

use super::IdError;

const DIGITS: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const LENGTH: usize = 22;

/// Ten digits fit a machine word. The number is split into 2 + 10 + 10 digits, so that two divisions of
/// 128 bits are enough instead of 22.
const WORD_DIGITS: usize = 10;
const WORD: u128 = 57_u128.pow(10);

/// The value of every byte that is a digit, `NO_DIGIT` for the others.
const VALUES: [u8; 256] = values();
const NO_DIGIT: u8 = u8::MAX;

pub(super) fn read(text: &str) -> Result<Uuid, IdError> {
    let digits: &[u8; LENGTH] = text.as_bytes().try_into().map_err(|_| IdError::Malformed)?;
    let (high, rest) = digits.split_at(LENGTH - 2 * WORD_DIGITS);
    let (middle, low) = rest.split_at(WORD_DIGITS);
    let (high, middle, low) = (read_word(high)?, read_word(middle)?, read_word(low)?);
    // Twelve digits fit in any case; the last ten may be too much.
    let number = (high * WORD + middle).checked_mul(WORD).and_then(|number| number.checked_add(low));
    number.map(Uuid::from_u128).ok_or(IdError::Overflow)
}

pub(super) fn write(id: Uuid, out: &mut String) {
    let number = id.as_u128();
    let (rest, low) = (number / WORD, number % WORD);
    let (high, middle) = (rest / WORD, rest % WORD);
    let mut digits = [0; LENGTH];
    let (high_digits, rest) = digits.split_at_mut(LENGTH - 2 * WORD_DIGITS);
    let (middle_digits, low_digits) = rest.split_at_mut(WORD_DIGITS);
    write_word(high, high_digits);
    write_word(middle, middle_digits);
    write_word(low, low_digits);
    out.push_str(str::from_utf8(&digits).expect("all digits are ASCII"));
}

/// Up to ten digits as a number.
fn read_word(digits: &[u8]) -> Result<u128, IdError> {
    let number = digits.iter().try_fold(0_u64, |number, &digit| match VALUES[usize::from(digit)] {
        NO_DIGIT => Err(IdError::Malformed),
        value => Ok(number * 57 + u64::from(value)),
    })?;
    Ok(number.into())
}

#[expect(clippy::cast_possible_truncation, reason = "the number is below 57^10, and so is every remainder")]
fn write_word(number: u128, digits: &mut [u8]) {
    let mut rest = number as u64;
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 57) as usize];
        rest /= 57;
    }
}

const fn values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value: u8 = 0;
    while (value as usize) < DIGITS.len() {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// `uuid shortuuid` pairs written by the Python library, version 1.0.13; regenerate with
    /// `python -c "import shortuuid, uuid; u = uuid.uuid4(); print(u, shortuuid.encode(u))"`.
    const PAIRS: &str = "tests/fixtures/shortuuid.txt";

    fn written(id: Uuid) -> String {
        let mut out = String::new();
        write(id, &mut out);
        out
    }

    #[test]
    fn the_python_library_writes_the_same() {
        // A longer list than the committed one can be named, to compare millions once.
        let committed = || format!("{}/{PAIRS}", env!("CARGO_MANIFEST_DIR"));
        let path = env::var("INTERLINGUA_SHORTUUID_VECTORS").unwrap_or_else(|_| committed());
        let pairs = fs::read_to_string(&path).unwrap();
        assert!(pairs.lines().count() > 0, "{path} holds pairs");
        for pair in pairs.lines() {
            let (uuid, short) = pair.split_once(' ').unwrap();
            let uuid = Uuid::try_parse(uuid).unwrap();
            assert_eq!(written(uuid), short, "{pair}");
            assert_eq!(read(short), Ok(uuid), "{pair}");
        }
    }

    #[test]
    fn the_least_and_the_greatest_uuid_have_the_least_and_the_greatest_spelling() {
        assert_eq!(written(Uuid::nil()), "2222222222222222222222");
        assert_eq!(written(Uuid::max()), "oZEq7ovRbLq6UnGMPwc8B5");
    }

    #[test]
    fn one_more_than_the_greatest_uuid_is_refused_and_so_is_all_above() {
        for above in [
            "oZEq7ovRbLq6UnGMPwc8B6",
            "oZEq7ovRbLq6UnGMPwc8C2",
            "p222222222222222222222",
            "zzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(read(above), Err(IdError::Overflow), "{above}");
        }
    }

    #[test]
    fn other_lengths_and_other_characters_are_refused() {
        for refused in [
            "",
            "2",
            "222222222222222222222",
            "22222222222222222222222",
            "CnEqURgZ3swzj528KMLvX0",
            "CnEqURgZ3swzj528KMLvX1",
            "CnEqURgZ3swzj528KMLvXI",
            "CnEqURgZ3swzj528KMLvXO",
            "CnEqURgZ3swzj528KMLvXl",
            "CnEqURgZ3swzj528KMLvX-",
            "CnEqURgZ3swzj528KMLvX ",
            "CnEqURgZ3swzj528KMLvé",
            "５nEqURgZ3swzj528KML",
        ] {
            assert_eq!(read(refused), Err(IdError::Malformed), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn every_uuid_is_spelt_in_one_way_and_read_back(bits: u128) {
            let id = Uuid::from_u128(bits);
            prop_assert_eq!(read(&written(id)), Ok(id));
        }

        #[test]
        fn spellings_are_ordered_as_the_uuids_are(left: u128, right: u128) {
            let spelt = |bits| written(Uuid::from_u128(bits));
            prop_assert_eq!(left.cmp(&right), spelt(left).cmp(&spelt(right)));
        }

        #[test]
        fn a_text_is_the_spelling_of_what_it_means_or_an_overflow(text in "[2-9A-HJ-NP-Za-km-z]{22}") {
            match read(&text) {
                Ok(id) => prop_assert_eq!(written(id), text),
                Err(error) => {
                    prop_assert_eq!(error, IdError::Overflow);
                    prop_assert!(*text > *"oZEq7ovRbLq6UnGMPwc8B5");
                }
            }
        }
    }
}

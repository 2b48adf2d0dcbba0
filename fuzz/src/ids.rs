//! Each id codec, against arithmetic that is as plain as can be.
//!
//! What must hold of any text:
//!
//! - each form reads it if and only if the plain one does, as the same id, and refuses it for the same reason;
//! - an id has one spelling in each form: what is written is what was read, but for capitals in a UUID;
//! - what a form cannot write it leaves alone;
//! - a codec of several forms reads what the first of them reads, and `convert` is reading and then writing;
//! - what may be an imported id survives a path that is encoded once and decoded once.

use interlingua::canonical::id::{CanonicalId, IdCodec, IdError, IdForm, is_external};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use super::choices::Choices;

/// Looks at any bytes as an id.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (accepted, written) = (choices.byte(), choices.pick(&IdForm::ALL));
    let Ok(text) = std::str::from_utf8(choices.rest()) else { return };
    let accepted: Vec<_> = (0..4).filter(|at| accepted & 1 << at != 0).map(|at| IdForm::ALL[at]).collect();
    for form in IdForm::ALL {
        let read = form.read(text);
        assert_eq!(read, plain(form, text), "{form}: {text:?}");
        if let Ok(id) = &read {
            one_spelling(form, id, text);
        }
    }
    let all: Vec<_> =
        IdForm::ALL.iter().filter(|form| accepted.contains(form)).map(|form| plain(*form, text)).collect();
    let overflow = all.iter().find(|one| **one == Err(IdError::Overflow));
    let first = all.iter().find(|one| one.is_ok()).or(overflow).cloned().unwrap_or(Err(IdError::Malformed));
    let codec = IdCodec { written, accepted };
    assert_eq!(codec.read(text), first, "{codec:?}: {text:?}");
    for to in IdForm::ALL {
        let to = IdCodec { written: to, accepted: Vec::new() };
        let (mut converted, mut expected) = ("before".to_owned(), "before".to_owned());
        let outcome = codec.convert(text, &to, &mut converted);
        assert_eq!(outcome, first.clone().and_then(|id| to.write(&id, &mut expected)), "{codec:?}, {to:?}");
        assert_eq!(converted, expected, "{codec:?}, {to:?}: {text:?}");
    }
    if is_external(text) {
        let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        assert_eq!(percent_decode_str(&encoded).decode_utf8().as_deref(), Ok(text));
        assert!(!text.chars().any(|one| one.is_control() || "/\\?#%".contains(one)), "{text:?}");
    }
}

fn one_spelling(form: IdForm, id: &CanonicalId, text: &str) {
    let mut again = "before".to_owned();
    form.write(id, &mut again).expect("what a form reads it writes");
    let spelling = again.strip_prefix("before").expect("it is appended");
    match form {
        IdForm::Uuid => assert_eq!(spelling, text.to_ascii_lowercase()),
        IdForm::ShortUuid | IdForm::Integer | IdForm::Opaque => assert_eq!(spelling, text),
    }
    for other in IdForm::ALL {
        let mut out = String::new();
        match other.write(id, &mut out) {
            Ok(()) => assert_eq!(other.read(&out).map(|id| id.to_string()), Ok(id.to_string())),
            Err(_) => assert_eq!(out, "", "{other} writes half of an id"),
        }
    }
}

fn plain(form: IdForm, text: &str) -> Result<CanonicalId, IdError> {
    match form {
        IdForm::Uuid => {
            let is_dash = |at| matches!(at, 8 | 13 | 18 | 23);
            let fits =
                |(at, one): (usize, char)| if is_dash(at) { one == '-' } else { one.is_ascii_hexdigit() };
            if text.len() != 36 || !text.char_indices().all(fits) {
                return Err(IdError::Malformed);
            }
            let digits: String = text.split('-').collect();
            let number = u128::from_str_radix(&digits, 16).expect("32 digits");
            Ok(CanonicalId::Uuid(Uuid::from_u128(number)))
        }
        IdForm::ShortUuid => {
            const DIGITS: &str = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
            let digits: Option<Vec<_>> = text.chars().map(|one| DIGITS.find(one)).collect();
            let digits = digits.filter(|digits| digits.len() == 22).ok_or(IdError::Malformed)?;
            let number = digits.into_iter().try_fold(0_u128, |number, digit| {
                number.checked_mul(57)?.checked_add(u128::try_from(digit).expect("below 57"))
            });
            number.map(|number| CanonicalId::Uuid(Uuid::from_u128(number))).ok_or(IdError::Overflow)
        }
        IdForm::Integer => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let is_number = !digits.is_empty() && digits.chars().all(|one| one.is_ascii_digit());
            if !is_number || (digits.starts_with('0') && text != "0") {
                return Err(IdError::Malformed);
            }
            // A number that is spelt as it would be written can only be too large.
            text.parse().map(CanonicalId::Integer).map_err(|_| IdError::Overflow)
        }
        IdForm::Opaque => {
            let is_allowed = |one: char| one.is_ascii_alphanumeric() || "_-".contains(one);
            let is_one = (1..=128).contains(&text.chars().count()) && text.chars().all(is_allowed);
            is_one.then(|| CanonicalId::Text(text.to_owned())).ok_or(IdError::Malformed)
        }
    }
}

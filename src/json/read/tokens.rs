//! The tokens that are read away from the reader's loop: it is told where they end, or what is wrong and where.

use super::super::{Kind, ReadErrorKind, text};
use super::offset;

/// Longest number taken. Beyond it, comparing two numbers costs more than reading a whole ordinary body.
pub(super) const NUMBER_BYTES_MAX: u32 = 1024;

/// What a function gives that knows of no reader: an error comes with its place.
pub(super) type Away<T> = Result<T, (ReadErrorKind, u32)>;

/// Goes on in a string at what is no plain character; gives where it ends, and how many escapes it holds from there on.
#[cold]
pub(super) fn rest_of_string(bytes: &[u8], mut at: u32) -> Away<(u32, u32)> {
    let mut escapes = 0;
    loop {
        match bytes.get(at as usize) {
            Some(b'"') => return Ok((at, escapes)),
            Some(b'\\') => {
                let (_, taken) = text::unescape_one(&bytes[at as usize..]).map_err(|kind| (kind, at))?;
                escapes += 1;
                at = text::plain_end(bytes, at + offset(taken));
            }
            Some(_) => return Err((ReadErrorKind::Control, at)),
            None => return Err((ReadErrorKind::Unfinished, at)),
        }
    }
}

/// Reads a number; gives where it ends.
pub(super) fn number(bytes: &[u8], start: u32) -> Away<(u32, Kind)> {
    let peek = |at: u32| bytes.get(at as usize).copied();
    let (mut at, mut kind) = (start, Kind::Integer);
    let is_negative = peek(at) == Some(b'-');
    at += u32::from(is_negative);
    if peek(at) == Some(b'0') {
        at += 1;
        // No digit may follow. Minus zero is no integer: whoever reads it as one loses its sign.
        if matches!(peek(at), Some(b'0'..=b'9')) {
            return Err((ReadErrorKind::Number, at));
        }
        if is_negative {
            kind = Kind::Number;
        }
    } else {
        at = digits(bytes, at)?;
    }
    if peek(at) == Some(b'.') {
        kind = Kind::Number;
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = peek(at) {
        kind = Kind::Number;
        at += 1;
        at += u32::from(matches!(peek(at), Some(b'+' | b'-')));
        at = digits(bytes, at)?;
    }
    if at - start > NUMBER_BYTES_MAX {
        return Err((ReadErrorKind::LongNumber, start));
    }
    Ok((at, kind))
}

/// One digit or more; gives where they end.
fn digits(bytes: &[u8], at: u32) -> Away<u32> {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (length, rest.first()) {
        (0, Some(_)) => Err((ReadErrorKind::Number, at)),
        (0, None) => Err((ReadErrorKind::Unfinished, at)),
        _ => Ok(at + offset(length)),
    }
}

/// Where white space that begins at `at` ends.
#[cold]
pub(super) fn space_end(bytes: &[u8], at: u32) -> u32 {
    let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let rest = bytes.get(at as usize..).unwrap_or_default();
    at + offset(rest.iter().take_while(is_space).count())
}

/// Which letter of a word fails.
#[cold]
pub(super) fn misspelt(bytes: &[u8], start: u32, word: &[u8]) -> (ReadErrorKind, u32) {
    let given = &bytes[start as usize..];
    let right = word.iter().zip(given).take_while(|(letter, given)| letter == given).count();
    let kind = if right < given.len() { ReadErrorKind::Syntax } else { ReadErrorKind::Unfinished };
    (kind, start + offset(right))
}

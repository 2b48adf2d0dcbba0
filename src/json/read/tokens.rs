//! The tokens that are read away from the reader's loop: it is told where they end, or what is wrong and where.

use super::super::{Kind, ReadErrorKind, text};

/// Longest number taken. Beyond it, comparing two numbers costs more than reading a whole ordinary body.
pub(super) const NUMBER_BYTES_MAX: usize = 1024;

/// What a function gives that knows of no reader: an error comes with its place.
pub(super) type Away<T> = Result<T, (ReadErrorKind, usize)>;

/// Goes on in a string at what is no plain character; gives where it ends, and how many escapes it holds from there on.
#[cold]
pub(super) fn rest_of_string(bytes: &[u8], mut at: usize) -> Away<(usize, u32)> {
    let mut escapes = 0;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escapes)),
            Some(b'\\') => {
                let (_, taken) = text::unescape_one(&bytes[at..]).map_err(|kind| (kind, at))?;
                escapes += 1;
                at = text::plain_end(bytes, at + taken);
            }
            Some(_) => return Err((ReadErrorKind::Control, at)),
            None => return Err((ReadErrorKind::Unfinished, at)),
        }
    }
}

/// Reads a number; gives where it ends.
pub(super) fn number(bytes: &[u8], start: usize) -> Away<(usize, Kind)> {
    let peek = |at: usize| bytes.get(at).copied();
    let (mut at, mut kind) = (start, Kind::Integer);
    let is_negative = peek(at) == Some(b'-');
    at += usize::from(is_negative);
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
        at += usize::from(matches!(peek(at), Some(b'+' | b'-')));
        at = digits(bytes, at)?;
    }
    if at - start > NUMBER_BYTES_MAX {
        return Err((ReadErrorKind::LongNumber, start));
    }
    Ok((at, kind))
}

/// One digit or more; gives where they end.
fn digits(bytes: &[u8], at: usize) -> Away<usize> {
    let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (length, bytes.get(at)) {
        (0, Some(_)) => Err((ReadErrorKind::Number, at)),
        (0, None) => Err((ReadErrorKind::Unfinished, at)),
        _ => Ok(at + length),
    }
}

/// Which letter of a word fails.
#[cold]
pub(super) fn misspelt(bytes: &[u8], start: usize, word: &[u8]) -> (ReadErrorKind, usize) {
    let right = word.iter().zip(&bytes[start..]).take_while(|(letter, given)| letter == given).count();
    let kind = if start + right < bytes.len() { ReadErrorKind::Syntax } else { ReadErrorKind::Unfinished };
    (kind, start + right)
}

//! What is inside the quotes: finding, decoding, comparing and writing JSON string content.
//!
//! Reader and writer share the search for the next byte that matters, so they cannot disagree about
//! which bytes may stand as they are.

use std::borrow::Cow;

use super::ReadErrorKind;
use super::read::offset;

/// Where, from `at` on, the first byte of a text that is read is a quote, a backslash or a control character; else its end.
///
/// Eight bytes are looked at together; most names and values are shorter than four such steps. The reader has offsets of
/// 32 bits, of which the compiler sees that they do not overflow.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: u32) -> u32 {
    while let Some(chunk) = bytes.get(at as usize..at as usize + 8).and_then(<[u8]>::first_chunk) {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + found.trailing_zeros() / 8;
        }
        at += 8;
    }
    plain_end_of_few(bytes, at)
}

/// The same, where less than eight bytes are left.
#[cold]
fn plain_end_of_few(bytes: &[u8], at: u32) -> u32 {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    at + offset(rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len()))
}

/// Length of the longest prefix without such a byte, of a text of any length.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    chunks.len() * 8 + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

/// Whether a byte may not stand in a string as it is.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// Sets the top bit of every byte of `word` that is special. Bytes above the lowest such byte may be
/// marked wrongly, because the subtraction borrows; the lowest mark is exact, and only it is used.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // With one bit changed, a quote comes right behind the control characters, which only change places.
    let controls_and_quotes = (word ^ (EACH * 0x02)).wrapping_sub(EACH * 0x21);
    let backslashes = (word ^ (EACH * 0x5c)).wrapping_sub(EACH);
    // Neither change touches the top bit, so a byte that had it before is no ASCII and not special.
    (controls_and_quotes | backslashes) & !word & (EACH * 0x80)
}

/// Decodes the escape sequence at the front of `bytes`; returns the character and the bytes it took.
///
/// Two `\u` sequences that form a surrogate pair count as one escape.
pub(super) fn unescape_one(bytes: &[u8]) -> Result<(char, usize), ReadErrorKind> {
    let short = match bytes.get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unicode(bytes),
        Some(_) => return Err(ReadErrorKind::Escape),
        None => return Err(ReadErrorKind::Unfinished),
    };
    Ok((short, 2))
}

fn unescape_unicode(bytes: &[u8]) -> Result<(char, usize), ReadErrorKind> {
    let unit = code_unit(bytes)?;
    if let Some(character) = char::from_u32(unit) {
        return Ok((character, 6));
    }
    // A surrogate: only a high one followed at once by a low one means a character.
    let is_high = |unit: u32| (0xd800..0xdc00).contains(&unit);
    let is_low = |unit: u32| (0xdc00..0xe000).contains(&unit);
    let rest = bytes.get(6..).unwrap_or_default();
    if !is_high(unit) || !rest.starts_with(b"\\u") {
        return Err(ReadErrorKind::Surrogate);
    }
    let low = code_unit(rest)?;
    if !is_low(low) {
        return Err(ReadErrorKind::Surrogate);
    }
    let scalar = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    char::from_u32(scalar).map(|character| (character, 12)).ok_or(ReadErrorKind::Surrogate)
}

/// The four hexadecimal digits after `\u`.
fn code_unit(bytes: &[u8]) -> Result<u32, ReadErrorKind> {
    let digits = bytes.get(2..6).ok_or(ReadErrorKind::Unfinished)?;
    digits.iter().try_fold(0, |unit, &digit| {
        let value = char::from(digit).to_digit(16).ok_or(ReadErrorKind::Escape)?;
        Ok(unit << 4 | value)
    })
}

/// What string content the reader has accepted means; borrowed unless it holds escapes.
pub(super) fn decoded(content: &str) -> Cow<'_, str> {
    if content.contains('\\') { Cow::Owned(unescape(content)) } else { Cow::Borrowed(content) }
}

/// A JSON scalar, as the writer wrote it, as plain text: a string without its quotes, a number or a truth value as it
/// stands. None for null, for what is no scalar, and if nothing was written.
pub(crate) fn scalar_text(json: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(json).ok()?;
    match text.as_bytes() {
        [b'"', .., b'"'] => Some(decoded(&text[1..text.len() - 1])),
        [] | [b'{' | b'[' | b'n', ..] => None,
        _ => Some(Cow::Borrowed(text)),
    }
}

/// Decodes string content the reader has accepted.
pub(super) fn unescape(mut content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    while let Some(backslash) = content.find('\\') {
        let (plain, escaped) = content.split_at(backslash);
        let (character, taken) = unescape_one(escaped.as_bytes()).expect("the reader checked every escape");
        out.push_str(plain);
        out.push(character);
        content = &escaped[taken..];
    }
    out.push_str(content);
    out
}

/// How many bytes of accepted string content stand before what means its byte `decoded`; all, past the end.
pub(super) fn raw_offset(content: &str, decoded: usize) -> usize {
    let (mut raw, mut left) = (0, decoded);
    while let Some(plain) = content[raw..].find('\\') {
        if left < plain {
            break;
        }
        let escaped = &content.as_bytes()[raw + plain..];
        let (character, taken) = unescape_one(escaped).expect("the reader checked every escape");
        if left < plain + character.len_utf8() {
            return raw + plain;
        }
        left -= plain + character.len_utf8();
        raw += plain + taken;
    }
    (raw + left).min(content.len())
}

/// Whether accepted string content means `name`; decodes as it goes, so that it never allocates.
pub(super) fn means(mut content: &str, mut name: &str) -> bool {
    while let Some(backslash) = content.find('\\') {
        let (plain, escaped) = content.split_at(backslash);
        let (character, taken) = unescape_one(escaped.as_bytes()).expect("the reader checked every escape");
        let Some(rest) = name.strip_prefix(plain).and_then(|rest| rest.strip_prefix(character)) else {
            return false;
        };
        name = rest;
        content = &escaped[taken..];
    }
    content == name
}

/// Appends `text` as a JSON string, quotes included. Only what must be escaped is.
pub(super) fn write_quoted(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    out.push(b'"');
    loop {
        let (plain, special) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            control => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
            }
        }
        rest = after;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_escape_of_the_grammar_is_decoded() {
        // RFC 8259 section 7, with its own example of a pair: the G clef.
        assert_eq!(unescape(r#"\"\\\/\b\f\n\r\t"#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(unescape(r"a\u00e9\u20AC\u0000z"), "aé€\0z");
        assert_eq!(unescape(r"\uD834\uDD1E"), "𝄞");
    }

    #[test]
    fn halves_of_pairs_are_refused() {
        for lone in [r"\ud834", r"\udd1e", r"\ud834x", r"\ud834\n", r"\ud834\ud834", r"\udd1e\ud834"] {
            assert_eq!(unescape_one(lone.as_bytes()), Err(ReadErrorKind::Surrogate), "{lone}");
        }
    }

    #[test]
    fn broken_escapes_are_refused() {
        for broken in [r"\x", r"\u12g4", r"\u+123", r"\U0041", r"\ud834\u12g4"] {
            assert_eq!(unescape_one(broken.as_bytes()), Err(ReadErrorKind::Escape), "{broken}");
        }
        for cut in [r"\", r"\u", r"\u123", r"\ud834\u12"] {
            assert_eq!(unescape_one(cut.as_bytes()), Err(ReadErrorKind::Unfinished), "{cut}");
        }
    }

    #[test]
    fn a_place_in_what_is_meant_is_found_in_what_is_written() {
        let content = r"a\u00e9b\n\uD834\uDD1Ec";
        let places: Vec<_> = (0..=11).map(|decoded| raw_offset(content, decoded)).collect();
        assert_eq!(places, [0, 1, 1, 7, 8, 10, 10, 10, 10, 22, 23, 23]);
    }

    proptest! {
        #[test]
        fn a_place_that_is_found_begins_what_is_meant(text: String) {
            let mut quoted = Vec::new();
            write_quoted(&mut quoted, &text);
            let quoted = String::from_utf8(quoted).unwrap();
            let content = &quoted[1..quoted.len() - 1];
            for (at, _) in text.char_indices() {
                prop_assert_eq!(unescape(&content[raw_offset(content, at)..]), &text[at..]);
            }
        }

        #[test]
        fn the_fast_search_finds_what_a_slow_one_finds(bytes: Vec<u8>) {
            let slow = bytes.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\');
            prop_assert_eq!(plain_len(&bytes), slow.unwrap_or(bytes.len()));
        }

        #[test]
        fn what_is_quoted_means_what_it_said(text: String, other: String) {
            let mut quoted = Vec::new();
            write_quoted(&mut quoted, &text);
            let quoted = String::from_utf8(quoted).unwrap();
            let content = &quoted[1..quoted.len() - 1];
            prop_assert_eq!(&unescape(content), &text);
            prop_assert!(means(content, &text));
            prop_assert_eq!(means(content, &other), text == other);
        }

        #[test]
        fn the_quoted_form_is_the_one_serde_json_writes(text: String) {
            let mut quoted = Vec::new();
            write_quoted(&mut quoted, &text);
            prop_assert_eq!(quoted, serde_json::to_vec(&text).unwrap());
        }
    }
}

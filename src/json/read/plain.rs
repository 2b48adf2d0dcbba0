//! The plain way through an object, which nearly all members take.

use super::super::names::digest;
use super::super::{Entry, Kind, text};
use super::Next;
use super::tokens::{number, space_end};

/// How far the plain way led.
pub(super) struct Plain {
    /// Offset of what comes next.
    pub(super) at: u32,
    /// How many entries there are.
    pub(super) length: u32,
    /// How often white space was met.
    pub(super) loose: u32,
    /// What comes next.
    pub(super) next: Next,
}

/// Reads members for as long as they are plain, from `at` on, where the name of one is due: names and strings without
/// escapes, words, numbers, and of objects and arrays, if they may stand there, the empty ones. Entries are written to
/// `tape` from `length` on. Whatever else there is, mistakes and the end of the tape among it, is left to the reader,
/// which goes on where this stops.
///
/// It accepts nothing that the reader would not, and writes the same. It is here because it has so little to remember
/// that all of it has room in the processor: in the reader's own loop a member takes half as many instructions more.
#[inline(never)]
pub(super) fn members(
    bytes: &[u8],
    mut at: u32,
    tape: &mut [Entry],
    mut length: u32,
    may_nest: bool,
) -> Plain {
    let mut loose = 0;
    loop {
        if bytes.get(at as usize) != Some(&b'"') {
            let name = space_end(bytes, at);
            loose += name - at;
            at = name;
            if bytes.get(at as usize) != Some(&b'"') {
                return Plain { at, length, loose, next: Next::Name };
            }
        }
        let end = text::plain_end(bytes, at + 1);
        let room = tape.get_mut(length as usize..).and_then(<[Entry]>::first_chunk_mut);
        let (true, Some([name, member])) = (has_colon(bytes, end), room) else {
            return Plain { at, length, loose, next: Next::Name };
        };
        let digest = digest(&bytes[at as usize + 1..end as usize]);
        length += 1;
        let head = Kind::String as u32 | digest << Entry::COUNT_SHIFT;
        *name = Entry { head, start: at, end: end + 1, next: length };
        at = end + 2;
        if bytes.get(at as usize).is_some_and(|byte| *byte <= b' ') {
            let value = space_end(bytes, at);
            loose += value - at;
            at = value;
        }
        let Some((kind, end)) = value(bytes, at, may_nest) else {
            return Plain { at, length, loose, next: Next::Value };
        };
        length += 1;
        *member = Entry { head: kind as u32, start: at, end, next: length };
        if bytes.get(end as usize) != Some(&b',') {
            return Plain { at: end, length, loose, next: Next::Rest };
        }
        at = end + 1;
    }
}

/// Whether a name ends at `end`, with its colon right behind it.
#[inline]
fn has_colon(bytes: &[u8], end: u32) -> bool {
    bytes.get(end as usize..end as usize + 2).is_some_and(|pair| pair == b"\":")
}

/// The kind of a plain value, and where it ends.
#[inline]
fn value(bytes: &[u8], start: u32, may_nest: bool) -> Option<(Kind, u32)> {
    let rest = bytes.get(start as usize..)?;
    match rest.first()? {
        b'"' => {
            let end = text::plain_end(bytes, start + 1);
            (bytes.get(end as usize) == Some(&b'"')).then_some((Kind::String, end + 1))
        }
        b'n' => rest.starts_with(b"null").then_some((Kind::Null, start + 4)),
        b't' => rest.starts_with(b"true").then_some((Kind::True, start + 4)),
        b'f' => rest.starts_with(b"false").then_some((Kind::False, start + 5)),
        b'[' => (may_nest && rest.get(1) == Some(&b']')).then_some((Kind::Array, start + 2)),
        b'{' => (may_nest && rest.get(1) == Some(&b'}')).then_some((Kind::Object, start + 2)),
        b'0'..=b'9' | b'-' => number(bytes, start).ok().map(|(end, kind)| (kind, end)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::{Document, Limits, ReadError};
    use super::super::offset;
    use super::*;

    /// What the tape says but for the places in the text.
    type Told = Vec<(Kind, usize, u32)>;

    fn told(text: &str, limits: &Limits) -> Result<Told, ReadError> {
        let document = Document::parse(text.into(), limits)?;
        Ok(document.tape.iter().map(|entry| (entry.kind(), entry.count(), entry.next)).collect())
    }

    /// The same text with its names spelt so that the plain way takes none of them.
    fn disguised(text: &str) -> String {
        text.replace("\"a", "\"\\u0061")
    }

    fn pieces() -> impl Strategy<Value = String> {
        let pieces = r#""ab": "ac": "ad":1, "ab":"x", "ad":{}, "ac":[], "ab":null "ad":true, "ac":[1,{ { } [ ] }, ], ,
            : null nul false, "x" "x", "x\n" "é-é-é-é-é", 0 -0, 1.5 1e9, 01 - -x ~ ~ ~"#;
        let pieces: Vec<_> = pieces.split_whitespace().map(|piece| piece.replace('~', " ")).collect();
        prop::collection::vec(prop::sample::select(pieces), 0..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_plain_way_and_the_other_lead_to_the_same(
            text in pieces(), ends in 0..3_usize, depth_max in 1..5_u16, nodes_max in 1..40_usize,
        ) {
            let limits = Limits { depth_max, nodes_max, ..Limits::default() };
            let text = format!("{{{text}{}", &["", "}", "}}"][ends]);
            match (told(&text, &limits), told(&disguised(&text), &limits)) {
                (Ok(plain), Ok(other)) => prop_assert_eq!(plain, other),
                (Err(plain), Err(other)) => {
                    let before = text.get(..plain.offset).map_or(plain.offset, |before| disguised(before).len());
                    // The name itself may be what is wrong, and then its quote comes before what was changed.
                    prop_assert_eq!((plain.kind, before), (other.kind, other.offset), "{}", text);
                }
                (plain, other) => prop_assert!(false, "{text}: {plain:?}, {other:?}"),
            }
        }
    }

    #[test]
    fn all_members_that_are_plain_are_read_at_once() {
        let (before, after) =
            (r#""ab":1,"two words": "\u{e9}" , "#, r#""c":[],"d":{},"e":-1.5e3,"f":null,"g":false}"#);
        let text = [before, after].concat().replace(r"\u{e9}", "\u{e9}");
        let text = text.as_bytes();
        let mut tape = [super::super::BLANK; 32];
        let plain = members(text, 0, &mut tape, 0, true);
        assert_eq!((plain.length, plain.loose), (4, 1), "a space before a comma is not plain");
        let rest = offset(text.len() - after.len());
        let plain = members(text, rest, &mut tape, 0, true);
        assert_eq!((plain.at as usize, plain.length), (text.len() - 1, 10));
        assert!(matches!(plain.next, Next::Rest));
        let plain = members(text, rest, &mut tape, 0, false);
        assert_eq!((plain.length, matches!(plain.next, Next::Value)), (1, true), "nothing may stand inside");
    }
}

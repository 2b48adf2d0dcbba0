//! The little of a document that is shown around a place, without what it says.
//!
//! Recorded traffic is full of people's names and keys, and what CI prints many can read. Names of members stay if they
//! are words, so that the place is recognised; every letter and digit of a value, and of what else a map is keyed by, is
//! another character of the same size, so that columns and bytes stay what they are.

use std::ops::Range;

use crate::{
    cli::traffic::{Body, Piece},
    diag::Start,
    json::{Document, Kind, Limits, Value},
};

/// How much is shown before and after a place on the same line.
const AROUND_BYTES: usize = 120;

/// How much is shown of a place.
const PLACE_BYTES: usize = 200;

/// A part of a piece, with a place in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    pub(super) start: Start,
    pub(super) place: Range<usize>,
}

/// What must not be shown of a piece.
#[derive(Debug)]
pub(super) enum Hidden {
    /// Nothing.
    Nothing,
    /// These parts, in order.
    Parts(Vec<Range<usize>>),
    /// Whatever is not punctuation: nobody knows what is a value.
    Words,
}

impl Excerpt {
    /// The line of the place, or as much of it as can be looked at.
    pub(super) fn of(text: &str, piece: Piece, place: &Range<usize>, hidden: &Hidden) -> Excerpt {
        let place = text.floor_char_boundary(place.start)..text.ceil_char_boundary(place.end.min(text.len()));
        let line_start = text[..place.start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[place.start..].find('\n').map_or(text.len(), |end| place.start + end);
        let shown_end = place.end.max(place.start).min(line_end).min(place.start + PLACE_BYTES);
        let start = line_start.max(text.floor_char_boundary(place.start.saturating_sub(AROUND_BYTES)));
        let end = line_end.min(text.ceil_char_boundary(shown_end + AROUND_BYTES));
        let begins = piece.at.after(&text.as_bytes()[..start]);
        Excerpt {
            text: hidden.apply(text, start..end),
            start: Start {
                byte: begins.byte,
                line: begins.line,
                column: begins.column,
                column_utf16: begins.column_utf16,
            },
            place: place.start - start..text.floor_char_boundary(shown_end) - start,
        }
    }
}

impl Hidden {
    /// The values of a document, those of the bodies that are written in it included.
    pub(super) fn in_document(root: Value<'_>, bodies: &[Body<'_>]) -> Hidden {
        let mut parts = Vec::new();
        hide(root, bodies, &mut parts);
        Hidden::Parts(parts)
    }

    fn apply(&self, text: &str, shown: Range<usize>) -> String {
        let part = &text[shown.clone()];
        let is_hidden: Box<dyn Fn(usize, char) -> bool> = match self {
            Hidden::Nothing => return part.to_owned(),
            Hidden::Parts(parts) => Box::new(|at, _| {
                let next = parts.partition_point(|part| part.end <= at);
                parts.get(next).is_some_and(|part| part.contains(&at))
            }),
            Hidden::Words => Box::new(|_, character| !"{}[],:\"\\ \t".contains(character)),
        };
        let other = |(at, character): (usize, char)| {
            if is_hidden(shown.start + at, character) { masked(character) } else { character }
        };
        part.char_indices().map(other).collect()
    }
}

/// The longest name that is told.
const NAME_MAX: usize = 40;

/// The most digits in a name that is told: more make a number or an id.
const DIGITS_MAX: usize = 4;

/// Whether a name may be told: it looks as APIs call things, and not like an address, a number or an id. What a map is keyed
/// by may look so, too.
pub(super) fn is_word(name: &str) -> bool {
    let rest = name.strip_prefix(['@', '$']).unwrap_or(name);
    let is_inner = |character: char| character.is_alphanumeric() || "_-.:$".contains(character);
    name.chars().count() <= NAME_MAX
        && rest.chars().all(is_inner)
        && rest.chars().filter(char::is_ascii_digit).count() <= DIGITS_MAX
}

/// Another character of the same size.
fn masked(character: char) -> char {
    match character.len_utf8() {
        1 => '*',
        2 => '¤',
        3 => '•',
        _ => '🞄',
    }
}

fn hide(value: Value<'_>, bodies: &[Body<'_>], parts: &mut Vec<Range<usize>>) {
    match value.kind() {
        // Three words that tell nobody's secrets.
        Kind::False | Kind::Null | Kind::True => {}
        Kind::Integer | Kind::Number => parts.push(value.offset()..value.offset() + value.raw().len()),
        Kind::String => {
            let within =
                bodies.iter().find(|body| body.has_places() && body.place(0..0).start == value.offset() + 1);
            match within.and_then(|body| Some((body, read(*body)?))) {
                Some((body, document)) => {
                    let mut inner = Vec::new();
                    hide(document.root(), &[], &mut inner);
                    parts.extend(inner.into_iter().map(|part| body.place(part)));
                }
                None => parts.push(value.offset() + 1..value.offset() + value.raw().len() - 1),
            }
        }
        Kind::Array => value.elements().for_each(|element| hide(element, bodies, parts)),
        Kind::Object => {
            for (key, member) in value.members() {
                if !is_word(&key.as_str()) {
                    parts.push(key.offset() + 1..key.offset() + key.raw().len() - 1);
                }
                hide(member, bodies, parts);
            }
        }
    }
}

fn read(body: Body<'_>) -> Option<Document> {
    let limits = Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, depth_max: u16::MAX };
    Document::parse(body.bytes()?, &limits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::stream::Position;

    const PIECE: Piece =
        Piece { at: Position { byte: 500, line: 3, column: 11, column_utf16: 11 }, is_whole: true };

    fn document(text: &str) -> Document {
        Document::parse(text.into(), &Limits::default()).unwrap()
    }

    fn shown(text: &str, wanted: &str) -> Excerpt {
        let document = document(text);
        let start = text.find(wanted).unwrap();
        let hidden = Hidden::in_document(document.root(), &[]);
        Excerpt::of(text, PIECE, &(start..start + wanted.len()), &hidden)
    }

    #[test]
    fn values_are_hidden_and_names_are_not() {
        let excerpt = shown(r#"{"née": ["Zoë 𝄞€", -1.5, true, null, "\n"]}"#, "-1.5");
        assert_eq!(excerpt.text, r#"{"née": ["**¤*🞄•", ****, true, null, "**"]}"#);
        assert_eq!(&excerpt.text[excerpt.place.clone()], "****");
        assert_eq!(excerpt.start, Start { byte: 500, line: 3, column: 11, column_utf16: 11 });
    }

    #[test]
    fn names_that_are_no_words_are_hidden() {
        let text =
            r#"{"a@b.example": 1, "@type": 2, "Ada Lovelace": {"2026-11": 3, "4915112345": 4}, "x-y.z": 5}"#;
        let excerpt = shown(text, "2026");
        let hidden =
            r#"{"***********": *, "@type": *, "************": {"*******": *, "**********": *}, "x-y.z": *}"#;
        assert_eq!(excerpt.text, hidden);
        assert!(!is_word("4fb2b1d4-6a53-4fd8-a4f5-8a1a1ad6b94e") && is_word("accessible_portfolio_ids"));
    }

    #[test]
    fn of_many_lines_the_one_is_shown() {
        let excerpt = shown("{\n  \"a\": 1,\n  \"b\": [\n2]}", "\"b\"");
        assert_eq!((excerpt.text.as_str(), excerpt.place), ("  \"b\": [", 2..5));
        assert_eq!(excerpt.start, Start { byte: 512, line: 5, column: 1, column_utf16: 1 });
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let text = format!(r#"{{"a": "{}", "b": "{}"}}"#, "é".repeat(300), "x".repeat(900));
        let excerpt = shown(&text, &format!("\"{}\"", "x".repeat(900)));
        assert!(excerpt.text.len() < 500, "{}", excerpt.text);
        assert_eq!(excerpt.place.len(), PLACE_BYTES);
        assert!(excerpt.text[excerpt.place.start..].starts_with("\"***"));
        assert_eq!(
            excerpt.start.column,
            11 + text[..text.find("\"b\"").unwrap() + 5].chars().count()
                - excerpt.text[..excerpt.place.start].chars().count()
        );
    }

    #[test]
    fn of_what_is_no_document_only_punctuation_is_shown() {
        let text = r#"{"secret": hunter2}"#;
        let excerpt = Excerpt::of(text, PIECE, &(11..12), &Hidden::Words);
        assert_eq!(excerpt.text, r#"{"******": *******}"#);
    }

    #[test]
    fn a_place_past_the_end_is_the_end() {
        let excerpt = Excerpt::of("{\"a\": ", PIECE, &(6..7), &Hidden::Words);
        assert_eq!((excerpt.text.as_str(), excerpt.place), ("{\"*\": ", 6..6));
    }
}

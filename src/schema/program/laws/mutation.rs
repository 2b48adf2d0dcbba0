//! Values that are nearly others: most mistakes are near what is right.

use std::fmt::Write;

use serde_json::Value as Tree;

use super::super::super::instances::random::Random;
use crate::json::{Document, Kind, Limits, Value};

/// Prints a value with something changed at one place.
struct Mutation<'r> {
    random: &'r mut Random,
    /// Values to print before the one to change.
    left: usize,
    /// Whether all names and strings are written in escapes.
    is_escaped: bool,
    out: String,
}

/// What stands where something else was.
const ODD: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2.0",
    "-0",
    "1e2",
    "0.5",
    "99999999999999999999",
    "\"\"",
    "\"a\"",
    "\"é\"",
    "[]",
    "[null]",
    "{}",
    "{\"a\":1}",
    "\"3c90c3cc-0d44-4b50-8888-8dd25736052a\"",
    "\"2026-11-21T15:01:26Z\"",
    "\"https://example.com/x\"",
];

impl Mutation<'_> {
    fn value(&mut self, value: Value<'_>) {
        let is_here = self.left == 0;
        self.left = self.left.wrapping_sub(1);
        if is_here && self.random.below(3) == 0 {
            self.out += self.random.pick(ODD).unwrap();
            return;
        }
        match value.kind() {
            Kind::Null | Kind::False | Kind::True => self.out += value.raw(),
            Kind::Integer | Kind::Number => {
                self.out += value.raw();
                self.out += if is_here {
                    self.random.pick(&[".0", "0", "e0", "00000000000000000000"]).unwrap()
                } else {
                    ""
                };
            }
            Kind::String => {
                let text = value.as_str().unwrap();
                if is_here { self.changed(&text) } else { self.string(&text) }
            }
            Kind::Array => self.array(value, is_here),
            Kind::Object => self.object(value, is_here),
        }
    }

    fn changed(&mut self, text: &str) {
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.random.below(characters.len() + 1);
        let piece = *self.random.pick(&["", "é", "-", ".", "a", "Z", " ", "\u{1f600}", "0"]).unwrap();
        let times = *self.random.pick(&[1, 1, 1, 2, 64, 300]).unwrap();
        let end = (at + self.random.below(3)).min(characters.len());
        characters.splice(at..end, piece.repeat(times).chars());
        self.string(&characters.into_iter().collect::<String>());
    }

    fn string(&mut self, text: &str) {
        if !self.is_escaped {
            self.out += &Tree::from(text).to_string();
            return;
        }
        self.out.push('"');
        for unit in text.encode_utf16() {
            write!(self.out, "\\u{unit:04x}").unwrap();
        }
        self.out.push('"');
    }

    fn array(&mut self, value: Value<'_>, is_here: bool) {
        let mut elements: Vec<_> = value.elements().collect();
        if let (true, Some(first)) = (is_here, elements.first().copied()) {
            match self.random.below(4) {
                0 => drop(elements.remove(0)),
                1 => elements.push(first),
                2 => elements.extend([first; 120]),
                _ => elements.clear(),
            }
        }
        self.out.push('[');
        for (place, element) in elements.into_iter().enumerate() {
            self.out += if place == 0 { "" } else { "," };
            self.value(element);
        }
        self.out.push(']');
    }

    fn object(&mut self, value: Value<'_>, is_here: bool) {
        let mut members: Vec<_> = value.members().map(|(key, member)| (key.as_str(), member)).collect();
        if is_here && !members.is_empty() {
            let at = self.random.below(members.len());
            match self.random.below(5) {
                0 => drop(members.remove(at)),
                1 => members.push(("unheard_of".into(), members[at].1)),
                2 => members[at].0 = format!("{}{}", members[at].0, members[at].0).into(),
                3 => members.reverse(),
                _ => members.rotate_left(at),
            }
        }
        self.out.push('{');
        for (place, (name, member)) in members.into_iter().enumerate() {
            self.out += if place == 0 { "" } else { "," };
            self.string(&name);
            self.out.push(':');
            self.value(member);
        }
        self.out.push('}');
    }
}

/// A document like another one, if it is still one.
pub(super) fn mutated(value: Value<'_>, random: &mut Random) -> Option<Document> {
    let (left, is_escaped) = (random.below(value.nodes()), random.below(4) == 0);
    let mut mutation = Mutation { random, left, is_escaped, out: String::new() };
    mutation.value(value);
    Document::parse(mutation.out.into_bytes(), &Limits::default()).ok()
}

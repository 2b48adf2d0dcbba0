//! What is asked of strings.

use super::ask::Ask;
use super::format::Format;
use super::pattern::Pattern;
use crate::json::{Value, are_same};

pub(super) struct TextRules {
    /// Only these, if there is a list.
    pub(super) words: Option<Box<[Box<str>]>>,
    /// Characters.
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
}

impl TextRules {
    pub(super) fn accept(&self, value: Value<'_>) -> bool {
        match value.plain_bytes() {
            Some(text) => self.accept_text(text, value),
            None => value.as_str().is_some_and(|text| self.accept_text(text.as_bytes(), value)),
        }
    }

    /// The same, for what the value means: its bytes nearly always tell enough.
    fn accept_text(&self, text: &[u8], value: Value<'_>) -> bool {
        let is_listed = |words: &[Box<str>]| words.iter().any(|word| are_same(word.as_bytes(), text));
        let ask = |ask: &Ask| ask.accepts(value);
        self.words.as_deref().is_none_or(is_listed)
            && self.has_length(text)
            && self.format.as_ref().is_none_or(|format| format.accepts(text, ask))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.accepts(text, ask))
    }

    /// A character has one to four bytes, so that the bytes often tell enough.
    fn has_length(&self, text: &[u8]) -> bool {
        let bytes = text.len();
        if bytes <= self.most && bytes.div_ceil(4) >= self.least {
            return true;
        }
        let begins_character = |byte: &&u8| **byte & 0xc0 != 0x80;
        let characters = text.iter().filter(begins_character).count();
        self.least <= characters && characters <= self.most
    }
}

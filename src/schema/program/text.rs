//! What is asked of strings.

use super::format::Format;
use super::pattern::Pattern;
use crate::json::Value;

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
        value.as_str().is_some_and(|text| self.accept_text(&text))
    }

    fn accept_text(&self, text: &str) -> bool {
        let is_listed = |words: &[Box<str>]| words.iter().any(|word| **word == *text);
        self.words.as_deref().is_none_or(is_listed)
            && self.has_length(text)
            && self.format.as_ref().is_none_or(|format| format.accepts(text))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.accepts(text))
    }

    /// A character has one to four bytes, so that the bytes often tell enough.
    fn has_length(&self, text: &str) -> bool {
        let bytes = text.len();
        if bytes <= self.most && bytes.div_ceil(4) >= self.least {
            return true;
        }
        let characters = text.chars().count();
        self.least <= characters && characters <= self.most
    }
}

//! Regular expressions, each compiled once however many mappings say it.
//!
//! What a bearer token looks like is said alike in most of them, and a bound such as `{8,4096}` takes thousands of states.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Error, Regex, RegexBuilder};

/// The patterns that were compiled so far; those who say the same share one.
#[derive(Debug, Default)]
pub(super) struct Patterns(RefCell<HashMap<String, Regex>>);

impl Patterns {
    /// Compiles a pattern, or gives the one that was compiled before.
    pub(super) fn compile(&self, text: &str) -> Result<Regex, Error> {
        if let Some(known) = self.0.borrow().get(text) {
            return Ok(known.clone());
        }
        let pattern = Regex::new(text)?;
        self.0.borrow_mut().insert(text.to_owned(), pattern.clone());
        Ok(pattern)
    }

    /// The same, for texts that match from their first character to their last.
    pub(super) fn compile_whole(&self, text: &str) -> Result<Regex, Error> {
        // Alone first: what is wrong must not come right by what is put around it. To read it is enough, without its states.
        if let Err(error @ Error::Syntax(_)) = RegexBuilder::new(text).size_limit(0).build() {
            return Err(error);
        }
        self.compile(&format!(r"\A(?:{text})\z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_pattern_matches_from_the_first_character_to_the_last() {
        let patterns = Patterns::default();
        let is_match = |pattern: &str, text: &str| patterns.compile_whole(pattern).unwrap().is_match(text);
        for pattern in ["pat_[a-z]+", "^pat_[a-z]+$", "pat_[a-z]|pat_[a-z]+", "^pat_[a-z]+|key$"] {
            assert!(is_match(pattern, "pat_abc"), "{pattern}");
            for text in ["zzzpat_abc", "pat_abc pat_abc", "pat_abc\n", "pat_"] {
                assert!(!is_match(pattern, text), "{pattern}: {text}");
            }
        }
        for pattern in ["a)(?:b", "(", "[a"] {
            assert!(patterns.compile_whole(pattern).is_err(), "{pattern}");
        }
    }
}

//! Where a mapping says what: the lines that an explanation names, besides those that fields and words keep themselves.

use std::collections::HashMap;

use crate::diag::Span;

/// Lines of a mapping by what they are about, as in `["list_things", "things.list", "answers", "200"]`: an operation and
/// what it calls, then the keys below.
#[derive(Debug, Default)]
pub struct Origins(HashMap<String, Span>);

impl Origins {
    /// Notes where something is said. What is said twice is said where it comes first.
    pub fn note(&mut self, about: &[&str], span: Span) {
        self.0.entry(key(about)).or_insert(span);
    }

    /// Where it is said, if the mapping says anything of it.
    pub fn of(&self, about: &[&str]) -> Option<Span> {
        self.0.get(&key(about)).copied()
    }
}

/// No name of a mapping holds the character between.
fn key(about: &[&str]) -> String {
    about.join("\u{0}")
}

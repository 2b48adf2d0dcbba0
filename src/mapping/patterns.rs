//! Regular expressions, each compiled once however many mappings say it.
//!
//! What a bearer token looks like is said alike in most of them, and a bound such as `{8,4096}` takes thousands of states.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Error, Regex};

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
}

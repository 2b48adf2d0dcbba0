//! What is asked of arrays.

use super::super::unique::are_unique;
use super::{ALWAYS, Index, Program};
use crate::json::Value;

pub(super) struct ArrayRules {
    pub(super) least: usize,
    pub(super) most: usize,
    /// The schemas of the first elements.
    pub(super) first: Box<[Index]>,
    /// The schema of those after them.
    pub(super) rest: Index,
    pub(super) is_unique: bool,
    pub(super) contains: Option<Contains>,
}

/// How many elements must satisfy a schema.
pub(super) struct Contains {
    pub(super) schema: Index,
    pub(super) least: usize,
    pub(super) most: usize,
}

impl ArrayRules {
    pub(super) fn accept(&self, program: &Program, value: Value<'_>) -> bool {
        let length = value.len();
        if length < self.least || length > self.most {
            return false;
        }
        let mut elements = value.elements();
        let firsts = self.first.iter().zip(elements.by_ref());
        if !firsts.into_iter().all(|(schema, element)| program.accepts(*schema, element)) {
            return false;
        }
        if self.rest != ALWAYS && !elements.all(|element| program.accepts(self.rest, element)) {
            return false;
        }
        if self.is_unique && length > 1 && !are_unique(value.elements()) {
            return false;
        }
        self.contains.as_ref().is_none_or(|contains| contains.accepts(program, value))
    }
}

impl Contains {
    fn accepts(&self, program: &Program, value: Value<'_>) -> bool {
        let found = value.elements().filter(|element| program.accepts(self.schema, *element)).count();
        self.least <= found && found <= self.most
    }
}

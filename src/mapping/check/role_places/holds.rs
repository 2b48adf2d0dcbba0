//! What of a value may be a role: what its schema lists, wherever it is in there.

use std::collections::HashSet;

use serde_json::Value as Tree;

use crate::canonical::role::Roles;
use crate::diag::Span;
use crate::schema::{Shape, Type};

/// How deep a role is looked for inside a value that is written as a whole. What goes on below may hold one.
const DEPTH_MAX: u8 = 32;

/// What was found in a shape.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Whether there may be a role.
    pub(super) role: bool,
    /// The names of the texts that nothing bounds to words, which may be roles if others of that name are.
    pub(super) texts: Vec<String>,
}

/// Whether some values of a shape are roles. One other word among them, such as `inherit`, makes them no others.
pub(in crate::mapping::check) fn is_role(roles: &Roles, shape: &Shape<'_>) -> bool {
    let words = shape.enumeration().unwrap_or_default();
    words.iter().filter_map(Tree::as_str).any(|word| roles.role(word).is_some())
}

/// Whether all values of a shape are roles, or none.
pub(in crate::mapping::check) fn is_only_role(roles: &Roles, shape: &Shape<'_>) -> bool {
    let words = shape.enumeration().unwrap_or_default();
    let is_known = |word: &Tree| word.as_str().is_some_and(|word| roles.role(word).is_some());
    is_role(roles, shape) && words.iter().all(|word| word.is_null() || is_known(word))
}

/// What a value of that shape, called `name`, may hold.
pub(super) fn held(roles: &Roles, name: &str, shape: &Shape<'_>) -> Held {
    let mut look = Look { roles, seen: HashSet::new(), held: Held::default() };
    look.at(name, shape, DEPTH_MAX);
    look.held
}

struct Look<'r> {
    roles: &'r Roles,
    /// Where the schemas are written that were looked at: those that contain themselves are seen once.
    seen: HashSet<(String, Vec<Span>)>,
    held: Held,
}

impl Look<'_> {
    fn at(&mut self, name: &str, shape: &Shape<'_>, depth: u8) {
        self.held.role |= depth == 0 || is_role(self.roles, shape);
        if self.held.role || !self.seen.insert((name.to_owned(), shape.spans())) {
            return;
        }
        let is_text = shape.types().contains(Type::String) && shape.enumeration().is_none();
        if is_text && !self.held.texts.iter().any(|known| known == name) {
            self.held.texts.push(name.to_owned());
        }
        for property in shape.properties() {
            if let Some(inner) = shape.property(&property) {
                self.at(&property, &inner, depth - 1);
            }
        }
        for part in shape.unnamed() {
            self.at(name, &part, depth - 1);
        }
    }
}

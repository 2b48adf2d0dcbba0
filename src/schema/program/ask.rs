//! What the library is asked about: one keyword or a few of them, apart from the schema they stand in.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value as Tree;

use super::super::checks;
use super::super::tape::{Place, Tape};
use crate::json::Value;
use crate::once;

/// Some keywords of a schema that refer to no other schema.
///
/// Compiled when they are first needed: most values are accepted before, and whoever starts does not wait.
pub(super) struct Ask {
    keywords: Tree,
    validator: OnceLock<Validator<Tape>>,
}

impl Ask {
    pub(super) fn of(keywords: Tree) -> Ask {
        Ask { keywords, validator: OnceLock::new() }
    }

    pub(super) fn accepts(&self, value: Value<'_>) -> bool {
        self.validator().is_valid(Place::Value(value))
    }

    pub(super) fn accepts_text(&self, text: &str) -> bool {
        self.validator().is_valid(Place::Name(text))
    }

    fn validator(&self) -> &Validator<Tape> {
        let compile = || checks::compile(&self.keywords).expect("the schema it is from was found sound");
        once::made(&self.validator, compile)
    }
}

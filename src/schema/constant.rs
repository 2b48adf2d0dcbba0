//! The keyword `const`, by our stricter equality.
//!
//! The library compares numeric constants by value without asking our view of the document, so `2.0` would
//! pass for the constant `2`. `enum` does ask.

use jsonschema::json::Node;
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value as Tree};

use super::tape::{Place, Tape};

pub(super) const NAME: &str = "const";

struct Constant(Tree);

/// Makes the check for one occurrence of the keyword.
#[expect(clippy::unnecessary_wraps, reason = "the library asks for a result")]
pub(super) fn keyword<'a>(
    _schema: &'a Map<String, Tree>,
    expected: &'a Tree,
    _location: Location,
) -> Result<Box<dyn for<'i> Keyword<'i, Tape>>, ValidationError<'a>> {
    Ok(Box::new(Constant(expected.clone())))
}

impl<'i> Keyword<'i, Tape> for Constant {
    /// The error's message is the constant itself, for [`expected`] to find.
    fn validate(&self, instance: Place<'i>) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom(self.0.to_string())) }
    }

    fn is_valid(&self, instance: Place<'i>) -> bool {
        instance.equals_value(&self.0)
    }
}

/// The constant that the message of an error stands for.
pub(super) fn expected(message: &str) -> Tree {
    serde_json::from_str(message).unwrap_or_else(|_| Tree::from(message))
}

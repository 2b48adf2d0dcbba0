//! One value is allowed in, and it goes no further.
//!
//! For a field that could ask for more than a client may: `status` of a new invitation is pending, whatever else its
//! enumeration offers. Law: lift refuses every other value; nothing crosses in either direction.

use crate::lens::path::Literal;
use crate::lens::run::{Source, Stop};

/// A field that may hold one value.
#[derive(Clone, Debug)]
pub struct Fixed(pub Literal);

impl Fixed {
    pub(super) fn lift(&self, source: Source<'_>) -> Result<(), Stop> {
        if self.0.is(source) {
            return Ok(());
        }
        Err(Stop::refused("const", format!("must be {}", self.0.json())))
    }
}

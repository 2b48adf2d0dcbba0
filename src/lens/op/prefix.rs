//! A text with something before it, such as an id that a dialect shows as an address.
//!
//! Law: `lift ∘ lower` is the identity; lift refuses a text that does not begin as it should.

use crate::json::Writer;
use crate::lens::run::{Source, Stop};

/// What stands before the canonical text.
#[derive(Clone, Debug)]
pub struct Prefix(pub Box<str>);

impl Prefix {
    pub(super) fn lift(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        if source.is_null() {
            out.null();
            return Ok(());
        }
        let text = source.text().ok_or_else(|| Stop::refused("type", "must be a string"))?;
        match text.strip_prefix(&*self.0) {
            Some(rest) => out.string(rest),
            None => return Err(Stop::refused("pattern", format!("must begin with `{}`", self.0))),
        }
        Ok(())
    }

    pub(super) fn lower(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        if source.is_null() {
            out.null();
            return Ok(());
        }
        let text = source.text().ok_or_else(|| Stop::refused("type", "must be a string"))?;
        out.string(&format!("{}{text}", self.0));
        Ok(())
    }
}

//! A word of a table that clients name by the id of its row, such as a role by the UUID an organization gave it.
//!
//! Law: `lift ∘ lower` lands where the table's does. A row whose word the dialect does not have is refused: it would
//! be a role the client was never told of.

use std::sync::Arc;

use super::resolve::Resolver;
use super::table::Table;
use crate::json::Writer;
use crate::lens::run::{Run, Source, Stop};

/// A word named by its row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The look-up from row to canonical word.
    pub resolver: Resolver,
    /// The words the dialect has.
    pub table: Arc<Table>,
}

impl Row {
    pub(super) fn lift(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let key = source.text().ok_or_else(|| Stop::refused("type", "must be a string"))?;
        // UUIDs are the same in either case, and one spelling makes one entry of a cache.
        let found = self.resolver.ask(&key.to_ascii_lowercase(), run)?;
        let known = self.table.rows.iter().find(|row| row.is.text() == found);
        let Some(row) = known else {
            return Err(Stop::refused("enum", format!("is not a {} of this API", self.table.noun)));
        };
        out.raw(row.is.json());
        Ok(())
    }

    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let row = self.table.land(source)?;
        let found = self.resolver.ask(&row.is.text(), run)?;
        out.string(found);
        Ok(())
    }
}

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
        run.say(|| row.word.told(&row.is, false, row.origin));
        out.raw(row.is.json());
        Ok(())
    }

    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let row = self.table.land(source, run)?;
        let found = self.resolver.ask(&row.is.text(), run)?;
        self.table.count(source, row, run);
        out.string(&found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Resolver, Row};
    use crate::lens::op::Op;
    use crate::lens::support::{Became, only, roles, run_with};
    use crate::lens::{Direction, Lookup, Need};

    fn need(direction: Direction, key: &str) -> Need {
        Need { of: Lookup::Resolver(3), direction, scope: Vec::new(), key: key.to_owned() }
    }

    fn row() -> Op {
        let resolver =
            Resolver { index: 3, scope: Vec::new(), pattern: None, id: None, accepted: Vec::new() };
        Op::Row(Row { resolver, table: Arc::new(roles()) })
    }

    #[test]
    fn a_row_is_asked_for_once_in_lower_case() {
        let needs = vec![need(Direction::Lift, "aa-01")];
        assert_eq!(run_with(&only(row()), Direction::Lift, r#"{"l":"AA-01"}"#, &[]), Became::Awaits(needs));
    }

    #[test]
    fn a_row_is_its_word_and_the_word_its_row() {
        let known = (need(Direction::Lift, "aa-01"), need(Direction::Lower, "viewer"));
        let lift = |found| run_with(&only(row()), Direction::Lift, r#"{"l":"aa-01"}"#, &[(&known.0, found)]);
        assert_eq!(lift("viewer"), Became::body(r#"{"r":"viewer"}"#));
        assert_eq!(lift("owner").refusal(), ("/l".to_owned(), "enum"), "this dialect has no owners");
        let lower = |role| run_with(&only(row()), Direction::Lower, role, &[(&known.1, "aa-01")]);
        assert_eq!(lower(r#"{"r":"viewer"}"#), Became::body(r#"{"l":"aa-01"}"#));
        assert_eq!(
            lower(r#"{"r":"manager"}"#),
            Became::body(r#"{"l":"aa-01"}"#),
            "it lands on the viewers' row"
        );
    }
}

//! Lists: one page of the rows that match, and how many match in all.

use rusqlite::{Row, ToSql, Transaction};
use serde_json::Value;

use super::answer::Answer;
use super::problem::Problem;
use super::query::Page;

/// What a list is made of, in SQL.
pub(super) struct List<'a> {
    /// What each row needs.
    pub(super) columns: &'a str,
    /// From `FROM` to the last condition.
    pub(super) rows: &'a str,
    /// How they are sorted; must tell any two rows apart, or pages would overlap.
    pub(super) order: &'a str,
    /// The values of the parameters in `rows`.
    pub(super) parameters: &'a [&'a dyn ToSql],
}

impl List<'_> {
    /// Answers with one page, each row turned into a document by `read`.
    pub(super) fn answer(
        &self,
        tx: &Transaction<'_>,
        page: Page,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<Value>,
    ) -> Result<Answer, Problem> {
        let List { columns, rows, order, parameters } = *self;
        let count = format!("SELECT count(*) {rows}");
        let total: u32 = tx.prepare_cached(&count)?.query_row(parameters, |row| row.get(0))?;

        let (limit, offset) = (parameters.len() + 1, parameters.len() + 2);
        let select = format!("SELECT {columns} {rows} ORDER BY {order} LIMIT ?{limit} OFFSET ?{offset}");
        let paged = [parameters, &[&page.limit, &page.offset]].concat();
        let items = tx.prepare_cached(&select)?.query_map(&*paged, read)?.collect::<Result<Vec<_>, _>>()?;
        Ok(Answer::list(items, total))
    }
}

//! What a merge patch (RFC 7396) does to one row: columns that are set, and columns that are merged into.
//!
//! A patch that says what is so already changes nothing, not even the time of the last change.

use rusqlite::types::Value;
use rusqlite::{ToSql, Transaction};

use super::id::Id;
use super::moment::Moment;

/// The columns that change. Their names come from the program, never from a request.
#[derive(Debug, Default)]
pub(super) struct Changes {
    columns: Vec<(&'static str, How, Value)>,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Set,
    Merge,
}

impl Changes {
    /// The column becomes `value`.
    pub(super) fn set(&mut self, column: &'static str, value: impl Into<Value>) {
        self.columns.push((column, How::Set, value.into()));
    }

    /// The JSON object in the column takes up `patch`, the text of another.
    pub(super) fn merge(&mut self, column: &'static str, patch: String) {
        self.columns.push((column, How::Merge, patch.into()));
    }

    /// The text that the column becomes, if it becomes one.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        self.columns.iter().find_map(|(name, _, value)| match value {
            Value::Text(text) if *name == column => Some(text.as_str()),
            _ => None,
        })
    }

    /// Changes the row; tells whether it was not so already.
    pub(super) fn apply(
        &self,
        tx: &Transaction<'_>,
        table: &str,
        id: Id,
        now: Moment,
    ) -> rusqlite::Result<bool> {
        if self.columns.is_empty() {
            return Ok(false);
        }
        let (mut assignments, mut differences) = (Vec::new(), Vec::new());
        for (index, (column, how, _)) in self.columns.iter().enumerate() {
            let parameter = index + 3;
            match how {
                How::Set => {
                    assignments.push(format!("{column} = ?{parameter}"));
                    differences.push(format!("{column} IS NOT ?{parameter}"));
                }
                // `json` writes both alike, whatever blanks they came with.
                How::Merge => {
                    assignments.push(format!("{column} = json_patch({column}, ?{parameter})"));
                    differences.push(format!("json({column}) IS NOT json_patch({column}, ?{parameter})"));
                }
            }
        }
        let (assignments, differences) = (assignments.join(", "), differences.join(" OR "));
        let update =
            format!("UPDATE {table} SET {assignments}, updated_at = ?2 WHERE id = ?1 AND ({differences})");
        let mut parameters: Vec<&dyn ToSql> = vec![&id, &now];
        parameters.extend(self.columns.iter().map(|(_, _, value)| value as &dyn ToSql));
        Ok(tx.prepare_cached(&update)?.execute(&*parameters)? > 0)
    }
}

/// Notes the time of a change that was made in another table.
pub(super) fn touch(tx: &Transaction<'_>, table: &str, id: Id, now: Moment) -> rusqlite::Result<()> {
    tx.prepare_cached(&format!("UPDATE {table} SET updated_at = ?2 WHERE id = ?1"))?.execute((id, now))?;
    Ok(())
}

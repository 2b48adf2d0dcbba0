//! The tables of a usage file, and how a file of an earlier version comes to have them.

use std::time::SystemTime;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::write::int;
use crate::time::unix_seconds;

/// The tables of the present version.
const SCHEMA: &str = include_str!("schema.sql");

/// The present version.
const NEWEST: i64 = 2;

/// What each version has that the one before had not, in order.
const STEPS: [(i64, &str); 1] = [(2, include_str!("version/2.sql"))];

/// Marks the file as ours, so that no other database is taken for one: `ilus` in ASCII.
pub const APPLICATION: i64 = 0x696c_7573;

/// Whether files of that version can be used.
pub fn reads(version: i64) -> bool {
    (1..=NEWEST).contains(&version)
}

/// Whether the file is one that can be read as it is.
pub(super) fn is_readable(connection: &Connection) -> rusqlite::Result<bool> {
    let (application, version) = marks(connection)?;
    Ok(application == APPLICATION && reads(version))
}

/// Gives a new file its tables; one that is there is left as it is. False if it is something else than ours.
pub(super) fn prepare(connection: &mut Connection, now: SystemTime) -> rusqlite::Result<bool> {
    if marks(connection)? == (0, 0) {
        lay_tables(connection, now)?;
    }
    is_readable(connection)
}

/// Gives a file of an earlier version what it lacks, with everything that it knows: for whoever writes it, in the same
/// transaction. So a start that fails has changed nothing.
pub(super) fn bring_up(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let (_, old) = marks(transaction)?;
    if old < NEWEST {
        for (_, step) in STEPS.iter().filter(|(version, _)| *version > old) {
            transaction.execute_batch(step)?;
        }
        mark(transaction)?;
    }
    Ok(())
}

/// Lays the tables, unless someone else has been faster or there are others.
fn lay_tables(connection: &mut Connection, now: SystemTime) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Ok(());
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.execute("INSERT INTO kept VALUES (1, ?1, ?1, '')", [int(unix_seconds(now))])?;
    mark(&transaction)?;
    transaction.commit()?;
    // Kept in the file: whoever opens it later need not say so.
    connection.pragma_update(None, "journal_mode", "wal")
}

fn mark(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", NEWEST)
}

/// Who made the file, and in which version; zeros if nobody says so.
fn marks(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let sql = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

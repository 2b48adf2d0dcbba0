//! The tables of a usage file, and how a file of an earlier version comes to have them.

use std::time::SystemTime;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::int;
use crate::time::unix_seconds;

/// The tables of the present version.
const SCHEMA: &str = include_str!("schema.sql");

/// The present version.
const NEWEST: i64 = 2;

/// What each version has that the one before had not, in order.
const STEPS: [(i64, &str); 1] = [(2, include_str!("version/2.sql"))];

/// Marks the file as ours, so that no other database is taken for one: `ilus` in ASCII.
const APPLICATION: i64 = 0x696c_7573;

/// Whether the file is one that can be read as it is.
pub(super) fn is_readable(connection: &Connection) -> rusqlite::Result<bool> {
    let (application, version) = marks(connection)?;
    Ok(application == APPLICATION && (1..=NEWEST).contains(&version))
}

/// Gives the file the tables of the present version: a new one all of them, an earlier one what it lacks, with everything
/// that it knows. False if the file is something else, which is left alone.
pub(super) fn bring_up(connection: &mut Connection, now: SystemTime) -> rusqlite::Result<bool> {
    // Someone else may have been faster: what the file is, is asked when nobody else can change it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let marks = marks(&transaction)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match marks {
        (APPLICATION, NEWEST) => Ok(true),
        (APPLICATION, old @ 1..NEWEST) => {
            for (_, step) in STEPS.iter().filter(|(version, _)| *version > old) {
                transaction.execute_batch(step)?;
            }
            mark(&transaction)?;
            transaction.commit()?;
            Ok(true)
        }
        (0, 0) if tables == 0 => {
            transaction.execute_batch(SCHEMA)?;
            transaction.execute("INSERT INTO kept VALUES (1, ?1, ?1, '')", [int(unix_seconds(now))])?;
            mark(&transaction)?;
            transaction.commit()?;
            // Kept in the file: whoever opens it later need not say so.
            connection.pragma_update(None, "journal_mode", "wal")?;
            Ok(true)
        }
        _ => Ok(false),
    }
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

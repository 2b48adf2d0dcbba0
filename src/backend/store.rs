//! The database: one `SQLite` connection, used by one request at a time, each in a transaction of its own.

use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_UNIQUE};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::task;

use super::Config;
use super::problem::Problem;
use super::seed;

const SCHEMA: &str = include_str!("store/schema.sql");
const SCHEMA_VERSION: i64 = 1;

/// How long to wait for another process that is writing to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The connection, waiting its turn.
#[derive(Clone)]
pub(super) struct Store {
    connection: Arc<Mutex<Connection>>,
}

/// Why the database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// `SQLite` refused the file or what is in it.
    #[error("database {} cannot be used", .path.display())]
    Database {
        /// The file, `:memory:` if there is none.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// The file was written by another version of this program.
    #[error("database has schema version {found}, this program reads version {SCHEMA_VERSION}")]
    Version {
        /// The version the file says it has.
        found: i64,
    },
}

/// What a transaction is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Store {
    /// Opens the database, lays the tables if there are none and the demonstration data if asked to.
    pub(super) fn open(config: &Config) -> Result<Self, OpenError> {
        let path = config.database.clone().unwrap_or_else(|| PathBuf::from(":memory:"));
        let failed = |source| OpenError::Database { path: path.clone(), source };
        let mut connection = Connection::open(&path).map_err(failed)?;
        set_up(&connection).map_err(failed)?;

        // Nobody else may lay the tables between the look at the version and the deed.
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        match version(&transaction).map_err(failed)? {
            0 => lay_tables(&transaction).map_err(failed)?,
            SCHEMA_VERSION => {}
            found => return Err(OpenError::Version { found }),
        }
        if config.seed {
            seed::plant(&transaction).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(Store { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Does `work` in one transaction, off the async threads. A problem leaves nothing behind, nor does a
    /// panic; a caller who goes away does not stop what was begun.
    pub(super) async fn transact<T: Send + 'static>(
        &self,
        access: Access,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        // A fair async lock: those who wait hold no thread.
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        let done = task::spawn_blocking(move || {
            let behavior = match access {
                Access::Read => TransactionBehavior::Deferred,
                Access::Write => TransactionBehavior::Immediate,
            };
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        done.await.unwrap_or_else(|panic| Err(Problem::internal(panic)))
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")
}

fn version(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))
}

fn lay_tables(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)
}

/// Whether a statement failed because the row, or one like it, is already there.
pub(super) fn is_duplicate(error: &rusqlite::Error) -> bool {
    extended_code(error) == Some(SQLITE_CONSTRAINT_UNIQUE)
}

/// Whether a statement failed because a row refers to one that is not there.
pub(super) fn is_missing_reference(error: &rusqlite::Error) -> bool {
    extended_code(error) == Some(SQLITE_CONSTRAINT_FOREIGNKEY)
}

fn extended_code(error: &rusqlite::Error) -> Option<c_int> {
    error.sqlite_error().map(|error| error.extended_code)
}

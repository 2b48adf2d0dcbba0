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
/// What came with version 3.
const SCHEMA_OF_KEYS: &str = include_str!("store/keys.sql");
const SCHEMA_VERSION: i64 = 3;

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
    #[error("database `{}` cannot be used", .path.display())]
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
        Ok(Store { connection: Arc::new(Mutex::new(open_connection(config)?)) })
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

/// Whether databases of that version can be used: 0 are those that have no tables yet, and what 2 lacks it is given.
pub fn reads(version: i64) -> bool {
    matches!(version, 0 | 2 | SCHEMA_VERSION)
}

fn open_connection(config: &Config) -> Result<Connection, OpenError> {
    let path = config.database.clone().unwrap_or_else(|| PathBuf::from(":memory:"));
    let failed = |source| OpenError::Database { path: path.clone(), source };
    let mut connection = Connection::open(&path).map_err(failed)?;
    set_up(&connection).map_err(failed)?;

    // Nobody else may lay the tables between the look at the version and the deed.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    match version(&transaction).map_err(failed)? {
        0 => lay_tables(&transaction, &[SCHEMA, SCHEMA_OF_KEYS]).map_err(failed)?,
        2 => lay_tables(&transaction, &[SCHEMA_OF_KEYS]).map_err(failed)?,
        SCHEMA_VERSION => {}
        found => return Err(OpenError::Version { found }),
    }
    if config.seed {
        seed::plant(&transaction).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    // Kept in the file, so only once it is known to be ours. In memory there is no journal to speak of.
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn version(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))
}

fn lay_tables(transaction: &Transaction<'_>, schemas: &[&str]) -> rusqlite::Result<()> {
    schemas.iter().try_for_each(|schema| transaction.execute_batch(schema))?;
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

#[cfg(test)]
mod tests {
    use crate::backend::problem::Code;

    use super::*;

    /// Statements that must not succeed, and which kind of constraint stops them.
    const FORBIDDEN: [(&str, &str); 24] = [
        ("UNIQUE", "UPDATE users SET email = 'KIRA@EXAMPLE.ORG' WHERE name LIKE 'Ada %'"),
        ("CHECK", "UPDATE users SET email = 'nobody' WHERE name LIKE 'Ada %'"),
        ("CHECK", "UPDATE users SET status = 'gone' WHERE name LIKE 'Ada %'"),
        ("CHECK", "UPDATE users SET metadata = '[]'"),
        ("CHECK", "UPDATE users SET created_at = '2025-01-06T09:00:00Z'"),
        ("FOREIGN KEY", "DELETE FROM users WHERE name LIKE 'Ada %'"),
        ("UNIQUE", "UPDATE organizations SET slug = 'example' WHERE slug = 'tiny'"),
        ("CHECK", "UPDATE organizations SET slug = 'Tiny' WHERE slug = 'tiny'"),
        ("CHECK", "UPDATE organizations SET max_members = 0 WHERE slug = 'tiny'"),
        ("CHECK", "UPDATE organizations SET default_role = 'owner' WHERE slug = 'tiny'"),
        ("CHECK", "UPDATE organizations SET domains = '{}'"),
        (
            "UNIQUE",
            "INSERT INTO custom_roles SELECT upper(id), organization_id, lower(name), NULL, '[]', created_at, updated_at FROM custom_roles",
        ),
        // The owner is a member, from whichever side one tries.
        ("FOREIGN KEY", "DELETE FROM members WHERE role = 'owner'"),
        (
            "FOREIGN KEY",
            "UPDATE organizations SET owner_user_id = '10000000-0000-4000-8000-000000000101' WHERE slug = 'tiny'",
        ),
        (
            "UNIQUE",
            "UPDATE members SET user_id = '10000000-0000-4000-8000-000000000102'
             WHERE user_id = '10000000-0000-4000-8000-000000000103'",
        ),
        ("FOREIGN KEY", "UPDATE members SET role = 'chief' WHERE role = 'viewer'"),
        ("CHECK", "UPDATE members SET sso = 'maybe' WHERE role = 'viewer'"),
        ("UNIQUE", "UPDATE invitations SET email = 'WALTER@example.com' WHERE email = 'xenia@example.com'"),
        ("CHECK", "UPDATE invitations SET status = 'lost'"),
        ("CHECK", "UPDATE grants SET invitation_id = '30000000-0000-4000-8000-000000000101'"),
        ("CHECK", "UPDATE invite_links SET level = NULL"),
        ("CHECK", "UPDATE invite_links SET role = 'editor'"),
        ("FOREIGN KEY", "UPDATE invite_links SET resource_id = 'elsewhere' WHERE resource_type = 'space'"),
        ("CHECK", "UPDATE tokens SET digest = CAST('pat_DemoOwner' AS BLOB)"),
    ];

    fn seeded(database: Option<PathBuf>) -> Config {
        Config { database, seed: true }
    }

    #[test]
    fn the_tables_do_not_allow_what_must_never_be() {
        let mut connection = open_connection(&seeded(None)).unwrap();
        for (constraint, statement) in FORBIDDEN {
            let tx = connection.transaction().unwrap();
            // Deferred constraints speak up at the end of the transaction.
            let outcome = tx.execute(statement, []).and_then(|_| tx.commit());
            let message = outcome.unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("{constraint} constraint failed")),
                "{statement}: {message}"
            );
        }
    }

    #[tokio::test]
    async fn what_fails_leaves_nothing_behind_and_the_store_usable() {
        let store = Store::open(&seeded(None)).unwrap();
        let spoil = |tx: &Transaction<'_>| tx.execute("UPDATE users SET name = 'Nobody'", []);
        let refused = store.transact(Access::Write, move |tx| {
            spoil(tx)?;
            Err::<(), _>(Problem::new(Code::Conflict, "no"))
        });
        assert!(refused.await.is_err());
        let panicked = store.transact::<()>(Access::Write, move |tx| {
            spoil(tx)?;
            panic!("as if there were a mistake in an operation")
        });
        assert!(panicked.await.is_err());
        let nobodies = store.transact(Access::Read, |tx| {
            Ok(tx.query_row("SELECT count(*) FROM users WHERE name = 'Nobody'", [], |row| {
                row.get::<_, u32>(0)
            })?)
        });
        assert_eq!(nobodies.await.unwrap(), 0);
    }

    #[test]
    fn a_file_keeps_its_data_and_is_seeded_once() {
        let folder = tempfile::tempdir().unwrap();
        let config = seeded(Some(folder.path().join("backend.sqlite")));
        let first = open_connection(&config).unwrap();
        first.execute("UPDATE organizations SET name = 'Renamed' WHERE slug = 'tiny'", []).unwrap();
        drop(first);
        let second = open_connection(&config).unwrap();
        let names = "SELECT group_concat(name) FROM (SELECT name FROM organizations ORDER BY name)";
        let names: String = second.query_row(names, [], |row| row.get(0)).unwrap();
        assert_eq!(names, "Example,Harbor,Northwind,Renamed");
    }

    #[test]
    fn without_a_seed_there_is_nothing() {
        let connection = open_connection(&Config { database: None, seed: false }).unwrap();
        let users: u32 = connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0)).unwrap();
        assert_eq!(users, 0);
    }

    #[test]
    fn a_file_of_another_version_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backend.sqlite");
        let other = Connection::open(&path).unwrap();
        other.pragma_update(None, "user_version", 7).unwrap();
        drop(other);
        let refused = open_connection(&seeded(Some(path.clone())));
        assert!(matches!(refused, Err(OpenError::Version { found: 7 })));
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: u32 = Connection::open(&path).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_file_of_the_version_before_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let config = seeded(Some(folder.path().join("backend.sqlite")));
        let old = open_connection(&config).unwrap();
        old.execute_batch("DROP TABLE answers_by_key; PRAGMA user_version = 2").unwrap();
        drop(old);
        let new = open_connection(&config).unwrap();
        let answers = "SELECT count(*), (SELECT count(*) FROM users) > 0 FROM answers_by_key";
        let answers: (u32, bool) = new.query_row(answers, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(answers, (0, true));
    }

    #[test]
    fn a_path_that_is_no_database_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "certainly no database, and longer than the header of one").unwrap();
        let Err(error) = open_connection(&seeded(Some(path.clone()))) else { panic!("it was opened") };
        assert_eq!(error.to_string(), format!("database `{}` cannot be used", path.display()));
    }
}

//! The id map of one machine: pairs of external and canonical ids in an `SQLite` file.
//!
//! Several processes may have the file open, one of them writing: who reads sees what was there before an import or all
//! of it, and waits for nobody. A commit is on the disk before it is reported.
//!
//! Pairs are never changed and never removed here, so what was once found may be remembered.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use thiserror::Error;
use uuid::Uuid;

use crate::lens::Direction;

mod import;
pub mod matching;

pub use self::import::{CONFLICTS_MAX, Conflict, Import, Imported, Position, Refused};

const SCHEMA: &str = include_str!("embedded/schema.sql");
const SCHEMA_VERSION: i64 = 1;

/// Marks the file as ours, so that no other database is taken for one: `ilid` in ASCII.
pub const APPLICATION: i64 = 0x696c_6964;

/// Whether files of that version can be used.
pub fn reads(version: i64) -> bool {
    version == SCHEMA_VERSION
}

/// How long an import waits for another, or whoever else writes.
const IMPORT_TIMEOUT: Duration = Duration::from_mins(1);

/// How long everybody else waits for a process that has the whole file, as a start does for the usage file: an import keeps no reader
/// waiting.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often whoever waits for one at the start is asked whether it still has to be.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// An external id and the canonical one it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The id of the older system.
    pub external: String,
    /// Ours.
    pub canonical: Uuid,
    /// The organization it holds in; none means all of them.
    pub organization: Option<Uuid>,
}

/// A pair, and what kind of id it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The dialect.
    pub dialect: String,
    /// The kind, by its name in the dialect's mapping.
    pub kind: String,
    /// The pair.
    pub pair: Pair,
}

/// One thing to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The kind of id.
    pub kind: String,
    /// From which half.
    pub direction: Direction,
    /// Where to look besides what holds everywhere.
    pub organization: Option<Uuid>,
    /// The half that is known.
    pub key: String,
}

/// Why the store cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// `SQLite` refused the file or what is in it.
    #[error("id map `{}` cannot be used", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// There is no such file.
    #[error("there is no id map `{}`; `interlingua ids import` makes one", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is a database of another program", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another version of this program.
    #[error("id map `{}` has schema version {found}, this program reads version {SCHEMA_VERSION}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version the file says it has.
        found: i64,
    },
}

impl StoreError {
    /// Whether another process has the whole file for itself.
    fn is_busy(&self) -> bool {
        let StoreError::Database { source, .. } = self else { return false };
        source.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
    }
}

/// The pairs on disk.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Connections that read, as many as were ever needed at once.
    idle: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let connection = connect(path, BUSY_TIMEOUT)?;
        Ok(Store { path: path.to_owned(), idle: Mutex::new(vec![connection]) })
    }

    /// The same, until that is given up: asked a few times a second while another process has the whole file.
    pub fn open_unless(path: &Path, is_given_up: &dyn Fn() -> bool) -> Result<Store, StoreError> {
        let begun = Instant::now();
        loop {
            match connect(path, ASKED_EVERY) {
                Ok(connection) => {
                    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed(path))?;
                    return Ok(Store { path: path.to_owned(), idle: Mutex::new(vec![connection]) });
                }
                Err(error) if error.is_busy() && begun.elapsed() < BUSY_TIMEOUT && !is_given_up() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Opens the file if it is there.
    pub fn open_existing(path: &Path) -> Result<Store, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        Store::open(path)
    }

    /// Answers all questions about a dialect at once, as of one moment and in their order.
    pub fn look_up(&self, dialect: &str, questions: &[Question]) -> Result<Vec<Option<String>>, StoreError> {
        self.read(|transaction| {
            let mut kinds: HashMap<&str, Option<i64>> = HashMap::new();
            let mut answers = Vec::with_capacity(questions.len());
            for question in questions {
                let kind = match kinds.get(question.kind.as_str()) {
                    Some(kind) => *kind,
                    None => kind_id(transaction, dialect, &question.kind)?,
                };
                kinds.insert(&question.kind, kind);
                answers.push(match kind {
                    Some(kind) => answer(transaction, kind, question)?,
                    None => None,
                });
            }
            Ok(answers)
        })
    }

    /// Hands every pair of a kind to `each`, in the order of external ids, until that says it is enough.
    pub fn export<E: From<StoreError>>(
        &self,
        (dialect, kind): (&str, &str),
        organization: Option<Uuid>,
        mut each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT external, canonical, organization FROM by_external
                 WHERE kind = (SELECT id FROM kinds WHERE dialect = ?1 AND name = ?2)
                   AND (?3 IS NULL OR organization = ?3)
                 ORDER BY external, organization",
            )?;
            let organization = organization.map(|organization| blob(Some(organization)));
            let mut rows = statement.query(params![dialect, kind, organization])?;
            while let Some(row) = rows.next()? {
                outcome = each(pair(row, 0)?);
                if outcome.is_err() {
                    break;
                }
            }
            Ok(())
        })?;
        outcome
    }

    /// Everything that has `text` as one of its halves.
    pub fn find(&self, text: &str, canonical: Option<Uuid>) -> Result<Vec<Entry>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT dialect, name, external, canonical, organization
                 FROM kinds CROSS JOIN by_external ON kind = id AND external = ?1
                 UNION SELECT dialect, name, external, canonical, organization
                 FROM kinds CROSS JOIN by_canonical ON kind = id AND canonical = ?2
                 ORDER BY dialect, name, external, organization",
            )?;
            let canonical = canonical.map(Uuid::into_bytes);
            let entries = statement.query_map(params![text, canonical], |row| {
                Ok(Entry { dialect: row.get(0)?, kind: row.get(1)?, pair: pair(row, 2)? })
            })?;
            entries.collect()
        })
    }

    /// How many pairs there are of a kind.
    pub fn count(&self, dialect: &str, kind: &str) -> Result<i64, StoreError> {
        self.read(|transaction| {
            transaction.query_row(
                "SELECT count(*) FROM by_external JOIN kinds ON kind = id WHERE dialect = ?1 AND name = ?2",
                [dialect, kind],
                |row| row.get(0),
            )
        })
    }

    /// Begins an import. Nothing of it is there before its end.
    pub fn import(&self, dialect: &str, kind: &str) -> Result<Import, StoreError> {
        let connection = connect(&self.path, IMPORT_TIMEOUT)?;
        Import::begin(connection, &self.path, dialect, kind)
    }

    /// Does `work` in a transaction that sees one moment, on a connection nobody else is using.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut connection = match taken {
            Some(connection) => connection,
            None => connect(&self.path, BUSY_TIMEOUT)?,
        };
        let value = connection.transaction().and_then(|transaction| work(&transaction));
        idle().push(connection);
        value.map_err(failed(&self.path))
    }
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { path: path.to_owned(), source }
}

/// Makes the file if it is not there, for its owner alone, as `SQLite` would not. What it cannot do is said by whoever opens it.
fn make(path: &Path) {
    // One that is there must not be opened: to close it again would take away the locks that this process has on it.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    if options.open(path).is_err() && !path.exists() {
        // A link to a file that is not there yet.
        options.create_new(false).create(true).open(path).ok();
    }
}

/// Opens a connection that waits for others so long; lays the tables if there is nothing at all.
fn connect(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    make(path);
    let failed = failed(path);
    let mut connection = Connection::open(path).map_err(&failed)?;
    connection.busy_timeout(patience).map_err(&failed)?;
    match marks(&connection).map_err(&failed)? {
        (APPLICATION, SCHEMA_VERSION) => {}
        (APPLICATION, found) => return Err(StoreError::Version { path: path.to_owned(), found }),
        (0, 0) => lay_tables(&mut connection).map_err(&failed)?,
        _ => return Err(StoreError::Foreign { path: path.to_owned() }),
    }
    if marks(&connection).map_err(&failed)?.0 != APPLICATION {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    connection.pragma_update(None, "synchronous", "full").map_err(&failed)?;
    Ok(connection)
}

/// Who made the file, and in which version; zeros if nobody says so.
fn marks(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let sql = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version";
    connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Lays the tables, unless someone else has been faster or there are others.
fn lay_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Ok(());
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    // Kept in the file: whoever opens it later need not say so.
    connection.pragma_update(None, "journal_mode", "wal")
}

fn kind_id(transaction: &Transaction<'_>, dialect: &str, kind: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        transaction.prepare_cached("SELECT id FROM kinds WHERE dialect = ?1 AND name = ?2")?;
    statement.query_row([dialect, kind], |row| row.get(0)).optional()
}

/// What holds in the organization counts more than what holds in all.
fn answer(transaction: &Transaction<'_>, kind: i64, question: &Question) -> rusqlite::Result<Option<String>> {
    let organization = blob(question.organization);
    match question.direction {
        Direction::Lift => {
            let mut statement = transaction.prepare_cached(
                "SELECT canonical FROM by_external
                 WHERE kind = ?1 AND external = ?2 AND organization IN (?3, x'')
                 ORDER BY organization DESC LIMIT 1",
            )?;
            let found = statement.query_row(params![kind, question.key, organization], |row| row.get(0));
            Ok(found.optional()?.map(|canonical| Uuid::from_bytes(canonical).to_string()))
        }
        Direction::Lower => {
            let Ok(canonical) = Uuid::try_parse(&question.key) else { return Ok(None) };
            let mut statement = transaction.prepare_cached(
                "SELECT external FROM by_canonical
                 WHERE kind = ?1 AND canonical = ?2 AND organization IN (?3, x'')
                 ORDER BY organization DESC LIMIT 1",
            )?;
            let key = params![kind, canonical.into_bytes(), organization];
            statement.query_row(key, |row| row.get(0)).optional()
        }
    }
}

/// External, canonical and organization, from the column `at` on.
fn pair(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Pair> {
    let organization: Vec<u8> = row.get(at + 2)?;
    Ok(Pair {
        external: row.get(at)?,
        canonical: Uuid::from_bytes(row.get(at + 1)?),
        organization: Uuid::from_slice(&organization).ok(),
    })
}

/// An organization as it is kept.
fn blob(organization: Option<Uuid>) -> Vec<u8> {
    organization.map_or_else(Vec::new, |organization| organization.into_bytes().into())
}

#[cfg(test)]
mod tests;

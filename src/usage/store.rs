//! What was counted, in an `SQLite` file: written by one process, and read by whoever wants to know while it writes.
//!
//! Every write is a transaction that is on the disk before it is reported, so that a process that is killed leaves what it
//! wrote last, and a file that opens. A process that takes the file over has it from then on: the one before writes no more.
//! Whoever could not start after all hands it back, and has written nothing.
//!
//! No clock is trusted with what is kept. Days are told apart by whatever it shows, what the file knows of a day is added to
//! and never written over, and a day goes when enough others have come after it, not when it is long ago.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use thiserror::Error;
use uuid::Uuid;

use super::Config;
use super::book::Book;
use super::met::Counts;
use super::part::Parts;
use super::sheet::DAY;
use super::snapshot::Snapshot;
use crate::time::unix_seconds;

mod met;
mod read;
mod tell;
mod version;
mod write;

pub(super) use tell::{Broken, Reading};

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// `SQLite` refused the file or what is in it.
    #[error("usage file `{}` cannot be used", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// The file is something else.
    #[error("`{}` is no usage file of this version", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("usage file `{}` cannot be made", .path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such file.
    #[error("there is no usage file `{}`; a proxy with `[usage] file` makes one", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes it now.
    #[error("usage file `{}` was taken over by another process", .path.display())]
    TakenOver {
        /// The file.
        path: PathBuf,
    },
}

/// The file, for the process that writes it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
    /// What this process is called in the file.
    writer: String,
    /// What the one is called that had it before; none as long as it was not taken over.
    before: Option<String>,
    /// How many parts are written down.
    parts: usize,
}

impl Store {
    /// Looks at the file, and takes it over at once.
    pub fn open(path: &Path, config: Config, now: SystemTime) -> Result<(Store, Book), StoreError> {
        let mut store = Store::look(path, now)?;
        let book = store.take_over(config)?;
        Ok((store, book))
    }

    /// Sees whether the file can be used, and makes it if it is not there: for its owner alone. Whoever writes it goes on.
    pub fn look(path: &Path, now: SystemTime) -> Result<Store, StoreError> {
        let make = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        if let Err(source) = make
            && source.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(StoreError::Make { path: path.to_owned(), source });
        }
        let failed = failed(path);
        let mut connection = Connection::open(path).map_err(&failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
        if !version::prepare(&mut connection, now).map_err(&failed)? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        connection.pragma_update(None, "synchronous", "full").map_err(&failed)?;
        let writer = Uuid::new_v4().to_string();
        Ok(Store { path: path.to_owned(), connection, writer, before: None, parts: 0 })
    }

    /// Takes the file over, and reads what was counted so far. If that fails, whoever had it before has it still.
    pub fn take_over(&mut self, config: Config) -> Result<Book, StoreError> {
        let writer = &self.writer;
        let taken = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let taken = taken.and_then(|transaction| {
            let before = transaction.query_row("SELECT writer FROM kept", [], |row| row.get(0))?;
            transaction.execute("UPDATE kept SET writer = ?1", [writer])?;
            let (parts, tables) = read::tables(&transaction, &config)?;
            transaction.commit()?;
            Ok((before, parts, tables))
        });
        let (before, parts, tables) = taken.map_err(failed(&self.path))?;
        (self.before, self.parts) = (Some(before), parts.len());
        Ok(Book::new(config, Parts::of(parts), tables))
    }

    /// Gives the file back to whoever had it before, unless a third has taken it since.
    pub fn hand_back(&mut self) -> Result<(), StoreError> {
        let Some(before) = self.before.take() else { return Ok(()) };
        let sql = "UPDATE kept SET writer = ?1 WHERE writer = ?2";
        let handed = self.connection.execute(sql, [&before, &self.writer]);
        handed.map(drop).map_err(failed(&self.path))
    }

    /// Takes in what workers counted, and writes down what changed: all of it or nothing.
    pub fn write(&mut self, book: &Book, now: SystemTime) -> Result<(), StoreError> {
        book.collect();
        let mut met = Counts::new();
        match self.try_write(book, &mut met, now) {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::TakenOver { path: self.path.clone() }),
            Err(error) => {
                book.change_all();
                book.met().put_back(met);
                Err(failed(&self.path)(error))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is written down.
    pub fn read(&mut self) -> Result<Snapshot, StoreError> {
        let read = self.connection.transaction().and_then(|transaction| read::snapshot(&transaction));
        read.map_err(failed(&self.path))
    }

    /// Writes, unless it is another's turn.
    fn try_write(&mut self, book: &Book, met: &mut Counts, now: SystemTime) -> rusqlite::Result<bool> {
        let now = unix_seconds(now);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "UPDATE kept SET written = ?1 WHERE writer = ?2";
        if transaction.execute(sql, params![write::int(now), self.writer])? == 0 {
            return Ok(false);
        }
        version::bring_up(&transaction)?;
        for day in book.days_apart() {
            book.join_day(day, read::day(&transaction, day)?);
        }
        // In this order: a part may be new, and counted, at any moment.
        let changes = book.changes();
        *met = book.met().take();
        let parts = book.parts().since(self.parts);
        write::parts(&transaction, self.parts, &parts)?;
        write::changes(&transaction, &changes)?;
        met::write(&transaction, met)?;
        write::forget_days(&transaction, now / DAY, book.config().days)?;
        let days = read::days(&transaction)?;
        transaction.commit()?;
        self.parts += parts.len();
        book.keep_days(&days, changes.turns);
        Ok(true)
    }
}

/// Reads a file that a proxy writes, or wrote.
pub fn read(path: &Path) -> Result<Snapshot, StoreError> {
    let mut connection = open_to_read(path)?;
    connection.transaction().and_then(|transaction| read::snapshot(&transaction)).map_err(failed(path))
}

/// The file, to be read beside whoever writes it.
fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let failed = failed(path);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
    if !version::is_readable(&connection).map_err(&failed)? {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    Ok(connection)
}

/// Under which name it is kept how many requests were not counted in a table.
fn lost_of(table: &str) -> String {
    format!("lost-{table}")
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;

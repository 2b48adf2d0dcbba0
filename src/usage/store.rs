//! What was counted, in an `SQLite` file: written by one process, and read by whoever wants to know while it writes.
//!
//! Every write is a transaction that is on the disk before it is reported, so that a process that is killed leaves what it
//! wrote last, and a file that opens. It is taken into the file itself at once, for whoever copies that alone. A process that
//! takes the file over is to have it next: the one before writes no more, unless the start fails after all, however it does
//! (see `owner`).
//!
//! No clock is trusted with what is kept. Days are told apart by whatever it shows, what the file knows of a day is added to
//! and never written over, and a day goes when enough others have come after it, not when it is long ago.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use uuid::Uuid;

use super::Config;
use super::book::Book;
use super::met::Counts;
use super::part::Parts;
use super::sheet::DAY;
use super::snapshot::Snapshot;
use super::tables::Tables;
use crate::time::unix_seconds;

mod error;
mod met;
mod owner;
mod read;
mod tell;
mod version;
mod write;

pub use error::StoreError;
use owner::Claim;
pub(super) use tell::{Broken, Reading};
pub use version::{APPLICATION, reads};

/// How long to wait for another process that writes, or is about to.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The file, for the process that writes it.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Where it is locked.
    beside: PathBuf,
    connection: Connection,
    /// What this process is called in the file.
    writer: String,
    /// That it is to have the file, from when it takes it over until it writes.
    claim: Option<Claim>,
    /// For how long it waits for others that are to have it.
    patience: Duration,
    /// How many parts are written down.
    parts: usize,
    /// How many requests had come in by when they were last written down, or told to be missing.
    told: Requests,
    /// How many requests came in after the file was another process's.
    strayed: u64,
}

/// How many requests came in.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    counted: u64,
    /// Those that were not counted for want of room.
    lost: u64,
}

impl Requests {
    fn of(tables: &Tables) -> Requests {
        Requests { counted: tables.clients.total(), lost: tables.lost }
    }
}

/// Whether it was this process's turn to write.
enum Turn {
    /// It was, and all is written down.
    Written,
    /// Another process is about to have the file. Should its start fail, all is written down later.
    Waiting,
    /// Another process has it: what came in since the last time is in no file but by its number.
    Gone,
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
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let made = match options.open(path) {
            // A link to a file that is not there yet. One that is must not be opened: to close it again would take away the locks
            // that this process has on it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !path.exists() => {
                options.create_new(false).create(true).open(path)
            }
            other => other,
        };
        if let Err(source) = made
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
        let beside = owner::beside(path);
        let beside = beside.map_err(|source| StoreError::Lock { path: path.to_owned(), source })?;
        let writer = Uuid::new_v4().to_string();
        let (path, patience) = (path.to_owned(), BUSY_TIMEOUT);
        Ok(Store {
            path,
            beside,
            connection,
            writer,
            claim: None,
            patience,
            parts: 0,
            told: Requests::default(),
            strayed: 0,
        })
    }

    /// Takes the file over, and reads what was counted so far: whoever has it writes no more, and with what is written next it
    /// is this one's. If that fails, whoever has it goes on. While another process is about to have it, waits for that.
    pub fn take_over(&mut self, config: Config) -> Result<Book, StoreError> {
        let claim = Claim::wait((&self.path, &self.beside), self.patience);
        let claim = claim.map_err(|source| StoreError::Lock { path: self.beside.clone(), source })?;
        let claim = claim.ok_or_else(|| StoreError::Claimed { path: self.path.clone() })?;
        let writer = &self.writer;
        let taken = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let taken = taken.and_then(|transaction| {
            owner::claim(&transaction, writer)?;
            let (parts, tables) = read::tables(&transaction, &config)?;
            transaction.commit()?;
            Ok((parts, tables))
        });
        let (parts, tables) = taken.map_err(failed(&self.path))?;
        (self.claim, self.parts, self.told) = (Some(claim), parts.len(), Requests::of(&tables));
        Ok(Book::new(config, Parts::of(parts), tables))
    }

    /// Says that it is not to have the file after all, unless it has written already.
    pub fn hand_back(&mut self) -> Result<(), StoreError> {
        let Some(_held_until_it_is_said) = self.claim.take() else { return Ok(()) };
        let writer = &self.writer;
        let handed = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let handed = handed.and_then(|transaction| {
            owner::disclaim(&transaction, writer)?;
            transaction.commit()
        });
        handed.map_err(failed(&self.path))
    }

    /// Takes in what workers counted, and writes down what changed: all of it or nothing.
    pub fn write(&mut self, book: &Book, now: SystemTime) -> Result<(), StoreError> {
        book.collect();
        let mut met = Counts::new();
        match self.try_write(book, &mut met, now) {
            Ok(Turn::Written) => {
                self.claim = None;
                self.take_in();
                Ok(())
            }
            // Either way the file names somebody else: whoever starts next need not wait for us.
            Ok(Turn::Waiting) => {
                self.claim = None;
                Err(StoreError::Awaited { path: self.path.clone() })
            }
            Ok(Turn::Gone) => {
                self.claim = None;
                Err(StoreError::TakenOver { path: self.path.clone(), strayed: self.strayed })
            }
            Err(error) => {
                book.tables().change_all();
                book.met().put_back(met);
                Err(failed(&self.path)(error))
            }
        }
    }

    /// How many requests this process answered after it had lost the file: of those only the number is in it.
    pub fn strayed(&self) -> u64 {
        self.strayed
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

    /// Takes what was written into the file itself, as far as nobody reads what was there before: `SQLite` writes it beside
    /// the file first, and leaves it there for as long as it likes.
    fn take_in(&self) {
        // What is not taken in now is written down all the same, and taken in after the next time.
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).ok();
    }

    /// Writes, unless it is another's turn.
    fn try_write(&mut self, book: &Book, met: &mut Counts, now: SystemTime) -> rusqlite::Result<Turn> {
        let now = unix_seconds(now);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !owner::own(&transaction, &self.writer, &self.beside)? {
            if owner::is_named(&transaction, &self.writer)? {
                return Ok(Turn::Waiting);
            }
            let requests = Requests::of(&book.tables());
            let counted = requests.counted.saturating_sub(self.told.counted);
            let missing = counted + requests.lost.saturating_sub(self.told.lost);
            if missing > 0 {
                write::strayed(&transaction, now / DAY, missing)?;
                transaction.commit()?;
            }
            (self.told, self.strayed) = (requests, self.strayed + counted);
            return Ok(Turn::Gone);
        }
        transaction.execute("UPDATE kept SET written = ?1", [write::int(now)])?;
        version::bring_up(&transaction)?;
        let apart = book.tables().days_apart();
        for day in apart {
            let known = read::day(&transaction, day)?;
            book.tables().join_day(day, known);
        }
        // In this order: a part may be new, and counted, at any moment.
        let changes = book.tables().changes();
        *met = book.met().take();
        let parts = book.parts().since(self.parts);
        write::parts(&transaction, self.parts, &parts)?;
        write::changes(&transaction, &changes)?;
        met::write(&transaction, met)?;
        write::forget_days(&transaction, now / DAY, book.config().days)?;
        let days = read::days(&transaction)?;
        transaction.commit()?;
        self.parts += parts.len();
        self.told = Requests { counted: changes.clients.total, lost: changes.clients.lost };
        book.tables().keep_days(&days, changes.turns);
        Ok(Turn::Written)
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

/// Under which name it is kept how many requests a process answered that had lost the file, for each table. Whoever writes the
/// file never touches it, so that such a process may add to it at any time.
fn strayed_of(table: &str) -> String {
    format!("strayed-{table}")
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

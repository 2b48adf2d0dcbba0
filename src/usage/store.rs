//! What was counted, in an `SQLite` file: written by one process, and read by whoever wants to know while it writes.
//!
//! Every write is a transaction that is on the disk before it is reported, so that a process that is killed leaves what it
//! wrote last, and a file that opens. A process that opens the file to write takes it over: the one before writes no more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Row, RowIndex, Transaction, TransactionBehavior, params,
};
use thiserror::Error;
use uuid::Uuid;

use super::book::{Book, Changes, Table, Tables};
use super::client::Client;
use super::heavy::{Heavy, Use};
use super::met::Counts;
use super::part::{Kind, Part, Parts};
use super::sheet::DAY;
use super::snapshot::Snapshot;
use super::summary::Summary;
use super::{Config, Who};
use crate::time::unix_seconds;

mod met;
mod version;

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
    writer: String,
    /// How many parts are written down.
    parts: usize,
    /// Tables that have less room now than the file has rows.
    cut: Vec<&'static str>,
}

impl Store {
    /// Opens the file or makes it, and reads what was counted so far.
    pub fn open(path: &Path, config: Config, now: SystemTime) -> Result<(Store, Book), StoreError> {
        let failed = failed(path);
        let mut connection = Connection::open(path).map_err(&failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
        if !version::bring_up(&mut connection, now).map_err(&failed)? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        connection.pragma_update(None, "synchronous", "full").map_err(&failed)?;
        let writer = Uuid::new_v4().to_string();
        let read =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
                transaction.execute("UPDATE kept SET writer = ?1", [&writer])?;
                let read = read_book(&transaction, &config, now)?;
                transaction.commit()?;
                Ok(read)
            });
        let (parts, tables, cut) = read.map_err(&failed)?;
        let known = parts.len();
        let store = Store { path: path.to_owned(), connection, writer, parts: known, cut };
        Ok((store, Book::new(config, Parts::of(parts), tables)))
    }

    /// Takes in what workers counted, and writes down what changed: all of it or nothing.
    pub fn write(&mut self, book: &Book, now: SystemTime) -> Result<(), StoreError> {
        book.collect();
        let met = book.met().take();
        // After what was taken: each of that has its number by now.
        let (parts, changes) = (book.parts().since(self.parts), book.changes());
        let written = self.try_write(&parts, &changes, &met, book.config(), now);
        match written {
            Ok(true) => {
                self.parts += parts.len();
                self.cut.clear();
                Ok(())
            }
            Ok(false) => Err(StoreError::TakenOver { path: self.path.clone() }),
            Err(error) => {
                book.change_all();
                book.met().put_back(met);
                Err(failed(&self.path)(error))
            }
        }
    }

    /// What is written down.
    pub fn read(&mut self) -> Result<Snapshot, StoreError> {
        let read = self.connection.transaction().and_then(|transaction| read_snapshot(&transaction));
        read.map_err(failed(&self.path))
    }

    /// Writes, unless it is another's turn.
    fn try_write(
        &mut self,
        parts: &[Part],
        changes: &Changes,
        met: &Counts,
        config: &Config,
        now: SystemTime,
    ) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "UPDATE kept SET written = ?1 WHERE writer = ?2";
        if transaction.execute(sql, params![int(unix_seconds(now)), self.writer])? == 0 {
            return Ok(false);
        }
        for table in &self.cut {
            transaction.execute(&format!("DELETE FROM {table}"), [])?;
        }
        write_parts(&transaction, self.parts, parts)?;
        write_total(&transaction, "uses", 0, &changes.parts)?;
        for (row, known) in &changes.parts.rows {
            let sql = "REPLACE INTO uses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let ([count, error, first, last], (whose, part)) = (numbers(known), known.key);
            let values = params![row, whose.as_bytes(), part, count, error, first, last];
            transaction.prepare_cached(sql)?.execute(values)?;
        }
        write_total(&transaction, "clients", 0, &changes.clients)?;
        for (row, known) in &changes.clients.rows {
            let sql = "REPLACE INTO clients VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let ([count, error, first, last], (whose, part, client)) = (numbers(known), &known.key);
            let values = params![row, whose.as_bytes(), part, client.as_str(), count, error, first, last];
            transaction.prepare_cached(sql)?.execute(values)?;
        }
        for (day, table) in &changes.days {
            write_total(&transaction, "days", *day, table)?;
            for (row, known) in &table.rows {
                let sql = "REPLACE INTO days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
                let ([count, error, first, last], (whose, part)) = (numbers(known), known.key);
                let values = params![int(*day), row, whose.as_bytes(), part, count, error, first, last];
                transaction.prepare_cached(sql)?.execute(values)?;
            }
        }
        let oldest = (unix_seconds(now) / DAY).saturating_sub(config.days.saturating_sub(1));
        transaction.execute("DELETE FROM days WHERE day < ?1", [int(oldest)])?;
        transaction.execute("DELETE FROM totals WHERE name = 'days' AND day < ?1", [int(oldest)])?;
        met::write(&transaction, met, oldest)?;
        transaction.commit()?;
        Ok(true)
    }
}

/// Reads a file that a proxy writes, or wrote.
pub fn read(path: &Path) -> Result<Snapshot, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let failed = failed(path);
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(&failed)?;
    if !version::is_readable(&connection).map_err(&failed)? {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    connection.transaction().and_then(|transaction| read_snapshot(&transaction)).map_err(&failed)
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    move |source| StoreError::Database { path: path.to_owned(), source }
}

fn write_parts(transaction: &Transaction<'_>, first: usize, parts: &[Part]) -> rusqlite::Result<()> {
    for (number, part) in (first..).zip(parts) {
        let Part { dialect, operation, kind, field, value } = part;
        let sql = "INSERT INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![int(number as u64), dialect, operation, kind.name(), field, value];
        transaction.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

fn write_total<K>(
    transaction: &Transaction<'_>,
    name: &str,
    day: u64,
    table: &Table<K>,
) -> rusqlite::Result<()> {
    let sql = "REPLACE INTO totals VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![name, int(day), int(table.total), int(table.missed)])?;
    Ok(())
}

/// A number as `SQLite` has them.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn uint(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<u64> {
    row.get(column).map(|number: i64| u64::try_from(number).unwrap_or(0))
}

fn numbers<K>(known: &Use<K>) -> [i64; 4] {
    [known.count, known.error, known.first, known.last].map(int)
}

/// Parts in the order of their numbers, tables, and the names of those that have less room than there are rows.
type Read = (Vec<Part>, Tables, Vec<&'static str>);

fn read_book(transaction: &Transaction<'_>, config: &Config, now: SystemTime) -> rusqlite::Result<Read> {
    let mut cut = Vec::new();
    let uses = read_uses(transaction, |row| Ok((whose(row)?, row.get("part")?)), "uses", 0)?;
    if uses.len() > config.entries {
        cut.push("uses");
    }
    let (all, missed) = total(transaction, "uses", 0)?;
    let parts = Heavy::restored(config.entries, uses, all, missed);
    let client = |row: &Row<'_>| {
        let client: String = row.get("client")?;
        Ok((whose(row)?, row.get("part")?, Client::read(client.as_bytes())))
    };
    let uses = read_uses(transaction, client, "clients", 0)?;
    if uses.len() > config.client_entries() {
        cut.push("clients");
    }
    let (all, missed) = total(transaction, "clients", 0)?;
    let clients = Heavy::restored(config.client_entries(), uses, all, missed);
    let mut tables = Tables { parts, clients, days: BTreeMap::new() };
    let today = unix_seconds(now) / DAY;
    for day in today.saturating_sub(1)..=today {
        let uses = read_uses(transaction, |row| Ok((whose(row)?, row.get("part")?)), "days", day)?;
        if uses.is_empty() {
            continue;
        }
        let (all, missed) = total(transaction, "days", day)?;
        // What is too much for a smaller table of one day stays in the file until the day is over.
        let room = config.day_entries().max(uses.len());
        tables.days.insert(day, Heavy::restored(room, uses, all, missed));
    }
    Ok((read_parts(transaction)?, tables, cut))
}

fn total(transaction: &Transaction<'_>, name: &str, day: u64) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT total, missed FROM totals WHERE name = ?1 AND day = ?2";
    let found = transaction.query_row(sql, params![name, int(day)], |row| Ok((uint(row, 0)?, uint(row, 1)?)));
    Ok(found.optional()?.unwrap_or_default())
}

fn read_parts(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Part>> {
    let mut statement = transaction.prepare("SELECT * FROM parts ORDER BY number")?;
    let parts = statement.query_map([], |row| {
        let kind: String = row.get("kind")?;
        Ok(Part {
            dialect: row.get("dialect")?,
            operation: row.get("operation")?,
            kind: Kind::named(&kind).ok_or(rusqlite::Error::InvalidQuery)?,
            field: row.get("field")?,
            value: row.get("value")?,
        })
    })?;
    parts.collect()
}

fn read_uses<K>(
    transaction: &Transaction<'_>,
    key: impl Fn(&Row<'_>) -> rusqlite::Result<K>,
    table: &str,
    day: u64,
) -> rusqlite::Result<Vec<Use<K>>> {
    let days = if table == "days" { "day = ?1" } else { "?1 = 0" };
    let sql = format!("SELECT * FROM {table} WHERE {days} ORDER BY row_number");
    let mut statement = transaction.prepare(&sql)?;
    let uses = statement.query_map([int(day)], |row| {
        Ok(Use {
            key: key(row)?,
            count: uint(row, "count")?,
            error: uint(row, "error")?,
            first: uint(row, "first")?,
            last: uint(row, "last")?,
        })
    })?;
    uses.collect()
}

fn whose(row: &Row<'_>) -> rusqlite::Result<Who> {
    row.get("principal").map(Who::from_bytes)
}

fn read_snapshot(transaction: &Transaction<'_>) -> rusqlite::Result<Snapshot> {
    let parts = read_parts(transaction)?;
    let part = |row: &Row<'_>| {
        let number: u32 = row.get("part")?;
        parts.get(number as usize).cloned().ok_or(rusqlite::Error::InvalidQuery)
    };
    let uses = read_uses(transaction, |row| Ok((whose(row)?, part(row)?)), "uses", 0)?;
    let client = |row: &Row<'_>| Ok((whose(row)?, part(row)?.dialect, row.get("client")?));
    let clients = read_uses(transaction, client, "clients", 0)?;
    let sql = "SELECT since, written FROM kept";
    let (since, written) = transaction.query_row(sql, [], |row| Ok((uint(row, 0)?, uint(row, 1)?)))?;
    let mut snapshot = Snapshot {
        met: met::read(transaction, &parts)?,
        since,
        written,
        uses: summary(uses, total(transaction, "uses", 0)?),
        clients: summary(clients, total(transaction, "clients", 0)?),
        ..Snapshot::default()
    };
    let mut statement = transaction.prepare("SELECT day FROM totals WHERE name = 'days' ORDER BY day")?;
    let days: Vec<u64> = statement.query_map([], |row| uint(row, 0))?.collect::<rusqlite::Result<_>>()?;
    for day in days {
        let uses = read_uses(transaction, |row| Ok((whose(row)?, part(row)?.dialect)), "days", day)?;
        snapshot.days.insert(day, summary(uses, total(transaction, "days", day)?));
    }
    Ok(snapshot)
}

fn summary<K: Ord + Clone>(uses: Vec<Use<K>>, (total, missed): (u64, u64)) -> Summary<K> {
    let mut summary = Summary::new(total, missed);
    for known in uses {
        summary.insert(known.key.clone(), &known);
    }
    summary
}

#[cfg(test)]
mod tests;

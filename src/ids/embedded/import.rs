//! An import: everything that was read, or nothing.
//!
//! What is read goes to a temporary table first, where it is in nobody's way. Only when all of it is there and nothing
//! contradicts anything is it written, in one transaction and in the order of the keys, so that a file of any length
//! takes the same memory and touches each page of the store once.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::{Pair, StoreError, blob, failed, kind_id};
use crate::lens::Direction;

/// How many conflicts are told of.
pub const CONFLICTS_MAX: usize = 20;

const STAGING: &str = include_str!("staging.sql");

/// Where a pair was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Which file, from 0.
    pub file: usize,
    /// Which row of it, from 1.
    pub row: u64,
}

/// An import under way.
#[derive(Debug)]
pub struct Import {
    connection: Connection,
    path: PathBuf,
    dialect: String,
    kind: String,
    staged: u64,
    /// Whether some pairs hold in one organization, and some in all.
    mixes: (bool, bool),
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Pairs that are new.
    pub new: u64,
    /// Rows whose pair was there, or had been read, already.
    pub already: u64,
}

/// A pair that contradicts another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Where it stands.
    pub at: Position,
    /// The pair's halves.
    pub pair: (String, Uuid),
    /// The halves of the other: one of them is the same.
    pub other: (String, Uuid),
    /// Where the other stands; none if it was imported before.
    pub other_at: Option<Position>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Some pairs contradict others.
    #[error("pairs contradict each other")]
    Conflicts {
        /// The first of them.
        first: Vec<Conflict>,
        /// Whether there are more.
        more: bool,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Import {
    pub(super) fn begin(
        connection: Connection,
        path: &Path,
        dialect: &str,
        kind: &str,
    ) -> Result<Import, StoreError> {
        let prepared = connection
            .execute_batch("PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 16777216;")
            .and_then(|()| connection.execute_batch(STAGING))
            // One transaction, or each row would be one. It never touches the store itself.
            .and_then(|()| connection.execute_batch("PRAGMA temp.cache_size = -8192; BEGIN"));
        prepared.map_err(failed(path))?;
        Ok(Import {
            connection,
            path: path.to_owned(),
            dialect: dialect.to_owned(),
            kind: kind.to_owned(),
            staged: 0,
            mixes: (false, false),
        })
    }

    /// Takes a pair, to be imported with all others.
    pub fn stage(&mut self, at: Position, pair: &Pair) -> Result<(), StoreError> {
        let insert = "INSERT INTO staged (file, row, external, organization, canonical)
                      VALUES (?1, ?2, ?3, ?4, ?5)";
        let organization = blob(pair.organization);
        let canonical = pair.canonical.into_bytes();
        let (file, row) = (number(at.file), number(at.row));
        let staged = self.connection.prepare_cached(insert).and_then(|mut statement| {
            statement.execute(params![file, row, pair.external, organization, canonical])
        });
        staged.map_err(failed(&self.path))?;
        self.staged += 1;
        let is_scoped = pair.organization.is_some();
        self.mixes = (self.mixes.0 || is_scoped, self.mixes.1 || !is_scoped);
        Ok(())
    }

    /// Imports everything that was taken. When this returns, it is on the disk.
    pub fn finish(mut self) -> Result<Imported, Refused> {
        let path = self.path.clone();
        let outcome = self.write().map_err(failed(&path))?;
        if outcome.is_ok() {
            // The import is safe without it; it only keeps the log short.
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).ok();
        }
        outcome
    }

    fn write(&mut self) -> rusqlite::Result<Result<Imported, Refused>> {
        self.connection.execute_batch(
            "COMMIT;
             CREATE INDEX temp.staged_by_external ON staged (external, organization, canonical);
             CREATE INDEX temp.staged_by_canonical ON staged (canonical, organization, external);",
        )?;
        let staged = self.staged;
        let is_mixed = self.mixes == (true, true);
        let (dialect, kind) = (&self.dialect, &self.kind);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let kind = if let Some(known) = kind_id(&transaction, dialect, kind)? {
            known
        } else {
            transaction.execute("INSERT INTO kinds (dialect, name) VALUES (?1, ?2)", [dialect, kind])?;
            transaction.last_insert_rowid()
        };
        let mut conflicts = Vec::new();
        for direction in [Direction::Lift, Direction::Lower] {
            conflicts.extend(among_themselves(&transaction, direction)?);
            if is_mixed {
                conflicts.extend(across_organizations(&transaction, direction)?);
            }
            conflicts.extend(with_the_store(&transaction, direction, kind)?);
        }
        if !conflicts.is_empty() {
            conflicts.sort_by_key(|conflict| (conflict.at, conflict.other_at));
            conflicts.dedup();
            let more = conflicts.len() > CONFLICTS_MAX;
            conflicts.truncate(CONFLICTS_MAX);
            return Ok(Err(Refused::Conflicts { first: conflicts, more }));
        }
        // Nothing contradicts anything, so whatever has the same key is the same pair.
        let new = transaction.execute(
            "INSERT OR IGNORE INTO by_external (kind, external, organization, canonical)
             SELECT ?1, external, organization, canonical FROM staged ORDER BY external, organization",
            [kind],
        )?;
        transaction.execute(
            "INSERT OR IGNORE INTO by_canonical (kind, canonical, organization, external)
             SELECT ?1, canonical, organization, external FROM staged ORDER BY canonical, organization",
            [kind],
        )?;
        transaction.commit()?;
        let new = u64::try_from(new).unwrap_or(u64::MAX);
        Ok(Ok(Imported { new, already: staged.saturating_sub(new) }))
    }
}

/// The half that is looked at, and the one that must be the same wherever the first is.
fn halves(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Lift => ("external", "canonical"),
        Direction::Lower => ("canonical", "external"),
    }
}

/// Rows that give one half twice, with different other halves.
fn among_themselves(transaction: &Transaction<'_>, direction: Direction) -> rusqlite::Result<Vec<Conflict>> {
    let (key, other) = halves(direction);
    let mut doubtful = transaction.prepare(&format!(
        "SELECT min(place) FROM staged GROUP BY {key}, organization
         HAVING min({other}) <> max({other}) LIMIT {}",
        CONFLICTS_MAX + 1
    ))?;
    // Each other half once, where it stands first; the very first is the one the others contradict.
    let mut variants = transaction.prepare(&format!(
        "SELECT v.file, v.row, v.external, v.canonical, f.file, f.row, f.external, f.canonical
         FROM staged AS f CROSS JOIN staged AS v
         WHERE f.place = ?1 AND v.place IN (
             SELECT min(place) FROM staged AS s
             WHERE s.{key} = f.{key} AND s.organization = f.organization GROUP BY s.{other}
         ) AND v.place <> f.place
         ORDER BY v.place LIMIT {}",
        CONFLICTS_MAX + 1
    ))?;
    let mut conflicts = Vec::new();
    let mut places = doubtful.query([])?;
    while let Some(place) = places.next()? {
        let place: i64 = place.get(0)?;
        for conflict in variants.query_map([place], conflict)? {
            conflicts.push(conflict?);
        }
    }
    Ok(conflicts)
}

/// Rows of one organization that contradict what is to hold in all of them.
fn across_organizations(
    transaction: &Transaction<'_>,
    direction: Direction,
) -> rusqlite::Result<Vec<Conflict>> {
    let (key, other) = halves(direction);
    let mut statement = transaction.prepare(&format!(
        "SELECT s.file, s.row, s.external, s.canonical, g.file, g.row, g.external, g.canonical
         FROM staged AS s JOIN staged AS g ON g.{key} = s.{key} AND g.organization = x''
         WHERE s.organization <> x'' AND s.{other} <> g.{other} LIMIT {}",
        CONFLICTS_MAX + 1
    ))?;
    statement.query_map([], conflict)?.collect()
}

/// Rows that contradict what was imported before.
fn with_the_store(
    transaction: &Transaction<'_>,
    direction: Direction,
    kind: i64,
) -> rusqlite::Result<Vec<Conflict>> {
    let (key, other) = halves(direction);
    let mut statement = transaction.prepare(&format!(
        "SELECT s.file, s.row, s.external, s.canonical, NULL, NULL, p.external, p.canonical
         FROM staged AS s CROSS JOIN by_{key} AS p
         WHERE p.kind = ?1 AND p.{key} = s.{key} AND p.{other} <> s.{other}
           AND (p.organization = s.organization OR p.organization = x'' OR s.organization = x'')
         LIMIT {}",
        CONFLICTS_MAX + 1
    ))?;
    statement.query_map([kind], conflict)?.collect()
}

fn conflict(row: &rusqlite::Row<'_>) -> rusqlite::Result<Conflict> {
    let half = |at| Ok::<_, rusqlite::Error>((row.get(at)?, Uuid::from_bytes(row.get(at + 1)?)));
    let other_at = match row.get::<_, Option<i64>>(4)? {
        Some(file) => Some(position(file, row.get(5)?)),
        None => None,
    };
    Ok(Conflict { at: position(row.get(0)?, row.get(1)?), pair: half(2)?, other: half(6)?, other_at })
}

fn position(file: i64, row: i64) -> Position {
    Position { file: usize::try_from(file).unwrap_or_default(), row: u64::try_from(row).unwrap_or_default() }
}

/// `SQLite` has no greater integers, and no file so many rows.
fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

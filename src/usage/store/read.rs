//! Rows out of the tables of the file.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::Hash;

use rusqlite::{OptionalExtension, Row, RowIndex, Transaction, params};

use super::write::int;
use super::{lost_of, met, strayed_of};
use crate::limit::Principal;
use crate::usage::Config;
use crate::usage::client::Client;
use crate::usage::heavy::{Heavy, Use};
use crate::usage::part::{Kind, Part};
use crate::usage::snapshot::Snapshot;
use crate::usage::summary::Summary;
use crate::usage::tables::{DayKey, Tables};

/// Parts in the order of their numbers, and what was counted of them and of programs. Days are read when they are counted.
pub(super) fn tables(
    transaction: &Transaction<'_>,
    config: &Config,
) -> rusqlite::Result<(Vec<Part>, Tables)> {
    let rows = uses(transaction, |row| Ok((whose(row)?, row.get("part")?)), "uses", 0)?;
    let uses_total = total(transaction, "uses", 0)?;
    // What was kept when names were read less strictly must not stay.
    let is_other_name = Cell::new(false);
    let client = |row: &Row<'_>| {
        let name: String = row.get("client")?;
        let client = Client::read(name.as_bytes());
        is_other_name.set(is_other_name.get() || client.as_str() != name);
        Ok((whose(row)?, row.get("part")?, client))
    };
    let client_rows = uses(transaction, client, "clients", 0)?;
    let clients_total = total(transaction, "clients", 0)?;
    let (parts, parts_differ) = restored(config.entries, rows, uses_total);
    let (clients, clients_differ) = restored(config.client_entries(), client_rows, clients_total);
    let mut tables = Tables::of(parts, clients, config);
    (tables.parts_are_whole, tables.clients_are_whole) =
        (parts_differ, clients_differ || is_other_name.get());
    // The file forgets all rows of a table that is whole.
    if tables.parts_are_whole {
        tables.parts.change_all();
    }
    if tables.clients_are_whole {
        tables.clients.change_all();
    }
    tables.lost = lost(transaction, "uses", 0)?;
    Ok((all_parts(transaction)?, tables))
}

/// The table that rows are of, and whether it has other rows: there is less room, or two of them are one by now.
fn restored<K: Copy + Eq + Hash>(
    room: usize,
    rows: Vec<Use<K>>,
    (total, missed): (u64, u64),
) -> (Heavy<K>, bool) {
    let read = rows.len();
    let mut places: HashMap<K, usize> = HashMap::with_capacity(read);
    let mut uses: Vec<Use<K>> = Vec::with_capacity(read);
    for row in rows {
        if let Some(at) = places.get(&row.key) {
            uses[*at].join(&row);
        } else {
            places.insert(row.key, uses.len());
            uses.push(row);
        }
    }
    let differs = uses.len() != read || read > room;
    (Heavy::restored(room, uses, total, missed), differs)
}

/// What the file knows of a day, and how many requests were not counted on it; none if it knows nothing.
pub(super) fn day(
    transaction: &Transaction<'_>,
    day: u64,
) -> rusqlite::Result<Option<(Summary<DayKey>, u64)>> {
    let uses = uses(transaction, |row| Ok((whose(row)?, row.get("part")?)), "days", day)?;
    let (total, lost) = (total(transaction, "days", day)?, lost(transaction, "days", day)?);
    Ok((!uses.is_empty() || lost > 0).then(|| (summary(uses, total, 0), lost)))
}

/// The days of which it knows something, in their order.
pub(super) fn days(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<u64>> {
    let mut statement = transaction.prepare("SELECT day FROM totals WHERE name = 'days' ORDER BY day")?;
    statement.query_map([], |row| uint(row, 0))?.collect()
}

/// Everything, by names.
pub(super) fn snapshot(transaction: &Transaction<'_>) -> rusqlite::Result<Snapshot> {
    let parts = all_parts(transaction)?;
    let part = |row: &Row<'_>| {
        let number: u32 = row.get("part")?;
        parts.get(number as usize).cloned().ok_or(rusqlite::Error::InvalidQuery)
    };
    let rows = uses(transaction, |row| Ok((whose(row)?, part(row)?)), "uses", 0)?;
    let client = |row: &Row<'_>| Ok((whose(row)?, part(row)?.dialect, row.get("client")?));
    let clients = uses(transaction, client, "clients", 0)?;
    let (since, written) = kept(transaction)?;
    let mut snapshot = Snapshot {
        since,
        written,
        uses: summary(rows, total(transaction, "uses", 0)?, missing(transaction, "uses", 0)?),
        clients: summary(clients, total(transaction, "clients", 0)?, missing(transaction, "clients", 0)?),
        met: met::read(transaction, &parts)?,
        ..Snapshot::default()
    };
    for day in days(transaction)? {
        let uses = uses(transaction, |row| Ok((whose(row)?, part(row)?.dialect)), "days", day)?;
        let (total, missing) = (total(transaction, "days", day)?, missing(transaction, "days", day)?);
        snapshot.days.insert(day, summary(uses, total, missing));
    }
    Ok(snapshot)
}

/// Since when it is counted, and when it was written last.
pub(super) fn kept(transaction: &Transaction<'_>) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT since, written FROM kept";
    transaction.query_row(sql, [], |row| Ok((uint(row, 0)?, uint(row, 1)?)))
}

/// How often anything was used, and how often, at most, what is not there.
pub(super) fn total(transaction: &Transaction<'_>, name: &str, day: u64) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT total, missed FROM totals WHERE name = ?1 AND day = ?2";
    let found = transaction.query_row(sql, params![name, int(day)], |row| Ok((uint(row, 0)?, uint(row, 1)?)));
    Ok(found.optional()?.unwrap_or_default())
}

/// How many requests are missing from a table: whoever wrote it did not count them, or somebody else answered them.
pub(super) fn missing(transaction: &Transaction<'_>, name: &str, day: u64) -> rusqlite::Result<u64> {
    Ok(lost(transaction, name, day)? + total(transaction, &strayed_of(name), day)?.0)
}

/// How many requests were not counted in a table by whoever wrote it.
fn lost(transaction: &Transaction<'_>, name: &str, day: u64) -> rusqlite::Result<u64> {
    Ok(total(transaction, &lost_of(name), day)?.0)
}

fn all_parts(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Part>> {
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

fn uses<K>(
    transaction: &Transaction<'_>,
    key: impl Fn(&Row<'_>) -> rusqlite::Result<K>,
    table: &str,
    day: u64,
) -> rusqlite::Result<Vec<Use<K>>> {
    let days = if table == "days" { "day = ?1" } else { "?1 = 0" };
    let sql = format!("SELECT * FROM {table} WHERE {days} ORDER BY row_number");
    let mut statement = transaction.prepare(&sql)?;
    let uses = statement.query_map([int(day)], |row| known(row, key(row)?))?;
    uses.collect()
}

/// What a row says of a key.
pub(super) fn known<K>(row: &Row<'_>, key: K) -> rusqlite::Result<Use<K>> {
    Ok(Use {
        key,
        count: uint(row, "count")?,
        error: uint(row, "error")?,
        first: uint(row, "first")?,
        last: uint(row, "last")?,
    })
}

pub(super) fn whose(row: &Row<'_>) -> rusqlite::Result<Principal> {
    row.get("principal").map(Principal::from_bytes)
}

pub(super) fn uint(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<u64> {
    row.get(column).map(|number: i64| u64::try_from(number).unwrap_or(0))
}

/// What is known, where so many requests were not counted. Each of them may have been a use of anything.
fn summary<K: Ord + Clone>(uses: Vec<Use<K>>, (total, missed): (u64, u64), lost: u64) -> Summary<K> {
    let mut summary = Summary::new(total, missed + lost);
    for known in uses {
        let known = known.but_for(lost);
        summary.insert(known.key.clone(), &known);
    }
    summary
}

//! Rows into the tables of the file.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::usage::Part;
use crate::usage::heavy::Use;
use crate::usage::tables::{Changes, Table};

/// Parts from that number on.
pub(super) fn parts(transaction: &Transaction<'_>, first: usize, parts: &[Part]) -> rusqlite::Result<()> {
    for (number, part) in (first..).zip(parts) {
        let Part { dialect, operation, kind, field, value } = part;
        let sql = "INSERT INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![int(number as u64), dialect, operation, kind.name(), field, value];
        transaction.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

/// What changed, row by row; a table that is whole takes the place of all rows there are.
pub(super) fn changes(transaction: &Transaction<'_>, changes: &Changes) -> rusqlite::Result<()> {
    let Changes { parts, clients, days, turns: _ } = changes;
    begin(transaction, "uses", 0, parts)?;
    for (row, known) in &parts.rows {
        let sql = "REPLACE INTO uses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let ([count, error, first, last], (whose, part)) = (numbers(known), known.key);
        let values = params![row, whose.as_bytes(), part, count, error, first, last];
        transaction.prepare_cached(sql)?.execute(values)?;
    }
    begin(transaction, "clients", 0, clients)?;
    for (row, known) in &clients.rows {
        let sql = "REPLACE INTO clients VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let ([count, error, first, last], (whose, part, client)) = (numbers(known), &known.key);
        let values = params![row, whose.as_bytes(), part, client.as_str(), count, error, first, last];
        transaction.prepare_cached(sql)?.execute(values)?;
    }
    for (day, table) in days {
        begin(transaction, "days", *day, table)?;
        for (row, known) in &table.rows {
            let sql = "REPLACE INTO days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let ([count, error, first, last], (whose, part)) = (numbers(known), known.key);
            let values = params![int(*day), row, whose.as_bytes(), part, count, error, first, last];
            transaction.prepare_cached(sql)?.execute(values)?;
        }
    }
    Ok(())
}

/// What a table says of itself, before its rows.
fn begin<K>(transaction: &Transaction<'_>, name: &str, day: u64, table: &Table<K>) -> rusqlite::Result<()> {
    if table.is_whole {
        let of_day = if name == "days" { "day = ?1" } else { "?1 = 0" };
        transaction.execute(&format!("DELETE FROM {name} WHERE {of_day}"), [int(day)])?;
    }
    let sql = "REPLACE INTO totals VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![name, int(day), int(table.total), int(table.missed)])?;
    if table.lost > 0 {
        transaction.execute(sql, params![super::lost_of(name), int(day), int(table.lost), 0])?;
    }
    Ok(())
}

/// Adds requests of a day that a process answered that does not write the file.
pub(super) fn strayed(transaction: &Transaction<'_>, day: u64, count: u64) -> rusqlite::Result<()> {
    for (table, day) in [("uses", 0), ("clients", 0), ("days", day)] {
        let sql = "INSERT INTO totals VALUES (?1, ?2, ?3, 0) ON CONFLICT DO UPDATE SET total = total + excluded.total";
        transaction.execute(sql, params![super::strayed_of(table), int(day), int(count)])?;
    }
    Ok(())
}

/// Forgets the days that are too many, with all that was counted and met on them. A day is kept until `most` others have come
/// after it and are over, so that nothing is forgotten because a clock is wrong for a day; of those that are still to come, where
/// one was or is, the next `most` are kept.
pub(super) fn forget_days(transaction: &Transaction<'_>, today: u64, most: u64) -> rusqlite::Result<()> {
    let known = "SELECT DISTINCT day FROM totals WHERE name IN ('days', 'met')";
    let [before, after] = [
        // The last so many that are over, and the first that are to come.
        format!("{known} AND day < ?1 ORDER BY day DESC LIMIT 1 OFFSET ?2"),
        format!("{known} AND day > ?1 ORDER BY day LIMIT 1 OFFSET ?2"),
    ];
    let bound = |sql: &str| {
        let values = [int(today), int(most.saturating_sub(1))];
        transaction.query_row(sql, values, |row| row.get::<_, i64>(0)).optional()
    };
    let (first, last) = (bound(&before)?.unwrap_or(0), bound(&after)?.unwrap_or(i64::MAX));
    for rows in
        ["days WHERE", "met WHERE", "totals WHERE name IN ('days', 'lost-days', 'strayed-days', 'met') AND"]
    {
        let sql = format!("DELETE FROM {rows} (day < ?1 OR day > ?2)");
        transaction.execute(&sql, [first, last])?;
    }
    Ok(())
}

/// A number as `SQLite` has them.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn numbers<K>(known: &Use<K>) -> [i64; 4] {
    [known.count, known.error, known.first, known.last].map(int)
}

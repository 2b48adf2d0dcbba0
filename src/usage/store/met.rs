//! What was met, by day: rows that only ever grow, so that what is written is what came besides.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};

use super::read::uint;
use super::write::int;
use crate::usage::met::{Counts, Met};
use crate::usage::part::Part;

/// Adds what was met since it was written last.
pub(super) fn write(transaction: &Transaction<'_>, counts: &Counts) -> rusqlite::Result<()> {
    let mut days: BTreeMap<u64, u64> = BTreeMap::new();
    for ((day, part), count) in counts {
        let sql =
            "INSERT INTO met VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET count = count + excluded.count";
        transaction.prepare_cached(sql)?.execute(params![int(*day), part, int(*count)])?;
        *days.entry(*day).or_default() += count;
    }
    for (day, total) in days {
        let sql = "INSERT INTO totals VALUES ('met', ?1, ?2, 0) ON CONFLICT DO UPDATE SET total = total + excluded.total";
        transaction.execute(sql, [int(day), int(total)])?;
    }
    Ok(())
}

/// What was met.
pub(super) fn read(transaction: &Transaction<'_>, parts: &[Part]) -> rusqlite::Result<Met> {
    let mut met = Met::default();
    if !is_there(transaction)? {
        return Ok(met);
    }
    let mut statement = transaction.prepare("SELECT day, part, count FROM met")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let part = parts.get(row.get::<_, u32>("part")? as usize).ok_or(rusqlite::Error::InvalidQuery)?;
        met.add(uint(row, "day")?, part.clone(), uint(row, "count")?);
    }
    Ok(met)
}

/// Whether the file is of a version that has a table for it.
pub(super) fn is_there(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'met'";
    transaction.query_row(sql, [], |row| row.get(0))
}

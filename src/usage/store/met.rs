//! What was met, by day: rows that only ever grow, so that what is written is what came besides.

use rusqlite::{Transaction, params};

use super::super::met::{Counts, Met};
use super::super::part::Part;
use super::{int, uint};

/// Adds what was met since it was written last, and forgets the days before that one.
pub(super) fn write(transaction: &Transaction<'_>, counts: &Counts, oldest: u64) -> rusqlite::Result<()> {
    for ((day, part), count) in counts {
        let sql =
            "INSERT INTO met VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET count = count + excluded.count";
        transaction.prepare_cached(sql)?.execute(params![int(*day), part, int(*count)])?;
    }
    transaction.execute("DELETE FROM met WHERE day < ?1", [int(oldest)])?;
    Ok(())
}

/// What was met; nothing, in a file of the version that had no table for it.
pub(super) fn read(transaction: &Transaction<'_>, parts: &[Part]) -> rusqlite::Result<Met> {
    let mut met = Met::default();
    let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'met'";
    if transaction.query_row(sql, [], |row| row.get::<_, i64>(0))? == 0 {
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

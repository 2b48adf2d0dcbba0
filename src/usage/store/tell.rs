//! What is written down, as JSON, row by row: as [`Snapshot::to_json`](crate::usage::Snapshot::to_json) makes it, without all
//! of it in memory at once.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use rusqlite::{Connection, Row, Transaction};
use thiserror::Error;

use super::{StoreError, failed, met, open_to_read, read};
use crate::limit::Principal;
use crate::usage::sheet::DAY;
use crate::usage::snapshot::{date, moment};

/// Why it was not told to the end.
#[derive(Debug, Error)]
pub(in crate::usage) enum Broken {
    /// `SQLite` refused.
    #[error("usage cannot be read")]
    Database(#[from] rusqlite::Error),
    /// Nobody listens any more.
    #[error("usage cannot be told")]
    Out(#[from] io::Error),
}

impl Broken {
    /// As what is wrong with the file at that place.
    pub(in crate::usage) fn of_file(self, path: &Path) -> StoreError {
        match self {
            Broken::Database(source) => failed(path)(source),
            Broken::Out(error) => failed(path)(rusqlite::Error::ToSqlConversionFailure(error.into())),
        }
    }
}

/// The file as of one moment, whatever is written meanwhile.
#[derive(Debug)]
pub(in crate::usage) struct Reading(Connection);

/// What a part is told by.
const PART: &[&str] = &["dialect", "operation", "kind", "field", "value"];

/// A table: what it is called in the file, how its keys are told, and which columns they are.
const TABLES: [(&str, &[&str]); 3] =
    [("uses", PART), ("clients", &["dialect", "client"]), ("days", &["dialect"])];

impl Reading {
    /// Opens the file.
    pub(in crate::usage) fn open(path: &Path) -> Result<Reading, StoreError> {
        open_to_read(path).map(Reading)
    }

    /// Does something with what is written down at one moment.
    pub(in crate::usage) fn at_once<T>(
        &mut self,
        read: impl FnOnce(&Telling<'_>) -> Result<T, Broken>,
    ) -> Result<T, Broken> {
        read(&Telling(self.0.transaction()?))
    }
}

/// What is written down at one moment.
#[derive(Debug)]
pub(in crate::usage) struct Telling<'c>(Transaction<'c>);

impl Telling<'_> {
    /// Writes all of it, with the names that operators have for principals.
    pub(in crate::usage) fn tell(
        &self,
        names: &BTreeMap<Principal, String>,
        out: &mut impl Write,
    ) -> Result<(), Broken> {
        let (since, written) = read::kept(&self.0)?;
        write!(out, "{{\"since\":\"{}\",\"written\":\"{}\"", moment(since), moment(written))?;
        let [uses, clients, days] = TABLES;
        for (name, columns) in [uses, clients] {
            write!(out, ",\"{name}\":{{")?;
            self.table((name, columns), 0, names, out)?;
        }
        write!(out, ",\"days\":[")?;
        for (at, day) in read::days(&self.0)?.into_iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(out, "{comma}{{\"day\":\"{}\",", date(day * DAY))?;
            self.table(days, day, names, out)?;
        }
        write!(out, "],\"met\":[")?;
        self.met(out)?;
        write!(out, "]}}")?;
        Ok(())
    }

    /// Writes a table, of which the brace is open.
    fn table(
        &self,
        (name, columns): (&str, &[&str]),
        day: u64,
        names: &BTreeMap<Principal, String>,
        out: &mut impl Write,
    ) -> Result<(), Broken> {
        let ((total, missed), lost) = (read::total(&self.0, name, day)?, read::missing(&self.0, name, day)?);
        let missed = missed + lost;
        let mut is_exact = missed == 0;
        write!(out, "\"total\":{total},\"missed\":{missed},\"entries\":[")?;
        let of_day = if name == "days" { "day = ?1" } else { "?1 = 0" };
        let sql = format!(
            "SELECT * FROM {name} LEFT JOIN parts ON number = part WHERE {of_day} ORDER BY row_number"
        );
        let mut statement = self.0.prepare(&sql)?;
        let mut rows = statement.query([super::write::int(day)])?;
        let mut comma = "";
        while let Some(row) = rows.next()? {
            let (who, known) = (read::whose(row)?, read::known(row, ())?.but_for(lost));
            is_exact &= known.error == 0;
            write!(out, "{comma}{{")?;
            texts(row, columns, out)?;
            write!(out, "\"principal\":\"{who}\",\"name\":")?;
            match names.get(&who) {
                Some(called) => text(called, out)?,
                None => write!(out, "null")?,
            }
            write!(out, ",\"count\":{},\"error\":{}", known.count, known.error)?;
            let [first, until] = [known.first, known.last].map(moment);
            write!(out, ",\"first\":\"{first}\",\"last\":\"{until}\"}}")?;
            comma = ",";
        }
        write!(out, "],\"exact\":{is_exact}}}")?;
        Ok(())
    }

    /// Writes what was met, of which the bracket is open.
    fn met(&self, out: &mut impl Write) -> Result<(), Broken> {
        if !met::is_there(&self.0)? {
            return Ok(());
        }
        let sql = "SELECT * FROM met LEFT JOIN parts ON number = part ORDER BY day, part";
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut comma = "";
        while let Some(row) = rows.next()? {
            let (day, count) = (read::uint(row, "day")?, read::uint(row, "count")?);
            write!(out, "{comma}{{\"day\":\"{}\",", date(day * DAY))?;
            texts(row, PART, out)?;
            write!(out, "\"count\":{count}}}")?;
            comma = ",";
        }
        Ok(())
    }
}

/// Writes these columns as members, each with a comma behind it.
fn texts(row: &Row<'_>, columns: &[&str], out: &mut impl Write) -> Result<(), Broken> {
    for column in columns {
        write!(out, "\"{column}\":")?;
        text(text_of(row, column)?, out)?;
        write!(out, ",")?;
    }
    Ok(())
}

fn text_of<'r>(row: &'r Row<'_>, column: &str) -> rusqlite::Result<&'r str> {
    // A row of a part that there is not has no text.
    row.get_ref(column)?.as_str().map_err(|_| rusqlite::Error::InvalidQuery)
}

/// Writes a text as JSON has it.
fn text(text: &str, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

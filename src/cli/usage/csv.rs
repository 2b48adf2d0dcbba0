//! For spreadsheets and databases: RFC 4180, one line for each use, programs and days included, one for what was met on a
//! day, one for each declared loss, and one for each date of what retires.

use std::time::SystemTime;

use super::Told;
use super::axis::DAY;
use super::ending::Ending;
use crate::dialect::retirement::Dates;
use crate::limit::Principal;
use crate::time::rfc3339;
use crate::usage::heavy::Use;
use crate::usage::snapshot::{date, moment};

const HEADER: [&str; 11] = [
    "principal",
    "name",
    "dialect",
    "operation",
    "kind",
    "field",
    "value",
    "count",
    "error",
    "first",
    "last",
];

/// The report.
pub(super) fn written(told: &Told) -> String {
    let mut out = record(&HEADER.map(str::to_owned));
    for ((who, part), known) in told.counted.uses.uses() {
        let what = [&part.dialect, &part.operation, part.kind.name(), &part.field, &part.value];
        out.push_str(&line(told, who, what, known));
    }
    for ((who, dialect, client), known) in told.counted.clients.uses() {
        out.push_str(&line(told, who, [dialect, "", "client", "", client], known));
    }
    for table in told.counted.days.values() {
        for ((who, dialect), known) in table.uses() {
            out.push_str(&line(told, who, [dialect, "", "day", "", ""], known));
        }
    }
    for (day, part, count) in told.counted.met.all() {
        let kind = if part.is_shown() { "shown" } else { part.kind.name() };
        let what = [&part.dialect, &part.operation, kind, &part.field, &part.value];
        out.push_str(&of_nobody(what, count, &date(day * DAY)));
    }
    for loss in &told.met.losses {
        let what = [&loss.dialect, "", "declared", &loss.name, &loss.reason];
        out.push_str(&of_nobody(what, loss.met.count, ""));
    }
    told.endings.iter().for_each(|ending| put_dates(ending, &mut out));
    out
}

/// The dates of something that retires, one after another: a brown-out has a first and a last moment. The count is that of the
/// requests that used it, by whoever is known.
fn put_dates(ending: &Ending, out: &mut String) {
    let Dates { deprecated, sunset, gone, brown_outs, .. } = &ending.dates;
    let alone = |kind, moment: SystemTime| (kind, moment, moment);
    let dates: Vec<_> = [alone("deprecated", *deprecated)]
        .into_iter()
        .chain(brown_outs.iter().map(|window| ("brown-out", window.start, window.end)))
        .chain(sunset.map(|moment| alone("sunset", moment)))
        .chain(gone.map(|moment| alone("gone", moment)))
        .collect();
    let known = || ending.users.iter().map(|(_, known)| known).chain(&ending.unconfirmed);
    let (count, error): (u64, u64) =
        (known().map(|known| known.count).sum(), known().map(|known| known.error).sum());
    for place in &ending.places {
        let any = [String::new()];
        let values = if place.values.is_empty() { &any[..] } else { &place.values };
        for (value, (kind, first, last)) in
            values.iter().flat_map(|value| dates.iter().map(move |date| (value, date)))
        {
            let (operation, field) = (place.operation.as_deref(), place.field.as_deref());
            let what =
                [&place.dialect, operation.unwrap_or_default(), kind, field.unwrap_or_default(), value];
            let mut cells = vec![String::new(), String::new()];
            cells.extend(what.map(str::to_owned));
            cells.extend([count.to_string(), error.to_string(), rfc3339(*first), rfc3339(*last)]);
            out.push_str(&record(&cells));
        }
    }
}

/// What belongs to no principal, of a day or of all that are kept.
fn of_nobody(what: [&str; 5], count: u64, day: &str) -> String {
    let mut cells = vec![String::new(), String::new()];
    cells.extend(what.map(str::to_owned));
    cells.extend([count.to_string(), "0".to_owned(), day.to_owned(), day.to_owned()]);
    record(&cells)
}

fn line(told: &Told, who: &Principal, what: [&str; 5], known: &Use<()>) -> String {
    let mut cells = vec![who.to_string(), told.name(who).unwrap_or_default().to_owned()];
    cells.extend(what.map(str::to_owned));
    cells.extend([known.count.to_string(), known.error.to_string(), moment(known.first), moment(known.last)]);
    record(&cells)
}

fn record(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| quoted(&harmless(cell))).collect();
    format!("{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Spreadsheets take what begins so for a formula, and a client may call itself as it likes.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_as_rfc_4180_section_2_has_it() {
        let cells = ["aaa", "b\r\nbb", "c,cc", "d\"d", ""].map(str::to_owned);
        assert_eq!(record(&cells), "aaa,\"b\r\nbb\",\"c,cc\",\"d\"\"d\",\r\n");
    }

    #[test]
    fn nothing_is_a_formula() {
        assert_eq!(
            record(&["=1+1".to_owned(), "-cmd|x!A0".to_owned(), "a-b".to_owned()]),
            "'=1+1,'-cmd|x!A0,a-b\r\n"
        );
    }
}

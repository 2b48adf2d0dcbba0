//! For people: text for a terminal of eighty columns.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis::DAY;
use super::compared::{Compared, Seen};
use super::plot::grouped;
use super::verdict::Verdict;
use super::{Told, counted, days, shown};
use crate::usage::heavy::Use;
use crate::usage::snapshot::{date, moment};

/// Columns of a terminal. A name that is longer than a line stays whole.
const COLUMNS: usize = 80;

/// As many days fit into a line beside what is said of them.
const BARS: usize = 44;

/// What stands for many days without anything.
const BREAK: char = '┊';

/// The report.
pub(super) fn written(told: &Told) -> String {
    let mut out = String::new();
    let all = &told.counted;
    let replicas =
        if told.replicas == 1 { "1 replica".to_owned() } else { format!("{} replicas", told.replicas) };
    let (requests, since, until) = (told.requests(), moment(all.since), moment(all.written));
    wrap(&mut out, 0, &format!("{requests} requests since {since}, counted by {replicas} until {until}"));
    wrap(&mut out, 0, &told.error());

    if let Some(removal) = &told.removal {
        let noticed = match removal.users.len() {
            0 if removal.is_certain() => format!("nobody would notice if {} went", removal.part),
            0 => format!("nobody is known to use {}", removal.part),
            users => format!("{users} would notice if {} went", removal.part),
        };
        out.push('\n');
        wrap(&mut out, 0, &noticed);
        let rows = removal.users.iter().map(|(who, known)| used(told.label(who), known));
        table(&mut out, 2, &rows.collect::<Vec<_>>());
        if let Some(known) = &removal.unconfirmed {
            let asked = counted(known);
            wrap(&mut out, 2, &format!("{asked} requests used it of which nobody knows whose they are"));
        }
    }

    retiring(told, &mut out);
    out.push_str("\nwho still calls what\n");
    if told.verdicts.is_empty() {
        wrap(&mut out, 2, "nobody called");
    }
    let mut calls: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (who, part, known) in told.calls() {
        calls.entry(part.to_string()).or_default().push(used(told.label(who), known));
    }
    for (operation, rows) in calls {
        wrap(&mut out, 2, &operation);
        table(&mut out, 4, &rows);
    }
    remaining(told, &mut out);
    if !told.verdicts.is_empty() {
        out.push_str("\nwho can be moved\n");
    }
    let mut verdicts: Vec<_> = told.verdicts.iter().collect();
    verdicts.sort_by_key(|verdict| (verdict.moving(), told.label(&verdict.who)));
    for verdict in verdicts {
        moving(told, verdict, &mut out);
    }
    differences(told, &mut out);
    losses(told, &mut out);
    out
}

/// What retires, when, and who still uses it.
fn retiring(told: &Told, out: &mut String) {
    if told.endings.is_empty() {
        return;
    }
    out.push_str("\nwhat retires\n");
    for ending in &told.endings {
        for place in &ending.places {
            wrap(out, 2, &place.to_string());
        }
        wrap(out, 4, &format!("{} (at the last count: {})", ending.when(), ending.state));
        wrap(out, 4, &ending.by_whom(told.untouched == 0));
        let rows: Vec<_> = ending.users.iter().map(|(who, known)| used(told.label(who), known)).collect();
        table(out, 6, &rows);
        if let Some(known) = &ending.unconfirmed {
            let asked = counted(known);
            wrap(out, 4, &format!("{asked} requests used it of which nobody knows whose they are"));
        }
    }
}

/// How many principals used each dialect, a bar for each day.
fn remaining(told: &Told, out: &mut String) {
    let (days, axis) = (&told.met.remaining, told.axis());
    if !days.keys().any(|day| axis.place(*day).is_some()) {
        return;
    }
    out.push_str("\nwho is left\n");
    let drawn: Vec<_> = axis.days().collect();
    let drawn = &drawn[drawn.len().saturating_sub(BARS)..];
    let (from, last) = (drawn.iter().copied().flatten().next().unwrap_or_default(), axis.last());
    let on = |day: u64, dialect: &str| {
        days.get(&day).and_then(|counts| counts.get(dialect)).copied().unwrap_or_default()
    };
    let rows = told.dialects().into_iter().map(|dialect| {
        let counts: Vec<_> = drawn.iter().map(|day| day.map(|day| on(day, dialect))).collect();
        let most = counts.iter().copied().flatten().max().unwrap_or_default();
        let now = on(last, dialect);
        vec![dialect.to_owned(), bars(&counts), format!("{now} of {most}")]
    });
    table(out, 2, &rows.collect::<Vec<_>>());
    let more = if told.met.more.may_be() { ", or more" } else { "" };
    let (from, last) = (date_of(from), date_of(last));
    let caption = format!(
        "principals{more} on each day from {from} to {last} (\"1 of 2\": 1 on the last day, 2 on the day with the most)"
    );
    wrap(out, 2, &caption);
    if told.met.more.unconfirmed {
        wrap(
            out,
            2,
            "nobody knows whose the requests of `unconfirmed` are: they may be of others who are left",
        );
    }
    if let Some(breaks) = axis.breaks_in_words() {
        wrap(out, 2, &format!("drawn as {BREAK}: {breaks}"));
    }
    if let Some(astray) = axis.astray(days.keys().copied()) {
        wrap(out, 2, &format!("not shown: {astray}"));
    }
}

/// A bar for each count, as high as its share of the most, and a sign for each break.
fn bars(counts: &[Option<u64>]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().flatten().max().unwrap_or_default().max(1);
    let bar = |count: u64| {
        let height = usize::try_from((count * 8).div_ceil(most)).unwrap_or_default();
        height.checked_sub(1).and_then(|at| HEIGHTS.get(at)).copied().unwrap_or('·')
    };
    counts.iter().map(|count| count.map_or(BREAK, bar)).collect()
}

fn moving(told: &Told, verdict: &Verdict, out: &mut String) {
    wrap(out, 2, &format!("{}: {}", told.label(&verdict.who), verdict.moving().word()));
    let requests = verdict.dialects.iter().map(|(dialect, known)| format!("{dialect} {}", counted(known)));
    let clients = verdict.clients.iter().cloned();
    wrap(out, 4, &requests.chain(clients).collect::<Vec<_>>().join(", "));
    for hindrance in &verdict.hindrances {
        let (part, word, (_, last)) = (&hindrance.part, hindrance.moving.word(), days(&hindrance.known));
        let known = counted(&hindrance.known);
        wrap(out, 4, &format!("{word} by {part}: {} ({known}, last {last})", hindrance.reason));
    }
    if verdict.may_miss {
        wrap(out, 4, "parts that were used seldom have been forgotten");
    }
    for remark in &verdict.remarks {
        wrap(out, 4, &format!("note {remark}"));
    }
}

fn differences(told: &Told, out: &mut String) {
    out.push_str("\nwhere both sides differ\n");
    wrap(out, 2, &Compared::all(told.met.compared.values()).sentence());
    let mut places: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (part, seen) in &told.met.differences {
        let rows = places.entry(format!("{}/{}", part.dialect, part.operation)).or_default();
        rows.push(met(part.field.clone(), seen));
    }
    for ((dialect, operation), what, seen) in told.met.besides() {
        places.entry(format!("{dialect}/{operation}")).or_default().push(met(what, seen));
    }
    for (operation, rows) in places {
        wrap(out, 2, &operation);
        table(out, 4, &rows);
    }
    only_shown(told, out);
    compared_places(told, out);
}

/// In how many places answers were compared, and in how many never.
fn compared_places(told: &Told, out: &mut String) {
    if !told.places.iter().any(|of| of.answers > 0) {
        return;
    }
    out.push_str("\nwhere both sides were compared, as far as answers had it\n");
    for of in &told.places {
        wrap(out, 2, &format!("{}/{}: {}", of.dialect, of.operation, of.sentence()));
    }
    wrap(out, 2, "`--format json` and `html` name the places");
}

/// Where the old side shows what no comparison of meaning sees.
fn only_shown(told: &Told, out: &mut String) {
    if told.met.shown.is_empty() {
        return;
    }
    out.push_str("\nwhat is only shown, and will be shown otherwise\n");
    let mut places: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (part, seen) in &told.met.shown {
        let rows = places.entry(format!("{}/{}", part.dialect, part.operation)).or_default();
        rows.push(met(part.field.clone(), seen));
    }
    for (operation, rows) in places {
        wrap(out, 2, &operation);
        table(out, 4, &rows);
    }
}

fn losses(told: &Told, out: &mut String) {
    out.push_str("\nwhat is lost\n");
    let (met_losses, others): (Vec<_>, Vec<_>) = told.met.losses.iter().partition(|loss| loss.met.count > 0);
    let rows = met_losses.iter().map(|loss| met(format!("{} {}", loss.dialect, loss.name), &loss.met));
    table(out, 2, &rows.collect::<Vec<_>>());
    let (met, others) = (met_losses.len(), others.len());
    wrap(
        out,
        2,
        &format!("{met} declared losses were met, {others} were not; `check --ledger` says why each is lost"),
    );
}

fn used(label: String, known: &Use<()>) -> Vec<String> {
    let (first, last) = days(known);
    vec![label, counted(known), format!("{first} to {last}")]
}

fn met(what: String, seen: &Seen) -> Vec<String> {
    let days = seen.days.map_or_else(String::new, |(first, last)| {
        if first == last { date_of(last) } else { format!("{} to {}", date_of(first), date_of(last)) }
    });
    vec![what, grouped(seen.count), days]
}

fn date_of(day: u64) -> String {
    date(day * DAY)
}

/// A sentence in lines, of which all but the first stand further in.
fn wrap(out: &mut String, indent: usize, text: &str) {
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    for word in shown(text).split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            writeln!(out, "{line}").expect("writing to a string never fails");
            line = " ".repeat(indent + 2);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    writeln!(out, "{line}").expect("writing to a string never fails");
}

/// Rows in columns. The second to last, a count, ends where all of them end.
fn table(out: &mut String, indent: usize, rows: &[Vec<String>]) {
    let cells = |row: &Vec<String>| row.iter().map(|cell| shown(cell).into_owned()).collect::<Vec<_>>();
    let rows: Vec<_> = rows.iter().map(cells).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            if at + 2 == row.len() { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        let cells = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{:indent$}{}", "", cells.trim_end()).expect("writing to a string never fails");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_go_on_further_in() {
        let mut out = String::new();
        wrap(&mut out, 2, &["word"; 17].join(" "));
        wrap(&mut out, 0, &"x".repeat(90));
        let first = format!("  {}", ["word"; 15].join(" "));
        assert_eq!(out, format!("{first}\n    word word\n{}\n", "x".repeat(90)));
        assert!(first.chars().count() <= COLUMNS);
    }

    #[test]
    fn nothing_that_is_told_can_do_anything_to_a_terminal() {
        let mut out = String::new();
        wrap(&mut out, 0, "a\nb \u{1b}[31m\u{202e}");
        table(&mut out, 0, &[vec!["\r\u{9b}2J".to_owned(), "1".to_owned(), "é".to_owned()]]);
        assert_eq!(out, "a\\u{a}b \\u{1b}[31m\\u{202e}\n\\u{d}\\u{9b}2J  1  é\n");
    }

    #[test]
    fn a_bar_is_as_high_as_its_share_and_nobody_is_a_dot() {
        assert_eq!(bars(&[0, 1, 4, 8].map(Some)), "·▁▄█");
        assert_eq!(bars(&[0, 0].map(Some)), "··");
        assert_eq!(bars(&[Some(3), None, Some(3)]), "█┊█");
    }
}

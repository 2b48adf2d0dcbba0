//! What there was on each day, drawn; and in tables where the sides differ and what is lost.

use std::collections::{BTreeMap, BTreeSet};

use super::{escaped, put, sentence, table, td};
use crate::cli::usage::Told;
use crate::cli::usage::axis::DAY;
use crate::cli::usage::compared::{Compared, REFUSED, Seen};
use crate::cli::usage::places::Places;
use crate::cli::usage::plot::{Plot, grouped};
use crate::translate::reverse::told::Covers;
use crate::usage::snapshot::date;
use crate::usage::{Kind, Part};

/// Who asked how much on which day, and who was left.
pub(super) fn put_plots(told: &Told, out: &mut String) {
    let dialects = told.dialects();
    let mut by_dialect = Plot::new(told.axis(), &dialects);
    let mut by_principal = Plot::new(told.axis(), &[]);
    for (day, table) in &told.counted.days {
        for ((who, dialect), known) in table.uses() {
            by_dialect.add(*day, dialect, known.count);
            by_principal.add(*day, &told.label(who), known.count);
        }
    }
    let mut left = Plot::new(told.axis(), &dialects);
    for (day, counts) in &told.met.remaining {
        for (dialect, count) in counts {
            left.add(*day, dialect, *count);
        }
    }
    let about =
        ["Requests a day by dialect", "Principals left in each dialect", "Requests a day by principal"];
    put_section(about[0], &by_dialect.stacked(about[0]), out);
    let mut more = String::new();
    for (is_so, why) in [
        (told.met.more.was_full, "the table of a day was full"),
        (told.met.more.unconfirmed, "nobody knows whose the requests of <code>unconfirmed</code> are"),
    ] {
        if is_so {
            put(&mut more, format_args!("<p class=\"soft\">There may have been more: {why}.</p>"));
        }
    }
    let last = date(told.axis().last() * DAY);
    let said = if told.met.remaining.is_empty() {
        String::new()
    } else {
        format!("<p class=\"soft\">How many came on {last}, and on the day with the most.</p>")
    };
    put_section(about[1], &format!("{said}{more}{}", left.apart(about[1])), out);
    put_section(about[2], &by_principal.stacked(about[2]), out);
}

/// Where shadows found that the sides differ.
pub(super) fn put_differences(told: &Told, out: &mut String) {
    let said = Compared::all(told.met.compared.values()).sentence();
    let (first, rest) = said.split_at(1);
    let mut body = format!("<p>{}{}.</p>", first.to_uppercase(), sentence(rest));
    let mut rows = place_rows(&told.met.differences);
    let has_differences = !rows.is_empty() || told.met.compared.values().any(|of| of.refused.count > 0);
    rows.extend(told.met.besides().map(|((dialect, operation), what, seen)| {
        [vec![td(dialect), td(operation), format!("<td>{}</td>", sentence(&what))], seen_cells(seen)].concat()
    }));
    if has_differences {
        let mut plot = Plot::new(told.axis(), &told.dialects());
        let met = &told.counted.met;
        let of_meaning = met.of(Kind::Difference).filter(|(_, part, _)| !part.is_shown());
        of_meaning.for_each(|(day, part, count)| plot.add(day, &part.dialect, count));
        let refused = met.of(Kind::Comparison).filter(|(_, part, _)| part.value == REFUSED);
        refused.for_each(|(day, part, count)| plot.add(day, &part.dialect, count));
        body.push_str(&plot.stacked("Differences a day by dialect"));
    }
    table(&["Dialect", "Operation", "Place", "#Times", "First", "Last"], &rows, &mut body);
    put_section("Where both sides differ", &body, out);
    if !told.met.shown.is_empty() {
        let mut body = "<p>Nobody reads it back, and clients see it.</p>".to_owned();
        let rows = place_rows(&told.met.shown);
        table(&["Dialect", "Operation", "Place", "#Times", "First", "Last"], &rows, &mut body);
        put_section("What is only shown, and will be shown otherwise", &body, out);
    }
}

/// Where answers were compared, and where never.
pub(super) fn put_places(told: &Told, out: &mut String) {
    if !told.places.iter().any(|of| of.answers > 0) {
        return;
    }
    let listed = |places: Vec<&str>| {
        let places: Vec<_> = places.iter().map(|place| format!("<code>{}</code>", escaped(place))).collect();
        format!("<td>{}</td>", places.join(", "))
    };
    let row = |of: &Places| {
        let Covers { compared, looked_at, never, .. } = &of.covers;
        let never =
            never.iter().map(|(place, why)| if place.is_empty() { why.word() } else { place.as_str() });
        vec![
            td(&of.dialect),
            td(&of.operation),
            format!("<td class=\"n\">{}</td>", grouped(of.answers)),
            if of.covers.of_effects { td("what the calls set") } else { listed(strs(compared)) },
            listed(strs(looked_at)),
            listed(never.collect()),
        ]
    };
    let rows: Vec<_> = told.places.iter().map(row).collect();
    let mut body = "<p>As far as both answers had it. What is never compared may differ unseen.</p><details>\
                    <summary>Places</summary>"
        .to_owned();
    let heads = ["Dialect", "Operation", "#Answers", "Compared", "Only shown, looked at", "Never"];
    table(&heads, &rows, &mut body);
    body.push_str("</details>");
    put_section("Where both sides were compared", &body, out);
}

fn strs(places: &BTreeSet<String>) -> Vec<&str> {
    places.iter().map(String::as_str).collect()
}

fn place_rows(places: &BTreeMap<Part, Seen>) -> Vec<Vec<String>> {
    let row = |(part, seen): (&Part, &Seen)| {
        let place = format!("<td><code>{}</code></td>", escaped(&part.field));
        [vec![td(&part.dialect), td(&part.operation), place], seen_cells(seen)].concat()
    };
    places.iter().map(row).collect()
}

/// Which declared losses were met, and which there are besides.
pub(super) fn put_losses(told: &Told, out: &mut String) {
    let mut plot = Plot::new(told.axis(), &told.dialects());
    told.counted.met.of(Kind::Loss).for_each(|(day, part, count)| plot.add(day, &part.dialect, count));
    let (met, others): (Vec<_>, Vec<_>) = told.met.losses.iter().partition(|loss| loss.met.count > 0);
    let mut body = format!(
        "<p>Of {} losses that the mappings of the dialects in use declare, {} were met.</p>",
        told.met.losses.len(),
        met.len()
    );
    if !met.is_empty() {
        body.push_str(&plot.stacked("Declared losses met a day, by dialect"));
    }
    let row = |loss: &&crate::cli::usage::met::Loss| {
        let way = if loss.is_of_answers { "clients" } else { "the backend" };
        let name = format!("<td><code>{}</code></td>", escaped(&loss.name));
        vec![td(&loss.dialect), name, td(way), format!("<td>{}</td>", sentence(&loss.reason))]
    };
    let rows: Vec<_> = met.iter().map(|loss| [row(loss), seen_cells(&loss.met)].concat()).collect();
    table(&["Dialect", "Loss", "Not told to", "Why", "#Times", "First", "Last"], &rows, &mut body);
    if !others.is_empty() {
        put(&mut body, format_args!("<details><summary>{} that were not met</summary>", others.len()));
        let rows: Vec<_> = others.iter().map(row).collect();
        table(&["Dialect", "Loss", "Not told to", "Why"], &rows, &mut body);
        body.push_str("</details>");
    }
    put_section("What is lost", &body, out);
}

fn put_section(title: &str, body: &str, out: &mut String) {
    put(out, format_args!("<section><h2>{title}</h2>{body}</section>\n"));
}

fn seen_cells(seen: &Seen) -> Vec<String> {
    let day = |day: Option<u64>| day.map_or_else(String::new, |day| date(day * DAY));
    let (first, last) = (seen.days.map(|days| days.0), seen.days.map(|days| days.1));
    vec![
        format!("<td class=\"n\">{}</td>", grouped(seen.count)),
        format!("<td class=\"d\">{}</td>", day(first)),
        format!("<td class=\"d\">{}</td>", day(last)),
    ]
}

//! One page that needs nothing else: no scripts, nothing from outside, well-formed as XML too.

use std::borrow::Cow;
use std::fmt::Write;

use super::plot::{Plot, grouped};
use super::verdict::{Moving, Verdict};
use super::{Told, days};
use crate::usage::Who;
use crate::usage::heavy::Use;
use crate::usage::snapshot::{date, moment};

const STYLE: &str = include_str!("page.css");

/// The report.
pub(super) fn written(told: &Told) -> String {
    let all = &told.counted;
    let mut out = format!(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\
         <title>Who still calls what</title><style>\n{STYLE}</style></head>\n<body><header><h1>Who still calls what</h1>"
    );
    let replicas =
        if told.replicas == 1 { "1 replica".to_owned() } else { format!("{} replicas", told.replicas) };
    put(
        &mut out,
        format_args!(
            "<p class=\"soft\">{} to {}, counted by {replicas}. {}</p></header>\n",
            date(all.since),
            moment(all.written),
            escaped(&told.error())
        ),
    );
    tiles(told, &mut out);
    if let Some(removal) = &told.removal {
        put(&mut out, format_args!("<section><h2>If <code>{}</code> went</h2>", escaped(&removal.part)));
        match removal.users.len() {
            0 if removal.missed == 0 => out.push_str("<p>Nobody would notice.</p>"),
            0 => put(
                &mut out,
                format_args!(
                    "<p>Nobody is known to use it; whoever does, did no more than {} times.</p>",
                    removal.missed
                ),
            ),
            1 => out.push_str("<p>One principal would notice.</p>"),
            users => put(&mut out, format_args!("<p>{users} principals would notice.</p>")),
        }
        let rows: Vec<_> = removal
            .users
            .iter()
            .map(|(who, known)| [vec![principal(told, who)], count_cells(known)].concat())
            .collect();
        table(&["Principal", "#Requests", "First", "Last"], &rows, &mut out);
        out.push_str("</section>\n");
    }
    plots(told, &mut out);
    moving(told, &mut out);

    out.push_str("<section><h2>Calls</h2>");
    let rows: Vec<_> = told
        .calls()
        .into_iter()
        .map(|(who, part, known)| {
            [vec![td(&part.dialect), td(&part.operation), principal(told, who)], count_cells(known)].concat()
        })
        .collect();
    table(&["Dialect", "Operation", "Principal", "#Requests", "First", "Last"], &rows, &mut out);
    out.push_str("</section>\n<section><h2>Programs</h2>");
    let rows: Vec<_> = all
        .clients
        .uses()
        .map(|((who, dialect, client), known)| {
            let client = if client.is_empty() { "says nothing" } else { client };
            [vec![td(client), td(dialect), principal(told, who)], count_cells(known)].concat()
        })
        .collect();
    table(&["Program", "Dialect", "Principal", "#Requests", "First", "Last"], &rows, &mut out);
    out.push_str("</section>\n<footer><p>A principal is the digest of a credential. ≤ n (−e): at most n, and at least n − e. Days are those of UTC.</p></footer></body></html>\n");
    out
}

fn tiles(told: &Told, out: &mut String) {
    let of = |moving| told.verdicts.iter().filter(|verdict| verdict.moving() == moving).count();
    let (safe, blocked) = (of(Moving::Safe), of(Moving::Blocked));
    let dialects: std::collections::BTreeSet<_> =
        told.verdicts.iter().flat_map(|verdict| verdict.dialects.keys()).collect();
    out.push_str("<ul class=\"tiles\">");
    for (number, what) in [
        (told.requests(), "requests"),
        (dialects.len() as u64, "dialects in use"),
        (told.verdicts.len() as u64, "principals"),
        (safe as u64, "safe to move"),
        (blocked as u64, "blocked"),
    ] {
        put(out, format_args!("<li><b>{}</b><span>{what}</span></li>", grouped(number)));
    }
    out.push_str("</ul>\n");
}

fn plots(told: &Told, out: &mut String) {
    let (mut by_dialect, mut by_principal) = (Plot::default(), Plot::default());
    for (day, table) in &told.counted.days {
        for ((who, dialect), known) in table.uses() {
            by_dialect.add(*day, dialect, known.count);
            by_principal.add(*day, &told.label(who), known.count);
        }
    }
    let about = ["Requests a day by dialect", "Requests a day by principal"];
    for (plot, about) in [by_dialect, by_principal].iter().zip(about) {
        put(out, format_args!("<section><h2>{about}</h2>{}</section>\n", plot.drawn(about)));
    }
}

fn moving(told: &Told, out: &mut String) {
    out.push_str("<section><h2>Who can be moved</h2>");
    let mut verdicts: Vec<&Verdict> = told.verdicts.iter().collect();
    verdicts.sort_by_key(|verdict| (verdict.moving(), told.label(&verdict.who)));
    for verdict in verdicts {
        let (class, word) = match verdict.moving() {
            Moving::Safe => ("safe", "✓ safe to move"),
            Moving::Unknown => ("blocked", "? not known"),
            Moving::Blocked => ("blocked", "✗ blocked"),
        };
        put(
            out,
            format_args!(
                "<div class=\"who\"><h3>{} <span class=\"mark {class}\">{word}</span></h3>",
                named(told, &verdict.who)
            ),
        );
        let used = verdict.dialects.iter().map(|(dialect, known)| {
            let (first, last) = days(known);
            format!("{} {}, {first} to {last}", escaped(dialect), counted(known))
        });
        put(out, format_args!("<p class=\"soft\">{}", used.collect::<Vec<_>>().join(" · ")));
        if !verdict.clients.is_empty() {
            let clients: Vec<_> =
                verdict.clients.iter().map(|client| format!("<code>{}</code>", escaped(client))).collect();
            put(out, format_args!(" · {}", clients.join(", ")));
        }
        out.push_str("</p>");
        match verdict.moving() {
            Moving::Safe => out.push_str("<p>Everything it uses crosses whole.</p>"),
            Moving::Unknown => out.push_str(
                "<p>Nothing is known to be in the way, but parts that were used seldom have been forgotten.</p>",
            ),
            Moving::Blocked => {}
        }
        if !(verdict.blocks.is_empty() && verdict.remarks.is_empty()) {
            out.push_str("<ul>");
            for (part, reason, known) in &verdict.blocks {
                let (_, last) = days(known);
                put(
                    out,
                    format_args!(
                        "<li><code>{}</code>: {} ({}, last {last})</li>",
                        escaped(&part.to_string()),
                        escaped(reason),
                        counted(known)
                    ),
                );
            }
            for remark in &verdict.remarks {
                put(out, format_args!("<li class=\"soft\">{}</li>", escaped(remark)));
            }
            out.push_str("</ul>");
        }
        out.push_str("</div>");
    }
    out.push_str("</section>\n");
}

/// A name with the digest behind it, or the digest alone.
fn named(told: &Told, who: &Who) -> String {
    match told.name(who) {
        Some(name) => format!("{} <code class=\"soft\">{}</code>", escaped(name), &who.to_string()[..8]),
        None => format!("<code>{who}</code>"),
    }
}

fn principal(told: &Told, who: &Who) -> String {
    format!("<td>{}</td>", named(told, who))
}

fn td(text: &str) -> String {
    format!("<td>{}</td>", escaped(text))
}

fn counted(known: &Use<()>) -> String {
    match known.error {
        0 => grouped(known.count),
        error => format!("≤ {} (−{})", grouped(known.count), grouped(error)),
    }
}

fn count_cells(known: &Use<()>) -> Vec<String> {
    let (first, last) = days(known);
    vec![
        format!("<td class=\"n\">{}</td>", counted(known)),
        format!("<td class=\"d\">{first}</td>"),
        format!("<td class=\"d\">{last}</td>"),
    ]
}

/// Rows below the names of the columns; numbers have a `#` before their name.
fn table(names: &[&str], rows: &[Vec<String>], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    for name in names {
        match name.strip_prefix('#') {
            Some(name) => put(out, format_args!("<th class=\"n\">{name}</th>")),
            None => put(out, format_args!("<th>{name}</th>")),
        }
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        put(out, format_args!("<tr>{}</tr>\n", row.concat()));
    }
    out.push_str("</tbody></table></div>");
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string never fails");
}

/// A text in which nothing is markup. What XML cannot hold at all is told as a replacement.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| {
        !matches!(c, '&' | '<' | '>' | '"' | '\'')
            && (c >= ' ' || c == '\t')
            && !matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_plain(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    Cow::Owned(out)
}

//! One page that needs nothing else: no scripts, nothing from outside, well-formed as XML too.

use std::borrow::Cow;
use std::fmt::Write;

use super::plot::grouped;
use super::verdict::Moving;
use super::{Told, days, first_digits};
use crate::limit::Principal;
use crate::usage::UNCONFIRMED;
use crate::usage::heavy::Use;
use crate::usage::snapshot::moment;

mod ending;
mod met;
mod moving;

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
            moment(all.since),
            moment(all.written),
            escaped(&told.error())
        ),
    );
    tiles(told, &mut out);
    if let Some(removal) = &told.removal {
        put(&mut out, format_args!("<section><h2>If <code>{}</code> went</h2>", escaped(&removal.part)));
        match removal.users.len() {
            0 if removal.is_certain() => out.push_str("<p>Nobody would notice.</p>"),
            0 if removal.missed == 0 => out.push_str("<p>Nobody is known to use it.</p>"),
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
        if let Some(known) = &removal.unconfirmed {
            let asked = counted(known);
            let said = format_args!("<p>{asked} requests used it of which nobody knows whose they are.</p>");
            put(&mut out, said);
        }
        out.push_str("</section>\n");
    }
    ending::put_all(told, &mut out);
    met::put_plots(told, &mut out);
    moving::put_all(told, &mut out);
    met::put_differences(told, &mut out);
    met::put_places(told, &mut out);
    met::put_losses(told, &mut out);

    out.push_str("<section><h2>Calls</h2>");
    let rows: Vec<_> = told
        .calls()
        .into_iter()
        .map(|(who, part, known)| {
            [vec![td(&part.dialect), td(&part.operation), principal(told, who)], count_cells(known)].concat()
        })
        .collect();
    table_or_nobody(&["Dialect", "Operation", "Principal", "#Requests", "First", "Last"], &rows, &mut out);
    out.push_str("</section>\n<section><h2>Programs</h2>");
    let rows: Vec<_> = all
        .clients
        .uses()
        .map(|((who, dialect, client), known)| {
            let client = if client.is_empty() { "says nothing" } else { client };
            [vec![td(client), td(dialect), principal(told, who)], count_cells(known)].concat()
        })
        .collect();
    table_or_nobody(&["Program", "Dialect", "Principal", "#Requests", "First", "Last"], &rows, &mut out);
    out.push_str("</section>\n<footer><p>A principal is the digest of a credential. ≤ n (−e): at most n, and at least n − e. Days are those of UTC.</p></footer></body></html>\n");
    out
}

fn tiles(told: &Told, out: &mut String) {
    let known = || told.verdicts.iter().filter(|verdict| verdict.who != UNCONFIRMED);
    let of = |moving| known().filter(|verdict| verdict.moving() == moving).count();
    out.push_str("<ul class=\"tiles\">");
    for (number, what) in [
        (told.requests(), "requests"),
        (told.dialects().len() as u64, "dialects in use"),
        (known().count() as u64, "principals"),
        (of(Moving::Safe) as u64, "safe to move"),
        (of(Moving::Unknown) as u64, "in doubt"),
        (of(Moving::Blocked) as u64, "blocked"),
    ] {
        put(out, format_args!("<li><b>{}</b><span>{what}</span></li>", grouped(number)));
    }
    out.push_str("</ul>\n");
}

/// A name with the digest behind it, or the digest alone.
fn named(told: &Told, who: &Principal) -> String {
    match told.name(who) {
        Some(name) => format!("{} <code class=\"soft\">{}</code>", escaped(name), first_digits(who)),
        None => format!("<code>{who}</code>"),
    }
}

fn principal(told: &Told, who: &Principal) -> String {
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

/// The same, where the section has nothing else in it.
fn table_or_nobody(names: &[&str], rows: &[Vec<String>], out: &mut String) {
    if rows.is_empty() {
        out.push_str("<p>Nobody called.</p>");
    }
    table(names, rows, out);
}

/// Rows below the names of the columns; numbers have a `#` before their name.
fn table(names: &[&str], rows: &[Vec<String>], out: &mut String) {
    if rows.is_empty() {
        return;
    }
    out.push_str("<div class=\"wide\"><table><thead><tr>");
    for name in names {
        match name.strip_prefix('#') {
            Some(name) => put(out, format_args!("<th class=\"n\" scope=\"col\">{name}</th>")),
            None => put(out, format_args!("<th scope=\"col\">{name}</th>")),
        }
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        put(out, format_args!("<tr>{}</tr>\n", row.concat()));
    }
    out.push_str("</tbody></table></div>");
}

pub(super) fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string never fails");
}

/// A sentence in which names stand between backquotes.
pub(super) fn sentence(text: &str) -> String {
    let parts: Vec<_> = text.split('`').map(escaped).collect();
    if parts.len() % 2 == 0 {
        // One of them is alone, and part of a name.
        return escaped(text).into_owned();
    }
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index % 2 == 1 {
            put(&mut out, format_args!("<code>{part}</code>"));
        } else {
            out.push_str(part);
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_sentence_are_shown_as_such() {
        for (text, expected) in [
            ("it lacked `a<b`, or was refused", "it lacked <code>a&lt;b</code>, or was refused"),
            ("`a` and `b`", "<code>a</code> and <code>b</code>"),
            ("a ` alone", "a ` alone"),
            ("nothing & more", "nothing &amp; more"),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}

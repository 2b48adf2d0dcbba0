//! Who can be moved, who cannot, and why.

use super::{counted, escaped, named, put, sentence};
use crate::cli::usage::verdict::{Moving, Verdict};
use crate::cli::usage::{Told, days};

pub(super) fn put_all(told: &Told, out: &mut String) {
    out.push_str("<section><h2>Who can be moved</h2>");
    if told.verdicts.is_empty() {
        out.push_str("<p>Nobody called.</p>");
    }
    let mut verdicts: Vec<&Verdict> = told.verdicts.iter().collect();
    verdicts.sort_by_key(|verdict| (verdict.moving(), told.label(&verdict.who)));
    for verdict in verdicts {
        put_verdict(told, verdict, out);
    }
    out.push_str("</section>\n");
}

fn put_verdict(told: &Told, verdict: &Verdict, out: &mut String) {
    let (class, word) = match verdict.moving() {
        Moving::Safe => ("safe", "✓ safe to move"),
        Moving::Unknown => ("doubt", "? in doubt"),
        Moving::Blocked => ("blocked", "✗ blocked"),
    };
    let name = named(told, &verdict.who);
    put(out, format_args!("<div class=\"who\"><h3>{name} <span class=\"mark {class}\">{word}</span></h3>"));
    let used = verdict.dialects.iter().map(|(dialect, known)| {
        let (first, last) = days(known);
        format!(
            "{} {}, <span class=\"d\">{first}</span> to <span class=\"d\">{last}</span>",
            escaped(dialect),
            counted(known)
        )
    });
    let clients = verdict.clients.iter().map(|client| format!("<code>{}</code>", escaped(client)));
    let about: Vec<_> = used.chain(clients).collect();
    put(out, format_args!("<p class=\"soft\">{}</p>", about.join(" · ")));
    match verdict.moving() {
        Moving::Safe => out.push_str("<p>Everything it uses crosses whole.</p>"),
        Moving::Unknown if verdict.may_miss => {
            out.push_str("<p>Parts that were used seldom have been forgotten.</p>");
        }
        Moving::Unknown | Moving::Blocked => {}
    }
    if !verdict.hindrances.is_empty() {
        out.push_str("<ul class=\"why\">");
        for hindrance in &verdict.hindrances {
            let (class, word) = match hindrance.moving {
                Moving::Blocked => ("blocked", "✗"),
                Moving::Unknown | Moving::Safe => ("doubt", "?"),
            };
            let (part, reason) = (hindrance.part.to_string(), sentence(&hindrance.reason));
            let (part, known) = (escaped(&part), counted(&hindrance.known));
            let (_, last) = days(&hindrance.known);
            put(
                out,
                format_args!(
                    "<li><span class=\"mark {class}\">{word}</span> <code>{part}</code>: {reason} \
                     <span class=\"soft\">({known}, last <span class=\"d\">{last}</span>)</span></li>"
                ),
            );
        }
        out.push_str("</ul>");
    }
    if !verdict.remarks.is_empty() {
        let notes = verdict.remarks.len();
        put(
            out,
            format_args!(
                "<details><summary>Notes, on what answers may tell it otherwise and what was not compared ({notes})</summary><ul>"
            ),
        );
        for remark in &verdict.remarks {
            put(out, format_args!("<li class=\"soft\">{}</li>", sentence(remark)));
        }
        out.push_str("</ul></details>");
    }
    out.push_str("</div>");
}

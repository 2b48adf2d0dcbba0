//! For people: tables of text.

use std::fmt::Write;

use super::verdict::Moving;
use super::{Told, counted, days};
use crate::usage::snapshot::moment;

/// The report.
pub(super) fn written(told: &Told) -> String {
    let mut out = String::new();
    let all = &told.counted;
    let replicas =
        if told.replicas == 1 { "1 replica".to_owned() } else { format!("{} replicas", told.replicas) };
    line(
        &mut out,
        format_args!(
            "{} requests since {}, counted by {replicas} until {}",
            told.requests(),
            moment(all.since),
            moment(all.written)
        ),
    );
    line(&mut out, format_args!("{}", told.error()));

    if let Some(removal) = &told.removal {
        out.push('\n');
        let noticed = match removal.users.len() {
            0 if removal.missed == 0 => format!("nobody would notice if {} went", removal.part),
            0 => format!("nobody is known to use {}", removal.part),
            users => format!("{users} would notice if {} went", removal.part),
        };
        line(&mut out, format_args!("{noticed}"));
        let rows = removal.users.iter().map(|(who, known)| {
            let (first, last) = days(known);
            vec![told.label(who), counted(known), first, last]
        });
        table(&mut out, &["principal", "requests", "first", "last"], rows.collect());
    }

    out.push_str("\nwho still calls what\n");
    let rows = told.calls().into_iter().map(|(who, part, known)| {
        let (first, last) = days(known);
        vec![part.to_string(), told.label(who), counted(known), first, last]
    });
    table(&mut out, &["operation", "principal", "requests", "first", "last"], rows.collect());

    out.push_str("\nwho can be moved\n");
    let rows = told.verdicts.iter().map(|verdict| {
        let requests =
            verdict.dialects.iter().map(|(dialect, known)| format!("{dialect} {}", counted(known)));
        let clients: Vec<_> = verdict.clients.iter().map(String::as_str).collect();
        vec![
            told.label(&verdict.who),
            verdict.moving().word().to_owned(),
            requests.collect::<Vec<_>>().join(", "),
            clients.join(", "),
        ]
    });
    table(&mut out, &["principal", "", "requests", "programs"], rows.collect());
    for verdict in &told.verdicts {
        if verdict.moving() == Moving::Safe && verdict.remarks.is_empty() {
            continue;
        }
        out.push('\n');
        line(&mut out, format_args!("  {}", told.label(&verdict.who)));
        for (part, reason, known) in &verdict.blocks {
            let (_, last) = days(known);
            line(&mut out, format_args!("    blocked by {part}: {reason} ({}, last {last})", counted(known)));
        }
        for remark in &verdict.remarks {
            line(&mut out, format_args!("    note {remark}"));
        }
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a string never fails");
}

/// Rows in columns below their names.
fn table(out: &mut String, names: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(names).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        line(out, format_args!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end()));
    }
}

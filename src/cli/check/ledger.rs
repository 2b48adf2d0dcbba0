//! `check --ledger`: what of each dialect crosses to the other side, what does not, and why.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::dialect::{
    Dialect, Registry,
    ledger::{Entry, Fate, Ledger, LensEntries, OperationEntries, WordEntries},
};

/// For people: a paragraph for each lens, table and operation, in columns.
pub(super) fn text(registry: &Registry) -> String {
    let mut out = String::new();
    for dialect in registry.dialects() {
        put(&mut out, format_args!("{}: {}\n", dialect.name, dialect.title));
        of_dialect(dialect, &mut out);
        out.push('\n');
    }
    out
}

/// For programs.
pub(super) fn json(registry: &Registry) -> Value {
    registry.dialects().iter().map(|dialect| object(dialect)).collect()
}

fn of_dialect(dialect: &Dialect, out: &mut String) {
    let Ledger { lenses, words, operations } = Ledger::of(dialect);
    for LensEntries { lens, schema, canonical, entries } in &lenses {
        let sides = [schema.as_deref().unwrap_or("no schema"), canonical.as_deref().unwrap_or("no schema")];
        put(out, format_args!("\n  lens {lens} ({} and canonical {})\n", sides[0], sides[1]));
        table(out, entries.iter().map(row).collect());
    }
    for WordEntries { table: name, told, refused, merged } in &words {
        if told.is_empty() && refused.is_empty() && merged.is_empty() {
            continue;
        }
        put(out, format_args!("\n  words of {name}\n"));
        let told =
            told.iter().map(|(canonical, word)| words_row("", canonical, format!("told as {word}"), ""));
        let refused =
            refused.iter().map(|(canonical, reason)| words_row("", canonical, "refused".to_owned(), reason));
        let merged = merged.iter().map(|(word, shown)| words_row(word, "", format!("read as {shown}"), ""));
        table(out, told.chain(refused).chain(merged).collect());
    }
    for OperationEntries { operation, calls, entries, omits } in &operations {
        if entries.is_empty() && omits.is_empty() {
            continue;
        }
        put(out, format_args!("\n  operation {operation} ({calls})\n"));
        let omitted = omits.iter().map(|reason| words_row("", "an item", "left out".to_owned(), reason));
        table(out, entries.iter().map(row).chain(omitted).collect());
    }
    if !dialect.exceptions.is_empty() {
        out.push_str("\n  excepted from the proof of privilege\n");
        let rows = dialect.exceptions.iter();
        table(out, rows.map(|one| words_row(&one.what, "", String::new(), &one.reason)).collect());
    }
}

/// The dialect's side, the canonical one, what happens in between, and why.
type Row = [String; 4];

fn row(entry: &Entry) -> Row {
    let side = |side: &Option<String>| side.clone().unwrap_or_default();
    let (how, why) = match &entry.fate {
        Fate::Constant(value) => (format!("always {value}"), String::new()),
        Fate::Lost { reason, .. } => ("lost".to_owned(), reason.clone()),
        Fate::Mapped { op, by, shown } => {
            let by = by.as_ref().map(|by| format!(" {by}")).unwrap_or_default();
            (format!("{op}{by}"), if *shown { "only shown".to_owned() } else { String::new() })
        }
    };
    [side(&entry.dialect), side(&entry.canonical), how, why]
}

fn words_row(dialect: &str, canonical: &str, how: String, why: &str) -> Row {
    [dialect.to_owned(), canonical.to_owned(), how, why.to_owned()]
}

/// Writes rows in columns; a dash stands for a side that has no place.
fn table(out: &mut String, rows: Vec<Row>) {
    let rows = rows.into_iter().map(|[dialect, canonical, how, why]| {
        let dash = |side: String| if side.is_empty() { "-".to_owned() } else { side };
        [dash(dialect), dash(canonical), how, why]
    });
    let rows: Vec<Row> = rows.collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [dialect, canonical, how, why] in &rows {
        let line =
            format!("    {dialect:0$}  {canonical:1$}  {how:2$}  {why}", widths[0], widths[1], widths[2]);
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string never fails");
}

fn object(dialect: &Dialect) -> Value {
    let Ledger { lenses, words, operations } = Ledger::of(dialect);
    let lenses = lenses.iter().map(|one| {
        json!({
            "lens": one.lens,
            "schema": one.schema,
            "canonical_schema": one.canonical,
            "places": one.entries.iter().map(place).collect::<Vec<_>>(),
        })
    });
    let pairs = |pairs: &[(String, String)], from: &str, to: &str| -> Value {
        let pair = |(one, other): &(String, String)| json!({ from: word(one), to: word(other) });
        pairs.iter().map(pair).collect()
    };
    let words = words.iter().map(|one| {
        let refused = one.refused.iter();
        let refused =
            refused.map(|(canonical, reason)| json!({ "canonical": word(canonical), "reason": reason }));
        json!({
            "table": one.table,
            "told_as": pairs(&one.told, "canonical", "dialect"),
            "refused": refused.collect::<Vec<_>>(),
            "read_as": pairs(&one.merged, "dialect", "as"),
        })
    });
    let operations = operations.iter().map(|one| {
        json!({
            "operation": one.operation,
            "calls": one.calls,
            "places": one.entries.iter().map(place).collect::<Vec<_>>(),
            "omits": one.omits,
        })
    });
    let exceptions = dialect.exceptions.iter().map(|one| json!({ "what": one.what, "reason": one.reason }));
    json!({
        "dialect": dialect.name,
        "title": dialect.title,
        "lenses": lenses.collect::<Vec<_>>(),
        "words": words.collect::<Vec<_>>(),
        "operations": operations.collect::<Vec<_>>(),
        "exceptions": exceptions.collect::<Vec<_>>(),
    })
}

fn place(entry: &Entry) -> Value {
    let mut place = json!({ "dialect": entry.dialect, "canonical": entry.canonical });
    match &entry.fate {
        Fate::Constant(value) => {
            place["fate"] = "constant".into();
            place["value"] = word(value);
        }
        Fate::Lost { name, reason } => {
            place["fate"] = "lost".into();
            place["name"] = name.as_str().into();
            place["reason"] = reason.as_str().into();
        }
        Fate::Mapped { op, by, shown } => {
            place["fate"] = "mapped".into();
            place["op"] = (*op).into();
            place["by"] = by.as_deref().into();
            place["only_shown"] = (*shown).into();
        }
    }
    place
}

/// A value that is kept as JSON.
fn word(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| json.into())
}

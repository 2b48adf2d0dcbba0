//! An explanation as people read it, and as programs do.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::words::shown;
use super::{Explanation, Phase, Section};
use crate::diag::{Lines, Span};
use crate::lens::explain::{How, Outcome, Told};

/// What a line is told with: which line of which file, and what resolvers are called.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) explanation: &'c Explanation,
    pub(super) lines: &'c Lines,
    pub(super) phase: Phase,
}

/// The columns of a line.
struct Row {
    to: String,
    from: String,
    how: String,
    at: String,
}

impl Explanation {
    /// As an aligned table, section by section. `lines` says which line of a mapping a span is in.
    pub fn text(&self, lines: &Lines) -> String {
        let mut text = String::new();
        for section in &self.sections {
            let context = Context { explanation: self, lines, phase: section.phase };
            writeln!(text, "{}: {}", section.phase.name(), section.title).expect(NEVER_FAILS);
            let rows: Vec<Row> = section.told.iter().map(|told| context.row(told)).collect();
            table(&rows, &mut text);
            text.push('\n');
        }
        let losses = self.losses();
        if losses.is_empty() {
            return text;
        }
        text.push_str("losses:\n");
        let rows: Vec<Row> = losses
            .into_iter()
            .map(|(name, met)| {
                let at = met.origin.and_then(|span| lines.name(span)).unwrap_or_default();
                Row { to: name, from: String::new(), how: format!("{} × {}", met.count, met.reason), at }
            })
            .collect();
        table(&rows, &mut text);
        text.push('\n');
        text
    }

    /// As JSON.
    pub fn json(&self, lines: &Lines) -> Value {
        let sections: Vec<Value> = self.sections.iter().map(|section| self.section(section, lines)).collect();
        let losses = self.losses().into_iter().map(|(name, met)| {
            let mut loss = Map::from_iter([
                ("name".to_owned(), name.into()),
                ("count".to_owned(), met.count.into()),
                ("reason".to_owned(), met.reason.into()),
            ]);
            put_line(&mut loss, met.origin, lines);
            Value::from(loss)
        });
        json!({
            "dialect": self.dialect.as_ref().map(|dialect| dialect.name.as_str()),
            "operation": self.operation.as_ref().map(|operation| operation.name.as_str()),
            "sections": sections,
            "losses": losses.collect::<Vec<_>>(),
        })
    }

    fn section(&self, section: &Section, lines: &Lines) -> Value {
        let context = Context { explanation: self, lines, phase: section.phase };
        json!({
            "phase": section.phase.name(),
            "title": section.title,
            "steps": section.told.iter().map(|told| context.step(told)).collect::<Vec<_>>(),
        })
    }
}

impl Context<'_> {
    fn row(self, told: &Told) -> Row {
        let line = told.origin.and_then(|span| self.lines.name(span));
        Row {
            to: told.to.as_ref().map(shown).unwrap_or_default(),
            from: told.from.as_ref().map(shown).unwrap_or_default(),
            how: self.sentence(told),
            at: line.unwrap_or_default(),
        }
    }

    /// One line for programs.
    fn step(self, told: &Told) -> Value {
        let mut step = Map::new();
        if let Some(to) = &told.to {
            step.insert("to".to_owned(), shown(to).into());
        }
        if let Some(from) = &told.from {
            step.insert("from".to_owned(), shown(from).into());
        }
        let (outcome, sort) = match &told.outcome {
            Outcome::Written(sort) => ("written", Some(sort)),
            Outcome::Around(sort) => ("around", Some(sort)),
            Outcome::Kept(sort) => ("kept", Some(sort)),
            Outcome::Checked => ("checked", None),
            Outcome::LeftOut(_) => ("left-out", None),
            Outcome::Refused { .. } => ("refused", None),
            Outcome::Awaited => ("awaited", None),
            Outcome::Ignored => ("ignored", None),
            Outcome::Lost => ("lost", None),
        };
        step.insert("outcome".to_owned(), outcome.into());
        if let Some(sort) = sort {
            step.insert("value".to_owned(), sort.to_string().into());
        }
        step.insert("how".to_owned(), self.sentence(told).into());
        let rules: Vec<&str> = told.how.iter().map(How::rule).collect();
        step.insert("rules".to_owned(), rules.into());
        put_line(&mut step, told.origin, self.lines);
        for how in &told.how {
            if let How::Word { dialect, canonical, landed, origin } = how {
                let mut row = Map::from_iter([
                    ("dialect".to_owned(), dialect.as_str().into()),
                    ("canonical".to_owned(), canonical.as_str().into()),
                    ("landed".to_owned(), (*landed).into()),
                ]);
                put_line(&mut row, *origin, self.lines);
                step.insert("row".to_owned(), row.into());
            }
        }
        step.into()
    }
}

const NEVER_FAILS: &str = "writing to a string never fails";

fn put_line(object: &mut Map<String, Value>, span: Option<Span>, lines: &Lines) {
    if let Some(line) = span.and_then(|span| lines.name(span)) {
        object.insert("at".to_owned(), line.into());
    }
}

/// Writes rows in columns.
fn table(rows: &[Row], text: &mut String) {
    let width = |column: fn(&Row) -> &str| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or_default()
    };
    let (to, from, how) = (width(|row| &row.to), width(|row| &row.from), width(|row| &row.how));
    for row in rows {
        let arrow = if row.from.is_empty() || row.to.is_empty() { " " } else { "←" };
        let arrow = if from == 0 || to == 0 { String::new() } else { format!("{arrow} ") };
        let gap = |width: usize| if width == 0 { "" } else { "  " };
        let line = format!(
            "  {:to$}{}{arrow}{:from$}{}{:how$}  {}",
            row.to,
            gap(to),
            row.from,
            gap(from),
            row.how,
            row.at
        );
        writeln!(text, "{}", line.trim_end()).expect(NEVER_FAILS);
    }
}

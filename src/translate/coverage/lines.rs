//! Every line of the mappings that traffic could use.

use std::collections::HashSet;
use std::sync::Arc;

use super::Kind;
use crate::diag::Span;
use crate::dialect::errors::Template;
use crate::dialect::operation::{AnswerBody, AnswerPlan, Gather};
use crate::dialect::{Dialect, Operation, Registry};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::table::{Landing, Table};
use crate::lens::{Direction, Lens};

/// Takes a line.
type Add<'a> = &'a mut dyn FnMut(Kind, String, Span);

/// Tells `add` every line.
pub(super) fn of(registry: &Registry, add: Add<'_>) {
    for dialect in registry.dialects() {
        let mut lines = Lines { dialect, add: &mut *add, seen: HashSet::new() };
        for operation in &dialect.operations {
            lines.operation(operation);
        }
        lines.errors();
    }
}

struct Lines<'l> {
    dialect: &'l Dialect,
    add: Add<'l>,
    /// Lenses that were gone through, by their address: most are used more than once.
    seen: HashSet<(Direction, usize)>,
}

impl Lines<'_> {
    fn operation(&mut self, operation: &Operation) {
        let name = operation.name.as_str();
        self.note(Kind::Operation, &[name], || format!("operation `{name}`"));
        self.calls(operation);
        for case in &operation.cases {
            let calls = case.operation.calls.name.as_str();
            let what = || format!("case of `{name}` that calls `{calls}`");
            self.note(Kind::Operation, &[name, calls, "calls"], what);
            self.calls(&case.operation);
        }
        for (from, to) in &operation.folds {
            let what = || format!("`{name}` tells {} as {}", from.as_u16(), to.as_u16());
            self.note(Kind::Error, &[name, "folds", from.as_str()], what);
        }
    }

    fn calls(&mut self, operation: &Operation) {
        let (name, calls) = (operation.name.as_str(), operation.calls.name.as_str());
        self.lens(&operation.request, Direction::Lift);
        match &operation.answer {
            AnswerPlan::One(answers) => {
                for answer in answers {
                    let from = answer.from.as_str();
                    let what = || format!("answer {from} of `{calls}` to `{name}`");
                    self.note(Kind::Answer, &[name, calls, "answers", from], what);
                    if let AnswerBody::Items { lens, .. } | AnswerBody::Lens(lens) = &answer.body {
                        self.lens(lens, Direction::Lower);
                    }
                }
            }
            AnswerPlan::Collect(collect) => {
                for (member, gather) in &collect.fields {
                    let what = || format!("`{member}` of the answer to `{name}`");
                    self.note(Kind::Answer, &[name, calls, "collect", member], what);
                    if let Gather::Lens(lens) | Gather::Value { id: Some(lens), .. } = gather {
                        self.lens(lens, Direction::Lower);
                    }
                }
            }
        }
        for settled in &operation.settled {
            let from = settled.from.as_str();
            let what = || format!("refusal {from} of `{calls}` that is an answer to `{name}`");
            self.note(Kind::Answer, &[name, calls, "answers", from], what);
        }
        for (path, _) in operation.page.iter().flat_map(|page| &page.fields) {
            let member = path.join(".");
            self.note(Kind::Page, &[name, calls, "page", "fields", &member], || {
                format!("`{member}` of a page of `{name}`")
            });
        }
    }

    fn errors(&mut self) {
        let errors = &self.dialect.errors;
        for (from, to) in &errors.folds {
            let what = || format!("{} is told as {}", from.as_u16(), to.as_u16());
            self.note(Kind::Error, &["errors", "folds", from.as_str()], what);
        }
        let templates = [("plain", Some(&errors.plain)), ("invalid", errors.invalid.as_ref())];
        for (name, template) in templates {
            for (path, _) in template.into_iter().flat_map(Template::fields) {
                let member = path.join(".");
                self.note(Kind::Error, &["errors", name, &member], || {
                    format!("`{member}` of `{name}` errors")
                });
            }
        }
    }

    fn note(&mut self, kind: Kind, about: &[&str], what: impl FnOnce() -> String) {
        if let Some(span) = self.dialect.origins.of(about) {
            (self.add)(kind, what(), span);
        }
    }

    /// The steps of a lens in one direction, those of the lenses inside it included.
    fn lens(&mut self, lens: &Arc<Lens>, direction: Direction) {
        if !self.seen.insert((direction, Arc::as_ptr(lens).addr())) {
            return;
        }
        let kind = if direction == Direction::Lift { Kind::Lift } else { Kind::Lower };
        for (target, origin) in lens.steps(direction) {
            let (Some(target), Some(origin)) = (target, origin) else { continue };
            (self.add)(kind, format!("`{target}` by `{}`", lens.name()), origin);
        }
        for field in lens.fields() {
            match &field.op {
                Op::Each(each) => {
                    if let Item::Lens(inner) = &each.item {
                        self.lens(inner, direction);
                    }
                }
                Op::Nested(nested) => self.lens(&nested.lens, direction),
                // Something that is only shown is never read.
                Op::Label(_) if direction == Direction::Lift => {}
                Op::Label(label) => self.table(&label.0, direction),
                Op::Row(row) => self.table(&row.table, direction),
                Op::Table(_) if direction == Direction::Lift && field.when.shown => {}
                Op::Table(table) => self.table(table, direction),
                Op::Constant(_)
                | Op::Copy
                | Op::Filter(_)
                | Op::Fixed(_)
                | Op::Has(_)
                | Op::Id(_)
                | Op::Prefix(_)
                | Op::Resolve(_) => {}
            }
        }
    }

    fn table(&mut self, table: &Table, direction: Direction) {
        let kind = if direction == Direction::Lift { Kind::WordLift } else { Kind::WordLower };
        for row in &table.rows {
            if let Some(origin) = row.origin {
                (self.add)(kind, format!("{} `{}`", table.noun, row.word.text()), origin);
            }
        }
        if direction == Direction::Lift {
            return;
        }
        for ((word, landing), origin) in table.lands.iter().zip(&table.lands_at) {
            let text = word.text();
            let what = match landing {
                Landing::Row(row) => format!("{text}, told as `{}`", table.rows[*row].word.text()),
                Landing::Refuse(_) => format!("{text}, which is refused"),
            };
            (self.add)(Kind::Landing, what, *origin);
        }
    }
}

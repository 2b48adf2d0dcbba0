//! What an answer shows of the lines it was made by, where nobody recorded what it was made of.
//!
//! A member that is there was written by its field, a word by its row: that much can be told from the answer alone. Where
//! a canonical word landed cannot, nor which of several statuses of the backend is told as the same one.

use http::StatusCode;

use super::Coverage;
use crate::dialect::operation::{AnswerBody, AnswerPlan, Collect, Gather};
use crate::dialect::page::PageSlot;
use crate::dialect::{Dialect, Operation};
use crate::json::{Kind, Value};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::table::Table;
use crate::lens::{Direction, Lens, Wrap};
use crate::problem::Root;

impl Coverage {
    /// Counts what an answer shows.
    pub fn see(
        &mut self,
        dialect: &Dialect,
        operation: &Operation,
        status: StatusCode,
        body: Option<Value<'_>>,
    ) {
        let (name, calls) = (operation.name.as_str(), operation.calls.name.as_str());
        let mut is_answer = false;
        match &operation.answer {
            AnswerPlan::One(answers) => {
                let mut told = answers.iter().filter(|answer| answer.status == status);
                // With two of them nobody knows which it was.
                if let (Some(answer), None) = (told.next(), told.next()) {
                    is_answer = true;
                    self.note(dialect, &[name, calls, "answers", answer.from.as_str()]);
                    match (&answer.body, body) {
                        (AnswerBody::Lens(lens), Some(body)) => self.value(lens, body),
                        (AnswerBody::Items { lens, .. }, Some(body)) => {
                            self.page(dialect, operation, lens, body);
                        }
                        (AnswerBody::Constant(_) | AnswerBody::Empty, _) | (_, None) => {}
                    }
                }
            }
            AnswerPlan::Collect(collect) => {
                is_answer = [Some(collect.all), Some(collect.some), collect.none].contains(&Some(status));
                if let Some(body) = body.filter(|_| is_answer) {
                    self.collected(dialect, operation, collect, body);
                }
            }
        }
        let mut settled = operation.settled.iter().filter(|settled| settled.status == status);
        if let (Some(settled), None) = (settled.next(), settled.next())
            && !is_answer
        {
            is_answer = true;
            self.note(dialect, &[name, calls, "answers", settled.from.as_str()]);
        }
        if let Some(body) = body.filter(|_| !is_answer && status.as_u16() >= 400) {
            self.error(dialect, body);
        }
    }

    fn note(&mut self, dialect: &Dialect, about: &[&str]) {
        if let Some(span) = dialect.origins.of(about) {
            self.mark(Direction::Lower, span);
        }
    }

    fn page(&mut self, dialect: &Dialect, operation: &Operation, lens: &Lens, body: Value<'_>) {
        let Some(page) = &operation.page else {
            return body.elements().for_each(|item| self.value(lens, item));
        };
        for (path, slot) in &page.fields {
            let Some(value) = path.iter().try_fold(body, |value, name| value.member(name)) else { continue };
            let member = path.join(".");
            self.note(dialect, &[&operation.name, &operation.calls.name, "page", "fields", &member]);
            if *slot == PageSlot::Items {
                value.elements().for_each(|item| self.value(lens, item));
            }
        }
    }

    fn collected(&mut self, dialect: &Dialect, operation: &Operation, collect: &Collect, body: Value<'_>) {
        for (member, gather) in &collect.fields {
            let Some(value) = body.member(member) else { continue };
            self.note(dialect, &[&operation.name, &operation.calls.name, "collect", member]);
            if let Gather::Lens(lens) | Gather::Value { id: Some(lens), .. } = gather {
                value.elements().for_each(|item| self.value(lens, item));
            }
        }
    }

    /// An error was written by the template all of whose members it has.
    fn error(&mut self, dialect: &Dialect, body: Value<'_>) {
        let templates =
            [("invalid", dialect.errors.invalid.as_ref()), ("plain", Some(&dialect.errors.plain))];
        for (name, template) in templates {
            let Some(template) = template else { continue };
            let has =
                |path: &[Box<str>]| path.iter().try_fold(body, |value, name| value.member(name)).is_some();
            if template.fields().iter().all(|(path, _)| has(path)) {
                for (path, _) in template.fields() {
                    self.note(dialect, &["errors", name, &path.join(".")]);
                }
                return;
            }
        }
    }

    fn value(&mut self, lens: &Lens, value: Value<'_>) {
        let alone = match lens.wrap() {
            Wrap::Scalar(field) => Some(field),
            Wrap::Bare(field) if value.kind() != Kind::Object => Some(field),
            Wrap::Bare(_) | Wrap::Object => None,
        };
        for (index, field) in lens.fields().iter().enumerate() {
            let left = field.left.as_ref().filter(|left| left.root == Root::Body);
            let found = match (alone, left) {
                (Some(alone), _) if alone == index => Some(value),
                (Some(_), _) | (None, None) => None,
                (None, Some(left)) => left.path.iter().try_fold(value, |value, name| value.member(name)),
            };
            let Some(found) = found else { continue };
            field.origin.iter().for_each(|origin| self.mark(Direction::Lower, *origin));
            match &field.op {
                Op::Each(each) => {
                    if let Item::Lens(inner) = &each.item {
                        found.elements().for_each(|element| self.value(inner, element));
                    }
                }
                Op::Label(label) => self.word(&label.0, |row| {
                    row.label.as_deref().is_some_and(|label| found.as_str().is_some_and(|text| text == label))
                }),
                Op::Nested(nested) if !found.is_null() => self.value(&nested.lens, found),
                Op::Table(table) => self.word(table, |row| row.word.value().same(found)),
                Op::Constant(_)
                | Op::Copy
                | Op::Filter(_)
                | Op::Fixed(_)
                | Op::Has(_)
                | Op::Id(_)
                | Op::Nested(_)
                | Op::Prefix(_)
                | Op::Resolve(_)
                | Op::Row(_) => {}
            }
        }
    }

    fn word(&mut self, table: &Table, is_told: impl Fn(&crate::lens::op::table::Row) -> bool) {
        if let Some(origin) = table.rows.iter().find(|row| is_told(row)).and_then(|row| row.origin) {
            self.mark(Direction::Lower, origin);
        }
    }
}

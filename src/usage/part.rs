//! What can be used of a dialect, by names that stay the same when mappings are loaded anew.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::translate::reverse::told::SHOWN;

/// A part of a dialect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The dialect.
    pub dialect: String,
    /// The operation; empty if all of the dialect is meant.
    pub operation: String,
    /// What sort of part it is.
    pub kind: Kind,
    /// The field, if it is one or a value of one: `user.name`, `items[].role`, `?limit` in the query, `{id}` in the path. Of what
    /// is met, the place where the sides differ, or the name of the loss.
    pub field: String,
    /// The value as JSON, the form of an id, or how a comparison ended.
    pub value: String,
}

/// Sorts of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// All of a dialect.
    Dialect,
    /// An operation.
    Operation,
    /// A field of its requests.
    Field,
    /// A value of a field that can have only few.
    Value,
    /// The spelling of an id that may be spelt in several ways.
    Id,
    /// A request of the operation that nobody has read, so that it may have used any part of it: it was refused, or its
    /// client went away, before that.
    Unread,
    /// How asking the other side too ended: met, and used by nobody, as the next two.
    Comparison,
    /// A place of its canonical answers where the sides differ; or one of the dialect's, where something is only shown.
    Difference,
    /// A declared loss.
    Loss,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Dialect,
        Kind::Operation,
        Kind::Field,
        Kind::Value,
        Kind::Id,
        Kind::Unread,
        Kind::Comparison,
        Kind::Difference,
        Kind::Loss,
    ];

    /// The word for it in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Dialect => "dialect",
            Kind::Operation => "operation",
            Kind::Field => "field",
            Kind::Value => "value",
            Kind::Id => "id",
            Kind::Unread => "unread",
            Kind::Comparison => "comparison",
            Kind::Difference => "difference",
            Kind::Loss => "loss",
        }
    }

    /// The sort of that name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Part {
    /// All of a dialect.
    pub fn dialect(dialect: &str) -> Part {
        let (operation, field, value) = (String::new(), String::new(), String::new());
        Part { dialect: dialect.to_owned(), operation, kind: Kind::Dialect, field, value }
    }

    /// An operation.
    pub fn operation(dialect: &str, operation: &str) -> Part {
        Part { operation: operation.to_owned(), kind: Kind::Operation, ..Part::dialect(dialect) }
    }

    /// A field of the same operation.
    #[must_use]
    pub fn field(&self, field: &str) -> Part {
        Part { kind: Kind::Field, field: field.to_owned(), ..self.clone() }
    }

    /// That a request of the same operation was not read.
    #[must_use]
    pub fn unread(&self) -> Part {
        Part { kind: Kind::Unread, ..Part::operation(&self.dialect, &self.operation) }
    }

    /// Whether it is a place of the dialect's answers where something is only shown, and not one of meaning.
    pub fn is_shown(&self) -> bool {
        self.kind == Kind::Difference && self.field.starts_with(SHOWN)
    }

    /// A value of the same field.
    #[must_use]
    pub fn value(&self, kind: Kind, value: &str) -> Part {
        Part { kind, value: value.to_owned(), ..self.clone() }
    }
}

/// `dialect/operation/field=value`, as far as it goes; the form of an id stands behind a colon, and `unread` and what is met
/// behind a blank.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { dialect, operation, kind, field, value } = self;
        match kind {
            Kind::Dialect => f.write_str(dialect),
            Kind::Operation => write!(f, "{dialect}/{operation}"),
            Kind::Field => write!(f, "{dialect}/{operation}/{field}"),
            Kind::Value => write!(f, "{dialect}/{operation}/{field}={value}"),
            Kind::Id => write!(f, "{dialect}/{operation}/{field}:{value}"),
            Kind::Unread => write!(f, "{dialect}/{operation} unread"),
            Kind::Comparison => write!(f, "{dialect}/{operation} {value}"),
            Kind::Difference | Kind::Loss => write!(f, "{dialect}/{operation} {field}"),
        }
    }
}

/// Parts by number. There are as many as the mappings that were ever loaded say; clients add none.
#[derive(Debug, Default)]
pub struct Parts(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    all: Vec<Part>,
    /// For each, the number of its dialect if it is an operation.
    counted_for: Vec<Option<u32>>,
    numbers: HashMap<Part, u32>,
}

impl Parts {
    /// Those that were numbered before, in order.
    pub fn of(all: impl IntoIterator<Item = Part>) -> Parts {
        let parts = Parts::default();
        for part in all {
            parts.number(&part);
        }
        parts
    }

    /// The number of a part, which is new if nobody asked before.
    pub fn number(&self, part: &Part) -> u32 {
        self.lock().number(part)
    }

    /// The parts from that number on.
    pub fn since(&self, number: usize) -> Vec<Part> {
        self.lock().all.get(number..).unwrap_or_default().to_vec()
    }

    /// For each operation, by its number, that of its dialect.
    pub(super) fn counted_for(&self) -> Vec<Option<u32>> {
        self.lock().counted_for.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Numbered {
    fn number(&mut self, part: &Part) -> u32 {
        if let Some(number) = self.numbers.get(part) {
            return *number;
        }
        let dialect = (part.kind == Kind::Operation).then(|| self.number(&Part::dialect(&part.dialect)));
        let number = u32::try_from(self.all.len()).expect("no mapping says so much");
        self.all.push(part.clone());
        self.counted_for.push(dialect);
        self.numbers.insert(part.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_a_dialect_comes_before_its_operations() {
        let operation = Part::operation("a", "get");
        let parts = Parts::default();
        assert_eq!(parts.number(&operation), 1);
        assert_eq!(parts.number(&operation.field("x").value(Kind::Value, "1")), 2);
        assert_eq!(parts.number(&operation), 1);
        assert_eq!(parts.counted_for(), [None, Some(0), None]);

        let again = Parts::of(parts.since(0));
        assert_eq!((again.since(0), again.counted_for()), (parts.since(0), parts.counted_for()));
    }

    #[test]
    fn a_part_is_written_as_people_name_it() {
        let get = Part::operation("a", "get");
        let x = get.field("x");
        let shown = [Part::dialect("a"), get.clone(), x.clone(), x.value(Kind::Value, "\"y\""), x.unread()];
        let shown = shown.map(|part| part.to_string());
        assert_eq!(shown, ["a", "a/get", "a/get/x", "a/get/x=\"y\"", "a/get unread"]);
        assert_eq!(get.field("{id}").value(Kind::Id, "uuid").to_string(), "a/get/{id}:uuid");
    }
}

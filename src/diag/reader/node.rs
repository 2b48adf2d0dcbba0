//! One TOML value being read.

use serde_json::{Map, Value};
use toml::de::{DeInteger, DeValue};

use crate::diag::reader::{Context, Table};
use crate::diag::{Diagnostic, Span, Spanned};

/// A value of the file, and the path that led to it.
///
/// `text`, `integer` and their like report a value of the wrong type; `as_text`, `as_integer` and theirs only
/// look, for keys that take more than one type.
#[derive(Clone, Debug)]
pub struct Node<'r> {
    context: &'r Context,
    value: &'r toml::Spanned<DeValue<'r>>,
    path: String,
}

impl<'r> Node<'r> {
    pub(super) fn new(context: &'r Context, value: &'r toml::Spanned<DeValue<'r>>, path: String) -> Self {
        Self { context, value, path }
    }

    /// Where the value is written; for a `[table]`, its header.
    pub fn span(&self) -> Span {
        self.context.span(self.value.span())
    }

    /// The dotted path of the value, such as `server.listener[0].address`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text, or a complaint.
    pub fn text(&self) -> Option<Spanned<String>> {
        self.or_wrong_type(self.as_text(), "a string")
    }

    /// The integer, or a complaint.
    pub fn integer(&self) -> Option<Spanned<i64>> {
        self.or_wrong_type(self.as_integer(), "an integer")
    }

    /// The `true` or `false`, or a complaint.
    pub fn boolean(&self) -> Option<Spanned<bool>> {
        self.or_wrong_type(self.as_boolean(), "`true` or `false`")
    }

    /// The table, or a complaint.
    pub fn table(&self) -> Option<Table<'r>> {
        self.or_wrong_type(self.as_table(), "a table")
    }

    /// The elements of the array, or a complaint.
    pub fn array(&self) -> Option<Vec<Node<'r>>> {
        self.or_wrong_type(self.as_array(), "an array")
    }

    /// The texts in the array, with a complaint about whatever is no text.
    pub fn texts(&self) -> Vec<Spanned<String>> {
        let elements = self.or_wrong_type(self.as_array(), "an array of strings").unwrap_or_default();
        elements.iter().filter_map(Node::text).collect()
    }

    /// The tables in the array, with a complaint about whatever is no table.
    pub fn tables(&self) -> Vec<Table<'r>> {
        let elements = self.or_wrong_type(self.as_array(), "an array of tables").unwrap_or_default();
        elements.iter().filter_map(Node::table).collect()
    }

    /// The value as JSON, with a complaint about what JSON cannot say: dates, infinities and huge integers.
    pub fn json(&self) -> Option<Value> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(Value::from(&**text)),
            DeValue::Integer(_) => self.integer().map(|integer| Value::from(integer.value)),
            DeValue::Float(float) => {
                let spelt = float.as_str().trim_start_matches('+').parse().ok().map(Value::Number);
                self.or_wrong_type(spelt, "a value that JSON can write")
            }
            DeValue::Boolean(boolean) => Some(Value::Bool(*boolean)),
            DeValue::Datetime(_) => self.or_wrong_type(None, "a value that JSON can write"),
            DeValue::Array(_) => self.as_array()?.iter().map(Node::json).collect(),
            DeValue::Table(_) => {
                let members = self.as_table()?.entries();
                let members = members.iter().map(|(key, node)| Some((key.value.clone(), node.json()?)));
                members.collect::<Option<Map<String, Value>>>().map(Value::Object)
            }
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<Spanned<String>> {
        let text = self.value.get_ref().as_str()?;
        Some(Spanned::new(text.to_owned(), self.span()))
    }

    /// The integer, if it is one and fits in 64 bits.
    pub fn as_integer(&self) -> Option<Spanned<i64>> {
        let integer = self.value.get_ref().as_integer()?;
        Some(Spanned::new(small(integer)?, self.span()))
    }

    /// The `true` or `false`, if it is one.
    pub fn as_boolean(&self) -> Option<Spanned<bool>> {
        let boolean = self.value.get_ref().as_bool()?;
        Some(Spanned::new(boolean, self.span()))
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<Table<'r>> {
        let entries = self.value.get_ref().as_table()?;
        Some(Table::new(self.context, entries, self.value.span(), self.path.clone()))
    }

    /// The elements of the array, if it is one.
    pub fn as_array(&self) -> Option<Vec<Node<'r>>> {
        let elements = self.value.get_ref().as_array()?.iter().enumerate();
        let readable = elements.filter(|(_, value)| !self.context.is_broken(value.span().start));
        let node = |(index, value)| Node::new(self.context, value, format!("{}[{index}]", self.path));
        Some(readable.map(node).collect())
    }

    /// What kind of value it is, with its article, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(integer) if small(integer).is_none() => "an integer of more than 64 bits",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }

    /// Reports that the value is of none of the types `expected`, such as "a string or a table".
    pub fn wrong_type(&self, expected: &str) {
        let message = format!("`{}` is {}, expected {expected}", self.path, self.kind());
        let diagnostic = Diagnostic::error(self.context.codes.wrong_type, message)
            .at(self.span(), format!("expected {expected}"));
        self.context.report(diagnostic);
    }

    /// Adds a diagnostic of the caller's own.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.context.report(diagnostic);
    }

    fn or_wrong_type<T>(&self, value: Option<T>, expected: &str) -> Option<T> {
        if value.is_none() {
            self.wrong_type(expected);
        }
        value
    }
}

fn small(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

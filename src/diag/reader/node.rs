//! One TOML value being read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use toml::de::{DeInteger, DeValue};
use toml::value::{Datetime, Offset};

use crate::diag::reader::{Context, Table};
use crate::diag::{Diagnostic, Span, Spanned};
use crate::time::parse_rfc3339;

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

    /// The moment, if it is a date: the first one of a day (in UTC), or that of a time with its offset. None inside for a
    /// date that is no moment: a time without an offset is another one in every place.
    pub fn as_moment(&self) -> Option<Spanned<Option<SystemTime>>> {
        let DeValue::Datetime(written) = self.value.get_ref() else { return None };
        Some(Spanned::new(moment(written), self.span()))
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
        let is_quoted = expected == "a date" && self.value.get_ref().is_str();
        let diagnostic = if is_quoted {
            diagnostic.help("write it without quotes, as in `2027-11-01`")
        } else {
            diagnostic
        };
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

/// The last moment that four digits of a year can write.
const LAST: Duration = Duration::from_secs(253_402_300_799);

fn moment(written: &Datetime) -> Option<SystemTime> {
    let minutes = match (written.time, written.offset) {
        (None, None) | (Some(_), Some(Offset::Z)) => 0,
        (Some(_), Some(Offset::Custom { minutes })) => minutes,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let (date, time) = (written.date?, written.time);
    let (hour, minute) = time.map_or((0, 0), |time| (time.hour, time.minute));
    let second = time.and_then(|time| time.second).unwrap_or_default();
    let is_whole = time.and_then(|time| time.nanosecond).unwrap_or_default() == 0;
    // Headers have whole seconds, and no clock of a system shows a leap second.
    if !is_whole || second > 59 {
        return None;
    }
    let local = parse_rfc3339(&format!("{date}T{hour:02}:{minute:02}:{second:02}Z"))?;
    // What the clocks of that place show is later than UTC by the offset.
    let offset = Duration::from_mins(minutes.unsigned_abs().into());
    let moment = if minutes < 0 { local.checked_add(offset) } else { local.checked_sub(offset) };
    moment.filter(|moment| moment.duration_since(UNIX_EPOCH).is_ok_and(|since| since <= LAST))
}

fn small(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::rfc3339;

    fn told(text: &str) -> Option<String> {
        moment(&text.parse().unwrap()).map(rfc3339)
    }

    #[test]
    fn a_date_is_the_moment_it_begins_in_utc() {
        assert_eq!(told("2027-02-28").as_deref(), Some("2027-02-28T00:00:00Z"));
    }

    #[test]
    fn an_offset_is_taken_away() {
        // RFC 3339, section 5.8: both are one moment.
        for text in ["1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z", "1996-12-20 02:09:57+01:30"] {
            assert_eq!(told(text).as_deref(), Some("1996-12-20T00:39:57Z"), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_whole_second_that_clocks_show() {
        assert_eq!(told("2027-02-28T09:00:00.0Z").as_deref(), Some("2027-02-28T09:00:00Z"));
        for text in ["2027-02-28T09:00:00.9Z", "2027-02-28T23:59:60Z"] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_that_is_another_one_in_every_place_is_no_moment() {
        for text in ["2027-02-28T10:00:00", "10:00:00", "1969-12-31", "9999-12-31T23:59:59-01:00"] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}

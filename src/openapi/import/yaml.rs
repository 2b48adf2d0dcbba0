//! YAML 1.2 as a JSON tree, by the core schema, as far as JSON can say it.
//!
//! The parser gives one event after the other; the tree is put together here, where it can be bounded. What an alias
//! repeats is counted like what is written out, values and letters alike, so that a few lines cannot stand for a billion of
//! either.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

use super::read::{BYTES_MAX, DEPTH_MAX, NODES_MAX, ReadError};

/// Reads the one document of a text.
pub(super) fn read(text: &str) -> Result<Value, ReadError> {
    let mut composer = Composer::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = error.marker();
            ReadError::Yaml { what: error.info().to_owned(), line: at.line(), column: at.col() + 1 }
        })?;
        let end = matches!(event, Event::StreamEnd);
        composer.event(event).map_err(|what| wrong(&what, span))?;
        if end {
            break;
        }
    }
    let root = composer.root;
    root.ok_or_else(|| ReadError::Yaml { what: "there is nothing in it".to_owned(), line: 1, column: 1 })
}

fn wrong(what: &str, span: Span) -> ReadError {
    ReadError::Yaml { what: what.to_owned(), line: span.start.line(), column: span.start.col() + 1 }
}

/// The tree so far.
#[derive(Default)]
struct Composer {
    root: Option<Value>,
    documents: usize,
    /// What is open, outermost first.
    open: Vec<Open>,
    /// What aliases may repeat, and how much each is.
    anchors: HashMap<usize, (Value, Size)>,
    /// How much there is.
    size: Size,
}

/// How much a part of the tree takes.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Its values.
    nodes: usize,
    /// The bytes of its texts and names.
    bytes: usize,
}

/// A collection that has not ended yet.
struct Open {
    anchor: usize,
    /// How much there was when it began.
    before: Size,
    holds: Holds,
}

enum Holds {
    List(Vec<Value>),
    /// Its members, and the name that waits for its value.
    Members(Map<String, Value>, Option<String>),
}

impl Composer {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 { Err("there are several documents in it".to_owned()) } else { Ok(()) }
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor);
                let (value, size) = known.ok_or("an alias names what has not ended yet")?;
                self.size.add(*size)?;
                let value = value.clone();
                if self.waits_for_name() {
                    return Err("an alias stands where a name belongs".to_owned());
                }
                self.place(value)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let size = Size { nodes: 1, bytes: text.len() };
                self.size.add(size)?;
                if self.waits_for_name() {
                    return self.name(text.into_owned(), style);
                }
                let value = scalar(&text, style, tag.as_deref())?;
                if anchor > 0 {
                    self.keep(anchor, &value, size)?;
                }
                self.place(value)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(anchor, tag.as_deref(), "seq", Holds::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(anchor, tag.as_deref(), "map", Holds::Members(Map::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    /// Keeps a value for aliases. It is a copy besides the value itself, and is memory too.
    fn keep(&mut self, anchor: usize, value: &Value, size: Size) -> Result<(), String> {
        self.size.add(size)?;
        self.anchors.insert(anchor, (value.clone(), size));
        Ok(())
    }

    fn waits_for_name(&self) -> bool {
        matches!(self.open.last(), Some(Open { holds: Holds::Members(_, None), .. }))
    }

    fn name(&mut self, text: String, style: ScalarStyle) -> Result<(), String> {
        if style == ScalarStyle::Plain && text == "<<" {
            return Err("`<<` merges in YAML 1.1 only; write the members out".to_owned());
        }
        let Some(Open { holds: Holds::Members(members, name), .. }) = self.open.last_mut() else {
            return Err("a name stands outside of a mapping".to_owned());
        };
        if members.contains_key(&text) {
            return Err("a name comes twice in one mapping".to_owned());
        }
        *name = Some(text);
        Ok(())
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, sort: &str, holds: Holds) -> Result<(), String> {
        let before = self.size;
        self.size.add(Size { nodes: 1, bytes: 0 })?;
        if self.waits_for_name() {
            return Err("a collection stands where a name belongs".to_owned());
        }
        if tag.is_some_and(|tag| !(tag.is_yaml_core_schema() && tag.suffix == sort)) {
            return Err(TAG.to_owned());
        }
        if self.open.len() >= usize::from(DEPTH_MAX) {
            return Err(format!("it goes deeper than {DEPTH_MAX} levels"));
        }
        self.open.push(Open { anchor, before, holds });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let ended = self.open.pop().ok_or("a collection ends that never began")?;
        let value = match ended.holds {
            Holds::List(elements) => Value::Array(elements),
            Holds::Members(members, _) => Value::Object(members),
        };
        if ended.anchor > 0 {
            let Size { nodes, bytes } = self.size;
            let size = Size { nodes: nodes - ended.before.nodes, bytes: bytes - ended.before.bytes };
            self.keep(ended.anchor, &value, size)?;
        }
        self.place(value)
    }

    fn place(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut().map(|open| &mut open.holds) {
            None => self.root = Some(value),
            Some(Holds::List(elements)) => elements.push(value),
            Some(Holds::Members(members, name)) => {
                let name = name.take().ok_or("a value stands where a name belongs")?;
                members.insert(name, value);
            }
        }
        Ok(())
    }
}

impl Size {
    /// Adds so much to it, if there may be so much.
    fn add(&mut self, more: Size) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(more.nodes);
        self.bytes = self.bytes.saturating_add(more.bytes);
        if self.nodes > NODES_MAX {
            return Err(TOO_MANY.to_owned());
        }
        if self.bytes > TEXTS_MAX { Err(TOO_LONG.to_owned()) } else { Ok(()) }
    }
}

/// How many bytes all texts and names may have, with what aliases repeat and what is kept for them.
const TEXTS_MAX: usize = 2 * BYTES_MAX;

const TOO_MANY: &str = "it has more values than any document we know of";
const TOO_LONG: &str = "its aliases repeat more text than any document has";
const TAG: &str = "a tag of its own says what a value is";

/// A scalar by the core schema (YAML 1.2.2, section 10.3.2).
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    if let Some(tag) = tag {
        return match tag.suffix.as_str() {
            "str" if tag.is_yaml_core_schema() => Ok(Value::from(text)),
            "null" | "bool" | "int" | "float" if tag.is_yaml_core_schema() => plain(text),
            _ => Err(TAG.to_owned()),
        };
    }
    if style == ScalarStyle::Plain { plain(text) } else { Ok(Value::from(text)) }
}

fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        let digits = text.strip_prefix(prefix).filter(|digits| digits.chars().all(|c| c.is_digit(radix)));
        if let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, radix).ok()) {
            return Ok(Value::from(number));
        }
    }
    let unsigned = text.trim_start_matches(['-', '+']);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err("a number is infinite, or none at all".to_owned());
    }
    Ok(number(text).map_or_else(|| Value::from(text), Value::Number))
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, in the spelling of JSON.
fn number(text: &str) -> Option<Number> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(a, b)| (a, Some(b)));
    let digits = whole.len() + fraction.map_or(0, str::len);
    if digits == 0 || !is_digits(whole) || !fraction.is_none_or(is_digits) {
        return None;
    }
    let mut spelt = String::new();
    if mantissa.starts_with('-') {
        spelt.push('-');
    }
    let whole = whole.trim_start_matches('0');
    spelt.push_str(if whole.is_empty() { "0" } else { whole });
    if let Some(fraction) = fraction.filter(|fraction| !fraction.is_empty()) {
        spelt.push('.');
        spelt.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !is_digits(digits) {
            return None;
        }
        spelt.push('e');
        spelt.push_str(exponent);
    }
    spelt.parse().ok()
}

#[cfg(test)]
mod tests;

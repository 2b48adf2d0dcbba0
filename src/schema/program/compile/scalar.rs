//! Keywords about strings, numbers and single values.

use super::super::format::Format;
use super::super::number::{NumberRules, Range};
use super::super::pattern::Pattern;
use super::super::text::TextRules;
use super::super::{Kinds, Node, Part};
use super::{Compiler, Schema, bound, has};
use crate::json::{Kind, Value};
use crate::schema::keywords::listed;

pub(super) const KEYWORDS: &[&str] = &[
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
];

const TEXT: &[&str] = &["format", "maxLength", "minLength", "pattern"];
const RANGE: &[&str] = &["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"];

/// What an `enum` lists, if comparing is plain.
#[derive(Default)]
struct Listed {
    words: Vec<Box<str>>,
    integers: Vec<i64>,
}

impl<'a> Compiler<'a> {
    /// Adds the rules for strings and numbers, and for what must be one of several values.
    pub(super) fn scalars(
        &mut self,
        schema: Schema<'a>,
        node: &mut Node,
        parts: &mut Vec<Part>,
    ) -> Option<()> {
        let mut list = None;
        for keyword in ["enum", "const"] {
            let Some(value) = schema.keyword(keyword) else { continue };
            let values: Vec<_> = if keyword == "enum" { value.elements().collect() } else { vec![value] };
            match plain(&values) {
                Some((kinds, values)) if list.is_none() => {
                    node.kinds = node.kinds.both(kinds);
                    list = Some(values);
                }
                Some(_) | None => parts.push(Part::Ask(self.ask(schema, &[keyword]))),
            }
        }
        let (words, integers) = list.map(|list| (list.words, list.integers)).unzip();
        if words.is_some() || has(schema, TEXT) {
            node.text = Some(Box::new(TextRules {
                words: words.map(Vec::into_boxed_slice),
                least: bound(schema, "minLength", 0)?,
                most: bound(schema, "maxLength", usize::MAX)?,
                pattern: match schema.keyword("pattern") {
                    Some(pattern) => Some(self.pattern(schema, pattern)?),
                    None => None,
                },
                format: match schema.keyword("format") {
                    Some(name) => Some(Format::of(&name.as_str()?, self.ask(schema, &["format"]))),
                    None => None,
                },
            }));
        }
        if integers.is_some() || has(schema, RANGE) {
            let among = integers.map(Vec::into_boxed_slice);
            node.number = Some(Box::new(NumberRules { among, range: self.range(schema) }));
        }
        Some(())
    }

    fn pattern(&mut self, schema: Schema<'a>, value: Value<'a>) -> Option<Pattern> {
        Some(Pattern::of(&value.as_str()?, || self.ask(schema, &["pattern"])))
    }

    fn range(&mut self, schema: Schema<'a>) -> Option<Range> {
        if !has(schema, RANGE) {
            return None;
        }
        // A bound that is no plain integer makes every number the library's to judge.
        let mut is_exact = schema.keyword("multipleOf").is_none();
        let mut limit = |keyword: &str, without: i64, step: i64| {
            let Some(value) = schema.keyword(keyword) else { return without };
            let limit = value.as_i64().and_then(|limit| limit.checked_add(step));
            is_exact &= limit.is_some();
            limit.unwrap_or(without)
        };
        let least = limit("minimum", i64::MIN, 0).max(limit("exclusiveMinimum", i64::MIN, 1));
        let most = limit("maximum", i64::MAX, 0).min(limit("exclusiveMaximum", i64::MAX, -1));
        Some(Range { least, most, is_exact, ask: self.ask(schema, RANGE) })
    }
}

/// The kinds that the names of types stand for.
pub(super) fn kinds(types: Value<'_>) -> Option<Kinds> {
    listed(types).try_fold(Kinds::NONE, |kinds, name| {
        Some(match name.as_str()?.as_ref() {
            "null" => kinds.with(Kind::Null),
            "boolean" => kinds.with(Kind::False).with(Kind::True),
            "integer" => kinds.with(Kind::Integer),
            "number" => kinds.with(Kind::Integer).with(Kind::Number),
            "string" => kinds.with(Kind::String),
            "array" => kinds.with(Kind::Array),
            "object" => kinds.with(Kind::Object),
            _ => return None,
        })
    })
}

/// The kinds that occur among values, and the strings and integers; none if something else is to be compared.
fn plain(values: &[Value<'_>]) -> Option<(Kinds, Listed)> {
    let (mut kinds, mut listed) = (Kinds::NONE, Listed::default());
    for value in values {
        kinds = kinds.with(value.kind());
        match value.kind() {
            Kind::Null | Kind::False | Kind::True => {}
            Kind::Integer => listed.integers.push(value.as_i64()?),
            Kind::String => listed.words.push(value.as_str()?.into()),
            Kind::Number | Kind::Array | Kind::Object => return None,
        }
    }
    Some((kinds, listed))
}

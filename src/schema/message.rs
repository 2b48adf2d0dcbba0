//! What is said about a violation: a lowercase fragment that names what was expected, never what was sent.

use std::collections::HashSet;

use jsonschema::JsonType;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Value as Tree, json};

use super::constant;

/// Of long lists of allowed values only so many are said.
const OPTIONS_SHOWN: usize = 12;

/// Up to so many allowed values are compared with each other, one by one.
const OPTIONS_COMPARED_MAX: usize = 16;

/// A violated keyword, put into words.
pub(super) struct Description {
    pub(super) keyword: &'static str,
    pub(super) message: String,
    /// What the keyword asks for, when it is a value of the schema.
    pub(super) limit: Option<Tree>,
}

/// Puts a violation into words. Kinds that concern a child of the value are worded for the child.
pub(super) fn describe(kind: &ValidationErrorKind) -> Description {
    use ValidationErrorKind as Is;
    let (keyword, message, limit) = match kind {
        Is::AdditionalItems { limit } => ("items", at_most(*limit as u64, "item"), Some(json!(limit))),
        Is::AdditionalProperties { .. } => ("additionalProperties", "is not a known property".into(), None),
        Is::AnyOf { .. } => ("anyOf", "has none of the allowed forms".into(), None),
        Is::Constant { expected_value } => return constant(expected_value),
        Is::Contains => ("contains", "must hold a fitting item".into(), None),
        Is::ContentEncoding { content_encoding: name } => {
            ("contentEncoding", format!("must be encoded as `{name}`"), Some(json!(name)))
        }
        Is::ContentMediaType { content_media_type: name } => {
            ("contentMediaType", format!("must be of the media type `{name}`"), Some(json!(name)))
        }
        Is::Custom { keyword, message } if keyword == constant::NAME => {
            return constant(&constant::expected(message));
        }
        Is::Enum { options } => return options_of(options),
        Is::ExclusiveMaximum { limit } => {
            ("exclusiveMaximum", format!("must be less than {limit}"), Some(limit.clone()))
        }
        Is::ExclusiveMinimum { limit } => {
            ("exclusiveMinimum", format!("must be greater than {limit}"), Some(limit.clone()))
        }
        Is::FalseSchema => ("false", "is not allowed here".into(), None),
        Is::Format { format } => ("format", of_format(format), Some(json!(format))),
        Is::FromUtf8 { .. } => ("contentEncoding", "must encode UTF-8".into(), None),
        Is::MaxItems { limit } => ("maxItems", at_most(*limit, "item"), Some(json!(limit))),
        Is::Maximum { limit } => ("maximum", format!("must be at most {limit}"), Some(limit.clone())),
        Is::MaxLength { limit } => {
            ("maxLength", format!("must be at most {} long", count(*limit, "character")), Some(json!(limit)))
        }
        Is::MaxProperties { limit } => ("maxProperties", at_most(*limit, "member"), Some(json!(limit))),
        Is::MinItems { limit } => ("minItems", at_least(*limit, "item"), Some(json!(limit))),
        Is::Minimum { limit } => ("minimum", format!("must be at least {limit}"), Some(limit.clone())),
        Is::MinLength { limit: 1 } => ("minLength", "must not be empty".into(), Some(json!(1))),
        Is::MinLength { limit } => {
            ("minLength", format!("must be at least {} long", count(*limit, "character")), Some(json!(limit)))
        }
        Is::MinProperties { limit } => ("minProperties", at_least(*limit, "member"), Some(json!(limit))),
        Is::MultipleOf { multiple_of: factor } => {
            ("multipleOf", format!("must be a multiple of {factor}"), Some(factor.clone()))
        }
        Is::Not { .. } => ("not", "is of a form that is ruled out".into(), None),
        Is::OneOfMultipleValid { .. } => ("oneOf", "mixes forms that exclude each other".into(), None),
        Is::OneOfNotValid { .. } => ("oneOf", "has none of the allowed forms".into(), None),
        Is::Pattern { pattern } => {
            ("pattern", format!("must match the pattern `{pattern}`"), Some(json!(pattern)))
        }
        Is::PropertyNames { .. } => ("propertyNames", "has a name that is not allowed".into(), None),
        Is::Required { .. } => ("required", "is required".into(), None),
        Is::Type { kind } => return of_types(&types(kind)),
        Is::UnevaluatedItems { .. } => ("unevaluatedItems", "holds items that are not known".into(), None),
        Is::UnevaluatedProperties { .. } => ("unevaluatedProperties", "is not a known property".into(), None),
        Is::UniqueItems => ("uniqueItems", "must not hold the same item twice".into(), None),
        // A pattern the engine gave up on, or a reference that was there when the schema was compiled.
        Is::BacktrackLimitExceeded { .. }
        | Is::RegexEngineFailure { .. }
        | Is::Referencing(_)
        | Is::Custom { .. } => ("$ref", "could not be checked".into(), None),
    };
    Description { keyword, message, limit }
}

/// ``must be `2` ``
fn constant(expected: &Tree) -> Description {
    let message = format!("must be {}", shown(expected));
    Description { keyword: "const", message, limit: Some(expected.clone()) }
}

/// `must be a string or null`
pub(super) fn of_types(types: &[JsonType]) -> Description {
    let mut named: Vec<_> = types.iter().map(|kind| with_article(*kind)).collect();
    named.sort_by_key(|name| *name == "null");
    let limit: Vec<_> = types.iter().map(ToString::to_string).collect();
    let message = format!("must be {}", listed(&named));
    Description { keyword: "type", message, limit: Some(json!(limit)) }
}

/// The types a `type` keyword allows.
pub(super) fn types(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(kind) => vec![*kind],
        TypeKind::Multiple(kinds) => kinds.iter().collect(),
    }
}

/// ``must be one of `owner`, `manager` ``
pub(super) fn options_of(options: &Tree) -> Description {
    let every = options.as_array().map_or(&[][..], Vec::as_slice);
    let mut all: Vec<String> = Vec::with_capacity(every.len());
    let mut seen = HashSet::new();
    for option in every.iter().map(shown) {
        // `0` and `"0"` look alike to a person. A few are compared one by one, at less than a table costs.
        let is_new = if every.len() <= OPTIONS_COMPARED_MAX {
            !all.contains(&option)
        } else {
            seen.insert(option.clone())
        };
        if is_new {
            all.push(option);
        }
    }
    let first = all[..all.len().min(OPTIONS_SHOWN)].join(", ");
    let message = match all.as_slice() {
        [only] => format!("must be {only}"),
        _ if all.len() > OPTIONS_SHOWN => {
            format!("must be one of {first} and {} more", all.len() - OPTIONS_SHOWN)
        }
        _ => format!("must be one of {first}"),
    };
    Description { keyword: "enum", message, limit: Some(options.clone()) }
}

fn of_format(format: &str) -> String {
    let expected = match format {
        "date" => "a date as in `2026-01-31`",
        "date-time" => "a date and time as in `2026-01-31T23:59:59Z`",
        "email" => "an email address",
        "hostname" => "a host name",
        "ipv4" => "an IPv4 address",
        "ipv6" => "an IPv6 address",
        "time" => "a time as in `23:59:59Z`",
        "uri" => "a URI",
        "uuid" => "a UUID",
        other => return format!("must match the format `{other}`"),
    };
    format!("must be {expected}")
}

/// A value of the schema in backticks, strings without their quotes.
fn shown(value: &Tree) -> String {
    value.as_str().map_or_else(|| format!("`{value}`"), |text| ["`", text, "`"].concat())
}

fn with_article(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

fn at_most(number: u64, noun: &str) -> String {
    format!("must hold at most {}", count(number, noun))
}

fn at_least(number: u64, noun: &str) -> String {
    if number == 1 {
        "must not be empty".into()
    } else {
        format!("must hold at least {}", count(number, noun))
    }
}

/// `1 item`, `2 items`
fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `a`, `a or b`, `a, b or c`
fn listed(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

//! What a value violates, where, and in which order to say it.
//!
//! The library reports a missing member at the object that lacks it and a failed `oneOf` at the whole
//! value. Whoever sent the value needs to know about the member, and about the alternative they probably
//! meant; this module turns the one into the other.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;
use serde_json::Value as Tree;

use super::closest::{Closest, Why, closest};
use super::message::{Description, describe};
use crate::json::{Kind, Value};
use crate::problem::{self, Place, Segment, place};

/// One failed keyword: where in the value, and what was expected there.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The way to the value that is wrong. A missing member's way ends with its name.
    pub path: Vec<Segment>,
    /// The keyword that failed.
    pub keyword: &'static str,
    /// What was expected, such as `is required`. Holds nothing of what was sent.
    pub message: String,
    /// What the keyword asks for, when it is a value of the schema: a length, the allowed values, a format.
    pub limit: Option<Tree>,
    /// Which of several forms it keeps the value from, the outermost first, each as a sentence. Only told by
    /// [`Schema::every_violation`](super::Schema::every_violation).
    pub forms: Vec<String>,
}

/// What an alternative of an error is called, by its number.
pub(super) type Naming<'n> = &'n dyn Fn(&ValidationError<'_>, usize) -> Option<String>;

impl Violation {
    /// What is said where nobody can say what is wrong.
    pub(super) fn of_the_whole() -> Violation {
        let message = "does not satisfy its schema".to_owned();
        Violation { path: Vec::new(), keyword: "schema", message, limit: None, forms: Vec::new() }
    }

    /// The path as a JSON Pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        place::pointer(&self.path)
    }

    /// The value of `root` that the path leads to; for a missing member, the object that lacks it.
    pub(super) fn nearest<'a>(&self, root: Value<'a>) -> Value<'a> {
        let deepest = self.path.iter().try_fold(root, |value, segment| step(value, segment).ok_or(value));
        deepest.unwrap_or_else(|object| object)
    }
}

impl From<Violation> for problem::Violation {
    fn from(violation: Violation) -> problem::Violation {
        problem::Violation {
            place: Place::body(violation.path),
            kind: violation.keyword.into(),
            message: violation.message,
        }
    }
}

/// Turns the library's errors about `root` into violations, in the order of the document. Stops looking at
/// `most`: one error alone may tell of as many members as a client cares to send.
pub(super) fn from_errors<'e>(
    errors: impl IntoIterator<Item = ValidationError<'e>>,
    root: Value<'_>,
    most: usize,
    naming: Option<Naming<'_>>,
) -> Vec<Violation> {
    let mut search = Search { root, most, naming, forms: Vec::new(), found: Vec::new() };
    errors.into_iter().for_each(|error| search.expand(&error));
    let mut found = search.found;
    if found.len() < 2 {
        return found;
    }
    found.sort_by_cached_key(|violation| {
        let Violation { path, keyword, message, .. } = violation;
        (violation.nearest(root).offset(), path.clone(), *keyword, message.clone())
    });
    found.dedup();
    found
}

struct Search<'r> {
    root: Value<'r>,
    most: usize,
    naming: Option<Naming<'r>>,
    /// The forms under way.
    forms: Vec<String>,
    found: Vec<Violation>,
}

impl Search<'_> {
    /// Adds what the error says; one error may concern several members.
    fn expand(&mut self, error: &ValidationError<'_>) {
        use ValidationErrorKind as Is;
        match error.kind() {
            Is::AdditionalProperties { unexpected } | Is::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    self.add(error, Some(name), describe(error.kind()));
                }
            }
            Is::AnyOf { context } | Is::OneOfNotValid { context } => self.expand_alternatives(error, context),
            Is::PropertyNames { error: inner } => {
                let Description { message, limit, .. } = describe(inner.kind());
                let message = format!("has a name that {message}");
                let description = Description { keyword: "propertyNames", message, limit };
                self.add(error, inner.instance().as_str(), description);
            }
            Is::Required { property } => self.add(error, property.as_str(), describe(error.kind())),
            kind => self.add(error, None, describe(kind)),
        }
    }

    fn expand_alternatives(
        &mut self,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'static>>],
    ) {
        match closest(branches, error.instance_path()) {
            Closest::Merged(description) => self.add(error, None, description),
            Closest::Branch { index, why, errors } => {
                let form = self.naming.map(|naming| {
                    let place = place::pointer(&path(error.instance_path(), self.root));
                    form(&place, (index, branches.len()), naming(error, index), why)
                });
                let depth = self.forms.len();
                self.forms.extend(form);
                for error in errors {
                    self.expand(error);
                }
                self.forms.truncate(depth);
            }
            Closest::Nothing => self.add(error, None, describe(error.kind())),
        }
    }

    /// Adds a violation at the error's place, or at a child of it.
    fn add(&mut self, error: &ValidationError<'_>, child: Option<&str>, description: Description) {
        if self.found.len() >= self.most {
            return;
        }
        let mut path = path(error.instance_path(), self.root);
        path.extend(child.map(|name| Segment::Name(name.to_owned())));
        let Description { keyword, message, limit } = description;
        let forms = self.forms.clone();
        self.found.push(Violation { path, keyword, message, limit, forms });
    }
}

/// Says which form was taken as the closest, and why.
fn form(place: &str, (index, of): (usize, usize), name: Option<String>, why: Why) -> String {
    let subject = if place.is_empty() { "it".to_owned() } else { format!("`{place}`") };
    let name = name.map_or_else(String::new, |name| format!(" (`{name}`)"));
    let number = index + 1;
    let why = match why {
        Why::Constants => "the values that tell the forms apart are its own",
        Why::Depth => "it matches farthest into the value",
        Why::First => "others come as close, and it is the first",
        Why::Number => "it is broken the fewest times",
        Why::Type => "it is the only one for a value of this type",
    };
    format!("of the {of} forms that {subject} may have, number {number}{name} is the closest: {why}")
}

/// The library's path as segments. Its text does not tell the element `0` from the member `0`; the document
/// does.
fn path(location: &Location, root: Value<'_>) -> Vec<Segment> {
    let mut at = Some(root);
    let segments = location.segments().map(|segment| {
        let segment = match (at.map(Value::kind), segment.to_string()) {
            (Some(Kind::Array), index) => Segment::Index(index.parse().unwrap_or_default()),
            (_, name) => Segment::Name(name),
        };
        at = at.and_then(|value| step(value, &segment));
        segment
    });
    segments.collect()
}

fn step<'a>(value: Value<'a>, segment: &Segment) -> Option<Value<'a>> {
    match segment {
        Segment::Name(name) => value.member(name),
        Segment::Index(index) => value.elements().nth(*index),
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{document, schema};
    use crate::problem::Segment;

    /// Pointer and message of each violation.
    fn said(schema_text: &str, text: &str) -> Vec<(String, String)> {
        let violations = schema(schema_text).violations(document(text).root(), usize::MAX);
        violations.into_iter().map(|violation| (violation.pointer(), violation.message)).collect()
    }

    fn only(schema_text: &str, text: &str) -> (String, String) {
        let mut all = said(schema_text, text);
        assert_eq!(all.len(), 1, "{schema_text} on {text}: {all:?}");
        all.remove(0)
    }

    fn pair(pointer: &str, message: &str) -> (String, String) {
        (pointer.to_owned(), message.to_owned())
    }

    #[test]
    fn every_keyword_says_what_it_asks_for() {
        for (schema, text, message) in [
            (r#"{"type":"string"}"#, "1", "must be a string"),
            (r#"{"type":["integer","null"]}"#, "\"1\"", "must be an integer or null"),
            (r#"{"type":"integer"}"#, "2.0", "must be an integer"),
            (
                r#"{"enum":["owner","manager",null,3]}"#,
                "\"boss\"",
                "must be one of `owner`, `manager`, `null`, `3`",
            ),
            (r#"{"enum":["only"]}"#, "\"other\"", "must be `only`"),
            (
                r#"{"enum":[1,2,3,4,5,6,7,8,9,10,11,12,13,14]}"#,
                "0",
                "must be one of `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, `9`, `10`, `11`, `12` and 2 more",
            ),
            (r#"{"const":"a"}"#, "\"b\"", "must be `a`"),
            (r#"{"const":{"a":[1]}}"#, "1", "must be `{\"a\":[1]}`"),
            (r#"{"minLength":1}"#, "\"\"", "must not be empty"),
            (r#"{"minLength":3}"#, "\"éé\"", "must be at least 3 characters long"),
            (r#"{"maxLength":1}"#, "\"ab\"", "must be at most 1 character long"),
            (r#"{"pattern":"^a+$"}"#, "\"b\"", "must match the pattern `^a+$`"),
            (r#"{"format":"email"}"#, "\"a@b\"", "must be an email address"),
            (r#"{"format":"uuid"}"#, "\"x\"", "must be a UUID"),
            (r#"{"format":"date-time"}"#, "\"x\"", "must be a date and time as in `2026-01-31T23:59:59Z`"),
            (r#"{"format":"json-pointer"}"#, "\"x\"", "must match the format `json-pointer`"),
            (r#"{"minimum":1}"#, "0", "must be at least 1"),
            (r#"{"maximum":1.5}"#, "2", "must be at most 1.5"),
            (r#"{"exclusiveMinimum":0}"#, "0", "must be greater than 0"),
            (r#"{"exclusiveMaximum":0}"#, "0", "must be less than 0"),
            (r#"{"multipleOf":5}"#, "7", "must be a multiple of 5"),
            (r#"{"minItems":1}"#, "[]", "must not be empty"),
            (r#"{"maxItems":1}"#, "[1,2]", "must hold at most 1 item"),
            (r#"{"uniqueItems":true}"#, "[1,1]", "must not hold the same item twice"),
            (r#"{"contains":{"const":1}}"#, "[2]", "must hold a fitting item"),
            (r#"{"minProperties":2}"#, r#"{"a":1}"#, "must hold at least 2 members"),
            (r#"{"maxProperties":0}"#, r#"{"a":1}"#, "must hold at most 0 members"),
            (r#"{"not":{"type":"null"}}"#, "null", "is of a form that is ruled out"),
            ("false", "1", "is not allowed here"),
        ] {
            assert_eq!(only(schema, text), pair("", message), "{schema}");
        }
    }

    #[test]
    fn missing_and_unknown_members_are_pointed_at_themselves() {
        let schema = r#"{"type":"object","properties":{"a":{},"b":{}},"required":["a","b"],"additionalProperties":false}"#;
        assert_eq!(
            said(schema, r#"{"x/y":1,"a":1,"z":2}"#),
            [
                pair("/b", "is required"),
                pair("/x~1y", "is not a known property"),
                pair("/z", "is not a known property")
            ]
        );
    }

    #[test]
    fn names_that_are_not_allowed_are_pointed_at() {
        let schema = r#"{"propertyNames":{"maxLength":2}}"#;
        assert_eq!(
            only(schema, r#"{"ab":1,"abc":2}"#),
            pair("/abc", "has a name that must be at most 2 characters long")
        );
    }

    #[test]
    fn violations_come_in_the_order_of_the_document() {
        let schema = r#"{"properties":{"a":{"type":"string"},"b":{"items":{"type":"string"}},"0":{"type":"string"},"c":{}},"required":["c"]}"#;
        let pointers: Vec<_> =
            said(schema, r#"{"0":1,"b":["x",2,3],"a":4}"#).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/c", "/0", "/b/1", "/b/2", "/a"]);
    }

    #[test]
    fn a_member_named_like_a_number_is_no_element() {
        let schema = schema(r#"{"properties":{"0":{"items":{"type":"string"}}}}"#);
        let violations = schema.violations(document(r#"{"0":[1]}"#).root(), 5);
        assert_eq!(violations[0].path, [Segment::Name("0".to_owned()), Segment::Index(0)]);
    }

    #[test]
    fn alternatives_of_other_types_are_not_spoken_of() {
        let nullable = r#"{"oneOf":[{"type":"null"},{"type":"string","maxLength":2}]}"#;
        assert_eq!(only(nullable, "\"abc\""), pair("", "must be at most 2 characters long"));
        assert_eq!(only(nullable, "1"), pair("", "must be a string or null"));
    }

    #[test]
    fn alternatives_that_list_values_are_said_together() {
        let roles = r#"{"anyOf":[{"const":"owner"},{"enum":["member","guest"]},{"type":"null"}]}"#;
        assert_eq!(only(roles, "\"boss\""), pair("", "must be one of `owner`, `member`, `guest`, `null`"));
    }

    #[test]
    fn the_alternative_whose_constant_matches_is_the_closest() {
        let schema = r#"{"oneOf":[
            {"properties":{"kind":{"const":"link"},"url":{"type":"string"}},"required":["kind","url"],"additionalProperties":false},
            {"properties":{"kind":{"const":"mail"},"to":{"type":"array","items":{"type":"string"}}},"required":["kind","to"],"additionalProperties":false}
        ]}"#;
        assert_eq!(only(schema, r#"{"kind":"mail","to":[1]}"#), pair("/to/0", "must be a string"));
        assert_eq!(
            said(schema, r#"{"kind":"link","to":[]}"#),
            [pair("/url", "is required"), pair("/to", "is not a known property")]
        );
    }

    #[test]
    fn a_value_that_matches_too_many_alternatives_is_told_so() {
        let schema = r#"{"oneOf":[{"type":"integer"},{"minimum":0}]}"#;
        assert_eq!(only(schema, "1"), pair("", "mixes forms that exclude each other"));
    }

    #[test]
    fn limits_come_with_the_violation_and_what_was_sent_does_not() {
        let schema = schema(
            r#"{"properties":{"token":{"type":"string","maxLength":3}},"additionalProperties":false}"#,
        );
        let violations = schema.violations(document(r#"{"token":"s3cret"}"#).root(), 5);
        assert_eq!(violations[0].keyword, "maxLength");
        assert_eq!(violations[0].limit, Some(3.into()));
        assert!(!format!("{violations:?}").contains("s3cret"));
    }
}

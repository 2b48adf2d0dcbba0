//! Which checks schemas are compiled into: the one draft, the formats, the sort of regular expression.

use std::sync::Arc;

use jsonschema::{
    Draft, EmailOptions, PatternOptions, Retrieve, ValidationError, ValidationOptions, Validator,
};
use serde_json::{Value as Tree, json};

use super::constant;
use super::tape::Tape;
use crate::canonical::id::IdForm;

type Options<'r> = ValidationOptions<'r, Arc<dyn Retrieve>, Tape>;

/// The formats a schema may ask for; each is checked.
pub(super) const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// The options every schema is compiled with.
///
/// Formats are asserted, and email addresses are those one can write to: no display name, no address of a
/// machine, a domain with a dot. `uuid` is our codec's, so that schema and codec cannot disagree. Patterns
/// run on the engine whose time is linear, and nothing is ever fetched.
pub(super) fn options<'r>() -> Options<'r> {
    let email = EmailOptions::default().with_required_tld().without_domain_literal().without_display_text();
    jsonschema::options_for::<Tape>()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_email_options(email)
        .with_format("uuid", |text: &str| IdForm::Uuid.read(text).is_ok())
        .with_pattern_options(PatternOptions::regex())
        .with_keyword(constant::NAME, constant::keyword)
        .offline()
}

/// Whether values are checked for that format.
pub fn is_format(name: &str) -> bool {
    FORMATS.contains(&name)
}

/// Whether the engine takes that pattern.
pub fn is_pattern(pattern: &str) -> bool {
    compile(&json!({ "pattern": pattern })).is_ok()
}

pub(super) fn compile(schema: &Tree) -> Result<Validator<Tape>, ValidationError<'static>> {
    options().build(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, Limits};
    use crate::schema::tape::Place;

    fn is_valid(schema: &Tree, value: &str) -> bool {
        let document = Document::parse(json!(value).to_string().into(), &Limits::default()).unwrap();
        compile(schema).unwrap().is_valid(Place::Value(document.root()))
    }

    #[test]
    fn the_listed_formats_are_those_the_library_checks() {
        for format in FORMATS {
            assert!(options().is_known_format(Draft::Draft202012, format), "{format}");
            assert!(!is_valid(&json!({ "format": format }), "[\u{0} %zz"), "{format} is asserted");
        }
        assert!(compile(&json!({"format": "emial"})).is_err(), "unknown formats are refused");
    }

    #[test]
    fn email_addresses_are_those_one_can_write_to() {
        let schema = json!({"format": "email"});
        for address in ["a@b.co", "first.last+tag@sub.example.com"] {
            assert!(is_valid(&schema, address), "{address}");
        }
        for refused in
            ["", "nope", "a@b", "a@[127.0.0.1]", "Name <a@b.example>", "a@b@c.example", "a b@c.example"]
        {
            assert!(!is_valid(&schema, refused), "{refused}");
        }
    }

    #[test]
    fn uuids_have_hyphens_and_nothing_around_them() {
        let schema = json!({"format": "uuid"});
        for uuid in ["3c90c3cc-0d44-4b50-8888-8dd25736052a", "3C90C3CC-0D44-4B50-8888-8DD25736052A"] {
            assert!(is_valid(&schema, uuid), "{uuid}");
        }
        for refused in ["3c90c3cc0d444b5088888dd25736052a", "{3c90c3cc-0d44-4b50-8888-8dd25736052a}"] {
            assert!(!is_valid(&schema, refused), "{refused}");
        }
    }

    #[test]
    fn patterns_that_could_take_for_ever_are_refused() {
        assert!(is_pattern("^(a+)+$"), "linear on this engine");
        for refused in ["(?=a)", "(?<!a)b", r"(a)\1", "(", "[z-a]"] {
            assert!(!is_pattern(refused), "{refused}");
        }
    }
}

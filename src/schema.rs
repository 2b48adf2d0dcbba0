//! Schemas: what a value must look like, and what is wrong with one that does not.
//!
//! A [`Store`] holds the schemas of all dialects and of the canonical form, compiled once. A [`Schema`]
//! answers two questions about a value: quickly whether it is valid, and at leisure what it violates. A
//! [`Shape`] answers questions about all values there could be.
//!
//! This module never fetches anything, and what it says about a value never repeats what was in it.
//!
//! ```
//! use interlingua::diag::Sources;
//! use interlingua::json::{Document, Limits};
//! use interlingua::schema::{SchemaFile, Store};
//!
//! let text = r#"{"type": "object", "properties": {"role": {"enum": ["owner", "member"]}}, "required": ["role"]}"#;
//! let source = Sources::default().add("invite.json", text);
//! let file = SchemaFile { source, folder: "acme".into(), name: "invite".into(), text: text.into() };
//! let (store, diagnostics) = Store::load(vec![file]);
//! assert!(diagnostics.is_empty());
//!
//! let schema = store.schema("acme", "invite").expect("it was just loaded");
//! let document = Document::parse(br#"{"role": "king"}"#.to_vec(), &Limits::default())?;
//! assert!(!schema.is_valid(document.root()));
//! let violations = schema.violations(document.root(), 10);
//! assert_eq!(violations[0].pointer(), "/role");
//! assert_eq!(violations[0].message, "must be one of `owner`, `member`");
//! # Ok::<(), interlingua::json::ReadError>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::{ValidationError, Validator};
use percent_encoding::percent_decode_str;
use serde_json::Value as Tree;

use self::library::{File, Library, Node};
use self::program::Check;
use self::tape::{Place, Tape};
use crate::diag::Span;
use crate::json::Value;
use crate::once;

mod checks;
mod closest;
mod constant;
pub mod instances;
mod keywords;
mod library;
mod lint;
mod message;
mod program;
mod shape;
mod store;
mod tape;
mod types;
mod unique;
mod validator;
mod violation;

pub use checks::{is_format, is_pattern};
pub use shape::Shape;
pub use store::{SchemaFile, Store};
pub use types::{Type, Types};
pub use unique::{is_same_number, write as write_form};
pub use violation::Violation;

/// Values with more nodes than this have only their first violation looked for. Collecting them all costs
/// time in proportion to the violations, and whoever sends a value that large chooses how many there are.
const NODES_SEARCHED_MAX: usize = 1_000;

/// One compiled schema file.
pub struct Schema {
    /// What says what is wrong; made when it is first asked, which of most schemas nobody ever does. To make it takes long, and
    /// nobody waits for whoever does.
    validator: OnceLock<Option<Validator<Tape>>>,
    /// The fast answer, where there is one; the same as the validator's.
    check: Option<Check>,
    /// The files of its folder that were found good, which it may refer to.
    known: Arc<[String]>,
    library: Arc<Library>,
    folder: String,
    name: String,
}

impl Schema {
    /// Whether the value satisfies the schema.
    pub fn is_valid(&self, value: Value<'_>) -> bool {
        match &self.check {
            Some(check) => check.is_valid(value),
            None => self.validator().is_some_and(|validator| validator.is_valid(Place::Value(value))),
        }
    }

    /// What the value violates, at most `most`, in the order of its text; nothing if it is valid.
    ///
    /// Of a value with thousands of parts only one violation is given.
    pub fn violations(&self, value: Value<'_>, most: usize) -> Vec<Violation> {
        if self.is_valid(value) {
            return Vec::new();
        }
        let Some(validator) = self.validator() else { return vec![Violation::of_the_whole()] };
        let place = Place::Value(value);
        if value.nodes() > NODES_SEARCHED_MAX {
            return violation::from_errors(validator.validate(place).err(), value, most.min(1), None);
        }
        let errors = validator.iter_errors(place);
        let mut violations = violation::from_errors(errors, value, usize::MAX, None);
        violations.truncate(most);
        violations
    }

    /// What the value violates, like [`Schema::violations`], however large it is, and which of several forms each
    /// violation is about: for files that people own, not for what strangers send.
    pub fn every_violation(&self, value: Value<'_>, most: usize) -> Vec<Violation> {
        if self.is_valid(value) {
            return Vec::new();
        }
        let Some(validator) = self.validator() else { return vec![Violation::of_the_whole()] };
        let naming = |error: &ValidationError<'_>, index| self.form_name(error, index);
        let errors = validator.iter_errors(Place::Value(value));
        violation::from_errors(errors, value, most, Some(&naming))
    }

    /// None if the library cannot compile what we can: then a value that is wrong is told so and no more.
    fn validator(&self) -> Option<&Validator<Tape>> {
        let make = || validator::of(&self.library, self.file(), &self.known).ok();
        once::made(&self.validator, make).as_ref()
    }

    /// What an alternative of a failed `oneOf` or `anyOf` is called: its title, or the name it is referred to by.
    fn form_name(&self, error: &ValidationError<'_>, index: usize) -> Option<String> {
        let location = error.absolute_keyword_location()?.as_str().strip_prefix("interlingua:/")?.to_owned();
        let (file, pointer) = location.split_once('#')?;
        let (folder, name) = file.strip_suffix(".json")?.split_once('/')?;
        let decoded = |text| percent_decode_str(text).decode_utf8().ok();
        let (folder, name, pointer) = (decoded(folder)?, decoded(name)?, decoded(pointer)?);
        let node = self.library.root(self.library.file(&folder, &name)?);
        let form = node.at(node.schema.pointer(&pointer)?.elements().nth(index)?);
        let title = |node: Node<'_>| node.keyword("title").and_then(Value::as_str).map(Cow::into_owned);
        title(form).or_else(|| form.referent().and_then(title)).or_else(|| {
            let reference = form.keyword("$ref")?.as_str()?;
            let last = reference.rsplit(['/', '#']).next()?;
            Some(last.strip_suffix(".json").unwrap_or(last).to_owned())
        })
    }

    /// The schema as it was written.
    pub fn document(&self) -> &Tree {
        &self.file().tree
    }

    /// What can be known about the schema's values.
    pub fn shape(&self) -> Shape<'_> {
        Shape::of(self.library.root(self.file()))
    }

    /// Where the schema begins.
    pub fn span(&self) -> Span {
        let file = self.file();
        file.span(file.document.root())
    }

    /// The folder the schema lies in.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Its file name without `.json`.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn file(&self) -> &File {
        self.library.file(&self.folder, &self.name).expect("a schema is compiled from a file of its library")
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({}/{})", self.folder, self.name)
    }
}

/// The folder and the name, as people look for the file.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.folder, self.name)
    }
}

/// What the tests of this module's files share.
#[cfg(test)]
mod support {
    use std::sync::Arc;

    use super::{Schema, SchemaFile, Store};
    use crate::diag::{Diagnostic, Sources};
    use crate::json::{Document, Limits};

    pub(super) fn document(text: &str) -> Document {
        Document::parse(text.into(), &Limits::default()).unwrap()
    }

    /// Loads files of one folder, given by name and text.
    pub(super) fn load(files: &[(&str, &str)]) -> (Store, Vec<Diagnostic>, Sources) {
        let mut sources = Sources::default();
        let file = |(name, text): &(&str, &str)| SchemaFile {
            source: sources.add(format!("{name}.json"), *text),
            folder: "acme".to_owned(),
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        let files = files.iter().map(file).collect();
        let (store, diagnostics) = Store::load(files);
        (store, diagnostics, sources)
    }

    /// Loads one file that must be good.
    pub(super) fn schema(text: &str) -> Arc<Schema> {
        let (store, diagnostics, _) = load(&[("only", text)]);
        assert_eq!(diagnostics, [], "{text}");
        Arc::clone(store.schema("acme", "only").unwrap())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::support::{document, schema};
    use super::*;

    #[test]
    fn at_most_as_many_violations_are_given_as_were_asked_for() {
        let schema = schema(r#"{"items":{"type":"string"}}"#);
        let document = document("[1,2,3,4]");
        let count = |most| schema.violations(document.root(), most).len();
        assert_eq!((count(0), count(3), count(10)), (0, 3, 4));
    }

    #[test]
    fn of_an_enormous_value_one_violation_is_given() {
        let schema = schema(r#"{"items":{"type":"string"}}"#);
        let list = document(&format!("[{}0]", "0,".repeat(NODES_SEARCHED_MAX)));
        assert_eq!(schema.violations(list.root(), 10).len(), 1);
        let members: Vec<_> = (0..NODES_SEARCHED_MAX).map(|number| format!(r#""{number}":0"#)).collect();
        let object = document(&format!("{{{}}}", members.join(",")));
        let closed = super::support::schema(r#"{"additionalProperties":false}"#);
        assert_eq!(closed.violations(object.root(), 10).len(), 1);
    }

    #[test]
    fn which_form_was_taken_as_the_closest_is_said() {
        let forms = |text: &str, value: &str| -> Vec<_> {
            let violations = schema(text).every_violation(document(value).root(), 10);
            violations.into_iter().map(|violation| violation.forms).collect()
        };
        let text = r##"{"properties":{"a":{"oneOf":[
            {"title":"A link","properties":{"kind":{"const":"link"},"url":{"type":"string"}},"required":["url"]},
            {"$ref":"#/$defs/mail"},
            {"$ref":"#/$defs/gone"},
            {"type":"string"}
        ]}},"$defs":{"mail":{"properties":{"kind":{"const":"mail"},"to":{"anyOf":[
            {"title":"List","type":"array","items":{"type":"string"}},{"type":"null"}]}}},
            "gone":{"title":"Nothing","maxProperties":0}}}"##;
        let mail = "of the 4 forms that `/a` may have, number 2 (`mail`) is the closest: it matches farthest into the value";
        let list = "of the 2 forms that `/a/to` may have, number 1 (`List`) is the closest: it is the only one for a value of this type";
        assert_eq!(forms(text, r#"{"a":{"kind":"mail","to":[1]}}"#), [[mail, list]]);
        assert_eq!(forms(text, r#"{"a":1}"#), [Vec::<String>::new()]);
    }

    #[test]
    fn every_violation_of_a_large_value_is_given_to_who_asks_for_every_one() {
        let schema = schema(r#"{"items":{"type":"string"}}"#);
        let list = document(&format!("[{}0]", "0,".repeat(NODES_SEARCHED_MAX)));
        assert_eq!(schema.every_violation(list.root(), 20_000).len(), NODES_SEARCHED_MAX + 1);
        assert_eq!(schema.every_violation(list.root(), 20).len(), 20);
    }

    /// Schemas with the keywords our files use, some of them combined.
    fn schemas() -> impl Strategy<Value = Tree> {
        let leaf = prop::sample::select(vec![
            json!(true),
            json!(false),
            json!({"type": "string", "minLength": 2}),
            json!({"type": "integer", "minimum": 0, "maximum": 2}),
            json!({"enum": [0, "a", null]}),
            json!({"const": 1}),
            json!({"type": ["null", "boolean"]}),
            json!({"pattern": "^[ab]+$"}),
            json!({"multipleOf": 0.5}),
        ]);
        leaf.prop_recursive(3, 12, 3, |inner| {
            let pair = prop::collection::vec(inner.clone(), 1..3);
            prop_oneof![
                (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(a, b, open)| json!({
                    "properties": {"a": a, "b": b}, "required": ["a"], "additionalProperties": open,
                })),
                (inner.clone(), 0_u8..3)
                    .prop_map(|(items, min)| json!({"items": items, "minItems": min, "uniqueItems": true})),
                pair.clone().prop_map(|all| json!({ "allOf": all })),
                pair.clone().prop_map(|any| json!({ "anyOf": any })),
                pair.clone().prop_map(|one| json!({ "oneOf": one })),
                inner.clone().prop_map(|not| json!({ "not": not })),
                (inner.clone(), inner.clone())
                    .prop_map(|(condition, then)| json!({"if": condition, "then": then})),
                inner.clone().prop_map(|names| json!({ "propertyNames": names })),
                (inner.clone(), inner)
                    .prop_map(|(all, rest)| json!({"allOf": [all], "unevaluatedProperties": rest})),
            ]
        })
    }

    /// Values that match some of those schemas.
    fn values() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "null",
            "true",
            "0",
            "1",
            "2",
            "2.0",
            "-0",
            "1e0",
            "0.5",
            "\"\"",
            "\"a\"",
            "\"ab\"",
            "\"\\u0061\"",
        ]);
        leaf.prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3)
                    .prop_map(|elements| format!("[{}]", elements.join(","))),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!(r#"{{"a":{a},"b":{b}}}"#)),
                (inner.clone(), inner).prop_map(|(a, c)| format!(r#"{{"c":{c},"\u0061":{a}}}"#)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_valid_exactly_if_it_violates_nothing(schema_tree in schemas(), value in values()) {
            let schema = schema(&schema_tree.to_string());
            let document = document(&value);
            let violations = schema.violations(document.root(), usize::MAX);
            prop_assert_eq!(schema.is_valid(document.root()), violations.is_empty(), "{:?}", violations);
        }

        #[test]
        fn what_the_library_finds_in_a_tree_we_find_on_the_tape(schema_tree in schemas(), value in values()) {
            // Where we are stricter about integers, trees and tapes may differ.
            if ["2.0", "-0", "1e0"].iter().any(|number| value.contains(number)) {
                return Ok(());
            }
            let document = document(&value);
            let theirs = jsonschema::validator_for(&schema_tree).unwrap().is_valid(&document.root().to_value());
            prop_assert_eq!(schema(&schema_tree.to_string()).is_valid(document.root()), theirs);
        }
    }
}

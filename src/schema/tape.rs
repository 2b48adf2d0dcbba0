//! How the schema library sees our documents: straight on the tape, nothing copied.
//!
//! In two places the view is narrower than JSON Schema's, because a number that means a role must be
//! written in one way only. An integer is a number written as one: `2.0`, `2e0` and `-0` are not. And where
//! a schema lists an integer, in `enum` or `const`, only an integer is equal to it.

use std::borrow::Cow;
use std::ptr;
use std::str::FromStr;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object, cmp};
use serde_json::{Map, Number, Value as Tree};

use super::unique::are_unique;
use crate::json::{Elements, Kind, Members, Value};

/// Of how many parts a tree is made for the library. It wants one for each error, to put into a message, and as a tree a value has
/// many times the bytes that it has here. Nobody reads those messages: violations are told in words of ours, which at most quote
/// a member's name.
const TREE_NODES_MAX: usize = 100;

/// Names the representation to the schema library.
pub(super) struct Tape;

impl Json for Tape {
    type Node<'a> = Place<'a>;
    type PreparedKey = String;
    type StringBuffer = String;

    // A lookup walks over the members, so one walk is cheaper than two lookups in any object. The factor
    // is multiplied by a count, so it must not be the greatest number there is.
    const KEYS_PER_LOOKUP: usize = 1 << 20;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut String, string: &str, f: impl FnOnce(Place<'_>) -> T) -> T {
        buffer.clear();
        buffer.push_str(string);
        f(Place::Name(buffer))
    }
}

/// Something a schema can be applied to.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// A value of a document.
    Value(Value<'a>),
    /// A member's name, which `propertyNames` looks at as if it were a string.
    Name(&'a str),
}

impl<'a> Place<'a> {
    fn value(self, kind: Kind) -> Option<Value<'a>> {
        match self {
            Place::Value(value) if value.kind() == kind => Some(value),
            Place::Value(_) | Place::Name(_) => None,
        }
    }
}

impl<'a> Node<'a, Tape> for Place<'a> {
    type Object = ObjectPlace<'a>;
    type Array = ArrayPlace<'a>;
    type Number = NumberPlace<'a>;

    fn as_object(&self) -> Option<ObjectPlace<'a>> {
        self.value(Kind::Object).map(ObjectPlace)
    }

    fn as_array(&self) -> Option<ArrayPlace<'a>> {
        self.value(Kind::Array).map(ArrayPlace)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Place::Value(value) => value.as_str(),
            Place::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<NumberPlace<'a>> {
        self.value(Kind::Integer).or_else(|| self.value(Kind::Number)).map(NumberPlace)
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Place::Value(value) => value.as_bool(),
            Place::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        self.value(Kind::Null).is_some()
    }

    fn json_type(&self) -> JsonType {
        let Place::Value(value) = self else { return JsonType::String };
        match value.kind() {
            Kind::Null => JsonType::Null,
            Kind::False | Kind::True => JsonType::Boolean,
            Kind::Integer | Kind::Number => JsonType::Number,
            Kind::String => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Tree) -> bool {
        match self {
            Place::Value(value) => equals(*value, expected),
            Place::Name(name) => expected.as_str() == Some(name),
        }
    }

    /// Of what has many parts, an empty one of its kind.
    fn to_value(&self) -> Cow<'a, Tree> {
        Cow::Owned(match self {
            Place::Value(value) if value.nodes() > TREE_NODES_MAX => {
                if value.kind() == Kind::Array {
                    Tree::Array(Vec::new())
                } else {
                    Tree::Object(Map::new())
                }
            }
            Place::Value(value) => value.to_value(),
            Place::Name(name) => Tree::from(*name),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self {
            // A document outlives the check, and its values begin at different offsets, all of which fit.
            Place::Value(value) => NodeIdentity::tagged(
                ptr::from_ref(value.document()).addr(),
                u32::try_from(value.offset()).unwrap_or(u32::MAX),
            ),
            Place::Name(name) => NodeIdentity::tagged(name.as_ptr().addr(), u32::MAX),
        })
    }
}

fn equals(value: Value<'_>, expected: &Tree) -> bool {
    match (value.kind(), expected) {
        (Kind::Null, Tree::Null) => true,
        (Kind::False | Kind::True, Tree::Bool(truth)) => value.as_bool() == Some(*truth),
        (Kind::Integer | Kind::Number, Tree::Number(number)) => {
            let number_view = NumberPlace(value);
            (number_view.is_integer() || !number.is_written_as_integer())
                && cmp::equal_numbers(&number_view, number)
        }
        (Kind::String, Tree::String(text)) => value.as_str().as_deref() == Some(text),
        (Kind::Array, Tree::Array(elements)) => {
            value.len() == elements.len()
                && value.elements().zip(elements).all(|(value, expected)| equals(value, expected))
        }
        (Kind::Object, Tree::Object(members)) => {
            let is_expected =
                |name: &str, member| members.get(name).is_some_and(|expected| equals(member, expected));
            value.len() == members.len()
                && value.members().all(|(key, member)| is_expected(&key.as_str(), member))
        }
        (
            Kind::Null
            | Kind::False
            | Kind::True
            | Kind::Integer
            | Kind::Number
            | Kind::String
            | Kind::Array
            | Kind::Object,
            _,
        ) => false,
    }
}

pub(super) struct ObjectPlace<'a>(Value<'a>);

impl<'a> Object<'a, Tape> for ObjectPlace<'a> {
    type Node = Place<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = MemberPlaces<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &String) -> Option<Place<'a>> {
        self.0.member(key).map(Place::Value)
    }

    fn members(&self) -> MemberPlaces<'a> {
        MemberPlaces(self.0.members())
    }
}

pub(super) struct MemberPlaces<'a>(Members<'a>);

impl<'a> Iterator for MemberPlaces<'a> {
    type Item = (Cow<'a, str>, Place<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key.as_str(), Place::Value(value)))
    }
}

pub(super) struct ArrayPlace<'a>(Value<'a>);

impl<'a> Array<'a, Tape> for ArrayPlace<'a> {
    type Node = Place<'a>;
    type ElementsIter = ElementPlaces<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> ElementPlaces<'a> {
        ElementPlaces(self.0.elements())
    }

    fn is_unique(&self) -> bool {
        are_unique(self.0.elements())
    }
}

pub(super) struct ElementPlaces<'a>(Elements<'a>);

impl<'a> Iterator for ElementPlaces<'a> {
    type Item = Place<'a>;

    fn next(&mut self) -> Option<Place<'a>> {
        self.0.next().map(Place::Value)
    }
}

pub(super) struct NumberPlace<'a>(Value<'a>);

impl JsonNumber for NumberPlace<'_> {
    fn as_u64(&self) -> Option<u64> {
        if self.is_integer() { self.0.raw().parse().ok() } else { None }
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.as_i64()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.raw().parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0.raw())
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(Number::from_str(self.0.raw()).expect("the reader checked the number"))
    }

    fn is_integer(&self) -> bool {
        self.0.kind() == Kind::Integer
    }

    fn is_written_as_integer(&self) -> bool {
        self.is_integer()
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::json::conformance;
    use serde_json::json;

    use super::super::checks;
    use super::super::support::document;
    use super::*;

    fn is_valid(schema: &Tree, text: &str) -> bool {
        let validator = checks::options().build(schema).unwrap();
        validator.is_valid(Place::Value(document(text).root()))
    }

    #[test]
    fn the_view_fulfils_the_contract_of_the_library() {
        let document = document(&conformance::document().to_string());
        conformance::assert_conformance::<Tape>(&Place::Value(document.root()));
    }

    #[test]
    fn the_view_fulfils_the_contract_when_strings_hold_escapes() {
        let text = conformance::document()
            .to_string()
            .replace('é', "\\u00e9")
            .replace("\"nested\"", "\"n\\u0065sted\"");
        conformance::assert_conformance::<Tape>(&Place::Value(document(&text).root()));
    }

    #[test]
    fn no_tree_is_made_of_what_has_many_parts() {
        for (text, stand_in) in [
            (format!("[{}0]", "0,".repeat(100)), json!([])),
            (format!("{{\"a\":[{}0]}}", "0,".repeat(100)), json!({})),
            ("[1,{\"a\":2}]".to_owned(), json!([1, {"a": 2}])),
            (format!("\"{}\"", "a".repeat(1000)), json!("a".repeat(1000))),
        ] {
            assert_eq!(Place::Value(document(&text).root()).to_value().into_owned(), stand_in, "{text}");
        }
    }

    #[test]
    fn only_integers_written_as_such_are_integers() {
        let role = json!({"type": "integer", "minimum": 0, "maximum": 2});
        for integer in ["0", "1", "2"] {
            assert!(is_valid(&role, integer), "{integer}");
        }
        for other in [
            "2.0",
            "2e0",
            "20e-1",
            "0.0",
            "-0",
            "-0.0",
            "1.9999999999999999",
            "1e-400",
            "\"2\"",
            "true",
            "3",
            "-1",
        ] {
            assert!(!is_valid(&role, other), "{other}");
        }
    }

    #[test]
    fn only_integers_equal_the_integers_of_a_schema() {
        for schema in [
            json!({"enum": [0, 1, 2]}),
            json!({"enum": [0, 1, 2, "x"]}),
            json!({"const": 2}),
            json!({"enum": [2]}),
        ] {
            assert!(is_valid(&schema, "2"), "{schema}");
            for other in ["2.0", "2e0", "0.2e1", "1.9999999999999999", "\"2\""] {
                assert!(!is_valid(&schema, other), "{schema}: {other}");
            }
        }
        assert!(is_valid(&json!({"const": 0.5}), "5e-1"), "fractions are equal by value");
        assert!(is_valid(&json!({"const": {"a": [1, null]}}), r#"{"\u0061":[1,null]}"#));
        assert!(!is_valid(&json!({"const": {"a": [1, null]}}), r#"{"a":[1.0,null]}"#));
    }

    #[test]
    fn numbers_of_any_size_are_compared_exactly() {
        assert!(!is_valid(&json!({"maximum": 9_007_199_254_740_992_u64}), "9007199254740993"));
        assert!(is_valid(&json!({"type": "integer"}), "123456789012345678901234567890"));
        assert!(!is_valid(&json!({"maximum": 10}), "1e400"));
        assert!(is_valid(&json!({"minimum": 10}), "1e400"));
    }

    #[test]
    fn names_are_checked_like_strings() {
        let schema = json!({"propertyNames": {"maxLength": 2, "enum": ["ab", "é"]}});
        assert!(is_valid(&schema, r#"{"ab":1,"\u00e9":2}"#));
        assert!(!is_valid(&schema, r#"{"abc":1}"#));
        assert!(!is_valid(&schema, r#"{"a":1}"#));
    }
}

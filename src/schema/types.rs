//! The types of JSON values, and sets of them.

use serde_json::{Number, Value as Tree};

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `null`
    Null,
    /// `true` and `false`
    Boolean,
    /// Numbers written without fraction and exponent.
    Integer,
    /// Other numbers.
    Number,
    /// Strings
    String,
    /// Arrays
    Array,
    /// Objects
    Object,
}

impl Type {
    /// All types, in the order in which [`Types::names`] gives them.
    const ALL: [Type; 7] =
        [Type::Null, Type::Boolean, Type::Integer, Type::Number, Type::String, Type::Array, Type::Object];

    /// The value's type.
    pub fn of(value: &Tree) -> Type {
        match value {
            Tree::Null => Type::Null,
            Tree::Bool(_) => Type::Boolean,
            Tree::Number(number) if is_written_as_integer(number) => Type::Integer,
            Tree::Number(_) => Type::Number,
            Tree::String(_) => Type::String,
            Tree::Array(_) => Type::Array,
            Tree::Object(_) => Type::Object,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Boolean => "boolean",
            Type::Integer => "integer",
            Type::Number => "number",
            Type::String => "string",
            Type::Array => "array",
            Type::Object => "object",
        }
    }
}

fn is_written_as_integer(number: &Number) -> bool {
    let text = number.as_str();
    text != "-0" && !text.contains(['.', 'e', 'E'])
}

/// A set of types. JSON Schema's `number` is both [`Type::Integer`] and [`Type::Number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Types(u8);

impl Types {
    /// No type: nothing is valid.
    pub(super) const NONE: Types = Types(0);
    /// Every type.
    pub const ALL: Types = Types(0x7f);

    pub(super) fn only(kind: Type) -> Types {
        Types(1 << kind as u8)
    }

    /// What is in both sets.
    pub(super) fn intersection(self, other: Types) -> Types {
        Types(self.0 & other.0)
    }

    /// What is in one of the sets or in both.
    pub(super) fn union(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    /// Whether values may have that type.
    pub fn contains(self, kind: Type) -> bool {
        self.0 & Types::only(kind).0 != 0
    }

    /// Whether that is the only type values have, `null` aside.
    pub fn is_only(self, kind: Type) -> bool {
        self.0 & !Types::only(Type::Null).0 == Types::only(kind).0
    }

    /// The types as JSON Schema names them.
    pub fn names(self) -> Vec<&'static str> {
        let is_named = |kind: &Type| {
            let is_implied = *kind == Type::Integer && self.contains(Type::Number);
            self.contains(*kind) && !is_implied
        };
        Type::ALL.into_iter().filter(is_named).map(Type::name).collect()
    }

    /// The set a name in a schema stands for; empty if there is no such type.
    pub(super) fn named(name: &str) -> Types {
        let is_meant = |kind: &Type| kind.name() == name || (name == "number" && *kind == Type::Integer);
        Type::ALL.into_iter().filter(is_meant).map(Types::only).collect()
    }
}

impl FromIterator<Types> for Types {
    fn from_iter<I: IntoIterator<Item = Types>>(sets: I) -> Types {
        sets.into_iter().fold(Types::NONE, Types::union)
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn numbers_are_integers_only_when_written_as_such() {
        for (text, kind) in [
            ("0", Type::Integer),
            ("-7", Type::Integer),
            ("123456789012345678901234567890", Type::Integer),
            ("2.0", Type::Number),
            ("2e0", Type::Number),
            ("-0", Type::Number),
        ] {
            assert_eq!(Type::of(&Tree::Number(Number::from_str(text).unwrap())), kind, "{text}");
        }
    }

    #[test]
    fn number_stands_for_integers_too() {
        assert!(Types::named("number").contains(Type::Integer));
        assert_eq!(Types::named("number").names(), ["number"]);
        assert_eq!(Types::named("integer").names(), ["integer"]);
        assert_eq!(Types::named("decimal"), Types::NONE);
        assert_eq!(Types::ALL.names(), ["null", "boolean", "number", "string", "array", "object"]);
    }

    #[test]
    fn null_does_not_count_when_asking_for_the_only_type() {
        let nullable = Types::named("string").union(Types::named("null"));
        assert!(nullable.is_only(Type::String));
        assert!(!nullable.union(Types::named("array")).is_only(Type::String));
        assert!(!Types::named("null").is_only(Type::String));
    }
}

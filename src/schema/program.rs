//! The fast answer: a schema as a flat program that is run over a value in one walk.
//!
//! The schema library answers the same question and says what is wrong, at the price of identities, copied names and
//! tables for each object. Nearly every value is fine, so the question is asked here first: `$ref` is a number, names
//! are compared in the order in which they are expected, and nothing is allocated.
//!
//! The answer is always the library's. Where this module has no rule of its own it asks the library about that one
//! [keyword](ask), and a schema with keywords it cannot answer for has no program: then the library is asked.

use std::sync::Arc;

use self::array::ArrayRules;
use self::ask::Ask;
use self::number::NumberRules;
use self::object::ObjectRules;
use self::text::TextRules;
use crate::json::{Kind, Value};

mod array;
mod ask;
mod compile;
mod format;
#[cfg(test)]
mod laws;
mod number;
mod object;
mod pattern;
mod reach;
mod text;

pub(super) use compile::{Asks, of_folder};

/// The checks of a folder's schemas, which refer to each other by number.
struct Program(Box<[Node]>);

/// The number of a schema within its program.
type Index = u32;

/// The schema that takes everything.
const ALWAYS: Index = 0;

/// The schema that takes nothing.
const NEVER: Index = 1;

/// The compiled form of one schema file.
pub(super) struct Check {
    program: Arc<Program>,
    root: Index,
}

impl Check {
    /// Whether the value satisfies the schema.
    pub(super) fn is_valid(&self, value: Value<'_>) -> bool {
        self.program.accepts(self.root, value)
    }
}

/// What one schema asks of a value.
struct Node {
    /// The kinds of values it may take.
    kinds: Kinds,
    /// Those of them of which it asks nothing else.
    plain: Kinds,
    text: Option<Box<TextRules>>,
    number: Option<Box<NumberRules>>,
    array: Option<Box<ArrayRules>>,
    object: Option<Box<ObjectRules>>,
    /// What holds for values of all kinds.
    parts: Box<[Part]>,
}

/// A set of kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kinds(u8);

impl Kinds {
    const NONE: Kinds = Kinds(0);
    const ALL: Kinds = Kinds(u8::MAX);

    fn only(kind: Kind) -> Kinds {
        Kinds(1 << kind as u8)
    }

    fn contains(self, kind: Kind) -> bool {
        self.0 & Kinds::only(kind).0 != 0
    }

    fn with(self, kind: Kind) -> Kinds {
        Kinds(self.0 | Kinds::only(kind).0)
    }

    fn without(self, kind: Kind) -> Kinds {
        Kinds(self.0 & !Kinds::only(kind).0)
    }

    fn both(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }
}

/// A keyword that looks at the value itself through other schemas.
enum Part {
    /// `allOf`, and `$ref` beside other keywords.
    All(Box<[Index]>),
    Any(Box<[Index]>),
    One(Box<[Index]>),
    Not(Index),
    If {
        condition: Index,
        then: Index,
        otherwise: Index,
    },
    /// What the library alone can answer.
    Ask(Arc<Ask>),
}

impl Program {
    /// Of every second value of an answer only the kind is asked, and for that nothing is called.
    #[inline]
    fn accepts(&self, index: Index, value: Value<'_>) -> bool {
        let node = &self.0[index as usize];
        let kind = value.kind();
        node.plain.contains(kind) || (node.kinds.contains(kind) && self.accepts_inside(node, kind, value))
    }

    /// The same, for a value of a kind of which more is asked. It calls itself by many ways, and if it were part of its
    /// callers, all of them would be part of each other.
    #[inline(never)]
    fn accepts_inside(&self, node: &Node, kind: Kind, value: Value<'_>) -> bool {
        let own = match kind {
            Kind::Null | Kind::False | Kind::True => true,
            Kind::Integer | Kind::Number => node.number.as_ref().is_none_or(|rules| rules.accept(value)),
            Kind::String => node.text.as_ref().is_none_or(|rules| rules.accept(value)),
            Kind::Array => node.array.as_ref().is_none_or(|rules| rules.accept(self, value)),
            Kind::Object => node.object.as_ref().is_none_or(|rules| rules.accept(self, value)),
        };
        own && node.parts.iter().all(|part| part.accepts(self, value))
    }
}

impl Part {
    fn accepts(&self, program: &Program, value: Value<'_>) -> bool {
        let accepts = |index: &Index| program.accepts(*index, value);
        match self {
            Part::All(all) => all.iter().all(accepts),
            Part::Any(any) => any.iter().any(accepts),
            Part::One(one) => one.iter().filter(|index| accepts(index)).take(2).count() == 1,
            Part::Not(not) => !accepts(not),
            Part::If { condition, then, otherwise } => {
                accepts(if accepts(condition) { then } else { otherwise })
            }
            Part::Ask(ask) => ask.accepts(value),
        }
    }
}

impl Node {
    /// A node that asks for nothing but a kind.
    fn of(kinds: Kinds) -> Node {
        Node {
            kinds,
            plain: kinds,
            text: None,
            number: None,
            array: None,
            object: None,
            parts: Box::default(),
        }
    }

    /// Finds out of which kinds nothing else is asked, once all rules are there.
    fn finished(mut self) -> Node {
        let ruled = [
            (self.text.is_some(), [Kind::String, Kind::String]),
            (self.number.is_some(), [Kind::Integer, Kind::Number]),
            (self.array.is_some(), [Kind::Array, Kind::Array]),
            (self.object.is_some(), [Kind::Object, Kind::Object]),
        ];
        self.plain = if self.parts.is_empty() { self.kinds } else { Kinds::NONE };
        for kind in ruled.into_iter().filter(|(is_ruled, _)| *is_ruled).flat_map(|(_, kinds)| kinds) {
            self.plain = self.plain.without(kind);
        }
        self
    }
}

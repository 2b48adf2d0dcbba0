//! What can be known about the values of a schema without having one.
//!
//! A shape looks through `$ref`, `allOf`, `anyOf`, `oneOf` and `if`: what all parts say together narrows
//! the answer, what alternatives say widens it. An answer never promises more than the schema does; where a
//! schema refers to itself for ever, the shape stops looking.

use serde_json::Value as Tree;

use crate::diag::Span;
use crate::json::{Kind, Value};

use super::keywords::listed;
use super::library::Node;

/// Through how many references and combinations a question is passed on. Schemas people write nest a few.
const HOPS_MAX: u8 = 16;

/// What is known about the values at one place.
#[derive(Clone)]
pub struct Shape<'a>(Form<'a>);

#[derive(Clone)]
enum Form<'a> {
    /// One schema, with all it refers to and combines.
    Schema(Node<'a>),
    /// All of these hold; never empty.
    All(Vec<Form<'a>>),
    /// At least one of these holds; never empty.
    Any(Vec<Form<'a>>),
}

impl<'a> Shape<'a> {
    pub(super) fn of(node: Node<'a>) -> Self {
        Shape(Form::Schema(node))
    }

    /// The shape of a member, if the schema says anything about one of that name.
    pub fn property(&self, name: &str) -> Option<Shape<'a>> {
        self.part(&|node| node.keyword("properties")?.member(name).map(|schema| node.at(schema)))
    }

    /// The shape of the elements, if the schema says anything about them.
    pub fn items(&self) -> Option<Shape<'a>> {
        self.part(&|node| node.keyword("items").map(|schema| node.at(schema)))
    }

    /// The names of the members the schema knows, in the order of its text.
    pub fn properties(&self) -> Vec<String> {
        let own = |node: Node<'a>| {
            let properties = node.keyword("properties").into_iter().flat_map(Value::members);
            properties.map(|(name, _)| name.as_str().into_owned()).collect::<Vec<_>>()
        };
        self.0.ask(HOPS_MAX, &own, &union, &union)
    }

    /// Whether every value has a member of that name.
    pub fn is_required(&self, name: &str) -> bool {
        let own = |node: Node<'a>| {
            let required = node.keyword("required").into_iter().flat_map(Value::elements);
            required.filter_map(Value::as_str).any(|required| required == name)
        };
        self.0.ask(HOPS_MAX, &own, &|left, right| left || right, &|left, right| left && right)
    }

    /// Whether values may have members the schema does not name.
    pub fn open(&self) -> bool {
        let closes = |value: Option<Value<'_>>| value.is_some_and(|value| value.kind() == Kind::False);
        let own = |node: Node<'a>| {
            !closes(node.keyword("additionalProperties")) && !closes(node.keyword("unevaluatedProperties"))
        };
        self.0.ask(HOPS_MAX, &own, &|left, right| left && right, &|left, right| left || right)
    }

    /// The types values may have.
    pub fn types(&self) -> Types {
        let join = |left: Types, right: Types| Types(left.0 | right.0);
        self.0.ask(HOPS_MAX, &own_types, &|left, right| Types(left.0 & right.0), &join)
    }

    /// Whether values may be `null`.
    pub fn nullable(&self) -> bool {
        self.types().contains(Type::Null)
            && self.enumeration().is_none_or(|values| values.contains(&Tree::Null))
    }

    /// All values there can be, if the schema lists them.
    pub fn enumeration(&self) -> Option<Vec<Tree>> {
        let both = |left: Option<Vec<Tree>>, right: Option<Vec<Tree>>| match (left, right) {
            (Some(left), Some(right)) => {
                Some(left.into_iter().filter(|value| right.contains(value)).collect())
            }
            (one, other) => one.or(other),
        };
        let either = |left: Option<Vec<Tree>>, right: Option<Vec<Tree>>| Some(union(left?, right?));
        let types = self.types();
        let values = self.0.ask(HOPS_MAX, &own_enumeration, &both, &either)?;
        Some(values.into_iter().filter(|value| types.contains(Type::of(value))).collect())
    }

    /// Where the schema is written: the first place, when several parts make it up.
    pub fn span(&self) -> Span {
        let node = self.0.first();
        node.file.span(node.schema)
    }

    /// Where a keyword is written, such as the `enum` that lists the values.
    pub fn keyword_span(&self, keyword: &str) -> Option<Span> {
        let own = |node: Node<'a>| node.keyword(keyword).map(|value| node.file.span(value));
        self.0.ask(HOPS_MAX, &own, &Option::or, &Option::or)
    }

    /// The shape of a part of the value, put together from what every schema here says about that part.
    fn part(&self, own: &dyn Fn(Node<'a>) -> Option<Node<'a>>) -> Option<Shape<'a>> {
        let all = |left: Option<Form<'a>>, right: Option<Form<'a>>| match (left, right) {
            (Some(left), Some(right)) => Some(Form::All(vec![left, right])),
            (one, other) => one.or(other),
        };
        let any = |left: Option<Form<'a>>, right: Option<Form<'a>>| match (left, right) {
            (Some(left), Some(right)) => Some(Form::Any(vec![left, right])),
            (one, other) => one.or(other),
        };
        self.0.ask(HOPS_MAX, &|node| own(node).map(Form::Schema), &all, &any).map(Shape)
    }
}

impl<'a> Form<'a> {
    /// Asks every schema here and joins the answers: with `all` where schemas hold together, with `any`
    /// where they are alternatives.
    fn ask<T>(
        &self,
        hops: u8,
        own: &dyn Fn(Node<'a>) -> T,
        all: &dyn Fn(T, T) -> T,
        any: &dyn Fn(T, T) -> T,
    ) -> T {
        let pass_on = |form: &Form<'a>| form.ask(hops.saturating_sub(1), own, all, any);
        match self {
            Form::Schema(node) if hops == 0 => own(*node),
            Form::Schema(node) => combined(*node).iter().map(pass_on).fold(own(*node), all),
            Form::All(forms) => forms.iter().map(pass_on).reduce(all).expect("a form is never empty"),
            Form::Any(forms) => forms.iter().map(pass_on).reduce(any).expect("a form is never empty"),
        }
    }

    fn first(&self) -> Node<'a> {
        match self {
            Form::Schema(node) => *node,
            Form::All(forms) | Form::Any(forms) => forms[0].first(),
        }
    }
}

/// What holds for the values of a schema besides its own keywords.
fn combined(node: Node<'_>) -> Vec<Form<'_>> {
    let list = |keyword| {
        let schemas = node.keyword(keyword).into_iter().flat_map(Value::elements);
        schemas.map(|schema| Form::Schema(node.at(schema))).collect::<Vec<_>>()
    };
    let mut forms: Vec<_> = node.referent().map(Form::Schema).into_iter().collect();
    forms.extend(list("allOf"));
    let outcomes = ["then", "else"].map(|keyword| node.keyword(keyword));
    let outcomes = match (node.keyword("if"), outcomes) {
        (Some(_), [Some(then), Some(otherwise)]) => {
            vec![Form::Schema(node.at(then)), Form::Schema(node.at(otherwise))]
        }
        // With one outcome missing, what the other says holds for some values only.
        _ => Vec::new(),
    };
    forms.extend(
        [list("anyOf"), list("oneOf"), outcomes].into_iter().filter(|any| !any.is_empty()).map(Form::Any),
    );
    forms
}

fn own_types(node: Node<'_>) -> Types {
    if node.schema.kind() == Kind::False {
        return Types::NONE;
    }
    if let Some(names) = node.keyword("type") {
        return listed(names).filter_map(Value::as_str).map(|name| Types::named(&name)).collect();
    }
    own_enumeration(node)
        .map_or(Types::ALL, |values| values.iter().map(|value| Types::only(Type::of(value))).collect())
}

fn own_enumeration(node: Node<'_>) -> Option<Vec<Tree>> {
    let is_null_only = || node.keyword("type")?.as_str().filter(|name| name == "null");
    if let Some(constant) = node.keyword("const") {
        return Some(vec![constant.to_value()]);
    }
    if let Some(values) = node.keyword("enum") {
        return Some(values.elements().map(Value::to_value).collect());
    }
    is_null_only().map(|_| vec![Tree::Null])
}

fn union<T: PartialEq>(mut left: Vec<T>, right: Vec<T>) -> Vec<T> {
    for value in right {
        if !left.contains(&value) {
            left.push(value);
        }
    }
    left
}

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
            Tree::Number(number) if number.is_i64() || number.is_u64() => Type::Integer,
            Tree::Number(_) => Type::Number,
            Tree::String(_) => Type::String,
            Tree::Array(_) => Type::Array,
            Tree::Object(_) => Type::Object,
        }
    }

    fn name(self) -> &'static str {
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

/// A set of types. JSON Schema's `number` is both [`Type::Integer`] and [`Type::Number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Types(u8);

impl Types {
    const NONE: Types = Types(0);
    /// Every type.
    pub const ALL: Types = Types(0x7f);

    fn only(kind: Type) -> Types {
        Types(1 << kind as u8)
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

    fn named(name: &str) -> Types {
        let is_meant = |kind: &Type| kind.name() == name || (name == "number" && *kind == Type::Integer);
        Type::ALL.into_iter().filter(is_meant).map(Types::only).collect()
    }
}

impl FromIterator<Types> for Types {
    fn from_iter<I: IntoIterator<Item = Types>>(sets: I) -> Types {
        sets.into_iter().fold(Types::NONE, |left, right| Types(left.0 | right.0))
    }
}

//! What can be known about the values of a schema without having one.
//!
//! A shape looks through `$ref`, `allOf`, `anyOf`, `oneOf` and `if`: what all parts say together narrows
//! the answer, what alternatives say widens it. An answer never promises more than the schema does; where a
//! schema refers to itself for ever, the shape stops looking.

use std::borrow::Cow;

use serde_json::Value as Tree;

use super::keywords::listed;
use super::library::Node;
use super::lint::endless::DEPTH_MAX;
use super::types::{Type, Types};
use crate::diag::Span;
use crate::json::{Kind, Value};

/// Through how many references and combinations a question is passed on: as many as a good schema may have.
const HOPS_MAX: u8 = DEPTH_MAX;

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

    /// The shapes of everything below that has no name of its own, such as elements and the values of maps, and those that
    /// hold for some values only.
    pub fn unnamed(&self) -> Vec<Shape<'a>> {
        let own = |node: Node<'a>| {
            let mut parts = Vec::new();
            for (keyword, value) in node.schema.members() {
                match keyword.as_str().as_ref() {
                    "items"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "unevaluatedItems"
                    | "contains"
                    | "then"
                    | "else" => parts.push(node.at(value)),
                    "prefixItems" => parts.extend(value.elements().map(|part| node.at(part))),
                    "patternProperties" | "dependentSchemas" => {
                        parts.extend(value.members().map(|(_, part)| node.at(part)));
                    }
                    _ => {}
                }
            }
            parts
        };
        let both = |left: Vec<Node<'a>>, right: Vec<Node<'a>>| [left, right].concat();
        let parts = self.0.ask(HOPS_MAX, &own, &both, &both);
        parts.into_iter().map(Shape::of).collect()
    }

    /// Where all schemas are written that make it up, each once.
    pub fn spans(&self) -> Vec<Span> {
        fn add(form: &Form<'_>, spans: &mut Vec<Span>) {
            match form {
                Form::Schema(node) => {
                    let span = node.file.span(node.schema);
                    if !spans.contains(&span) {
                        spans.push(span);
                    }
                }
                Form::All(forms) | Form::Any(forms) => forms.iter().for_each(|form| add(form, spans)),
            }
        }
        let mut spans = Vec::new();
        add(&self.0, &mut spans);
        spans
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

    /// Whether the schema says what members are that it does not name: then its values are maps, or have one in them.
    pub fn is_map(&self) -> bool {
        let says = |value: Option<Value<'_>>| value.is_some_and(|value| value.kind() != Kind::False);
        let own = |node: Node<'a>| {
            ["additionalProperties", "patternProperties", "unevaluatedProperties"]
                .into_iter()
                .any(|keyword| says(node.keyword(keyword)))
        };
        self.0.ask(HOPS_MAX, &own, &|left, right| left || right, &|left, right| left || right)
    }

    /// The types values may have.
    pub fn types(&self) -> Types {
        self.0.ask(HOPS_MAX, &own_types, &Types::intersection, &Types::union)
    }

    /// Whether values may be `null`.
    pub fn nullable(&self) -> bool {
        self.types().contains(Type::Null)
            && self.enumeration().is_none_or(|values| values.contains(&Tree::Null))
    }

    /// The format of texts, if one is named.
    pub fn format(&self) -> Option<String> {
        let own = |node: Node<'a>| node.keyword("format")?.as_str().map(Cow::into_owned);
        self.0.ask(HOPS_MAX, &own, &Option::or, &Option::or)
    }

    /// Whether lists are sets: no element comes twice.
    pub fn is_set(&self) -> bool {
        let own =
            |node: Node<'a>| node.keyword("uniqueItems").is_some_and(|unique| unique.kind() == Kind::True);
        self.0.ask(HOPS_MAX, &own, &|left, right| left || right, &|left, right| left && right)
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
        let pass_on = |form: &Form<'a>| form.ask(hops, own, all, any);
        match self {
            Form::Schema(node) if hops == 0 => own(*node),
            Form::Schema(node) => {
                let inside = |form: &Form<'a>| form.ask(hops - 1, own, all, any);
                combined(*node).iter().map(inside).fold(own(*node), all)
            }
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

/// What holds for the values of a schema besides its own keywords: found in one walk over them, since every question
/// comes by here.
fn combined(node: Node<'_>) -> Vec<Form<'_>> {
    let form = |schema| Form::Schema(node.at(schema));
    let mut forms = Vec::new();
    let mut alternatives: [Vec<Form<'_>>; 3] = Default::default();
    let [any_of, one_of, outcomes] = &mut alternatives;
    let (mut has_if, mut has_both) = (false, 0);
    for (keyword, value) in node.schema.members() {
        match keyword.as_str().as_ref() {
            "$ref" => forms.extend(node.referent().map(Form::Schema)),
            "allOf" => forms.extend(value.elements().map(form)),
            "anyOf" => any_of.extend(value.elements().map(form)),
            "oneOf" => one_of.extend(value.elements().map(form)),
            "if" => has_if = true,
            "then" | "else" => {
                has_both += 1;
                outcomes.push(form(value));
            }
            _ => {}
        }
    }
    // With one outcome missing, what the other says holds for some values only.
    if !has_if || has_both < 2 {
        outcomes.clear();
    }
    forms.extend(alternatives.into_iter().filter(|any| !any.is_empty()).map(Form::Any));
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::Schema;
    use super::super::support::{document, load, schema};
    use super::*;

    const MEMBER: &str = r##"{
        "type": "object",
        "allOf": [{"$ref": "#/$defs/named"}],
        "properties": {
            "role": {"oneOf": [{"enum": ["owner", "member"]}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "rank": {"type": ["integer", "null"], "enum": [0, 1, null, "x", 1.5]}
        },
        "required": ["role"],
        "additionalProperties": false,
        "$defs": {"named": {"properties": {"name": {"type": "string"}, "role": {"enum": ["owner", null, "boss"]}}, "required": ["name"]}}
    }"##;

    fn enumeration(schema: &Arc<Schema>, property: &str) -> Option<Tree> {
        schema.shape().property(property)?.enumeration().map(Tree::Array)
    }

    #[test]
    fn properties_are_seen_through_references_and_combinations() {
        let schema = schema(MEMBER);
        let shape = schema.shape();
        assert_eq!(shape.properties(), ["role", "tags", "rank", "name"]);
        assert!(shape.is_required("role") && shape.is_required("name") && !shape.is_required("tags"));
        assert!(shape.property("nobody").is_none());
        assert_eq!(shape.property("tags").unwrap().items().unwrap().types().names(), ["string"]);
        assert!(!shape.open());
        assert!(shape.property("tags").unwrap().open());
    }

    #[test]
    fn a_map_is_what_says_of_members_without_a_name_what_they_are() {
        for (text, is_map) in [
            (r#"{"properties": {"name": {"type": "string"}}}"#, false),
            (r#"{"properties": {"name": {"type": "string"}}, "additionalProperties": false}"#, false),
            (
                r#"{"properties": {"name": {"type": "string"}}, "additionalProperties": {"type": "string"}}"#,
                true,
            ),
            (r#"{"additionalProperties": true}"#, true),
            (r#"{"patternProperties": {"^x-": {"type": "string"}}}"#, true),
            (
                r#"{"allOf": [{"properties": {"name": true}}, {"additionalProperties": {"type": "string"}}]}"#,
                true,
            ),
        ] {
            assert_eq!(schema(text).shape().is_map(), is_map, "{text}");
        }
    }

    #[test]
    fn what_holds_together_narrows_and_alternatives_widen() {
        let schema = schema(MEMBER);
        assert_eq!(enumeration(&schema, "role"), Some(json!(["owner", null])));
        assert_eq!(
            enumeration(&schema, "rank"),
            Some(json!([0, 1, null])),
            "values of other types cannot occur"
        );
        assert_eq!(enumeration(&schema, "name"), None);
        assert!(schema.shape().property("role").unwrap().nullable());
        assert!(!schema.shape().property("name").unwrap().nullable());
    }

    #[test]
    fn alternatives_require_only_what_all_of_them_require() {
        let schema = schema(
            r#"{"anyOf": [
                {"properties": {"a": {"const": 1}, "b": {}}, "required": ["a", "b"]},
                {"properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}
            ]}"#,
        );
        let shape = schema.shape();
        assert!(shape.is_required("a") && !shape.is_required("b"));
        assert!(shape.open(), "the first alternative takes more members");
        let a = shape.property("a").unwrap();
        assert_eq!(a.types().names(), ["integer", "string"]);
        assert_eq!(a.enumeration(), None, "the second alternative takes any string");
    }

    #[test]
    fn integers_are_numbers_but_not_the_other_way_round() {
        let schema = schema(r#"{"allOf": [{"type": ["number", "null"]}, {"type": ["integer", "string"]}]}"#);
        assert_eq!(schema.shape().types().names(), ["integer"]);
        assert!(schema.shape().types().is_only(Type::Integer));
        let number = super::super::support::schema(r#"{"type": ["number", "null"]}"#);
        assert_eq!(number.shape().types().names(), ["null", "number"]);
        assert!(number.shape().types().contains(Type::Integer));
    }

    #[test]
    fn both_outcomes_of_a_condition_are_alternatives() {
        let schema = schema(
            r#"{"if": {"required": ["a"]}, "then": {"required": ["b", "c"], "type": "object"}, "else": {"required": ["c"]}}"#,
        );
        assert!(schema.shape().is_required("c") && !schema.shape().is_required("b"));
        assert_eq!(schema.shape().types(), Types::ALL);
    }

    #[test]
    fn schemas_that_contain_themselves_are_looked_at_so_far() {
        let text = r##"{"properties": {"left": {"$ref": "#"}}, "allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": true}}"##;
        let schema = schema(text);
        let left = schema.shape().property("left").unwrap().property("left").unwrap();
        assert_eq!(left.properties(), ["left"]);
    }

    #[test]
    fn a_question_goes_through_a_long_row_of_references() {
        let step = |index: usize| format!("\"s{index}\": {{\"$ref\": \"#/$defs/s{}\"}}", index + 1);
        let steps: Vec<String> = (0..40).map(step).collect();
        let text = format!(
            "{{\"$ref\": \"#/$defs/s0\", \"$defs\": {{{}, \"s40\": {{\"const\": 1}}}}}}",
            steps.join(", ")
        );
        assert_eq!(schema(&text).shape().enumeration(), Some(vec![json!(1)]));
    }

    #[test]
    fn a_shape_knows_where_it_is_written() {
        let text = r#"{"properties": {"role": {"$ref": "roles.json"}}}"#;
        let (store, diagnostics, sources) = load(&[("user", text), ("roles", r#"{"enum": ["a"]}"#)]);
        assert_eq!(diagnostics, []);
        let role = store.schema("acme", "user").unwrap().shape().property("role").unwrap();
        assert_eq!(&text[role.span().range()], r#"{"$ref": "roles.json"}"#);
        let span = role.keyword_span("enum").unwrap();
        assert_eq!(sources.path(span.source), "roles.json");
        assert_eq!(&sources.text(span.source)[span.range()], r#"["a"]"#);
        assert_eq!(role.keyword_span("const"), None);
    }

    proptest! {
        /// Whatever a shape says holds for every valid value.
        #[test]
        fn no_valid_value_contradicts_the_shape(
            parts in prop::collection::vec(prop::sample::select(vec![
                r#"{"type": ["integer", "null"]}"#, r#"{"enum": [0, 1, "a", null]}"#, r#"{"const": 1}"#,
                r#"{"type": "string"}"#, r#"{"oneOf": [{"const": "a"}, {"type": "number"}]}"#, "true", "false",
                r#"{"anyOf": [{"enum": [0, "b"]}, {"type": "null"}]}"#, r#"{"type": "number"}"#,
            ]), 1..4),
            combination in prop::sample::select(vec!["allOf", "anyOf", "oneOf"]),
            value in prop::sample::select(vec!["0", "1", "2", "1.5", "null", "\"a\"", "\"b\"", "[]", "true"]),
        ) {
            let schema = schema(&format!(r#"{{"{combination}": [{}]}}"#, parts.join(",")));
            let document = document(value);
            if !schema.is_valid(document.root()) {
                return Ok(());
            }
            let (shape, value) = (schema.shape(), document.root().to_value());
            prop_assert!(shape.types().contains(Type::of(&value)));
            prop_assert!(shape.enumeration().is_none_or(|values| values.contains(&value)));
            prop_assert!(!value.is_null() || shape.nullable());
        }
    }
}

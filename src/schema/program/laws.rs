//! The one law of the fast answer: it is the library's, for every schema that ships and for made-up ones.

use proptest::prelude::*;

use self::made_up::{schemas, values};
use self::mutation::mutated;
use super::super::Schema;
use super::super::instances::Instances;
use super::super::instances::random::Random;
use super::super::instances::tests::each_schema;
use super::super::support::{document, load, schema};
use super::super::tape::Place;
use crate::json::{Document, Limits, Value};

mod made_up;
mod mutation;

/// The answer of the program, and that of the library; none if there is no program.
fn answers(schema: &Schema, value: Value<'_>) -> Option<(bool, bool)> {
    let own = schema.check.as_ref()?.is_valid(value);
    Some((own, schema.validator()?.is_valid(Place::Value(value))))
}

#[test]
fn every_schema_that_ships_has_a_program_that_answers_as_the_library_does() {
    let (mut valid, mut invalid) = (0_u32, 0_u32);
    each_schema(|schema| {
        let instances = Instances::of(schema, &[]);
        let mut random = Random::of(7, &schema.to_string());
        for instance in instances.systematic().take(12).chain(instances.others(11, 4)) {
            assert_eq!(answers(schema, instance.root()), Some((true, true)), "{schema}: {}", instance.text());
            for _ in 0..4 {
                let Some(mut near) = mutated(instance.root(), &mut random) else { continue };
                if random.coin() {
                    near = mutated(near.root(), &mut random).unwrap_or(near);
                }
                let (own, theirs) = answers(schema, near.root()).unwrap();
                assert_eq!(own, theirs, "{schema}: {}", near.text());
                *(if own { &mut valid } else { &mut invalid }) += 1;
            }
        }
    });
    assert!(valid > 1_500 && invalid > 1_500, "both answers were tried: {valid} and {invalid}");
}

#[test]
fn what_only_the_library_can_answer_is_asked_of_it() {
    let many: Vec<_> = (0..65).map(|number| format!(r#""{number}":true"#)).collect();
    for text in [
        r#"{"unevaluatedProperties": false}"#,
        r#"{"items": {"unevaluatedItems": false}}"#,
        r##"{"$dynamicRef": "#x", "$defs": {"x": {"$dynamicAnchor": "x"}}}"##,
        r#"{"maxLength": 2.0}"#,
        r##"{"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"anyOf": [{"items": {"$ref": "#"}}, {"type": "null"}]}}}"##,
        &format!(r#"{{"properties": {{{}}}}}"#, many.join(",")),
    ] {
        assert!(schema(text).check.is_none(), "{text}");
    }
    let many = many[1..].join(",");
    for text in [
        r##"{"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "additionalProperties": false}"##,
        r##"{"items": {"$ref": "#"}}"##,
        r#"{"maximum": 2.5, "enum": [1.5, [1], "a"], "multipleOf": 0.5}"#,
        &format!(r#"{{"properties": {{{many}}}}}"#),
    ] {
        assert!(schema(text).check.is_some(), "{text}");
    }
}

#[test]
fn a_schema_leads_to_others_of_its_folder() {
    let (store, found, _) = load(&[
        ("a", r#"{"properties": {"b": {"$ref": "b.json#/$defs/inner"}}}"#),
        (
            "b",
            r##"{"$ref": "#/$defs/inner", "$defs": {"inner": {"type": "array", "items": {"$ref": "a.json"}}}}"##,
        ),
        ("c", r#"{"properties": {"a": {"$ref": "a.json"}, "d": {"$ref": "d.json"}}}"#),
        ("d", r#"{"unevaluatedProperties": false}"#),
    ]);
    assert_eq!(found, []);
    let has_program = |name: &str| store.schema("acme", name).unwrap().check.is_some();
    assert!(has_program("a") && has_program("b") && !has_program("c") && !has_program("d"));
    for text in [r#"{"b":[{"b":[]}]}"#, r#"{"b":[{"b":1}]}"#, r#"{"b":[[]]}"#] {
        let (own, theirs) = answers(store.schema("acme", "a").unwrap(), document(text).root()).unwrap();
        assert_eq!((own, text), (theirs, text));
    }
}

#[test]
fn values_as_deep_as_the_reader_takes_them_are_checked() {
    let schema = schema(
        r##"{"items": {"$ref": "#"}, "properties": {"a": {"$ref": "#"}}, "type": ["array", "object"]}"##,
    );
    let limits = Limits { depth_max: u16::MAX, ..Limits::default() };
    for (inner, expected) in [("[]", true), ("1", false)] {
        let text = format!("{}{inner}{}", r#"[{"a":"#.repeat(255), "}]".repeat(255));
        let deep = Document::parse(text.into_bytes(), &limits).unwrap();
        assert_eq!(answers(&schema, deep.root()), Some((expected, expected)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_program_of_any_schema_answers_as_the_library_does(
        tree in schemas(),
        values in prop::collection::vec(values(), 24),
    ) {
        let schema = schema(&tree.to_string());
        for value in values {
            // Names may have come twice.
            let Ok(document) = Document::parse(value.into_bytes(), &Limits::default()) else { continue };
            if let Some((own, theirs)) = answers(&schema, document.root()) {
                prop_assert_eq!(own, theirs, "{} of {}", document.text(), tree);
            }
        }
    }
}

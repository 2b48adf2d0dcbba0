//! Schemas and values nobody would write, with every keyword there is a rule for.

use proptest::prelude::*;
use serde_json::{Value as Tree, json};

/// One keyword, or a few that go together, with what stands under them.
fn keyword(inner: impl Strategy<Value = Tree> + Clone + 'static) -> impl Strategy<Value = Tree> {
    let data = prop::sample::select(vec![
        json!({"type": "string"}),
        json!({"type": ["integer", "null"]}),
        json!({"type": ["object", "array", "number"]}),
        json!({"type": "boolean"}),
        json!({"enum": ["a", "ab", null, 1]}),
        json!({"enum": [1.5, "a", [1], {"a": 1}]}),
        json!({"enum": [true, 2, 0]}),
        json!({"const": "ab"}),
        json!({"const": 2}),
        json!({"const": {"a": [1]}}),
        json!({"minLength": 2}),
        json!({"maxLength": 1}),
        json!({"pattern": "^[ab]{1,2}$"}),
        json!({"pattern": "b"}),
        json!({"format": "email"}),
        json!({"minimum": 1}),
        json!({"exclusiveMaximum": 2}),
        json!({"exclusiveMinimum": 0.5, "maximum": 100}),
        json!({"multipleOf": 0.5}),
        json!({"minItems": 1, "maxItems": 2}),
        json!({"uniqueItems": true}),
        json!({"minProperties": 1, "maxProperties": 2}),
        json!({"properties": {"a": true, "b": true}, "required": ["b", "a"]}),
        json!({"dependentRequired": {"a": ["b", "c"]}}),
        json!({"title": "nothing"}),
    ]);
    let two = prop::collection::vec(inner.clone(), 1..3);
    prop_oneof![
        4 => data,
        1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"properties": {"b": a, "a": b, "c": {"$ref": "#"}}})),
        1 => inner.clone().prop_map(|rest| json!({"additionalProperties": rest})),
        1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"patternProperties": {"^[ab]$": a, "b": b}})),
        1 => inner.clone().prop_map(|name| json!({"propertyNames": name})),
        1 => inner.clone().prop_map(|schema| json!({"dependentSchemas": {"b": schema}})),
        1 => inner.clone().prop_map(|items| json!({"items": items})),
        1 => Just(json!({"items": {"$ref": "#"}})),
        1 => two.clone().prop_map(|first| json!({"prefixItems": first})),
        1 => (inner.clone(), 0_u8..3).prop_map(|(schema, least)| json!({"contains": schema, "minContains": least, "maxContains": 1})),
        1 => two.clone().prop_map(|schemas| json!({"allOf": schemas})),
        1 => two.clone().prop_map(|schemas| json!({"anyOf": schemas})),
        1 => two.clone().prop_map(|schemas| json!({"oneOf": schemas})),
        1 => inner.clone().prop_map(|schema| json!({"not": schema})),
        1 => (inner.clone(), inner.clone(), inner).prop_map(|(condition, then, otherwise)| {
            json!({"if": condition, "then": then, "else": otherwise})
        }),
        1 => Just(json!({"$ref": "#/$defs/word"})),
    ]
}

/// Schemas of several keywords.
pub(super) fn schemas() -> impl Strategy<Value = Tree> {
    let leaf = prop::sample::select(vec![
        json!(true),
        json!(false),
        json!({}),
        json!({"type": "string"}),
        json!({"$ref": "#/$defs/word"}),
    ]);
    let schema = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::vec(keyword(inner), 1..4).prop_map(|keywords| {
            let members = keywords.into_iter().flat_map(|keyword| keyword.as_object().cloned().unwrap());
            Tree::Object(members.collect())
        })
    });
    schema.prop_map(|schema| {
        let mut schema = if schema.is_object() { schema } else { json!({ "allOf": [schema] }) };
        schema["$defs"] = json!({"word": {"$ref": "#/$defs/short"}, "short": {"type": ["string", "integer"], "maxLength": 2, "maximum": 5}});
        schema
    })
}

/// Values that satisfy some of them.
pub(super) fn values() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "0",
        "1",
        "2",
        "2.0",
        "-0",
        "1e0",
        "0.5",
        "1.5",
        "5",
        "7",
        "1e400",
        "99999999999999999999",
        "\"\"",
        "\"a\"",
        "\"ab\"",
        "\"abc\"",
        "\"\\u0061\"",
        "\"\\u00e9b\"",
        "\"é\"",
        "\"a@b.co\"",
        "[1]",
        "{\"a\":1}",
    ]);
    let name = prop::sample::select(vec!["a", "b", "c", "ab", "\\u0061", "\\u0062", "é", ""]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|elements| format!("[{}]", elements.join(","))),
            prop::collection::vec((name.clone(), inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, member)| format!(r#""{name}":{member}"#)).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

//! What `OpenAPI` says in words of its own, in those of the standard.

use serde_json::{Map, Value, json};

use crate::schema::is_format;

/// Formats that are checked; the others stay as notes. Those of numbers say what a machine keeps them in.
pub(super) fn format(value: &Value, out: &mut Map<String, Value>) {
    const MACHINE: [&str; 4] = ["double", "float", "int32", "int64"];
    match value.as_str() {
        Some(name) if is_format(name) => out.insert("format".to_owned(), value.clone()),
        Some(name) if !MACHINE.contains(&name) => out.insert("x-format".to_owned(), value.clone()),
        Some(_) | None => None,
    };
}

/// In 3.0 a flag beside a bound, since 3.1 a bound of its own.
pub(super) fn exclusive(schema: &Value, out: &mut Map<String, Value>) {
    for (own, bound) in [("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")] {
        match schema.get(own) {
            Some(Value::Bool(true)) => {
                out.remove(bound).and_then(|value| out.insert(own.to_owned(), value));
            }
            Some(value @ Value::Number(_)) => {
                out.insert(own.to_owned(), value.clone());
            }
            _ => {}
        }
    }
}

pub(super) fn examples(schema: &Value, out: &mut Map<String, Value>) {
    let examples = match (schema.get("examples"), schema.get("example")) {
        (Some(Value::Array(examples)), _) => examples.clone(),
        (_, Some(example)) => vec![example.clone()],
        _ => return,
    };
    out.insert("examples".to_owned(), Value::Array(examples));
}

/// The schema, or null.
pub(super) fn nullable(mut schema: Map<String, Value>) -> Value {
    let says = |keyword: &str| schema.contains_key(keyword);
    let is_combined = ["$ref", "allOf", "anyOf", "const", "not", "oneOf", "if"].into_iter().any(says);
    if is_combined {
        return json!({ "anyOf": [schema, { "type": "null" }] });
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match schema.get_mut("type") {
        Some(Value::Array(names)) if names.contains(&Value::from("null")) => {}
        Some(Value::Array(names)) => names.push(Value::from("null")),
        Some(name) => *name = json!([name.clone(), "null"]),
        None => {}
    }
    Value::Object(schema)
}

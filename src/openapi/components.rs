//! Schema files as components of the document, with their references turned accordingly.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::dialect::retirement::Step;
use crate::schema::{Schema, Store};

/// Keywords whose values are data: what looks like a reference in them is none.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// What a reference to a component begins with.
const COMPONENTS: &str = "#/components/schemas/";

/// How many schemas are looked at for one property.
const STEPS_MAX: usize = 1000;

/// Keywords with alternatives and parts of one schema.
const PARTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// The schemas that were referred to so far.
pub(super) struct Components<'a> {
    dialect: &'a Dialect,
    store: &'a Store,
    schemas: BTreeMap<String, Value>,
}

impl<'a> Components<'a> {
    pub(super) fn new(dialect: &'a Dialect, store: &'a Store) -> Components<'a> {
        Components { dialect, store, schemas: BTreeMap::new() }
    }

    /// A reference to a schema file.
    pub(super) fn reference(&mut self, schema: &Schema) -> Value {
        let name = self.add(schema.folder(), schema.name());
        json!({ "$ref": format!("{COMPONENTS}{name}") })
    }

    /// The properties of a schema as query parameters.
    pub(super) fn parameters(&mut self, schema: &Schema) -> Vec<Value> {
        let document = schema.document();
        let required = |name: &str| {
            let names = document.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let properties = document.get("properties").and_then(Value::as_object);
        let properties: Vec<_> = properties.into_iter().flatten().collect();
        let parameter = |(name, property): (&String, &Value)| {
            let mut property = self.turned(property, schema.folder(), schema.name());
            let description = property.as_object_mut().and_then(|property| property.remove("description"));
            let mut parameter =
                json!({ "name": name, "in": "query", "required": required(name), "schema": property });
            if let Some(description) = description {
                parameter["description"] = description;
            }
            parameter
        };
        properties.into_iter().map(parameter).collect()
    }

    /// Marks the property at the end of a way through a schema as deprecated. A schema that is used elsewhere, too, says so
    /// there as well: it is one property.
    pub(super) fn deprecate(&mut self, reference: &Value, way: &[Step]) {
        let mut open = vec![(reference.clone(), way)];
        // A schema may lead back to itself, a way goes on: only alternatives at one step could go round.
        let mut rest = STEPS_MAX;
        while let Some((schema, way)) = open.pop() {
            let Some(left) = rest.checked_sub(1) else { return };
            rest = left;
            if let Some(name) = schema["$ref"].as_str().and_then(|at| at.strip_prefix(COMPONENTS)) {
                let Some(schema) = self.schemas.get_mut(name) else { continue };
                mark(schema, way);
                open.extend(further(schema, way));
            } else {
                open.extend(further(&schema, way));
            }
        }
    }

    pub(super) fn into_schemas(self) -> Map<String, Value> {
        self.schemas.into_iter().collect()
    }

    /// Adds a file, with those it refers to, and gives its name in the document.
    fn add(&mut self, folder: &str, name: &str) -> String {
        let key = if folder == self.dialect.name { name.to_owned() } else { format!("{folder}.{name}") };
        if self.schemas.contains_key(&key) {
            return key;
        }
        let Some(schema) = self.store.schema(folder, name) else { return key };
        // Its place is taken first: a schema may refer to itself.
        self.schemas.insert(key.clone(), Value::Null);
        let mut document = self.turned(schema.document(), folder, name);
        if let Some(document) = document.as_object_mut() {
            document.remove("$schema");
        }
        self.schemas.insert(key.clone(), document);
        key
    }

    /// A part of a file with its references turned.
    fn turned(&mut self, part: &Value, folder: &str, name: &str) -> Value {
        match part {
            Value::Object(members) => {
                let turned = members.iter().map(|(key, value)| {
                    let value = match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => {
                            self.turned_reference(reference, folder, name).into()
                        }
                        (key, value) if DATA.contains(&key) => value.clone(),
                        (_, value) => self.turned(value, folder, name),
                    };
                    (key.clone(), value)
                });
                Value::Object(turned.collect())
            }
            Value::Array(elements) => {
                elements.iter().map(|element| self.turned(element, folder, name)).collect()
            }
            scalar => scalar.clone(),
        }
    }

    /// `member.json#/$defs/x` and `#/$defs/x` as references within the document.
    fn turned_reference(&mut self, reference: &str, folder: &str, name: &str) -> String {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let target = file.strip_suffix(".json").filter(|target| !target.is_empty()).unwrap_or(name);
        let key = self.add(folder, target);
        format!("#/components/schemas/{key}{fragment}")
    }
}

/// Marks the property if the way ends with it here.
fn mark(schema: &mut Value, way: &[Step]) {
    match way {
        [Step::Member(name) | Step::Bare(name)] => {
            if let Some(Value::Object(property)) = property_of(schema, name) {
                property.insert("deprecated".to_owned(), true.into());
            }
        }
        [Step::Member(name) | Step::Bare(name), rest @ ..] => {
            if let Some(property) = property_of(schema, name) {
                mark(property, rest);
            }
        }
        [Step::Elements, rest @ ..] => {
            if let Some(items) = schema.get_mut("items") {
                mark(items, rest);
            }
        }
        [] => {}
    }
    for part in PARTS {
        let parts = schema.get_mut(part).and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(|part| mark(part, way));
    }
}

fn property_of<'s>(schema: &'s mut Value, name: &str) -> Option<&'s mut Value> {
    schema.get_mut("properties")?.get_mut(name)
}

/// The references that a way leads over from here, with what is left of it.
fn further<'w>(schema: &Value, way: &'w [Step]) -> Vec<(Value, &'w [Step])> {
    if schema.get("$ref").is_some() {
        return vec![(schema.clone(), way)];
    }
    let mut found = Vec::new();
    match way {
        [Step::Member(name) | Step::Bare(name), rest @ ..] if !rest.is_empty() => {
            let property = schema.get("properties").and_then(|all| all.get(&**name));
            found.extend(property.into_iter().flat_map(|property| further(property, rest)));
        }
        [Step::Elements, rest @ ..] => {
            found.extend(schema.get("items").into_iter().flat_map(|items| further(items, rest)));
        }
        _ => {}
    }
    for part in PARTS {
        let parts = schema.get(part).and_then(Value::as_array);
        found.extend(parts.into_iter().flatten().flat_map(|part| further(part, way)));
    }
    found
}

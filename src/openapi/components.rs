//! Schema files as components of the document, with their references turned accordingly.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::dialect::Dialect;
use crate::schema::{Schema, Store};

/// Keywords whose values are data: what looks like a reference in them is none.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

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
        json!({ "$ref": format!("#/components/schemas/{name}") })
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

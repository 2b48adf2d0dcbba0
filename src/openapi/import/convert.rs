//! Schemas of `OpenAPI` as plain JSON Schema 2020-12, keyword by keyword.
//!
//! What 3.0 says in words of its own is said in those of the standard; what says nothing about values goes; what
//! cannot be kept is told. A schema that says more than it is known how to keep becomes wider, never narrower.

mod words;

use serde_json::{Map, Value, json};

use super::document::Spot;
use super::schemas::{Files, Way};
use crate::schema::is_pattern;
use words::{examples, exclusive, format, nullable};

/// How deep a schema may go.
const DEPTH_MAX: usize = 64;

/// Keywords whose values are taken over as they are.
const KEPT: [&str; 22] = [
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "title",
    "uniqueItems",
    "$comment",
];

/// Keywords with a schema, or `true` or `false`.
const ONE: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords with a list of schemas.
const SEVERAL: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords with schemas by name.
const NAMED: [&str; 2] = ["dependentSchemas", "patternProperties"];

/// Keywords that say nothing about values, or are read elsewhere.
const SILENT: [&str; 11] = [
    "$defs",
    "$schema",
    "definitions",
    "discriminator",
    "example",
    "examples",
    "externalDocs",
    "nullable",
    "readOnly",
    "writeOnly",
    "xml",
];

/// Where a schema stands while it is converted.
#[derive(Clone, Copy)]
pub(super) struct Inside<'i> {
    pub(super) way: Way,
    /// The file it becomes a part of.
    pub(super) file: &'i str,
    /// The properties that the schemas around it declare for the same value.
    pub(super) known: &'i [String],
    pub(super) depth: usize,
}

impl<'d> Files<'_, 'd> {
    pub(super) fn convert(&mut self, spot: &Spot<'d>, inside: Inside<'_>) -> Value {
        let members = match spot.value {
            Value::Bool(whether) => return Value::Bool(*whether),
            Value::Object(members) if inside.depth < DEPTH_MAX => members,
            Value::Object(_) => {
                self.notes.push(&spot.at, "a schema this deep is not looked at; anything is allowed there");
                return Value::Bool(true);
            }
            _ => {
                self.notes.push(&spot.at, "this is no schema; anything is allowed there");
                return Value::Bool(true);
            }
        };
        let reference = members.get("$ref").map(|_| self.reference(spot, inside.way));
        let is_alone = self.document.is_old && reference.is_some();
        let mut out = match reference {
            Some(Some(file)) => Map::from_iter([("$ref".to_owned(), Value::from(format!("{file}.json")))]),
            Some(None) | None => Map::new(),
        };
        if is_alone {
            // By the letter of 3.0 a reference has nothing beside it. Generators write these two all the same, and
            // mean them.
            out.extend(spot.text("description").map(|text| ("description".to_owned(), Value::from(text))));
        } else {
            let known = [inside.known, &self.declared(spot)].concat();
            for name in members.keys() {
                if let Some(member) = spot.get(name) {
                    self.keyword(name, &member, &mut out, Inside { known: &known, ..inside });
                }
            }
            self.properties(spot, &mut out, Inside { known: &known, ..inside });
            exclusive(spot.value, &mut out);
            examples(spot.value, &mut out);
        }
        if spot.flag("nullable") { nullable(out) } else { Value::Object(out) }
    }

    fn keyword(&mut self, name: &str, member: &Spot<'d>, out: &mut Map<String, Value>, inside: Inside<'_>) {
        let part = Inside { known: &[], depth: inside.depth + 1, ..inside };
        let in_place = Inside { depth: inside.depth + 1, ..inside };
        let value = match name {
            "$ref" | "properties" | "required" | "exclusiveMaximum" | "exclusiveMinimum" => return,
            "type" => self.types(member),
            "format" => return format(member.value, out),
            "pattern" => {
                let pattern = member.value.as_str().unwrap_or_default();
                if !is_pattern(pattern) {
                    self.notes
                        .push(&member.at, "left out: patterns are regular expressions without look-around");
                    return;
                }
                Some(member.value.clone())
            }
            name if KEPT.contains(&name) => Some(member.value.clone()),
            "items" => self.items(member, part),
            "if" | "then" | "else" | "not" => Some(self.convert(member, in_place)),
            name if ONE.contains(&name) => Some(self.convert(member, part)),
            name if SEVERAL.contains(&name) => {
                let inside = if name == "prefixItems" { part } else { in_place };
                let schemas: Vec<_> = member.elements().collect();
                let schemas: Vec<_> = schemas.iter().map(|schema| self.convert(schema, inside)).collect();
                (!schemas.is_empty()).then_some(Value::Array(schemas))
            }
            name if NAMED.contains(&name) => {
                let inside = if name == "dependentSchemas" { in_place } else { part };
                let schemas: Vec<_> = member
                    .members()
                    .filter(|(pattern, _)| name != "patternProperties" || is_pattern(pattern))
                    .collect();
                let schemas =
                    schemas.iter().map(|(name, schema)| ((*name).to_owned(), self.convert(schema, inside)));
                Some(Value::Object(schemas.collect()))
            }
            name if SILENT.contains(&name) || name.starts_with("x-") => return,
            _ => {
                self.notes.push(&member.at, "left out: this keyword is not known");
                return;
            }
        };
        out.extend(value.map(|value| (name.to_owned(), value)));
    }

    fn types(&mut self, spot: &Spot<'d>) -> Option<Value> {
        const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
        let is_sound = match spot.value {
            Value::Array(names) => !names.is_empty() && names.iter().all(is_type),
            name => is_type(name),
        };
        if !is_sound {
            self.notes.push(&spot.at, "left out: there is no such type");
        }
        is_sound.then(|| spot.value.clone())
    }

    /// The elements of a list. An object that stands there gets a file, so that a lens can be about it.
    fn items(&mut self, spot: &Spot<'d>, inside: Inside<'_>) -> Option<Value> {
        if spot.value.is_array() {
            self.notes.push(&spot.at, "left out: the elements of a list have one schema");
            return None;
        }
        let has_members =
            spot.value.get("properties").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
        if !has_members || spot.value.get("$ref").is_some() || spot.flag("nullable") {
            return Some(self.convert(spot, inside));
        }
        let file = self.place(&spot.clone(), inside.way, &format!("{}_item", inside.file));
        Some(json!({ "$ref": format!("{file}.json") }))
    }

    /// What the members are and which there must be, in this direction.
    fn properties(&mut self, spot: &Spot<'d>, out: &mut Map<String, Value>, inside: Inside<'_>) {
        let part = Inside { known: &[], depth: inside.depth + 1, ..inside };
        let mut hidden = Vec::new();
        let mut properties = Map::new();
        let members: Vec<_> = spot.get("properties").iter().flat_map(Spot::members).collect();
        for (name, schema) in &members {
            if self.is_hidden(schema, inside.way) {
                hidden.push(*name);
            } else {
                properties.insert((*name).to_owned(), self.convert(schema, part));
            }
        }
        let mut required: Vec<Value> = Vec::new();
        if let Some(listed) = spot.get("required") {
            if !listed.value.is_array() {
                self.notes.push(&listed.at, "left out: `required` is a list of names");
            }
            for name in listed.elements().filter_map(|name| name.value.as_str()) {
                if !hidden.contains(&name) && !required.iter().any(|known| known == name) {
                    required.push(Value::from(name));
                }
            }
        }
        // What must be there is a member, also if nobody says what it is.
        if !inside.known.is_empty() && spot.value.get("patternProperties").is_none() {
            for name in required.iter().filter_map(Value::as_str) {
                if !inside.known.iter().any(|known| known == name) {
                    properties.insert(name.to_owned(), Value::Bool(true));
                }
            }
        }
        if !required.is_empty() {
            out.insert("required".to_owned(), Value::Array(required));
        }
        if !properties.is_empty() || !members.is_empty() {
            out.insert("properties".to_owned(), Value::Object(properties));
        }
    }

    /// Whether a member is not there in this direction.
    fn is_hidden(&self, schema: &Spot<'d>, way: Way) -> bool {
        let flag = match way {
            Way::Answer => "writeOnly",
            Way::Request => "readOnly",
        };
        let target = schema.text("$ref").and_then(|reference| self.document.target(reference));
        schema.flag(flag) || target.is_some_and(|target| target.flag(flag))
    }
}

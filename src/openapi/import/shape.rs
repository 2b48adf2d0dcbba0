//! What the schema files that were made say of their values: members, words, and which file an object is of.
//!
//! The compiler's own [`crate::schema::Shape`] knows the same and more, but not by which file.

use std::collections::BTreeMap;

use serde_json::Value;

/// Through how many references and combinations a question is passed on.
const HOPS_MAX: usize = 16;

/// All files, by name.
pub(super) struct Shapes(BTreeMap<String, Value>);

/// What is known of the values of one schema.
#[derive(Default)]
pub(super) struct About<'s> {
    /// Their types; none is any.
    pub(super) types: Vec<&'s str>,
    /// The first file that is referred to for an object.
    pub(super) file: Option<&'s str>,
    /// The schema of the elements.
    pub(super) items: Option<&'s Value>,
    /// All of them, if they are listed.
    pub(super) values: Option<Vec<Value>>,
    pub(super) format: Option<&'s str>,
}

impl About<'_> {
    /// Whether a value may be of that type and of no other but null.
    pub(super) fn is_only(&self, name: &str) -> bool {
        self.types.contains(&name) && self.types.iter().all(|known| *known == name || *known == "null")
    }
}

impl Shapes {
    pub(super) fn new(files: BTreeMap<String, Value>) -> Self {
        Self(files)
    }

    pub(super) fn file(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    pub(super) fn into_files(self) -> BTreeMap<String, Value> {
        self.0
    }

    /// The members of an object and what each is, through references and combinations.
    pub(super) fn properties<'s>(&'s self, schema: &'s Value) -> Vec<(&'s str, &'s Value)> {
        let mut found = Vec::new();
        self.collect(schema, HOPS_MAX, &mut found);
        found
    }

    fn collect<'s>(&'s self, schema: &'s Value, hops: usize, found: &mut Vec<(&'s str, &'s Value)>) {
        let Some(hops) = hops.checked_sub(1) else { return };
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name, property));
            }
        }
        for inner in self.combined(schema) {
            self.collect(inner, hops, found);
        }
    }

    /// What holds for the values of a schema besides its own keywords.
    fn combined<'s>(&'s self, schema: &'s Value) -> impl Iterator<Item = &'s Value> {
        let referred = file_of(schema).map(|name| self.file(name));
        let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|list| schema.get(list)?.as_array());
        referred.into_iter().chain(lists.flatten())
    }

    pub(super) fn about<'s>(&'s self, schema: &'s Value) -> About<'s> {
        let mut about = About::default();
        self.ask(schema, HOPS_MAX, &mut about);
        about
    }

    fn ask<'s>(&'s self, schema: &'s Value, hops: usize, about: &mut About<'s>) {
        let Some(hops) = hops.checked_sub(1) else { return };
        let names = match schema.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            name => name.and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
        };
        about.types.extend(names);
        about.items = about.items.or_else(|| schema.get("items"));
        about.format = about.format.or_else(|| schema.get("format")?.as_str());
        if let Some(file) = file_of(schema).filter(|_| about.file.is_none()) {
            about.file = (!self.properties(self.file(file)).is_empty()).then_some(file);
        }
        let constant = schema.get("const").map(|value| vec![value.clone()]);
        let listed = || schema.get("enum")?.as_array().cloned();
        if let Some(values) = constant.or_else(listed) {
            let known = about.values.get_or_insert_default();
            for value in values {
                if !known.contains(&value) {
                    known.push(value);
                }
            }
        }
        for inner in self.combined(schema) {
            let is_null = inner.get("type").and_then(Value::as_str) == Some("null");
            if is_null {
                about.types.push("null");
            } else {
                self.ask(inner, hops, about);
            }
        }
        if about.types.contains(&"null")
            && let Some(values) = &mut about.values
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    }
}

/// The file a schema refers to.
pub(super) fn file_of(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_suffix(".json")
}

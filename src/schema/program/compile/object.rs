//! Keywords about objects.

use super::super::Index;
use super::super::object::{NAMES_MAX, Names, ObjectRules};
use super::super::pattern::Pattern;
use super::{Compiler, Schema, bound};
use crate::json::Value;

pub(super) const KEYWORDS: &[&str] = &[
    "additionalProperties",
    "dependentRequired",
    "dependentSchemas",
    "maxProperties",
    "minProperties",
    "patternProperties",
    "properties",
    "propertyNames",
    "required",
];

impl<'a> Compiler<'a> {
    /// None if a keyword cannot be compiled, or if there are too many names.
    pub(super) fn object(&mut self, schema: Schema<'a>) -> Option<ObjectRules> {
        let members = |keyword: &str| schema.keyword(keyword).into_iter().flat_map(Value::members);
        let mut names = Known(Vec::new());
        for (name, value) in members("properties") {
            names.0.push((name.as_str().into_owned(), Some(self.schema(schema.at(value)))));
        }
        let required = names.bits(schema.keyword("required"))?;
        let mut needs = Vec::new();
        for (name, needed) in members("dependentRequired") {
            needs.push((names.bit(&name.as_str())?, names.bits(Some(needed))?));
        }
        let mut dependents = Vec::new();
        for (name, value) in members("dependentSchemas") {
            dependents.push((names.bit(&name.as_str())?, self.schema(schema.at(value))));
        }
        let mut patterns = Vec::new();
        for (pattern, value) in members("patternProperties") {
            let name = pattern.as_str();
            let ask = || self.ask_tree(serde_json::json!({ "pattern": name }));
            patterns.push((Pattern::of(&name, ask), self.schema(schema.at(value))));
        }
        if names.0.len() > NAMES_MAX {
            return None;
        }
        Some(ObjectRules {
            least: bound(schema, "minProperties", 0)?,
            most: bound(schema, "maxProperties", usize::MAX)?,
            names: Names::of(names.0),
            required,
            patterns: patterns.into(),
            rest: self.part(schema, "additionalProperties"),
            name: self.part(schema, "propertyNames"),
            needs: needs.into(),
            dependents: dependents.into(),
        })
    }
}

/// The names that keywords speak of; a schema goes with those that `properties` lists.
struct Known(Vec<(String, Option<Index>)>);

impl Known {
    /// The bit of a name, if there is one left.
    fn bit(&mut self, name: &str) -> Option<u64> {
        let place = self.0.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), None));
            self.0.len() - 1
        });
        1_u64.checked_shl(u32::try_from(place).ok()?)
    }

    /// The bits of all names in a list.
    fn bits(&mut self, list: Option<Value<'_>>) -> Option<u64> {
        let mut names = list.into_iter().flat_map(Value::elements);
        names.try_fold(0, |bits, name| Some(bits | self.bit(&name.as_str()?)?))
    }
}

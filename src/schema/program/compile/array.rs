//! Keywords about arrays.

use super::super::array::{ArrayRules, Contains};
use super::{Compiler, Schema, bound};
use crate::json::{Kind, Value};

pub(super) const KEYWORDS: &[&str] = &[
    "contains",
    "items",
    "maxContains",
    "maxItems",
    "minContains",
    "minItems",
    "prefixItems",
    "uniqueItems",
];

impl<'a> Compiler<'a> {
    /// None if a keyword cannot be compiled.
    pub(super) fn array(&mut self, schema: Schema<'a>) -> Option<ArrayRules> {
        let first = schema.keyword("prefixItems").map(|list| self.schemas(schema, list));
        Some(ArrayRules {
            least: bound(schema, "minItems", 0)?,
            most: bound(schema, "maxItems", usize::MAX)?,
            first: first.unwrap_or_default(),
            rest: self.part(schema, "items"),
            is_unique: schema.keyword("uniqueItems").map(Value::kind) == Some(Kind::True),
            contains: match schema.keyword("contains") {
                None => None,
                Some(value) => Some(Contains {
                    schema: self.schema(schema.at(value)),
                    least: bound(schema, "minContains", 1)?,
                    most: bound(schema, "maxContains", usize::MAX)?,
                }),
            },
        })
    }
}

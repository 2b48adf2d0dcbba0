//! Query parameters with types.
//!
//! A query is text; its schema is one of an object whose properties are the parameters. A text that spells a value of
//! the property's type is that value, every other is a string, which the schema then refuses as it would in a body.

use std::sync::Arc;

use crate::json::{Document, Kind, Limits, Writer};
use crate::lens::Parameters;
use crate::problem::{Root, Violation};
use crate::schema::{Schema, Type, Types};

/// What the query parameters of an operation must look like.
#[derive(Debug)]
pub struct QueryShape {
    schema: Arc<Schema>,
    /// The parameters that are more than text.
    typed: Vec<(String, Types)>,
}

impl QueryShape {
    /// Reads the types off a schema.
    pub fn new(schema: Arc<Schema>) -> QueryShape {
        let shape = schema.shape();
        let with_types = |name: String| shape.property(&name).map(|property| (name, property.types()));
        let is_typed = |(_, types): &(String, Types)| !types.contains(Type::String);
        let typed = shape.properties().into_iter().filter_map(with_types).filter(is_typed).collect();
        QueryShape { schema, typed }
    }

    /// The schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// What is wrong with a query.
    pub fn violations(&self, query: &Parameters, most: usize) -> Vec<Violation> {
        let document = self.document(query);
        let violations = self.schema.violations(document.root(), most);
        let in_query = |violation| {
            let mut violation = Violation::from(violation);
            violation.place.root = Root::Query;
            violation
        };
        violations.into_iter().map(in_query).collect()
    }

    /// The query as a JSON object.
    fn document(&self, query: &Parameters) -> Document {
        let mut out = Writer::new();
        out.object_begin();
        for (name, text) in query {
            out.key(name);
            let types = self.typed.iter().find(|(typed, _)| **typed == **name).map(|(_, types)| *types);
            match types {
                Some(types) if spells(text, types) => out.raw(text),
                Some(_) | None => out.string(text),
            }
        }
        out.object_end();
        Document::parse(out.into_vec(), &Limits::default()).expect("what the writer wrote is JSON")
    }
}

/// Whether a text is a JSON value of one of the types. Objects and arrays have no form in a query.
fn spells(text: &str, types: Types) -> bool {
    let Ok(document) = Document::parse(text.as_bytes().to_vec(), &Limits::default()) else { return false };
    let value = document.root();
    // The space JSON allows around a value is part of what was sent.
    if value.raw() != text {
        return false;
    }
    match value.kind() {
        Kind::False | Kind::True => types.contains(Type::Boolean),
        Kind::Integer => types.contains(Type::Integer) || types.contains(Type::Number),
        Kind::Number => types.contains(Type::Number),
        Kind::Null | Kind::String | Kind::Array | Kind::Object => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diag::Sources;
    use crate::schema::{SchemaFile, Store};

    fn shape() -> QueryShape {
        let text = r#"{
            "type": "object",
            "properties": {
                "size": { "type": "integer", "minimum": 1, "maximum": 100 },
                "open": { "type": "boolean" },
                "role": { "enum": ["owner", "member"] }
            },
            "required": ["role"]
        }"#;
        let source = Sources::default().add("list.json", text);
        let file = SchemaFile { source, folder: "acme".into(), name: "list".into(), text: text.into() };
        let (store, diagnostics) = Store::load(vec![file]);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        QueryShape::new(Arc::clone(store.schema("acme", "list").unwrap()))
    }

    fn wrong(query: &[(&str, &str)]) -> Vec<(String, String)> {
        let query = query.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect();
        let violations = shape().violations(&query, 10);
        let told = |violation: Violation| (violation.place.dotted(), violation.kind.into_owned());
        violations.into_iter().map(told).collect()
    }

    #[test]
    fn a_text_is_a_value_of_its_parameters_type() {
        assert_eq!(wrong(&[("role", "owner"), ("size", "100"), ("open", "true"), ("other", "[")]), []);
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused_where_it_stands() {
        let refused = |name: &str, kind: &str| vec![(name.to_owned(), kind.to_owned())];
        assert_eq!(wrong(&[("role", "owner"), ("size", "0")]), refused("size", "minimum"));
        assert_eq!(wrong(&[("role", "owner"), ("size", "ten")]), refused("size", "type"));
        assert_eq!(wrong(&[("role", "owner"), ("size", "1.5")]), refused("size", "type"));
        assert_eq!(wrong(&[("role", "owner"), ("size", " 7")]), refused("size", "type"));
        assert_eq!(wrong(&[("role", "owner"), ("open", "yes")]), refused("open", "type"));
        assert_eq!(wrong(&[("role", "king")]), refused("role", "enum"));
        assert_eq!(wrong(&[]).len(), 1, "a parameter that is required and missing");
    }

    proptest! {
        #[test]
        fn no_query_panics(name in "size|open|role|\\PC*", value in "\\PC*") {
            let _violations = wrong(&[(&name, &value)]);
        }
    }
}

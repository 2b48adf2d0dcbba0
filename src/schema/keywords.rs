//! The keywords of JSON Schema 2020-12, and what stands under each.

use crate::json::{Key, Kind, Value};

/// What the value of a keyword holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// No schema.
    Data,
    /// One schema for a part of the value, or several by name or in a list.
    Parts,
    /// One schema for the value itself, or several by name or in a list.
    InPlace,
    /// Schemas by name that apply only where they are referred to.
    Definitions,
}

use Holds::{Data, Definitions, InPlace, Parts};

/// Every keyword that has a meaning, or is meant for people.
pub(super) const KEYWORDS: &[(&str, Holds)] = &[
    ("$anchor", Data),
    ("$comment", Data),
    ("$defs", Definitions),
    ("$dynamicAnchor", Data),
    ("$dynamicRef", Data),
    ("$id", Data),
    ("$ref", Data),
    ("$schema", Data),
    ("additionalProperties", Parts),
    ("allOf", InPlace),
    ("anyOf", InPlace),
    ("const", Data),
    ("contains", Parts),
    ("contentEncoding", Data),
    ("contentMediaType", Data),
    ("contentSchema", Parts),
    ("default", Data),
    ("dependentRequired", Data),
    ("dependentSchemas", InPlace),
    ("deprecated", Data),
    ("description", Data),
    ("else", InPlace),
    ("enum", Data),
    ("examples", Data),
    ("exclusiveMaximum", Data),
    ("exclusiveMinimum", Data),
    ("format", Data),
    ("if", InPlace),
    ("items", Parts),
    ("maxContains", Data),
    ("maxItems", Data),
    ("maxLength", Data),
    ("maxProperties", Data),
    ("maximum", Data),
    ("minContains", Data),
    ("minItems", Data),
    ("minLength", Data),
    ("minProperties", Data),
    ("minimum", Data),
    ("multipleOf", Data),
    ("not", InPlace),
    ("oneOf", InPlace),
    ("pattern", Data),
    ("patternProperties", Parts),
    ("prefixItems", Parts),
    ("properties", Parts),
    ("propertyNames", Parts),
    ("readOnly", Data),
    ("required", Data),
    ("then", InPlace),
    ("title", Data),
    ("type", Data),
    ("unevaluatedItems", Parts),
    ("unevaluatedProperties", Parts),
    ("uniqueItems", Data),
    ("writeOnly", Data),
];

/// Keywords of other drafts and of `OpenAPI` 3.0, and what to write instead.
pub(super) const FORMER: &[(&str, &str)] = &[
    ("additionalItems", "write `items` for the elements after those of `prefixItems`"),
    ("definitions", "write `$defs`"),
    ("dependencies", "write `dependentRequired` or `dependentSchemas`"),
    ("discriminator", "give the property that tells the alternatives apart a `const` in each of them"),
    ("example", "write `examples` and a list"),
    ("id", "remove it: a schema is known by its folder and file name"),
    ("nullable", "write the type as a list: `[\"string\", \"null\"]`"),
    ("$recursiveRef", "write `$ref`"),
];

/// What stands under the keyword; nothing if there is no such keyword.
pub(super) fn holds(keyword: Key<'_>) -> Option<Holds> {
    KEYWORDS.iter().find(|(name, _)| keyword.is(name)).map(|(_, holds)| *holds)
}

/// The schemas in the value of a keyword.
pub(super) fn schemas<'a>(holds: Holds, keyword: Key<'_>, value: Value<'a>) -> Vec<Value<'a>> {
    let by_name = ["$defs", "dependentSchemas", "patternProperties", "properties"];
    match holds {
        Holds::Data => Vec::new(),
        Holds::Parts | Holds::InPlace | Holds::Definitions => {
            if by_name.iter().any(|name| keyword.is(name)) {
                value.members().map(|(_, schema)| schema).collect()
            } else {
                listed(value).collect()
            }
        }
    }
}

/// The elements of a list, or the one value that stands for a list of itself.
pub(super) fn listed(value: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let alone = (value.kind() != Kind::Array).then_some(value);
    value.elements().chain(alone)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_lists_the_keywords_of_the_standard() {
        // The meta-schemas of the vocabularies name every keyword as a property.
        let everything = json!({"$ref": "https://json-schema.org/draft/2020-12/schema"});
        let bundle = jsonschema::bundle(&everything).unwrap();
        let mut standard = BTreeSet::new();
        for (uri, meta_schema) in bundle["$defs"].as_object().unwrap() {
            if uri.starts_with("https://json-schema.org/draft/2020-12/meta/") {
                standard.extend(meta_schema["properties"].as_object().unwrap().keys().cloned());
            }
        }
        // `$vocabulary` is for meta-schemas, which schema files are not.
        standard.remove("$vocabulary");
        let ours: BTreeSet<String> = KEYWORDS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(ours, standard);
    }
}

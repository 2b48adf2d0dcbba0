//! The laws of the instances, tried on every schema file there is.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value as Tree;

use super::*;
use crate::diag::Sources;
use crate::json::Value;
use crate::schema::support::schema;
use crate::schema::{SchemaFile, Shape, Store};

/// The schemas below a folder, those of the same folder together.
fn files(root: &Path) -> Vec<SchemaFile> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") {
                let text = fs::read_to_string(&path).unwrap();
                let source = Sources::default().add(path.display().to_string(), text.clone());
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                let folder = folder.file_name().unwrap().to_str().unwrap().to_owned();
                files.push(SchemaFile { source, folder, name, text });
            }
        }
    }
    files
}

/// Every folder of schemas that ships or that tests use.
fn stores() -> Vec<(Vec<SchemaFile>, Store)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "schemas",
        "tests/fixtures/sixth/schemas",
        "tests/fixtures/acme/schemas",
        "tests/diagnostics/base/schemas",
    ];
    let load = |folder: &str| {
        let files = files(&root.join(folder));
        let (store, found) = Store::load(files.clone());
        assert!(found.is_empty(), "{folder}: {found:?}");
        (files, store)
    };
    folders.into_iter().map(load).collect()
}

pub(in crate::schema) fn each_schema(mut look: impl FnMut(&Schema)) {
    for (files, store) in stores() {
        for file in files {
            look(store.schema(&file.folder, &file.name).unwrap());
        }
    }
}

/// The values at a place: members by name, all elements by none.
fn at<'v>(values: &[Value<'v>], step: Option<&str>) -> Vec<Value<'v>> {
    values
        .iter()
        .flat_map(|value| match step {
            Some(name) => value.member(name).into_iter().collect::<Vec<_>>(),
            None => value.elements().collect(),
        })
        .collect()
}

/// What of a shape does not occur in any of the values.
fn missing(shape: &Shape<'_>, values: &[Value<'_>], place: &str, depth: usize, found: &mut Vec<String>) {
    for value in shape.enumeration().into_iter().flatten() {
        if !values.iter().any(|own| own.to_value() == value) {
            found.push(format!("{place} is never {value}"));
        }
    }
    let names = shape.types().names();
    for name in names.iter().filter(|_| shape.enumeration().is_none() && names.len() < 6) {
        let is_of_type = |value: &Value<'_>| {
            let own = crate::schema::Type::of(&value.to_value());
            own.name() == *name || (*name == "number" && own.name() == "integer")
        };
        if !values.iter().any(is_of_type) {
            found.push(format!("{place} is never of type {name}"));
        }
    }
    for name in shape.properties() {
        let inner = at(values, Some(&name));
        let place = format!("{place}/{name}");
        let property = shape.property(&name).unwrap();
        if inner.is_empty() && !property.types().names().is_empty() {
            found.push(format!("{place} is never there"));
        } else if !shape.is_required(&name)
            && shape.types().names() == ["object"]
            && values.iter().all(|value| value.member(&name).is_some())
        {
            found.push(format!("{place} is always there"));
        } else if depth < 6 {
            missing(&property, &inner, &place, depth + 1, found);
        }
    }
    if let Some(items) = shape.items().filter(|_| depth < 6) {
        let elements = at(values, None);
        if elements.is_empty() {
            found.push(format!("{place}/* is never there"));
        } else {
            missing(&items, &elements, &format!("{place}/*"), depth + 1, found);
        }
        let arrays = || values.iter().filter(|value| value.kind() == crate::json::Kind::Array);
        let is_bulk = arrays().any(|array| array.len() > 1);
        if !is_bulk {
            found.push(format!("{place} never has several elements"));
        }
    }
}

#[test]
fn every_candidate_of_a_schema_that_is_there_is_valid() {
    each_schema(|schema| {
        let instances = Instances::of(schema, &[]);
        let count = instances.recipe.as_ref().map_or(0, Recipe::count);
        let valid = instances.systematic().count();
        assert_eq!(valid, count, "{schema:?}");
        assert_eq!(instances.others(7, 50).count(), 50, "{schema:?}");
    });
}

#[test]
fn every_property_value_and_element_occurs() {
    each_schema(|schema| {
        let documents: Vec<_> = Instances::of(schema, &[]).systematic().collect();
        let values: Vec<_> = documents.iter().map(Document::root).collect();
        let mut found = Vec::new();
        missing(&schema.shape(), &values, "", 0, &mut found);
        assert!(found.is_empty(), "{schema:?}: {found:#?}");
    });
}

/// The places of alternatives in a schema file, by what they are alternatives for: `/oneOf/1` or `/properties/a/anyOf/0`.
fn branches(
    tree: &Tree,
    pointer: &str,
    place: &[Option<String>],
    found: &mut Vec<(String, Vec<Option<String>>)>,
) {
    for keyword in ["anyOf", "oneOf"] {
        for (index, branch) in tree.get(keyword).and_then(Tree::as_array).into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/{keyword}/{index}");
            branches(branch, &pointer, place, found);
            found.push((pointer, place.to_vec()));
        }
    }
    for (name, property) in tree.get("properties").and_then(Tree::as_object).into_iter().flatten() {
        let place = [place, &[Some(name.clone())]].concat();
        branches(property, &format!("{pointer}/properties/{name}"), &place, found);
    }
    if let Some(items) = tree.get("items") {
        branches(items, &format!("{pointer}/items"), &[place, &[None]].concat(), found);
    }
}

#[test]
fn every_alternative_is_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let shipped = files(&root);
    let (store, _) = Store::load(shipped.clone());
    let mut tried = 0;
    for file in &shipped {
        let mut found = Vec::new();
        branches(&serde_json::from_str(&file.text).unwrap(), "", &[], &mut found);
        if found.is_empty() {
            continue;
        }
        let documents: Vec<_> =
            Instances::of(store.schema(&file.folder, &file.name).unwrap(), &[]).systematic().collect();
        let probes = found.iter().enumerate().map(|(index, (pointer, _))| SchemaFile {
            name: format!("probe{index}"),
            text: format!(r#"{{"$ref": "{}.json#{pointer}"}}"#, file.name),
            ..file.clone()
        });
        let (probing, _) = Store::load(shipped.iter().cloned().chain(probes).collect());
        for (index, (pointer, place)) in found.iter().enumerate() {
            let probe = probing.schema(&file.folder, &format!("probe{index}")).unwrap();
            let mut values: Vec<_> = documents.iter().map(Document::root).collect();
            for step in place {
                values = at(&values, step.as_deref());
            }
            assert!(values.iter().any(|value| probe.is_valid(*value)), "{}{pointer}", file.name);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

fn texts(schema_text: &str) -> Vec<String> {
    let schema = schema(schema_text);
    Instances::of(&schema, &[]).systematic().map(|one| one.text().to_owned()).collect()
}

#[test]
fn bounds_are_met_exactly() {
    assert_eq!(texts(r#"{"type": "integer", "minimum": 3, "maximum": 9}"#), ["3", "9"]);
    assert_eq!(
        texts(r#"{"type": "integer", "exclusiveMinimum": 3, "maximum": 10, "multipleOf": 5}"#),
        ["5", "10"]
    );
    let lengths = |text: &str| texts(text).iter().map(|text| text.chars().count() - 2).collect::<Vec<_>>();
    assert_eq!(
        lengths(r#"{"type": "string", "minLength": 2, "maxLength": 5, "pattern": "^[a-c]*$"}"#).last(),
        Some(&5)
    );
    assert_eq!(lengths(r#"{"type": "string", "format": "email", "maxLength": 40}"#).last(), Some(&40));
    assert_eq!(lengths(r#"{"type": "string", "maxLength": 40}"#).iter().max(), Some(&40));
    let items = texts(r#"{"type": "array", "minItems": 1, "maxItems": 3, "items": {"enum": [1, 2]}}"#);
    assert_eq!(items, ["[1]", "[1,1,1]", "[1]", "[2]"]);
    assert_eq!(texts(r#"{"type": "array", "maxItems": 0}"#), ["[]"]);
    let free = texts(
        r#"{"type": "object", "maxProperties": 2, "additionalProperties": {"const": 1}, "propertyNames": {"maxLength": 3, "minLength": 3}}"#,
    );
    assert!(
        free.contains(&"{}".to_owned()) && free.iter().any(|text| text.matches(':').count() == 2),
        "{free:?}"
    );
}

#[test]
fn conditions_are_met_and_not_met() {
    let found = texts(
        r#"{"type": "object", "properties": {"role": {"enum": [0, 1]}, "ids": {"type": "array", "items": {"const": 7}}},
            "if": {"properties": {"role": {"const": 1}}, "required": ["role"]},
            "then": {"required": ["ids"], "properties": {"ids": {"minItems": 1}}}}"#,
    );
    let has = |text: &str| assert!(found.iter().any(|found| found == text), "{text}: {found:?}");
    has("{}");
    has(r#"{"role":0}"#);
    has(r#"{"role":1,"ids":[7]}"#);
    assert!(!found.iter().any(|text| text == r#"{"role":1}"#));
}

#[test]
fn a_condition_on_more_than_values_is_not_met_either_way() {
    let found = texts(
        r#"{"type": "object", "properties": {"role": {"const": 1}, "id": {"type": "string", "maxLength": 1}},
            "required": ["role", "id"],
            "if": {"properties": {"role": {"const": 1}}, "additionalProperties": false},
            "then": {"properties": {"id": {"const": "x"}}}}"#,
    );
    assert!(found.iter().any(|text| text.contains("\"role\":1") && !text.contains("\"x\"")), "{found:?}");
}

#[test]
fn what_is_required_of_each_other_comes_together() {
    let found = texts(
        r#"{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "dependentRequired": {"a": ["b"]}, "minProperties": 1}"#,
    );
    assert!(
        found.iter().all(|text| text == r#"{"b":2}"# || text.contains("\"b\":2") && text.contains("\"a\":1")),
        "{found:?}"
    );
    assert!(found.len() > 2);
}

#[test]
fn a_schema_that_contains_itself_has_instances() {
    let found = texts(
        r##"{"type": "object", "properties": {"next": {"$ref": "#"}, "n": {"type": "boolean"}}, "required": ["n"]}"##,
    );
    assert!(found.iter().any(|text| text == r#"{"n":false}"#), "{found:?}");
    assert!(found.iter().any(|text| text.matches("next").count() > 3), "{found:?}");
    assert_eq!(
        texts(r##"{"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}"##),
        [""; 0]
    );
}

#[test]
fn what_cannot_be_has_no_instances() {
    assert_eq!(texts("false"), [""; 0]);
    assert_eq!(texts(r#"{"allOf": [{"type": "string"}, {"type": "null"}]}"#), [""; 0]);
}

#[test]
fn a_guide_says_what_is_at_a_place() {
    let schema = schema(
        r#"{"type": "object", "properties": {"id": {"type": ["string", "null"]}, "roles": {"type": "array", "items": {"enum": ["a", "b", "c"]}}, "more": {"type": "object"}}, "required": ["id"]}"#,
    );
    let member = |name: &str| Step::Member(name.into());
    let guides = [
        Guide { at: vec![member("id")], values: Values::Only(vec![Tree::from("x-1")]) },
        Guide { at: vec![member("roles"), Step::Items], values: Values::Without(vec![Tree::from("b")]) },
        Guide {
            at: vec![member("more"), member("acme"), member("n")],
            values: Values::Only(vec![Tree::from(7)]),
        },
    ];
    let found: Vec<_> = Instances::of(&schema, &guides)
        .systematic()
        .chain(Instances::of(&schema, &guides).others(1, 9))
        .collect();
    let text = found.iter().map(|one| one.text().to_owned()).collect::<String>();
    for shown in [r#""id":"x-1""#, r#""id":null"#, r#""a""#, r#""c""#, r#""acme":{"n":7}"#] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains(r#""b""#), "{text}");
}

#[test]
fn what_is_just_so_is_there_and_never_null() {
    let schema = schema(
        r#"{"type": "object", "properties": {"in": {"type": "object", "properties": {"a": {"enum": [1, 2, null]}}}, "b": {}}}"#,
    );
    let at = vec![Step::Member("in".into()), Step::Member("a".into())];
    let guides = [Guide { at, values: Values::Just(vec![Tree::from(2), Tree::from(3)]) }];
    let instances = Instances::of(&schema, &guides);
    let texts: Vec<_> = instances.systematic().map(|one| one.text().to_owned()).collect();
    assert!(texts.len() > 4 && texts.iter().all(|text| text.contains(r#""in":{"a":2}"#)), "{texts:?}");
}

/// Every third value of `a` excludes every `b`, so that no instance with both of them is made in step.
#[test]
fn what_was_only_in_invalid_instances_is_tried_among_other_members() {
    let text = r#"{"type": "object", "properties": {"a": {"enum": [1, 2, 3]}, "b": {"enum": ["x", "y", "z"]}}, "required": ["a"],
                   "not": {"properties": {"a": {"const": 3}}, "required": ["b"]}}"#;
    let schema = schema(text);
    let instances = Instances::of(&schema, &[]);
    let documents: Vec<_> = instances.systematic().collect();
    let values: Vec<_> = documents.iter().map(Document::root).collect();
    let mut found = Vec::new();
    missing(&schema.shape(), &values, "", 0, &mut found);
    assert_eq!((found, instances.untried()), (Vec::new(), Vec::new()));
}

#[test]
fn choices_of_which_there_is_no_instance_are_counted() {
    let missed = |text: &str| {
        let schema = schema(text);
        let instances = Instances::of(&schema, &[]);
        (instances.systematic().count() > 0, !instances.untried().is_empty())
    };
    let excluded = r#""properties": {"a": {"enum": [1, 2, 3]}, "b": {}}, "not": {"properties": {"a": {"const": 3}}, "required": ["a"]}"#;
    assert_eq!(missed(&format!(r#"{{"type": "object", {excluded}}}"#)), (true, true));
    assert_eq!(
        missed(&format!(r#"{{"type": "array", "minItems": 1, "items": {{"type": "object", {excluded}}}}}"#)),
        (true, true)
    );
    assert_eq!(
        missed(r#"{"type": "object", "properties": {"a": {"enum": [1, 2, 3]}, "b": {}}}"#),
        (true, false)
    );
}

#[test]
fn the_same_seed_gives_the_same_instances() {
    let schema =
        schema(r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}"#);
    let of = |seed| {
        Instances::of(&schema, &[]).others(seed, 20).map(|one| one.text().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(3), of(3));
    assert_ne!(of(3), of(4));
}

proptest! {
    /// Whatever a schema says, in whatever way: what is given is valid. And what has an instance is not given up easily.
    #[test]
    fn every_instance_is_valid(
        parts in prop::collection::vec(prop::sample::select(vec![
            r#"{"type": ["integer", "null"]}"#, r#"{"enum": [0, 1, "a", null]}"#, r#"{"type": "string", "minLength": 3}"#,
            r#"{"oneOf": [{"const": "a"}, {"type": "number"}]}"#, r#"{"anyOf": [{"enum": [0, "b"]}, {"type": "null"}]}"#,
            r#"{"type": "object", "required": ["a"], "properties": {"a": {"format": "uuid"}}}"#, r#"{"not": {"type": "null"}}"#,
            r#"{"properties": {"b": {"type": "array", "uniqueItems": true, "minItems": 2, "items": {"type": "boolean"}}}}"#,
        ]), 1..4),
        combination in prop::sample::select(vec!["allOf", "anyOf", "oneOf"]),
        seed: u64,
    ) {
        let schema = schema(&format!(r#"{{"{combination}": [{}]}}"#, parts.join(",")));
        let instances = Instances::of(&schema, &[]);
        let given: Vec<_> = instances.systematic().chain(instances.others(seed, 20)).collect();
        for one in &given {
            prop_assert!(schema.is_valid(one.root()), "{}", one.text());
        }
        if combination == "anyOf" {
            prop_assert!(!given.is_empty(), "{parts:?}");
        }
    }
}

//! Imports documents: ours, which have to give back what they were made of, a real one, and those of people who mean
//! harm.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use interlingua::diag::{Diagnostic, Sources};
use interlingua::json::{Document, Limits};
use interlingua::mapping::{self, MappingText};
use interlingua::openapi;
use interlingua::openapi::import::{File, Imported, Options, import};
use interlingua::schema::{SchemaFile, Store};
use serde_json::{Value, json};

use crate::support::{self, Dialects};

/// Schemas whose verdicts have to be compared, at the very least: each dialect has some.
const COMPARED_MIN: usize = 60;

#[test]
fn what_we_export_is_imported_as_what_it_was() {
    let Dialects { registry, schemas } = support::shipped();
    let mut compared = 0;
    let mut verdicts = BTreeSet::new();
    for dialect in registry.dialects() {
        let document = openapi::document(dialect, schemas);
        let imported = imported(&document.to_string());
        let (store, found) = store(&imported.files, Vec::new());
        assert!(found.is_empty(), "{}: {found:?}", dialect.name);
        let bodies = bodies(&golden(&dialect.name));
        for (component, _) in document["components"]["schemas"].as_object().unwrap() {
            let (folder, name) = component.split_once('.').unwrap_or((&dialect.name, component));
            let original = schemas.schema(folder, name).unwrap();
            let file = component.replace(['.', '-'], "_");
            let again = store.schema("again", &file).unwrap_or_else(|| panic!("{}: no {file}", dialect.name));
            compared += 1;
            for body in &bodies {
                let body = Document::parse(body.clone().into_bytes(), &Limits::default()).unwrap();
                let verdict = original.is_valid(body.root());
                verdicts.insert((component.clone(), verdict));
                assert_eq!(
                    again.is_valid(body.root()),
                    verdict,
                    "{} {component}: {}",
                    dialect.name,
                    body.text()
                );
            }
        }
    }
    assert!(compared >= COMPARED_MIN, "only {compared} schemas were compared");
    let met = |verdict| verdicts.iter().filter(|(_, known)| *known == verdict).count();
    assert!(met(true) > 40 && met(false) > 40, "bodies that fit: {}, that do not: {}", met(true), met(false));
}

#[test]
fn of_what_we_export_only_what_is_to_be_decided_is_told() {
    let Dialects { registry, schemas } = support::shipped();
    for dialect in registry.dialects() {
        let imported = imported(&openapi::document(dialect, schemas).to_string());
        assert_eq!(imported.notes, [], "{}", dialect.name);
        only_todos(&imported, &dialect.name);
    }
}

#[test]
fn of_a_real_document_only_what_is_to_be_decided_is_told() {
    let path = root().join("tests/fixtures/openapi/langfuse.yml");
    let imported = imported(&fs::read_to_string(path).unwrap());
    assert_eq!((imported.operations, imported.notes.as_slice()), (6, &[][..]));
    only_todos(&imported, "the real one");
}

/// Each case of `tests/fixtures/openapi/keywords.json`: a schema of OpenAPI, and values that fit what it becomes or do
/// not, by the specification.
#[test]
fn keywords_mean_afterwards_what_they_meant() {
    let text = fs::read_to_string(root().join("tests/fixtures/openapi/keywords.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    for case in &cases {
        let about = case["about"].as_str().unwrap();
        let media = json!({ "application/json": { "schema": case["schema"] } });
        let document = json!({
            "openapi": case["openapi"],
            "info": { "title": "t", "version": "1" },
            "paths": { "/a": { "post": {
                "operationId": "a",
                "requestBody": { "content": media },
                "responses": { "200": { "description": "", "content": media } },
            } } },
            "components": case.get("components").cloned().unwrap_or_else(|| json!({})),
        });
        let imported = imported(&document.to_string());
        let (store, found) = store(&imported.files, Vec::new());
        assert!(found.is_empty(), "{about}: {found:?}");
        for (way, expected) in [("request", "requests"), ("answer", "answers")] {
            let of_way = store.schema("again", &format!("a_{way}"));
            // What is the same in both directions has one file.
            let schema = of_way.or_else(|| store.schema("again", "a_answer")).unwrap();
            let values = |verdict: &str| case.get(expected).unwrap_or(case)[verdict].as_array().cloned();
            for (verdict, fits) in [("fits", true), ("does not", false)] {
                for value in values(verdict).unwrap_or_default() {
                    let body = Document::parse(value.to_string().into_bytes(), &Limits::default()).unwrap();
                    assert_eq!(schema.is_valid(body.root()), fits, "{about}, {way}: {value}");
                }
            }
        }
    }
    assert!(cases.len() > 15);
}

#[test]
fn names_of_others_never_leave_the_folders() {
    let schema = json!({ "$ref": "#/components/schemas/..~1..~1..~1etc~1passwd" });
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "\"]\n[evil]\nx = \"", "version": "'''" },
        "servers": [{ "url": "https://a.example/../..\"\n[evil]" }, { "url": "https://b.example/v1" }],
        "paths": { "/x/{a..b}": { "get": {
            "operationId": "../../\u{0}evil\"\n",
            "summary": "line\nline # \u{1b}[31m",
            "responses": { "200": { "description": "", "content": { "application/json": { "schema": schema } } } },
        } } },
        "components": { "schemas": {
            "../../../etc/passwd": { "type": "object", "properties": {
                "a\"b\n[evil]": { "enum": ["x\"", "\n]\n"] }, "$ref": { "type": "string" }, "c": { "$ref": "#/nowhere" },
            } },
            "ETC-passwd": {},
        } },
    });
    let imported = imported(&document.to_string());
    for File { path, text } in &imported.files {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_/-.".contains(c);
        assert!(path.chars().all(is_plain) && !path.contains(".."), "{path}");
        assert!(path.starts_with("mappings/again") || path.starts_with("schemas/again/"), "{path}");
        assert!(!text.contains("\n[evil]"), "{text}");
    }
    assert!(imported.notes.iter().all(|note| !note.to_string().contains('\n')));
    only_todos(&imported, "evil");
}

#[test]
fn what_contains_itself_ends() {
    let document = json!({
        "openapi": "3.0.3",
        "info": { "title": "t", "version": "1" },
        "paths": {
            "/a": { "$ref": "#/paths/~1a" },
            "/b": { "get": { "responses": { "200": { "description": "", "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Tree" } } } } } } },
        },
        "components": { "schemas": {
            "Tree": { "type": "object", "properties": {
                "left": { "$ref": "#/components/schemas/Tree" },
                "all": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } } } },
        } },
    });
    only_todos(&imported(&document.to_string()), "the tree");
    let mut document = document;
    document["components"]["schemas"]["Tree"]["allOf"] = json!([{ "$ref": "#/components/schemas/Tree" }]);
    let (_, found) = store(&imported(&document.to_string()).files, Vec::new());
    assert!(found.iter().all(|told| told.starts_with("S0111: ")) && !found.is_empty(), "the knot: {found:?}");
}

#[test]
fn what_is_no_schema_or_operation_is_left_out_and_told() {
    let body = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let document = json!({
        "openapi": "3.0.3",
        "info": 7,
        "paths": {
            "/a": { "parameters": "none", "get": { "parameters": [{ "in": "cookie", "name": "c" }, 3], "responses": {
                "200": body(json!({ "type": "nothing", "pattern": "(?=a)", "required": true, "items": [], "zzz": 1 })),
                "teapot": {}, "302": {},
            } } },
            "/a-{b}": { "get": {} },
            "/c": { "head": {}, "post": { "requestBody": { "content": { "text/plain": {} } }, "responses": {} } },
        },
    });
    let imported = imported(&document.to_string());
    let told: Vec<_> = imported.notes.iter().map(ToString::to_string).collect();
    for place in [
        "#/paths/~1a/get/parameters/0:",
        "#/paths/~1a/get/parameters/1:",
        "#/paths/~1a-{b}/get:",
        "#/paths/~1c/head:",
        "#/paths/~1c/post/requestBody/content:",
        "#/paths/~1c/post:",
        "#/paths/~1a/get/responses/302:",
    ] {
        assert!(told.iter().any(|note| note.starts_with(place)), "{place} is not told: {told:#?}");
    }
    for keyword in ["type", "pattern", "required", "items", "zzz"] {
        let place = format!("#/paths/~1a/get/responses/200/content/application~1json/schema/{keyword}:");
        assert!(told.iter().any(|note| note.starts_with(&place)), "{place} is not told: {told:#?}");
    }
    only_todos(&imported, "what is left");
}

fn imported(text: &str) -> Imported {
    import(text, &Options { name: "again".to_owned(), only: Vec::new() }).unwrap()
}

/// What a check says of the files: nothing but what is to be decided, and that for every place.
fn only_todos(imported: &Imported, about: &str) {
    let mut sources = Sources::default();
    let canonical = root().join("schemas/canonical");
    let canonical = fs::read_dir(canonical).unwrap().map(|entry| entry.unwrap().path());
    let canonical = canonical.map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        SchemaFile {
            source: sources.add(name.clone(), text.clone()),
            folder: "canonical".to_owned(),
            name,
            text,
        }
    });
    let canonical: Vec<_> = canonical.collect();
    let (store, found) = store(&imported.files, canonical);
    assert!(found.is_empty(), "{about}: {found:?}");
    let canonical = fs::read_to_string(root().join("mappings/canonical.toml")).unwrap();
    let text = &imported.files[0].text;
    let texts = [
        MappingText { name: "canonical".to_owned(), source: sources.add("canonical.toml", canonical) },
        MappingText { name: "again".to_owned(), source: sources.add("again.toml", text.clone()) },
    ];
    let (registry, found) = mapping::load(&texts, &sources, &store);
    let found = found.into_vec();
    let others: Vec<_> = found.iter().filter(|one| one.code.as_str() != "M0801").map(message).collect();
    assert_eq!(others, [] as [String; 0], "{about}\n{text}");
    assert!(
        registry.is_none() && found.len() >= text.matches("\"TODO\"").count(),
        "{about}: {}",
        found.len()
    );
}

fn message(diagnostic: &Diagnostic) -> String {
    format!("{}: {}", diagnostic.code, diagnostic.message)
}

fn store(files: &[File], more: Vec<SchemaFile>) -> (Store, Vec<String>) {
    let mut sources = Sources::default();
    let mut schemas = more;
    for File { path, text } in files {
        let Some(name) = path.strip_prefix("schemas/again/").and_then(|name| name.strip_suffix(".json"))
        else {
            continue;
        };
        let source = sources.add(path.clone(), text.clone());
        let (folder, name) = ("again".to_owned(), name.to_owned());
        schemas.push(SchemaFile { source, folder, name, text: text.clone() });
    }
    let (store, found) = Store::load(schemas);
    (store, found.iter().map(message).collect())
}

/// The texts of all golden cases of a dialect.
fn golden(dialect: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().join("tests/golden").join(dialect)];
    while let Some(here) = open.pop() {
        if here.is_dir() {
            open.extend(fs::read_dir(&here).unwrap().map(|entry| entry.unwrap().path()));
        } else if here.extension().is_some_and(|extension| extension == "json") {
            texts.push(fs::read_to_string(&here).unwrap());
        }
    }
    texts
}

/// Every body in them, and each without its members one by one.
fn bodies(texts: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        let mut open: Vec<Value> = vec![serde_json::from_str(text).unwrap()];
        while let Some(here) = open.pop() {
            if let Some(body) = here.get("body") {
                found.insert(body.to_string());
                for name in body.as_object().into_iter().flatten().map(|(name, _)| name) {
                    let mut less = body.clone();
                    less.as_object_mut().unwrap().remove(name);
                    found.insert(less.to_string());
                }
            }
            match here {
                Value::Object(members) => open.extend(members.into_iter().map(|(_, member)| member)),
                Value::Array(elements) => open.extend(elements),
                _ => {}
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

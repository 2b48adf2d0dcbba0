//! A value nobody has placed: when the canonical API learns a new word, every mapping that brings such words over has to
//! say what becomes of it, before anything is served.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use interlingua::boot::{self, DataFiles};
use interlingua::diag::Sources;
use interlingua::dialect::{Dialect, Registry};
use interlingua::lens::op::Op;
use interlingua::lens::{Field, Lens};
use interlingua::mapping::{self, MappingText};
use interlingua::problem::Root;
use interlingua::schema::{Schema, SchemaFile, Store};
use serde_json::Value;

const NEW: &str = "zz-new";

/// What ships, with changes to the canonical texts.
struct Changed {
    sources: Sources,
    mappings: Vec<MappingText>,
    schemas: Vec<SchemaFile>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn paths(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Reads what ships; generations say nothing about words that what they extend does not say too.
fn read(schema: &dyn Fn(&str, String) -> String, mapping: &dyn Fn(&str, String) -> String) -> Changed {
    let mut sources = Sources::default();
    let mut mappings = Vec::new();
    for path in paths(&root().join("mappings")) {
        let text = fs::read_to_string(&path).unwrap();
        if text.contains("\nextends ") {
            continue;
        }
        let text = mapping(&name(&path), text);
        let source = sources.add(format!("mappings/{}.toml", name(&path)), text);
        mappings.push(MappingText { name: name(&path), source });
    }
    let mut schemas = Vec::new();
    for folder in paths(&root().join("schemas")) {
        for path in paths(&folder) {
            let mut text = fs::read_to_string(&path).unwrap();
            if name(&folder) == "canonical" {
                text = schema(&name(&path), text);
            }
            let source = sources.add(path.display().to_string(), text.clone());
            schemas.push(SchemaFile { source, folder: name(&folder), name: name(&path), text });
        }
    }
    Changed { sources, mappings, schemas }
}

/// Adds the new word to every list of words in a schema.
fn widened(tree: &mut Value) {
    match tree {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::Array(words) if name == "enum" => words.push(Value::from(NEW)),
                    inner => widened(inner),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(widened),
        _ => {}
    }
}

fn with_new_words(text: &str) -> String {
    let mut tree: Value = serde_json::from_str(text).unwrap();
    widened(&mut tree);
    tree.to_string()
}

/// Where a field's words are in the canonical schema, and whether the new one is among them.
fn may_be_new(schema: &Schema, field: &Field) -> bool {
    let Some(at) = field.right.as_ref().filter(|at| at.root == Root::Body) else { return false };
    let mut shape = Some(schema.shape());
    for name in &at.path {
        shape = shape.and_then(|shape| shape.property(name));
    }
    shape.and_then(|shape| shape.enumeration()).is_some_and(|words| words.contains(&Value::from(NEW)))
}

/// The lines of a dialect that bring words over by a table, and may meet the new one.
fn tables<'d>(dialect: &'d Dialect, schemas: &Store) -> Vec<(&'d Lens, &'d Field)> {
    let mut found = Vec::new();
    for shaped in dialect.lenses.values() {
        let Some(schema) = shaped.right.as_ref().and_then(|right| schemas.schema("canonical", right.name()))
        else {
            continue;
        };
        for field in shaped.lens.fields() {
            let is_word = matches!(field.op, Op::Table(_) | Op::Label(_) | Op::Row(_));
            if is_word && may_be_new(schema, field) {
                found.push((&*shaped.lens, field));
            }
        }
    }
    found
}

fn shipped() -> Registry {
    boot::load(&DataFiles::default(), &mut Sources::default()).unwrap().registry.unwrap()
}

/// What is found, as code, file and line.
fn found(changed: &Changed, store: &Store) -> BTreeSet<(String, String, usize)> {
    let (registry, found) = mapping::load(&changed.mappings, &changed.sources, store);
    assert!(registry.is_none(), "a word nobody has placed must not be served");
    let place = |one: &interlingua::diag::Diagnostic| {
        let span = one.primary()?;
        let (line, _) = changed.sources.line_column(span.source, span.start);
        Some((one.code.as_str().to_owned(), changed.sources.path(span.source).to_owned(), line))
    };
    found.iter().filter_map(place).collect()
}

/// The line of a mapping where a field stands.
fn line(changed: &Changed, dialect: &str, field: &Field) -> (String, usize) {
    let path = format!("mappings/{dialect}.toml");
    let source = changed.mappings.iter().find(|text| text.name == dialect).unwrap().source;
    let (line, _) = changed.sources.line_column(source, field.origin.unwrap().start);
    (path, line)
}

#[test]
fn a_new_canonical_word_is_told_at_every_table_that_does_not_place_it() {
    let registry = shipped();
    let changed =
        read(&|name, text| if name == "role" { text } else { with_new_words(&text) }, &|_, text| text);
    let (store, wrong) = Store::load(changed.schemas.clone());
    assert!(wrong.is_empty(), "{wrong:?}");
    let found = found(&changed, &store);
    let mut count = 0;
    for dialect in registry.dialects().iter().filter(|dialect| dialect.extends.is_empty()) {
        for (lens, field) in tables(dialect, &store) {
            let (path, line) = line(&changed, &dialect.name, field);
            let is_told =
                found.iter().any(|(code, file, at)| code == "M0303" && *file == path && *at == line);
            // A table is told once for each word, at the first line that uses it.
            let is_told_elsewhere = found.iter().any(|(code, file, _)| code == "M0303" && *file == path);
            assert!(is_told || is_told_elsewhere, "{dialect}: {} {:?}: {found:?}", lens.name(), field.left);
            count += 1;
        }
    }
    assert!(count >= 6, "{count} lines");
}

#[test]
fn a_new_canonical_role_is_told_at_every_table_of_roles() {
    let registry = shipped();
    let roles = "[roles]\n";
    let changed = read(
        &|name, text| if name == "role" { with_new_words(&text) } else { text },
        &|name, text| match name {
            "canonical" => text.replacen(roles, &format!("{roles}{NEW} = [\"content.read\"]\n"), 1),
            _ => text,
        },
    );
    let (store, wrong) = Store::load(changed.schemas.clone());
    assert!(wrong.is_empty(), "{wrong:?}");
    let found = found(&changed, &store);
    for dialect in registry.dialects().iter().filter(|dialect| dialect.extends.is_empty()) {
        let path = format!("mappings/{dialect}.toml");
        let is_told = found.iter().any(|(code, file, _)| code == "M0303" && *file == path);
        assert_eq!(is_told, dialect.roles.is_some(), "{dialect}: {found:?}");
    }
}

/// The list of words in the schema and that of the roles are two: what is only in the schema no table can be asked for.
#[test]
fn a_role_that_only_the_schema_knows_is_found_where_it_is_told() {
    let registry = shipped();
    let changed =
        read(&|name, text| if name == "role" { with_new_words(&text) } else { text }, &|_, text| text);
    let (store, _) = Store::load(changed.schemas.clone());
    let found = found(&changed, &store);
    for dialect in registry.dialects().iter().filter(|dialect| dialect.extends.is_empty()) {
        let is_role = |field: &Field| matches!(&field.op, Op::Table(table) if table.noun == "role");
        let told = tables(dialect, &store).into_iter().filter(|(_, field)| is_role(field));
        // Of what only lifts nothing canonical is told.
        let lines: Vec<_> = told.map(|(_, field)| line(&changed, &dialect.name, field)).collect();
        let is_told = lines.iter().any(|(path, line)| {
            // Where a table of its own brings roles over, that one is told, and nothing is tried.
            found
                .iter()
                .any(|(code, file, at)| file == path && (code == "M0303" || code == "M0308" && at == line))
        });
        assert_eq!(is_told, !lines.is_empty(), "{dialect}: {lines:?}: {found:?}");
    }
}

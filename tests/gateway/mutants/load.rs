//! Loads mutants, each with as little of what ships as can find fault with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use interlingua::diag::{Diagnostic, Diagnostics, Severity, SourceId, Sources};
use interlingua::mapping::{self, MappingText};
use interlingua::schema::{SchemaFile, Store};

use super::draft::Mutant;
use super::files::{Files, SchemaName};
use crate::support::Dialects;

/// What ships, ready to be changed in one place.
pub(super) struct Workshop<'f> {
    pub(super) files: &'f Files,
    pub(super) clean: Dialects,
    sources: Sources,
    ids: BTreeMap<String, SourceId>,
}

/// What came of loading.
pub(super) struct Loaded {
    pub(super) dialects: Option<Dialects>,
    pub(super) errors: Vec<Diagnostic>,
}

impl Loaded {
    fn of(dialects: Option<Dialects>, found: Diagnostics) -> Loaded {
        let errors = found.into_vec().into_iter().filter(|one| one.severity == Severity::Error).collect();
        Loaded { dialects, errors }
    }
}

/// What a mutant changes, and whom that concerns.
enum Change<'m> {
    Canonical,
    CanonicalSchema(SchemaName),
    Mapping(&'m str),
    Schema(SchemaName),
}

impl<'f> Workshop<'f> {
    pub(super) fn new(files: &'f Files) -> Self {
        let mut sources = Sources::default();
        let mut ids = BTreeMap::new();
        for (name, text) in &files.mappings {
            let path = format!("mappings/{name}.toml");
            ids.insert(path.clone(), sources.add(path, text));
        }
        for ((folder, name), text) in &files.schemas {
            let path = format!("schemas/{folder}/{name}.json");
            ids.insert(path.clone(), sources.add(path, text));
        }
        let every = files.schemas.keys().map(|name| schema_file(files, name, &ids, None)).collect();
        let (schemas, found) = Store::load(every);
        assert!(found.is_empty(), "the schemas that ship are sound: {found:?}");
        let texts: Vec<_> = files.mappings.keys().map(|name| text(name, &ids)).collect();
        let (registry, found) = mapping::load(&texts, &sources, &schemas);
        let found = found.into_vec();
        assert!(found.is_empty(), "nothing is to be said about what ships: {found:?}");
        let registry = Arc::new(registry.expect("nothing is wrong with what ships"));
        Self { files, clean: Dialects { registry, schemas }, sources, ids }
    }

    /// Whom a mutant concerns: the dialects whose mappings or schemas it changes, and their generations.
    pub(super) fn concerned(&self, mutant: &Mutant) -> Vec<&'f str> {
        match change(mutant) {
            Change::Canonical | Change::CanonicalSchema(_) => self.files.dialects().collect(),
            Change::Mapping(name) => self.files.descendants(name),
            Change::Schema((folder, _)) => self.files.descendants(&folder),
        }
    }

    /// What can be said against a mutant: until something is, or everything if `thorough`. The dialects are those it
    /// concerns, and all others if `with_all`.
    pub(super) fn load(&self, mutant: &Mutant, with_all: bool, thorough: bool) -> Loaded {
        let path = mutant.file.as_str();
        let changed = mutant.text(self.sources.text(self.ids[path]));
        let mut sources = self.sources.clone();
        let mut ids = self.ids.clone();
        ids.insert(path.to_owned(), sources.add(path, changed.as_str()));

        let mut schemas = Store::joined([&self.clean.schemas]);
        if let Change::CanonicalSchema(name) | Change::Schema(name) = change(mutant) {
            let users = self.files.users(&name);
            let touched = self.files.used(&users);
            let files = touched.iter().map(|one| {
                let text = (*one == name).then_some(changed.as_str());
                schema_file(self.files, one, &ids, text)
            });
            let (store, found) = Store::load(files.collect());
            let mut all = Diagnostics::default();
            all.extend(found);
            if all.has_errors() {
                return Loaded::of(None, all);
            }
            schemas = Store::joined([&schemas, &store]);
        }

        let concerned = self.concerned(mutant);
        let families: Vec<Vec<&str>> = match change(mutant) {
            // One dialect after the other, the smaller first: most mutants are found out by the first.
            Change::Canonical | Change::CanonicalSchema(_) => {
                let mut roots: Vec<_> =
                    concerned.iter().filter(|name| self.files.chain(name).len() == 1).collect();
                roots.sort_by_key(|name| self.files.mappings[**name].len());
                roots.into_iter().map(|name| vec![*name]).collect()
            }
            Change::Mapping(_) | Change::Schema(_) => vec![self.files.chain(concerned[0])],
        };
        for family in families.into_iter().filter(|_| !thorough) {
            let (_, found) = mapping::load(&texts(&family, &ids), &sources, &schemas);
            if found.has_errors() {
                return Loaded::of(None, found);
            }
        }
        let mut rest: Vec<&str> = if with_all { self.files.dialects().collect() } else { concerned };
        rest.extend(rest.clone().iter().flat_map(|name| self.files.chain(name)));
        let (registry, found) = mapping::load(&texts(&rest, &ids), &sources, &schemas);
        let dialects = registry.map(|registry| Dialects { registry: Arc::new(registry), schemas });
        Loaded::of(dialects, found)
    }
}

/// The schemas whose meaning a mutant changes.
pub(super) fn touched(files: &Files, mutant: &Mutant) -> Vec<SchemaName> {
    match change(mutant) {
        Change::Canonical | Change::Mapping(_) => Vec::new(),
        Change::CanonicalSchema(name) | Change::Schema(name) => files.users(&name).into_iter().collect(),
    }
}

fn change(mutant: &Mutant) -> Change<'_> {
    let path = mutant.file.trim_end_matches(".toml").trim_end_matches(".json");
    match path.split('/').collect::<Vec<_>>()[..] {
        ["mappings", "canonical"] => Change::Canonical,
        ["mappings", name] => Change::Mapping(name),
        ["schemas", "canonical", name] => Change::CanonicalSchema(("canonical".to_owned(), name.to_owned())),
        ["schemas", folder, name] => Change::Schema((folder.to_owned(), name.to_owned())),
        _ => panic!("{path} is neither a mapping nor a schema"),
    }
}

/// The texts of these mappings and of the canonical one.
fn texts(names: &[&str], ids: &BTreeMap<String, SourceId>) -> Vec<MappingText> {
    let mut names: Vec<_> = names.iter().copied().chain(["canonical"]).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| text(name, ids)).collect()
}

fn text(name: &str, ids: &BTreeMap<String, SourceId>) -> MappingText {
    MappingText { name: name.to_owned(), source: ids[&format!("mappings/{name}.toml")] }
}

fn schema_file(
    files: &Files,
    name: &SchemaName,
    ids: &BTreeMap<String, SourceId>,
    text: Option<&str>,
) -> SchemaFile {
    let (folder, file) = name;
    SchemaFile {
        source: ids[&format!("schemas/{folder}/{file}.json")],
        folder: folder.clone(),
        name: file.clone(),
        text: text.unwrap_or(&files.schemas[name]).to_owned(),
    }
}

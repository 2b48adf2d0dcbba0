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
    /// The dialects a mutant concerns, those of one API together; none if there is any error.
    pub(super) dialects: Vec<Dialects>,
    pub(super) errors: Vec<Diagnostic>,
}

impl Loaded {
    fn with(found: Diagnostics) -> Loaded {
        let errors = found.into_vec().into_iter().filter(|one| one.severity == Severity::Error).collect();
        Loaded { dialects: Vec::new(), errors }
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
            Change::Canonical => self.files.dialects().collect(),
            Change::CanonicalSchema(name) => {
                let named = self.files.named_for(&self.files.users(&name));
                self.files.dialects().filter(|dialect| self.files.says_one_of(dialect, &named)).collect()
            }
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
                return Loaded::with(all);
            }
            schemas = Store::joined([&schemas, &store]);
        }

        let concerned = self.concerned(mutant);
        let one = |names: &[&str]| {
            let (registry, found) = mapping::load(&texts(names, &ids), &sources, &schemas);
            let registry = registry.map(Arc::new).ok_or_else(|| Loaded::with(found))?;
            Ok(Dialects { registry, schemas: Store::joined([&schemas]) })
        };
        let whole = || {
            let names = if with_all { self.files.dialects().collect() } else { concerned.clone() };
            let names: Vec<_> = names.iter().flat_map(|name| self.files.chain(name)).collect();
            Ok(vec![one(&names)?])
        };
        // One API after the other, and what is extended first: most mutants are found out by the first.
        let by_and_by = || {
            let apis = self.apis(&concerned);
            let first: Vec<_> =
                apis.iter().map(|(names, first)| one(&names[..*first])).collect::<Result<_, Loaded>>()?;
            if with_all {
                return whole();
            }
            let rest = apis.iter().zip(first);
            rest.map(|((names, count), first)| if names.len() == *count { Ok(first) } else { one(names) })
                .collect()
        };
        let loaded = if thorough { whole() } else { by_and_by() };
        loaded.map_or_else(|errors| errors, |dialects| Loaded { dialects, errors: Vec::new() })
    }

    /// Dialects by the API they are generations of, the smaller first; how many it takes for the first of them.
    fn apis(&self, dialects: &[&'f str]) -> Vec<(Vec<&'f str>, usize)> {
        let mut apis: BTreeMap<&str, (Vec<&str>, usize)> = BTreeMap::new();
        for dialect in dialects {
            let chain = self.files.chain(dialect);
            let root = chain.last().copied().expect("it is its own");
            let (names, _) = apis.entry(root).or_insert_with(|| (Vec::new(), chain.len()));
            let new: Vec<_> = chain.into_iter().filter(|name| !names.contains(name)).collect();
            names.extend(new);
        }
        let mut apis: Vec<_> = apis.into_values().collect();
        apis.sort_by_key(|(names, first)| self.files.mappings[names[first - 1]].len());
        apis
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

//! All schemas there are, by folder and name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::library::{File, Library};
use super::{Schema, lint, program, validator};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Span, code, suggest::did_you_mean};
use crate::json::{Document, Limits};

/// A schema file as it was found.
#[derive(Clone, Debug)]
pub struct SchemaFile {
    /// The text's place among the sources, for diagnostics.
    pub source: SourceId,
    /// The folder it lies in: the dialect's, or the canonical one.
    pub folder: String,
    /// Its file name without `.json`.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// The schemas that were found good, compiled.
#[derive(Default)]
pub struct Store {
    schemas: BTreeMap<String, BTreeMap<String, Arc<Schema>>>,
    /// The names of all files, good or not, by folder.
    declared: BTreeMap<String, BTreeSet<String>>,
    /// The folders that schemas of others refer into.
    lent: BTreeSet<String>,
}

impl Store {
    /// Reads, checks and compiles all files; returns the good ones and everything that is wrong with the
    /// others. A schema that refers to one with a fault is left out without a word of its own.
    pub fn load(files: Vec<SchemaFile>) -> (Store, Vec<Diagnostic>) {
        let mut declared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in &files {
            declared.entry(file.folder.clone()).or_default().insert(file.name.clone());
        }
        let mut found = Diagnostics::default();
        let mut library = Library::default();
        let mut faulty = BTreeSet::new();
        for file in files {
            let name = (file.folder.clone(), file.name.clone());
            match read(file) {
                Ok(file) => library.add(file),
                Err(diagnostic) => {
                    found.push(diagnostic);
                    faulty.insert(name);
                }
            }
        }
        let unread = faulty.clone();
        let (mut uses, mut patterns) = (BTreeMap::new(), lint::Patterns::new());
        let mut endless = None;
        for file in library.files() {
            let outcome = lint::check(&library, file, &unread, &mut patterns);
            let name = (file.folder.clone(), file.name.clone());
            if outcome.found.has_errors() || outcome.endless.is_some() {
                faulty.insert(name.clone());
            }
            found.extend(outcome.found);
            endless = endless.or(outcome.endless);
            uses.insert(name, outcome.uses);
        }
        // Mostly it is told where it comes from, be it in another file. That may be where nobody looks for schemas.
        let is_told = |diagnostic: &Diagnostic| matches!(diagnostic.code, code::S0111 | code::S0112);
        if !found.iter().any(is_told) {
            found.extend(endless);
        }
        spread(&mut faulty, &uses);
        let library = Arc::new(library);
        let (mut schemas, mut asks) = (BTreeMap::new(), program::Asks::default());
        for (folder, files) in library.folders() {
            let is_good = |file: &&File| !faulty.contains(&(file.folder.clone(), file.name.clone()));
            let good: Vec<_> = files.filter(is_good).collect();
            schemas.insert(folder.to_owned(), compile(&library, &good, &mut asks, &mut found));
        }
        (Store { schemas, declared, lent: lent(&uses) }, found.into_vec())
    }

    /// The schemas of several stores. Of one that is in more than one of them, that of the last counts: who changed a
    /// file loads it again with those that lead to it and those they lead to, and keeps the rest.
    pub fn joined<'s>(stores: impl IntoIterator<Item = &'s Store>) -> Store {
        let mut all = Store::default();
        for store in stores {
            for (folder, schemas) in &store.schemas {
                let names = all.schemas.entry(folder.clone()).or_default();
                names.extend(schemas.iter().map(|(name, schema)| (name.clone(), Arc::clone(schema))));
            }
            for (folder, names) in &store.declared {
                all.declared.entry(folder.clone()).or_default().extend(names.iter().cloned());
            }
            all.lent.extend(store.lent.iter().cloned());
        }
        all
    }

    /// The schema of that folder and name.
    pub fn schema(&self, folder: &str, name: &str) -> Option<&Arc<Schema>> {
        self.schemas.get(folder)?.get(name)
    }

    /// The names of a folder's schemas, in alphabetical order.
    pub fn names(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.schemas.get(folder).into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    /// A warning for each folder that is called as none of these, which are all that there are, and that no other folder
    /// needs. Where none of its schemas is good that was said.
    pub fn of_nobody(&self, known: &[&str]) -> Vec<Diagnostic> {
        let is_anybodys = |folder: &str| known.contains(&folder) || self.lent.contains(folder);
        let strange = self.schemas.iter().filter(|(folder, _)| !is_anybodys(folder));
        let told = |(folder, schemas): (&String, &BTreeMap<String, Arc<Schema>>)| {
            let first = schemas.values().next()?;
            let label = match did_you_mean(folder, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "no mapping is called so".to_owned(),
            };
            let start = first.span().start as usize;
            let place = Span::new(first.span().source, start..start + 1);
            Some(
                Diagnostic::warning(code::S0114, format!("there is no dialect `{folder}` for these schemas"))
                    .at(place, label)
                    .help("call the folder as its mapping is called, or remove it"),
            )
        };
        strange.filter_map(told).collect()
    }

    /// Whether there is a file for that schema, good or not. Who misses a schema that is declared need not
    /// say so: its fault was reported.
    pub fn is_declared(&self, folder: &str, name: &str) -> bool {
        self.declared.get(folder).is_some_and(|names| names.contains(name))
    }
}

/// Folder and name of a file.
pub(super) type FileName = (String, String);

fn read(file: SchemaFile) -> Result<File, Diagnostic> {
    let SchemaFile { source, folder, name, text } = file;
    let limits = Limits { depth_max: 128, bytes_max: 4 << 20, nodes_max: 1 << 20 };
    let length = text.len();
    match Document::parse(text.into_bytes(), &limits) {
        Ok(document) => {
            let tree = document.root().to_value();
            Ok(File { source, folder, name, document, tree })
        }
        Err(error) => {
            let place = error.offset.min(length)..(error.offset + 1).min(length);
            let message = format!("the schema is not JSON: {}", error.kind.message());
            Err(Diagnostic::error(code::S0101, message).at(Span::new(source, place), "here"))
        }
    }
}

/// The folders that files of other folders use.
fn lent(uses: &BTreeMap<FileName, BTreeSet<FileName>>) -> BTreeSet<String> {
    let all = uses.iter().flat_map(|((by, _), used)| used.iter().map(move |(folder, _)| (by, folder)));
    all.filter(|(by, folder)| by != folder).map(|(_, folder)| folder.clone()).collect()
}

/// Lets faults spread to the files that use a faulty one, however indirectly.
fn spread(faulty: &mut BTreeSet<FileName>, uses: &BTreeMap<FileName, BTreeSet<FileName>>) {
    loop {
        let is_hit = |(name, used): &(&FileName, &BTreeSet<FileName>)| {
            !faulty.contains(*name) && !used.is_disjoint(faulty)
        };
        let hit: Vec<_> = uses.iter().filter(is_hit).map(|(name, _)| name.clone()).collect();
        if hit.is_empty() {
            return;
        }
        faulty.extend(hit);
    }
}

/// Whether a character stands for itself in a URI (RFC 3986, section 2.3).
fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~".contains(character)
}

/// Compiles the files of one folder, which refer to each other and to nobody else.
fn compile(
    library: &Arc<Library>,
    files: &[&File],
    asks: &mut program::Asks,
    found: &mut Diagnostics,
) -> BTreeMap<String, Arc<Schema>> {
    let mut schemas = BTreeMap::new();
    // A schema that has a program can be compiled by the library, too, if all files can be named in URIs.
    let known: Arc<[String]> = files.iter().map(|file| file.name.clone()).collect();
    let is_named = |name: &str| name.chars().all(is_unreserved);
    let are_named = files.iter().all(|file| is_named(&file.name) && is_named(&file.folder));
    for (file, check) in files.iter().zip(program::of_folder(library, files, asks)) {
        let validator = OnceLock::new();
        if check.is_none() || !are_named {
            match validator::of(library, file, &known) {
                Ok(made) => drop(validator.set(Some(made))),
                Err((message, place)) => {
                    let message = format!("the schema cannot be compiled: {message}");
                    let at = file.span(file.document.root());
                    found.push(Diagnostic::error(code::S0102, message).at(at, place));
                    continue;
                }
            }
        }
        let schema = Schema {
            validator,
            check,
            known: Arc::clone(&known),
            library: Arc::clone(library),
            folder: file.folder.clone(),
            name: file.name.clone(),
        };
        schemas.insert(file.name.clone(), Arc::new(schema));
    }
    schemas
}

#[cfg(test)]
mod tests {
    use super::super::support::{document, load};
    use super::*;

    fn names(store: &Store) -> Vec<&str> {
        store.names("acme").collect()
    }

    #[test]
    fn files_refer_to_each_other_by_name_in_any_order() {
        let (store, diagnostics, _) = load(&[
            ("a", r#"{"properties": {"b": {"$ref": "b.json#/$defs/inner"}}}"#),
            (
                "b",
                r##"{"$ref": "#/$defs/inner", "$defs": {"inner": {"type": "array", "items": {"$ref": "a.json"}}}}"##,
            ),
        ]);
        assert_eq!(diagnostics, []);
        assert_eq!(names(&store), ["a", "b"]);
        let schema = store.schema("acme", "a").unwrap();
        assert!(schema.is_valid(document(r#"{"b":[{"b":[]}]}"#).root()));
        assert!(!schema.is_valid(document(r#"{"b":[{"b":1}]}"#).root()));
        let violation = &schema.violations(document(r#"{"b":[{"b":1}]}"#).root(), 5)[0];
        assert_eq!(violation.pointer(), "/b/0/b");
    }

    #[test]
    fn a_fault_takes_down_those_who_use_it_and_is_said_once() {
        let (store, diagnostics, _) = load(&[
            ("broken", "{"),
            ("direct", r#"{"$ref": "broken.json"}"#),
            ("indirect", r#"{"items": {"$ref": "direct.json"}}"#),
            ("sound", r#"{"type": "string"}"#),
        ]);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(names(&store), ["sound"]);
        assert!(store.is_declared("acme", "indirect") && store.schema("acme", "indirect").is_none());
        assert!(!store.is_declared("acme", "unheard-of"));
    }

    #[test]
    fn a_file_whose_name_is_no_part_of_a_uri_is_told_at_once() {
        let (store, diagnostics, _) = load(&[("a b", "{}"), ("uses", r#"{"$ref": "a b.json"}"#)]);
        let told: Vec<_> = diagnostics.iter().map(|told| told.code).collect();
        assert_eq!(told, [code::S0102, code::S0102]);
        assert_eq!(names(&store), [""; 0]);
    }

    /// The library follows references wherever they lead, and so do we; who is asked what is wrong knows all the files.
    #[test]
    fn what_is_wrong_is_told_wherever_references_lead() {
        for (main, other) in [
            (r##"{"$ref": "#/examples/0", "examples": [{"$ref": "name.json"}]}"##, "{}"),
            (r#"{"$ref": "other.json#/x-name"}"#, r#"{"x-name": {"$ref": "name.json"}}"#),
            (r##"{"$ref": "#/x-name", "x-name": {"$ref": "name.json"}}"##, "{}"),
        ] {
            let (store, diagnostics, _) =
                load(&[("main", main), ("other", other), ("name", r#"{"type": "string"}"#)]);
            assert_eq!(diagnostics, [], "{main}");
            let violations = store.schema("acme", "main").unwrap().violations(document("5").root(), 5);
            assert_eq!(violations[0].message, "must be a string", "{main}");
        }
    }

    #[test]
    fn folders_do_not_see_each_other() {
        let file = |folder: &str, name: &str, text: &str| SchemaFile {
            source: crate::diag::Sources::default().add(name, text),
            folder: folder.to_owned(),
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let (store, diagnostics) = Store::load(vec![
            file("acme", "user", r#"{"type": "string"}"#),
            file("other", "user", r#"{"type": "integer"}"#),
            file("other", "list", r#"{"items": {"$ref": "user.json"}}"#),
            file("third", "list", r#"{"items": {"$ref": "user.json"}}"#),
        ]);
        assert_eq!(diagnostics.len(), 1, "the third folder has no user");
        assert!(store.schema("other", "list").unwrap().is_valid(document("[1]").root()));
        assert!(store.schema("acme", "user").unwrap().is_valid(document("\"x\"").root()));
        assert_eq!(store.names("third").count(), 0);
    }

    #[test]
    fn of_joined_stores_the_last_one_counts() {
        let (first, _, _) = load(&[("a", r#"{"type": "string"}"#), ("b", r#"{"type": "string"}"#)]);
        let (second, _, _) = load(&[("b", r#"{"type": "integer"}"#), ("broken", "{")]);
        let both = Store::joined([&first, &second]);
        assert_eq!(names(&both), ["a", "b"]);
        assert!(both.schema("acme", "b").unwrap().is_valid(document("1").root()));
        assert!(both.is_declared("acme", "a") && both.is_declared("acme", "broken"));
    }

    #[test]
    fn schemas_that_contain_themselves_end_with_the_value() {
        let (store, diagnostics, _) = load(&[
            ("tree", r##"{"properties": {"left": {"$ref": "#"}}, "additionalProperties": false}"##),
            ("knot", r##"{"$ref": "#"}"##),
        ]);
        let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code.to_string()).collect();
        assert_eq!(codes, ["S0111"]);
        assert!(!store.schema("acme", "tree").unwrap().is_valid(document(r#"{"left":{"right":1}}"#).root()));
        assert!(store.schema("acme", "knot").is_none());
    }
}

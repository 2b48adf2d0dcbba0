//! The schema files that were read, and finding what a `$ref` in one of them refers to.
//!
//! A reference names a place in the same file (`#/$defs/role`, `#anchor`), another file of the same folder
//! (`user.json`), or a place in it (`user.json#/$defs/role`). Nothing is fetched, ever.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Tree;

use crate::diag::{SourceId, Span};
use crate::json::{Document, Key, Kind, Value};

/// All but the unreserved characters of RFC 3986, section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A schema file that is JSON.
pub(super) struct File {
    pub(super) source: SourceId,
    pub(super) folder: String,
    pub(super) name: String,
    pub(super) document: Document,
    pub(super) tree: Tree,
}

impl File {
    /// The name under which the schema library knows the file; references are resolved against it.
    pub(super) fn uri(&self) -> String {
        // Whatever files are called: what is wrong with a name is said of the name, and not of each schema.
        let encoded = |name| utf8_percent_encode(name, ENCODED);
        format!("interlingua:/{}/{}.json", encoded(&self.folder), encoded(&self.name))
    }

    /// Where a value of the file is written; of a value that takes several lines, where it begins.
    pub(super) fn span(&self, value: Value<'_>) -> Span {
        let (start, length) = (value.offset(), value.raw().len());
        let shown = if value.raw().contains('\n') { 1 } else { length };
        Span::new(self.source, start..start + shown)
    }

    /// Where a member's name is written.
    pub(super) fn key_span(&self, key: Key<'_>) -> Span {
        Span::new(self.source, key.offset()..key.offset() + key.raw().len())
    }
}

/// A place in a file where a schema stands.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) library: &'a Library,
    pub(super) file: &'a File,
    pub(super) schema: Value<'a>,
}

impl<'a> Node<'a> {
    /// The same file's schema at another place.
    pub(super) fn at(self, schema: Value<'a>) -> Node<'a> {
        Node { schema, ..self }
    }

    /// Whether both are the same place of the same file.
    pub(super) fn is_at(self, other: Node<'_>) -> bool {
        std::ptr::eq(self.file, other.file) && self.schema.offset() == other.schema.offset()
    }

    /// The value of one of the schema's keywords; boolean schemas have none.
    pub(super) fn keyword(self, name: &str) -> Option<Value<'a>> {
        self.schema.member(name)
    }

    /// What the schema's `$ref` refers to, if it has one.
    pub(super) fn referent(self) -> Option<Node<'a>> {
        let reference = self.keyword("$ref")?.as_str()?;
        self.library.resolve(self.file, &reference).ok()
    }
}

/// All files that are JSON, by folder and name.
#[derive(Default)]
pub(super) struct Library {
    folders: BTreeMap<String, BTreeMap<String, File>>,
}

/// Why a reference leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dangling {
    /// It names a place outside the files, such as a URL.
    Remote,
    /// It names a file of another folder.
    OtherFolder,
    /// It names a file that is not there, or is no JSON; the name comes without `.json`.
    NoFile(String),
    /// It names a place that the file does not have.
    NoPlace,
}

impl Library {
    pub(super) fn add(&mut self, file: File) {
        self.folders.entry(file.folder.clone()).or_default().insert(file.name.clone(), file);
    }

    /// Each folder with its files, by name.
    pub(super) fn folders(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &File>)> {
        self.folders.iter().map(|(folder, files)| (folder.as_str(), files.values()))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.folders.values().flat_map(BTreeMap::values)
    }

    /// The files of a folder.
    pub(super) fn files_of(&self, folder: &str) -> impl Iterator<Item = &File> {
        self.folders.get(folder).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn file(&self, folder: &str, name: &str) -> Option<&File> {
        self.folders.get(folder)?.get(name)
    }

    pub(super) fn names(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.folders.get(folder).into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }

    pub(super) fn root<'a>(&'a self, file: &'a File) -> Node<'a> {
        Node { library: self, file, schema: file.document.root() }
    }

    /// Finds what `reference` in `file` refers to.
    pub(super) fn resolve<'a>(&'a self, file: &'a File, reference: &str) -> Result<Node<'a>, Dangling> {
        let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let root = if path.is_empty() { self.root(file) } else { self.root(self.referred_file(file, path)?) };
        let place = if fragment.is_empty() || fragment.starts_with('/') {
            root.schema.pointer(fragment)
        } else {
            anchored(root.schema, fragment)
        };
        place.map(|schema| root.at(schema)).ok_or(Dangling::NoPlace)
    }

    fn referred_file<'a>(&'a self, file: &'a File, path: &str) -> Result<&'a File, Dangling> {
        if path.contains(':') || path.starts_with("//") {
            return Err(Dangling::Remote);
        }
        let path = path.strip_prefix("./").unwrap_or(path);
        if path.contains('/') {
            return Err(Dangling::OtherFolder);
        }
        let name = path.strip_suffix(".json").unwrap_or(path);
        let found = if path == name { None } else { self.file(&file.folder, name) };
        found.ok_or_else(|| Dangling::NoFile(name.to_owned()))
    }
}

/// The schema inside `value` that calls itself `anchor`.
fn anchored<'a>(value: Value<'a>, anchor: &str) -> Option<Value<'a>> {
    match value.kind() {
        Kind::Object => {
            let is_anchor =
                |name| value.member(name).and_then(Value::as_str).is_some_and(|text| text == anchor);
            if is_anchor("$anchor") || is_anchor("$dynamicAnchor") {
                return Some(value);
            }
            value.members().find_map(|(_, member)| anchored(member, anchor))
        }
        Kind::Array => value.elements().find_map(|element| anchored(element, anchor)),
        Kind::Null | Kind::False | Kind::True | Kind::Integer | Kind::Number | Kind::String => None,
    }
}

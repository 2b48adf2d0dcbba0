//! The files that ship, and what mutants are made with: names, words, and the places of schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::tree::Node;

/// How deep places are looked for.
const DEPTH_MAX: usize = 3;

/// Folder and name of a schema.
pub(super) type SchemaName = (String, String);

/// Everything that ships, as texts.
pub(super) struct Files {
    pub(super) mappings: BTreeMap<String, String>,
    pub(super) schemas: BTreeMap<SchemaName, String>,
    trees: BTreeMap<String, Node>,
    values: BTreeMap<SchemaName, Value>,
}

impl Files {
    pub(super) fn read() -> Files {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mappings: BTreeMap<_, _> = entries(&root.join("mappings"), "toml").into_iter().collect();
        let mut schemas = BTreeMap::new();
        for entry in fs::read_dir(root.join("schemas")).unwrap() {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let files = entries(&folder, "json").into_iter();
            schemas.extend(files.map(|(file, text)| ((name.clone(), file), text)));
        }
        let trees = mappings.iter().map(|(name, text)| (name.clone(), Node::toml(text))).collect();
        let parsed = |text: &String| serde_json::from_str(text).expect("what ships is JSON");
        let values = schemas.iter().map(|(name, text)| (name.clone(), parsed(text))).collect();
        Files { mappings, schemas, trees, values }
    }

    pub(super) fn tree(&self, mapping: &str) -> &Node {
        &self.trees[mapping]
    }

    /// The names of the dialects.
    pub(super) fn dialects(&self) -> impl Iterator<Item = &str> {
        self.mappings.keys().map(String::as_str).filter(|name| *name != "canonical")
    }

    /// A mapping and those it extends, nearest first.
    pub(super) fn chain(&self, mapping: &str) -> Vec<&str> {
        let (name, tree) = self.trees.get_key_value(mapping).expect("there is such a mapping");
        let mut chain = vec![name.as_str()];
        if let Some(base) = tree.at(&["dialect", "extends"]) {
            chain.extend(self.chain(base.says()));
        }
        chain
    }

    /// The mappings that have this one in their chain, itself first.
    pub(super) fn descendants(&self, mapping: &str) -> Vec<&str> {
        let mut names: Vec<_> = self.dialects().filter(|name| self.chain(name).contains(&mapping)).collect();
        names.sort_by_key(|name| self.chain(name).len());
        names
    }

    /// What there is at a path in a mapping and in those it extends: the nodes with their texts.
    pub(super) fn all(&self, mapping: &str, path: &[&str]) -> Vec<(&str, &Node)> {
        let chain = self.chain(mapping).into_iter();
        let children = chain.flat_map(|name| {
            let nodes = self.trees[name].children_of(path).iter();
            nodes.map(move |node| (self.mappings[name].as_str(), node))
        });
        children.collect()
    }

    /// The lenses of requests.
    pub(super) fn sent(&self, mapping: &str) -> BTreeSet<String> {
        let operations = self.all(mapping, &["operation"]).into_iter().map(|(_, operation)| operation);
        let parts = operations
            .flat_map(|operation| std::iter::once(operation).chain(operation.children_of(&["case"])));
        parts.filter_map(|part| part.get("body")).map(|body| body.says().to_owned()).collect()
    }

    pub(super) fn canonical_names(&self, part: &str) -> Vec<&str> {
        self.trees["canonical"].children_of(&[part]).iter().map(|node| node.name.as_str()).collect()
    }

    /// A canonical operation.
    pub(super) fn call(&self, name: &str) -> Option<&Node> {
        let calls = self.trees["canonical"].children_of(&["operation"]).iter();
        calls.into_iter().find(|call| call.get("name").is_some_and(|own| own.says() == name))
    }

    /// A schema by its name, of the first folder that has it.
    pub(super) fn schema(&self, folders: &[&str], name: &str) -> Option<(SchemaName, &Value)> {
        let names = folders.iter().map(|folder| ((*folder).to_owned(), name.to_owned()));
        names.into_iter().find_map(|name| {
            let value = self.values.get(&name)?;
            Some((name, value))
        })
    }

    /// The names of a dialect's schemas.
    pub(super) fn schema_names(&self, folders: &[&str]) -> Vec<&str> {
        let names = self.schemas.keys().filter(|(folder, _)| folders.contains(&folder.as_str()));
        let names: BTreeSet<_> = names.map(|(_, name)| name.as_str()).collect();
        names.into_iter().collect()
    }

    /// Every place of a schema with what kind of value lives there.
    pub(super) fn places(&self, folders: &[&str], name: &str) -> Vec<(String, String)> {
        let mut places = Vec::new();
        if let Some((name, value)) = self.schema(folders, name) {
            self.below(&name, value, "", DEPTH_MAX, &mut places);
        }
        places
    }

    fn below(
        &self,
        file: &SchemaName,
        value: &Value,
        path: &str,
        depth: usize,
        places: &mut Vec<(String, String)>,
    ) {
        let (file, value) = self.resolved(file, value);
        for branch in branches(value) {
            self.below(&file, branch, path, depth, places);
        }
        let Some(properties) = value.get("properties").and_then(Value::as_object) else { return };
        for (name, inner) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if !places.iter().any(|(known, _)| *known == path) {
                let kind = self.kind(&file, inner);
                places.push((path.clone(), kind));
                if depth > 1 {
                    self.below(&file, inner, &path, depth - 1, places);
                }
            }
        }
    }

    /// What follows the references of a schema, and the file it is in.
    pub(super) fn resolved<'v>(&'v self, file: &SchemaName, value: &'v Value) -> (SchemaName, &'v Value) {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return (file.clone(), value) };
        let (target, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let mut next = file.clone();
        if !target.is_empty() {
            target.trim_end_matches(".json").clone_into(&mut next.1);
        }
        let value = self.values[&next].pointer(pointer).expect("what ships refers to what there is");
        self.resolved(&next, value)
    }

    /// The types of a value besides null, as one word.
    fn kind(&self, file: &SchemaName, value: &Value) -> String {
        let (file, value) = self.resolved(file, value);
        let mut types: BTreeSet<String> = BTreeSet::new();
        match value.get("type") {
            Some(Value::Array(list)) => {
                types.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Some(Value::String(one)) => types.extend([one.clone()]),
            _ => {}
        }
        for branch in branches(value) {
            types.insert(self.kind(&file, branch));
        }
        for member in value.get("enum").and_then(Value::as_array).into_iter().flatten() {
            types.insert(if member.is_string() { "string" } else { "other" }.to_owned());
        }
        types.remove("null");
        types.remove("");
        types.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// The schemas that lead to this one, and itself.
    pub(super) fn users(&self, name: &SchemaName) -> BTreeSet<SchemaName> {
        let mut users = BTreeSet::from([name.clone()]);
        loop {
            let more: Vec<_> = self
                .schemas
                .iter()
                .filter(|(user, text)| {
                    user.0 == name.0
                        && !users.contains(*user)
                        && users.iter().any(|(_, used)| text.contains(&format!("\"{used}.json")))
                })
                .map(|(user, _)| user.clone())
                .collect();
            if more.is_empty() {
                return users;
            }
            users.extend(more);
        }
    }

    /// The schemas that some lead to, and they themselves.
    pub(super) fn used(&self, names: &BTreeSet<SchemaName>) -> BTreeSet<SchemaName> {
        let mut used = names.clone();
        loop {
            let more: Vec<_> = self
                .schemas
                .keys()
                .filter(|(folder, file)| {
                    let reference = format!("\"{file}.json");
                    !used.contains(&(folder.clone(), file.clone()))
                        && used
                            .iter()
                            .any(|user| user.0 == *folder && self.schemas[user].contains(&reference))
                })
                .cloned()
                .collect();
            if more.is_empty() {
                return used;
            }
            used.extend(more);
        }
    }

    /// What a mapping says when canonical schemas concern it: their names, and those of the operations that have them.
    pub(super) fn named_for(&self, schemas: &BTreeSet<SchemaName>) -> BTreeSet<String> {
        let mut named: BTreeSet<String> = schemas.iter().map(|(_, name)| name.clone()).collect();
        let operations = self.trees["canonical"].children_of(&["operation"]);
        // Twice, for those that are read with others.
        for operation in operations.iter().chain(operations) {
            let cells = ["body", "reads"].into_iter().filter_map(|cell| operation.get(cell));
            let mut cells = cells.chain(operation.children_of(&["answers"]));
            if cells.any(|cell| named.contains(cell.says())) {
                named.extend(operation.get("name").map(|name| name.says().to_owned()));
            }
        }
        named
    }

    /// Whether a mapping, or one that it extends, has one of these texts as a value.
    pub(super) fn says_one_of(&self, mapping: &str, texts: &BTreeSet<String>) -> bool {
        fn says(node: &Node, texts: &BTreeSet<String>) -> bool {
            texts.contains(node.says()) || node.children().iter().any(|child| says(child, texts))
        }
        self.chain(mapping).into_iter().any(|name| says(&self.trees[name], texts))
    }
}

fn branches(value: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|keyword| value.get(keyword)?.as_array());
    lists.flatten()
}

fn entries(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == ending));
    let read = |path: std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    paths.map(read).collect()
}

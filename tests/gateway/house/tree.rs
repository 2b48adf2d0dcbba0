//! Walks the source tree: what is written here, without what is built or installed.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold what is built or installed, and nothing that is written here.
const NOT_OURS: [&str; 3] = [".git", "node_modules", "target"];

/// One file of the tree, named by its path below the root with `/` between the parts.
pub(super) struct File {
    pub(super) path: String,
    /// Empty for files that are not text.
    pub(super) text: String,
}

/// Reads all files below a folder of the tree, in the order of their names.
pub(super) fn files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join(folder), &mut paths);
    paths.sort();
    paths.iter().map(|path| read(root, path)).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the tree can be listed") {
        let entry = entry.expect("the tree can be listed");
        if NOT_OURS.iter().any(|&name| entry.file_name() == name) {
            continue;
        }
        match entry.file_type().expect("a file has a type") {
            kind if kind.is_dir() => walk(&entry.path(), paths),
            kind if kind.is_file() => paths.push(entry.path()),
            _ => {}
        }
    }
}

fn read(root: &Path, path: &Path) -> File {
    let below = path.strip_prefix(root).expect("the walk began at the root");
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    let bytes = fs::read(path).expect("a file of the tree can be read");
    File { path: parts.join("/"), text: String::from_utf8(bytes).unwrap_or_default() }
}

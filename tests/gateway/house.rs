//! The house rules that no compiler knows, as tests over the source tree.
//!
//! Each rule is a function from text to findings. The tests above feed it the tree, which has to be clean; the
//! tests beside it feed it a text that breaks the rule, which has to be found.

mod imports;
mod metrics;
mod tree;

use std::path::Path;

use tree::File;

#[test]
fn no_dialect_is_named_in_src() {
    let names = dialect_names(&tree::files("mappings"));
    assert!(!names.is_empty(), "no mapping was found, so this test would not find anything");
    let findings: Vec<_> = tree::files("src").iter().flat_map(|file| naming(file, &names)).collect();
    assert_clean("adding a dialect touches only data", &findings);
}

#[test]
fn modules_import_only_from_their_row_and_the_rows_above() {
    let findings: Vec<_> =
        tree::files("src").iter().flat_map(|file| imports::findings(&file.path, &file.text)).collect();
    assert_clean("imports point one way (the table in tests/gateway/house/imports.rs)", &findings);
}

#[test]
fn every_module_is_in_the_table_of_rows() {
    let findings: Vec<_> =
        tree::files("src").iter().filter_map(|file| imports::without_a_row(&file.path)).collect();
    assert_clean("a module without a row may import anything", &findings);
}

#[test]
fn every_metric_is_documented() {
    let text = |path: &str| {
        let (folder, _) = path.split_once('/').expect("a folder");
        let file = tree::files(folder).into_iter().find(|file| file.path == path);
        file.unwrap_or_else(|| panic!("{path} is not there")).text
    };
    let findings = metrics::findings(&text("src/telemetry/names.rs"), &text("docs/metrics.md"));
    assert_clean("who sets an alert reads docs/metrics.md", &findings);
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    let findings: Vec<_> = rust_files().iter().filter_map(without_a_doc).collect();
    assert_clean("a file begins with `//!` and a sentence", &findings);
}

#[test]
fn no_snapshot_waits_for_review() {
    let findings: Vec<_> = tree::files("").iter().filter_map(|file| pending(&file.path)).collect();
    assert_clean("a pending snapshot is a claim nobody has read", &findings);
}

#[test]
fn no_file_speaks_of_one_machine() {
    let findings: Vec<_> = tree::files("").iter().flat_map(machine_paths).collect();
    assert_clean("what is true on one machine only does not belong here", &findings);
}

fn assert_clean(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

fn rust_files() -> Vec<File> {
    let mut files = tree::files("src");
    files.extend(tree::files("tests"));
    files.retain(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "rs"));
    files
}

/// What the dialects are called: the names of the mapping files, but for the canonical one.
fn dialect_names(mappings: &[File]) -> Vec<String> {
    let stems = mappings.iter().filter_map(|file| file.path.strip_prefix("mappings/")?.strip_suffix(".toml"));
    stems.filter(|&stem| stem != "canonical").map(str::to_lowercase).collect()
}

fn naming(file: &File, names: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    let path = file.path.to_lowercase();
    findings.extend(
        names
            .iter()
            .filter(|&name| path.contains(name))
            .map(|name| format!("{}: is named after {name}", file.path)),
    );
    for (line, text) in numbered(&file.text) {
        let text = text.to_lowercase();
        let found = names.iter().filter(|&name| text.contains(name));
        findings.extend(found.map(|name| format!("{}:{line}: names {name}", file.path)));
    }
    findings
}

fn without_a_doc(file: &File) -> Option<String> {
    let first = file.text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//!").is_some_and(|sentence| !sentence.trim().is_empty());
    (!says).then(|| format!("{}:1", file.path))
}

fn pending(path: &str) -> Option<String> {
    let pending = [".snap.new", ".pending-snap"].iter().any(|end| path.ends_with(end));
    pending.then(|| path.to_owned())
}

/// Finds absolute paths below the folders that people and build machines work in. A folder of that name inside
/// another path (`docs/home/`) or a URL (`example.com/home/`) is none of them.
fn machine_paths(file: &File) -> Vec<String> {
    // Not spelt out, because this file is searched too.
    let folders = ["work", "root", "tmp", "home", "Users", "private", "var/folders", "mnt"];
    let mut findings = Vec::new();
    for (line, text) in numbered(&file.text) {
        for folder in folders.map(|folder| format!("/{folder}")) {
            let found = text.match_indices(&folder).any(|(start, _)| {
                let before = text[..start].chars().next_back();
                let after = text[start + folder.len()..].chars().next();
                let is_name = |c: char| c.is_alphanumeric() || "._-".contains(c);
                !before.is_some_and(|c| is_name(c) || "/}*".contains(c)) && !after.is_some_and(is_name)
            });
            if found {
                findings.push(format!("{}:{line}: mentions {folder}", file.path));
            }
        }
    }
    findings
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

mod rules_can_fail {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_dialect_in_a_comment_a_string_or_a_file_name_is_found() {
        let names = dialect_names(&[file("mappings/acme.toml", ""), file("mappings/canonical.toml", "")]);
        assert_eq!(names, ["acme"]);
        let text = "//! For Acme.\nlet host = \"api.acme.example\";\nlet host = \"api.example\";\n";
        assert_eq!(
            naming(&file("src/a.rs", text), &names),
            ["src/a.rs:1: names acme", "src/a.rs:2: names acme"]
        );
        assert_eq!(naming(&file("src/acme.rs", ""), &names), ["src/acme.rs: is named after acme"]);
        assert!(naming(&file("src/a.rs", "the canonical API"), &names).is_empty());
    }

    #[test]
    fn a_module_without_a_first_sentence_is_found() {
        assert!(without_a_doc(&file("src/a.rs", "//! Says something.\nuse std::fmt;")).is_none());
        for text in [
            "",
            "use std::fmt;\n//! Too late.",
            "// Says nothing.",
            "//!\n//! Late.",
            "\n//! After a blank line.",
        ] {
            assert_eq!(without_a_doc(&file("src/a.rs", text)).as_deref(), Some("src/a.rs:1"), "{text:?}");
        }
    }

    #[test]
    fn a_pending_snapshot_is_found() {
        assert!(pending("tests/a.snap.new").is_some());
        assert!(pending("tests/.a.rs.pending-snap").is_some());
        assert!(pending("tests/a.snap").is_none());
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in ["tmp/x", "root", "home/ada/code", "Users/ada", "work/main."] {
            let text = format!("first\nsee `/{folder}`");
            let findings = machine_paths(&file("README.md", &text));
            assert_eq!(findings.len(), 1, "{text:?}");
            assert!(findings[0].starts_with("README.md:2: mentions /"), "{}", findings[0]);
        }
        for innocent in
            ["docs/home/index.html", "https://example.com/home", "/v1/users/me", "/tmpfs", "{base}/root"]
        {
            assert!(machine_paths(&file("README.md", innocent)).is_empty(), "{innocent:?}");
        }
    }
}

//! `import`: schemas and the skeleton of a mapping from somebody's `OpenAPI` document.
//!
//! Nothing that is there is overwritten unless it is asked for. All files are written, or none: each is first written
//! beside its place under a name of its own, and takes it only when every other one is there, too.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;

use super::console::Console;
use super::{Failure, Outcome};
use crate::boot::files;
use crate::diag::Sources;
use crate::openapi::import::{self, File, ImportError, Options};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The document: OpenAPI 3.0 or 3.1, JSON or YAML
    document: PathBuf,
    /// What the dialect is to be called
    #[arg(long, value_name = "DIALECT")]
    name: String,
    /// The folder with `mappings` and `schemas` in it
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Only this operation, by its `operationId` or as `METHOD /path`; may be given several times
    #[arg(long, value_name = "OPERATION")]
    only: Vec<String>,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// The document is not what it should be.
    #[error(transparent)]
    Document(#[from] ImportError),
    /// It is to be fetched.
    #[error("`{address}` is an address, and nothing is fetched: save the document, and name the file")]
    Address {
        /// Without what may be a secret in it.
        address: String,
    },
    /// There is something where a file belongs.
    #[error("`{}` is there already, and nothing was written; `--force` writes over it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write `{}`, and nothing was imported", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let mut sources = Sources::default();
    if let Some(address) = address(&arguments.document) {
        return Err(Refused::Address { address }.into());
    }
    let source = files::read(&arguments.document, &mut sources)?;
    let options = Options { name: arguments.name.clone(), only: arguments.only.clone() };
    let imported = import::import(sources.text(source), &options).map_err(Refused::from)?;
    write(&arguments.out, &imported.files, arguments.force)?;

    let document = sources.path(source);
    for note in &imported.notes {
        console.note(&format!("{document}{note}"))?;
    }
    for file in imported.files.iter().filter(|file| file.path.starts_with("mappings")) {
        console.line(&format!("{}", arguments.out.join(&file.path).display()))?;
    }
    let schemas = imported.files.len() - 1;
    let folder = arguments.out.join("schemas").join(&arguments.name);
    console.line(&format!("{} ({})", folder.display(), counted(schemas, "schema")))?;
    for path in left_over(&arguments.out, &folder, &imported.files) {
        let path = path.display();
        console.note(&format!("`{path}` was not written now: if it is of an earlier import, remove it"))?;
    }
    let left = imported.files[0].text.matches("\"TODO\"").count();
    console.line(&format!(
        "{}, {} to decide: `interlingua check` tells each with the likeliest answers",
        counted(imported.operations, "operation"),
        counted(left, "place"),
    ))?;
    Ok(Outcome::Clean)
}

/// The scheme and host of what is no file but an address.
fn address(document: &Path) -> Option<String> {
    let address: http::Uri = document.to_str()?.parse().ok()?;
    let is_web = matches!(address.scheme_str(), Some("http" | "https"));
    let address = format!("{}://{}", address.scheme_str()?, address.host()?);
    (is_web && !document.exists()).then_some(address)
}

/// The schemas in a folder that are none of these files.
fn left_over(out: &Path, folder: &Path, files: &[File]) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_schema = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    let is_written = |path: &PathBuf| files.iter().any(|file| out.join(&file.path) == *path);
    let mut left: Vec<_> = entries.filter(|path| is_schema(path) && !is_written(path)).collect();
    left.sort();
    left
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Writes all files below `out`, or none.
fn write(out: &Path, files: &[File], force: bool) -> Result<(), Refused> {
    let places: Vec<_> = files.iter().map(|file| out.join(&file.path)).collect();
    if let Some(path) = places.iter().find(|path| !force && path.symlink_metadata().is_ok()) {
        return Err(Refused::Exists { path: path.clone() });
    }
    let mut waiting = Waiting::default();
    for (file, place) in files.iter().zip(&places) {
        waiting.add(place, &file.text).map_err(|source| Refused::Write { path: place.clone(), source })?;
    }
    waiting.settle()
}

/// Files that are written and have not taken their places. What has not when this is dropped is removed.
#[derive(Default)]
struct Waiting {
    /// Where each is, and where it belongs.
    files: Vec<(PathBuf, PathBuf)>,
    /// The folders that were made, outermost first.
    folders: Vec<PathBuf>,
}

impl Waiting {
    fn add(&mut self, place: &Path, text: &str) -> io::Result<()> {
        let folder = place.parent().unwrap_or(Path::new("."));
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        // Hidden, so that a program that reads the folder meanwhile does not take it for one of its files.
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.join(format!(".{name}.{}", std::process::id()));
        self.files.push((aside.clone(), place.to_owned()));
        fs::write(aside, text)
    }

    /// Lets all take their places. One that cannot is refused before the first does.
    fn settle(mut self) -> Result<(), Refused> {
        let is_taken = self.files.iter().find(|(_, place)| place.is_dir());
        if let Some((_, path)) = is_taken {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(Refused::Write { path: path.clone(), source });
        }
        while let Some((aside, place)) = self.files.first().cloned() {
            fs::rename(&aside, &place).map_err(|source| Refused::Write { path: place, source })?;
            self.files.remove(0);
        }
        self.folders.clear();
        Ok(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Whatever cannot be removed is a hidden file or an empty folder, and harms nobody.
        for (aside, _) in &self.files {
            fs::remove_file(aside).ok();
        }
        for folder in self.folders.iter().rev() {
            fs::remove_dir(folder).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::ran;
    use super::*;

    const DOCUMENT: &str = "openapi: 3.0.3\ninfo: {title: Acme, version: '1'}\npaths:\n  /a:\n    get: {operationId: getA, responses: {'204': {description: ''}}}\n";

    /// Imports a document into a folder.
    fn imported(folder: &Path, more: &[&str]) -> super::super::testing::Ran {
        let document = folder.join("acme.yml");
        fs::write(&document, DOCUMENT).unwrap();
        let (document, out) = (document.display().to_string(), folder.join("out").display().to_string());
        ran(&[&["import", &document, "--name", "acme", "--out", &out], more].concat())
    }

    #[test]
    fn what_is_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let ran = imported(folder.path(), &[]);
        assert_eq!((ran.status, ran.err.as_str()), (ExitCode::SUCCESS, ""));
        assert!(ran.out.contains("acme.toml\n") && ran.out.contains("1 operation, "), "{}", ran.out);
        let text = fs::read_to_string(folder.path().join("out/mappings/acme.toml")).unwrap();
        assert!(text.contains("request = \"GET /a\""), "{text}");
    }

    #[test]
    fn an_operation_that_is_not_there_is_told_with_the_nearest() {
        let folder = tempfile::tempdir().unwrap();
        for (asked, near) in [("gteA", "getA"), ("GET /b", "GET /a")] {
            let ran = imported(folder.path(), &["--only", asked]);
            assert_eq!(ran.status, ExitCode::from(2));
            let expected = format!("no operation `{asked}`; did you mean `{near}`? `--only` takes");
            assert!(ran.err.contains(&expected), "{}", ran.err);
        }
        let ran = imported(folder.path(), &["--only", "something else"]);
        assert!(ran.err.contains("no operation `something else`; `--only` takes"), "{}", ran.err);
    }

    #[test]
    fn nothing_is_fetched() {
        let ran =
            ran(&["import", "https://me:hunter2@acme.example/openapi.json?key=hunter2", "--name", "acme"]);
        let expected = "interlingua: `https://acme.example` is an address, and nothing is fetched: save the document, and \
                        name the file\n";
        assert_eq!((ran.err.as_str(), ran.status), (expected, ExitCode::from(2)));
    }

    #[test]
    fn nothing_is_overwritten_unless_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        imported(folder.path(), &[]);
        let mapping = folder.path().join("out/mappings/acme.toml");
        fs::write(&mapping, "mine").unwrap();
        let again = imported(folder.path(), &[]);
        assert_eq!(again.status, ExitCode::from(2));
        assert!(again.err.contains("is there already"), "{}", again.err);
        assert_eq!(fs::read_to_string(&mapping).unwrap(), "mine");
        assert_eq!(imported(folder.path(), &["--force"]).status, ExitCode::SUCCESS);
        assert_ne!(fs::read_to_string(&mapping).unwrap(), "mine");
    }

    #[test]
    fn what_an_earlier_import_left_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(imported(folder.path(), &[]).err, "");
        let schemas = folder.path().join("out/schemas/acme");
        fs::create_dir_all(&schemas).unwrap();
        fs::write(schemas.join("old.json"), "{}").unwrap();
        let ran = imported(folder.path(), &["--force"]);
        let expected = format!("`{}` was not written now", schemas.join("old.json").display());
        assert!(ran.err.contains(&expected), "{}", ran.err);
    }

    #[test]
    fn all_files_are_written_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let files = |paths: &[&str]| -> Vec<File> {
            paths.iter().map(|path| File { path: (*path).to_owned(), text: String::new() }).collect()
        };
        // The last one cannot be written: there is a folder in its place.
        fs::create_dir_all(folder.path().join("b/taken")).unwrap();
        assert!(write(folder.path(), &files(&["a/one", "b/two", "b/taken"]), true).is_err());
        assert!(!folder.path().join("a").exists(), "not even the folder");
        let left: Vec<_> = fs::read_dir(folder.path().join("b")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(write(folder.path(), &files(&["a/one", "b/two"]), false).is_ok());
        assert!(folder.path().join("a/one").exists() && folder.path().join("b/two").exists());
    }

    #[test]
    fn a_document_that_is_none_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let document = folder.path().join("acme.json");
        fs::write(&document, "{\"swagger\": \"2.0\"}").unwrap();
        let out = folder.path().join("out");
        let ran = ran(&[
            "import",
            &document.display().to_string(),
            "--name",
            "acme",
            "--out",
            &out.display().to_string(),
        ]);
        assert_eq!(ran.status, ExitCode::from(2));
        assert!(ran.err.contains("Swagger 2"), "{}", ran.err);
        assert!(!out.exists());
    }
}

//! What the tests of the commands share: a program that can be asked, and a dialect to ask it about.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use tempfile::TempDir;

use super::{Cli, console::Console, execute};

/// What a command did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: ExitCode,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs the program with these arguments.
pub(super) fn ran(arguments: &[&str]) -> Ran {
    let cli = Cli::try_parse_from([&["interlingua"], arguments].concat()).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = execute(cli, &mut Console::new(&mut out, &mut err));
    Ran { status, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// Runs it with the mappings and schemas of the fixture.
pub(super) fn ran_in_acme(arguments: &[&str]) -> Ran {
    ran_in("acme", arguments)
}

/// Runs it with the mappings and schemas of that fixture.
pub(super) fn ran_in(fixture: &str, arguments: &[&str]) -> Ran {
    let (mappings, schemas) = (folder_of(fixture, "mappings"), folder_of(fixture, "schemas"));
    ran(&[arguments, &["--mappings", &mappings, "--schemas", &schemas]].concat())
}

/// A folder of the usual fixture.
pub(super) fn acme(folder: &str) -> String {
    folder_of("acme", folder)
}

fn folder_of(fixture: &str, folder: &str) -> String {
    format!("{}/tests/fixtures/{fixture}/{folder}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of that name in a folder of its own.
pub(super) fn file(name: &str, text: &str) -> NamedFile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    NamedFile { path, _folder: folder }
}

/// A file that is removed when this is dropped.
pub(super) struct NamedFile {
    path: PathBuf,
    _folder: TempDir,
}

impl NamedFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as an argument.
    pub(super) fn path_text(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

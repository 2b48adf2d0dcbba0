//! Databases that settings name, looked at from outside: the first bytes of each say whose it is.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{OF_OWN_FILES, told::Told};
use crate::{
    backend,
    config::Config,
    diag::{Code, Diagnostics, code},
    ids,
    usage::store,
};

/// How every database of `SQLite` begins.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// As much of one as says whose it is, and whether there are tables.
const HEAD_BYTES: u64 = 105;
/// Where it says in which version it was written, as a number of four bytes.
const VERSION_AT: usize = 60;
/// Where it says whose it is, likewise.
const APPLICATION_AT: usize = 68;
/// Where the page of the tables' names begins with what kind of page it is: one that has names, or leads to such.
const NAMES_AT: usize = 100;
/// The kind of page that has names.
const IS_LEAF: u8 = 0x0d;
/// How many it has, as a number of two bytes.
const NAMES_COUNT_AT: usize = 103;

/// What can be seen of the databases that are named without opening them. One that is not there is made.
///
/// Must not be asked by a process that uses one of them: its locks are gone when any file of it is closed.
pub fn databases(config: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    for (setting, path, application, reads) in [
        ("backend.database", &config.backend.database, None, backend::reads as fn(i64) -> bool),
        ("ids.store", &config.ids.store, Some(ids::embedded::APPLICATION), ids::embedded::reads),
        ("usage.file", &config.usage.file, Some(store::APPLICATION), store::reads),
    ] {
        let Some(path) = path else { continue };
        let told = |code, message: &str| {
            Told {
                code,
                message: format!("`{}` {message}", path.display()),
                why: String::new(),
                help: OF_OWN_FILES,
            }
            .of(setting, path, config)
        };
        match head(path) {
            Ok(head) if head.is_empty() => {}
            Ok(head) if !head.starts_with(MAGIC) => found.push(told(code::C0305, "is no database")),
            Ok(head) => {
                let (mark, version) = (number(&head, APPLICATION_AT), number(&head, VERSION_AT));
                // One that says nothing and has no tables may be one that is being made.
                let is_new = mark == 0 && version == 0 && !has_tables(&head);
                if application.is_some_and(|ours| mark != ours && !is_new) {
                    found.push(told(code::C0305, "is a database of another kind, or of another program"));
                } else if !is_new && !reads(version) {
                    let which = format!("has schema version {version}, which this program does not read");
                    found.push(told(code::C0305, &which));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && has_folder(path) => {}
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                found.push(told(code::C0305, "is a folder"));
            }
            Err(error) => found.push(told(code::C0304, &format!("cannot be read: {error}"))),
        }
    }
    found
}

/// Whether a database cannot be had, or is none of ours; none if it may be had another time, or elsewhere there is no room.
pub(super) fn of_database(path: &Path, error: &rusqlite::Error) -> Option<Code> {
    use rusqlite::ErrorCode;
    if path.is_dir() {
        return Some(code::C0305);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Some(code::C0304),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory,
        ) => None,
        Some(_) | None => Some(code::C0305),
    }
}

/// The first bytes of a file.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// The number of four bytes that stands there; zero where the file is shorter.
fn number(head: &[u8], at: usize) -> i64 {
    let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    i64::from(bytes.map_or(0, i32::from_be_bytes))
}

/// Whether there are tables, as far as the file itself knows by now.
fn has_tables(head: &[u8]) -> bool {
    let is_leaf = head.get(NAMES_AT) == Some(&IS_LEAF);
    head.len() > NAMES_AT && !(is_leaf && head.get(NAMES_COUNT_AT..) == Some(&[0, 0]))
}

/// Whether there is a folder that the file could be made in.
fn has_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.is_none_or(Path::is_dir)
}

//! Databases that settings name, looked at from outside: the first bytes of each say whose it is.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{OF_OWN_FILES, told::Told};
use crate::{
    config::Config,
    diag::{Code, Diagnostics, code},
    ids,
    usage::store,
};

/// How every database of `SQLite` begins.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// As much of one as says whose it is.
const HEAD_BYTES: u64 = 100;
/// Where it does, as a number of four bytes.
const APPLICATION_AT: usize = 68;

/// What can be seen of the databases that are named without opening them. One that is not there is made.
///
/// Must not be asked by a process that uses one of them: its locks are gone when any file of it is closed.
pub fn databases(config: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    for (setting, path, application) in [
        ("backend.database", &config.backend.database, None),
        ("ids.store", &config.ids.store, Some(ids::embedded::APPLICATION)),
        ("usage.file", &config.usage.file, Some(store::APPLICATION)),
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
                let mark = head.get(APPLICATION_AT..APPLICATION_AT + 4);
                let mark = mark.and_then(|mark| mark.try_into().ok()).map_or(0, u32::from_be_bytes);
                // As long as nobody has said so in the file itself, it may be one that is being made.
                if application.is_some_and(|ours| mark != 0 && i64::from(mark) != ours) {
                    found.push(told(code::C0305, "is a database of another kind, or of another program"));
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

/// Whether there is a folder that the file could be made in.
fn has_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.is_none_or(Path::is_dir)
}

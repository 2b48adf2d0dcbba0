//! The file that keeps what was said of modes, so that it outlives the process: a step back is said when things burn, and
//! processes are killed then.
//!
//! It is JSON, and small. It is written beside, brought to the disk, and put in the place of the one before: whoever reads
//! it finds all of one or all of the other. Of each dialect it has what was said, and what the files said of it then: if
//! they say something else at the next start, they spoke last.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use thiserror::Error;

/// What the file says that it is.
const KIND: &str = "interlingua modes";

/// The version of what is in it.
const VERSION: u64 = 1;

/// Bytes that are read of one: more than all dialects with all their principals take.
const BYTES_MAX: u64 = 16 << 20;

/// Why what is kept cannot be used.
#[derive(Debug, Error)]
pub enum KeptError {
    /// The system refused.
    #[error("cannot read what is kept of modes in `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else, or of a later version.
    #[error("`{path}` keeps no modes, or those of a later version")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot keep modes in `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What was said of a dialect, as it can be said again, and what the files said of it then.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) said: Value,
    pub(super) instead_of: Value,
}

/// Reads what is kept; none if there is no such file yet.
///
/// # Errors
///
/// If the file cannot be read, or is none of these. Nothing of it is repeated.
pub(super) fn read(path: &Path) -> Result<Option<Vec<(String, Entry)>>, KeptError> {
    let failed = |source| KeptError::Read { path: path.to_owned(), source };
    let foreign = || KeptError::Foreign { path: path.to_owned() };
    match fs::metadata(path) {
        // To open a pipe would wait for whoever writes into it.
        Ok(found) if !found.is_file() => return Err(foreign()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut text)).map_err(failed)?;
    let kept: Value = serde_json::from_slice(&text).map_err(|_| foreign())?;
    if kept["kind"] != KIND || kept["version"] != VERSION {
        return Err(foreign());
    }
    let entry = |(dialect, entry): (&String, &Value)| {
        let said = entry.get("said").filter(|said| said.is_object())?.clone();
        Some((dialect.clone(), Entry { said, instead_of: entry.get("instead_of")?.clone() }))
    };
    let dialects = kept["dialects"].as_object().ok_or_else(foreign)?;
    dialects.iter().map(entry).collect::<Option<_>>().map(Some).ok_or_else(foreign)
}

/// Puts that in the place of what is kept. When it returns, the disk has it.
///
/// # Errors
///
/// If the system refuses; then what was kept before still is.
pub(super) fn write(path: &Path, entries: impl Iterator<Item = (String, Entry)>) -> Result<(), KeptError> {
    let entry = |(dialect, Entry { said, instead_of }): (String, Entry)| {
        (dialect, json!({"said": said, "instead_of": instead_of}))
    };
    let dialects: Map<String, Value> = entries.map(entry).collect();
    let text = format!("{:#}\n", json!({"kind": KIND, "version": VERSION, "dialects": dialects}));
    replace(path, text.as_bytes()).map_err(|source| KeptError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // Where links lead to it, they still do.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = fs::metadata(path).map_or(0o600, |found| found.permissions().mode() & 0o777);
    let mut beside = path.clone().into_os_string();
    beside.push("-new");
    // What a process left that was killed.
    fs::remove_file(&beside)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: &str) -> (String, Entry) {
        ("acme".to_owned(), Entry { said: json!({ "mode": mode }), instead_of: Value::Null })
    }

    #[test]
    fn what_was_written_is_read_and_belongs_to_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        assert_eq!(read(&path).unwrap(), None);
        // Left by a process that was killed.
        fs::write(folder.path().join("modes.json-new"), "half").unwrap();
        write(&path, [entry("legacy")].into_iter()).unwrap();
        assert_eq!(read(&path).unwrap(), Some(vec![entry("legacy")]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(&link, std::iter::empty()).unwrap();
        assert_eq!((read(&path).unwrap(), mode(&path)), (Some(Vec::new()), 0o640));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside");
    }

    #[test]
    fn what_is_something_else_is_told_so_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        for text in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"kind":"interlingua modes","version":2,"dialects":{}}"#,
            r#"{"kind":"interlingua modes","version":1}"#,
            r#"{"kind":"interlingua modes","version":1,"dialects":{"acme":{"said":"legacy","instead_of":null}}}"#,
            r#"{"kind":"interlingua modes","version":1,"dialects":{"acme":{"said":{"mode":"legacy"}}}}"#,
        ] {
            fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, KeptError::Foreign { .. }), "{text}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(matches!(read(folder.path()), Err(KeptError::Foreign { .. })), "a folder");
        let error = write(&folder.path().join("nowhere").join("modes.json"), std::iter::empty()).unwrap_err();
        assert!(matches!(error, KeptError::Write { .. }), "{error}");
    }
}

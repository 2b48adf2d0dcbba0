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
    process,
};

use serde_json::{Map, Value, json};
use thiserror::Error;

/// What the file says that it is.
const KIND: &str = "interlingua modes";

/// The version of what is in it.
const VERSION: u64 = 1;

/// Bytes that are read of one: more than all dialects with all their principals take.
const BYTES_MAX: u64 = 16 << 20;

/// Links that are followed to it: as many as Linux does.
const LINKS_MAX: usize = 40;

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

/// Reads what is kept; none if there is no such file yet, or an empty one, as somebody makes it who gives it its owner.
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
    if text.is_empty() {
        return Ok(None);
    }
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
/// If the system refuses. What was kept before still is then, unless it was only the folder that could not be brought to the
/// disk.
pub(super) fn write(path: &Path, entries: impl Iterator<Item = (String, Entry)>) -> Result<(), KeptError> {
    let entry = |(dialect, Entry { said, instead_of }): (String, Entry)| {
        (dialect, json!({"said": said, "instead_of": instead_of}))
    };
    let dialects: Map<String, Value> = entries.map(entry).collect();
    let text = format!("{:#}\n", json!({"kind": KIND, "version": VERSION, "dialects": dialects}));
    replace(path, text.as_bytes()).map_err(|source| KeptError::Write { path: path.to_owned(), source })
}

/// Whether it looks as if something could be put there. Nothing that is kept is touched.
///
/// # Errors
///
/// If the system refuses to have a file beside it.
pub(in crate::boot) fn probe(path: &Path) -> Result<(), KeptError> {
    let (_, beside) = target(path);
    make(&beside)
        .and_then(|_empty| fs::remove_file(&beside))
        .map_err(|source| KeptError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let (path, beside) = target(path);
    let put = || {
        let mut file = make(&beside)?;
        if let Ok(before) = fs::metadata(&path) {
            file.set_permissions(Permissions::from_mode(before.permissions().mode() & 0o777))?;
        }
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    put().inspect_err(|_| drop(fs::remove_file(&beside)))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// An empty file for its owner alone.
fn make(beside: &Path) -> io::Result<File> {
    // What a process of that number left that was killed.
    fs::remove_file(beside)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)
}

/// Where it is kept in the end, and what to write first. Where links lead to it, they still do, also before it is there.
fn target(path: &Path) -> (PathBuf, PathBuf) {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&path) else { break };
        // One that does not begin at the root begins where the link is.
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    let mut beside = path.clone().into_os_string();
    // In a handover there are two processes, and each puts in place what it has written itself.
    beside.push(format!("-new-{}", process::id()));
    (path, beside.into())
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
        fs::write(folder.path().join(format!("modes.json-new-{}", process::id())), "half").unwrap();
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
    fn a_link_leads_to_it_also_before_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        std::os::unix::fs::symlink("second", &first).unwrap();
        std::os::unix::fs::symlink(folder.path().join("modes.json"), &second).unwrap();
        write(&first, [entry("legacy")].into_iter()).unwrap();
        for link in [&first, &second] {
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
        assert_eq!(read(&folder.path().join("modes.json")).unwrap(), Some(vec![entry("legacy")]));
    }

    #[test]
    fn an_empty_file_is_as_good_as_none_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read(&path).unwrap(), None);
        write(&path, [entry("legacy")].into_iter()).unwrap();
        assert_eq!(read(&path).unwrap(), Some(vec![entry("legacy")]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_nothing_and_a_probe_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        let names =
            || fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect::<Vec<_>>();
        probe(&path).unwrap();
        assert!(names().is_empty());
        // Nothing can be put in the place of a folder that is not empty.
        fs::create_dir_all(path.join("full")).unwrap();
        assert!(matches!(write(&path, std::iter::empty()), Err(KeptError::Write { .. })));
        assert_eq!(names(), ["modes.json"]);
        let nowhere = probe(&folder.path().join("nowhere").join("modes.json"));
        assert!(matches!(nowhere, Err(KeptError::Write { .. })));
    }

    #[test]
    fn what_is_something_else_is_told_so_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        for text in [
            " ",
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

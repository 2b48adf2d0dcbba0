//! The file that keeps what was said of modes, so that it outlives the process: a step back is said when things burn, and
//! processes are killed then.
//!
//! It is JSON, and small. Of each dialect it has what was said, and what the files said of it then: if they say something
//! else at the next start, they spoke last.
//!
//! Whose it is, is known as it is of the usage file. A process that starts claims it before it reads it, and until it has
//! written it nobody else does; if it ends before, the claim ends with it, and whoever had the file goes on. Each process
//! writes a mark of its own into it, and writes only over what it has read or written itself: one that finds anything else
//! has lost it to another process, or to somebody with an editor, and leaves it alone.

use std::{
    io, mem,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value, json};
use thiserror::Error;
use uuid::Uuid;

use super::place::{self, Claim};

/// What the file says that it is.
const KIND: &str = "interlingua modes";

/// The version of what is in it.
const VERSION: u64 = 1;

/// How long a start waits for another that has claimed the file: as for the usage file.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How long whoever has the file waits for one that starts: less than anybody waits to hear whether something is kept.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

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
    /// It is mounted by itself, so that no other file can be put in its place.
    #[error("cannot keep modes in `{path}`: it is mounted by itself, and nothing can be put in its place")]
    Mounted {
        /// The file.
        path: PathBuf,
    },
    /// Another process has read it, and has not written it yet.
    #[error("another process that starts is about to have `{path}`, which keeps modes")]
    Claimed {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else has written it.
    #[error(
        "`{path}` was taken over by another process, or changed by hand: what this one is told of modes is not kept; end it, or \
         start it anew with an `[admin] modes_file` of its own"
    )]
    TakenOver {
        /// The file.
        path: PathBuf,
    },
    /// Somebody has taken it away, or emptied it.
    #[error(
        "`{path}`, which keeps modes, is not there any more: it is written again when a mode is said, or by a reload that ends one"
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
}

/// What was said of a dialect, as it can be said again, and what the files said of it then.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) said: Value,
    pub(super) instead_of: Value,
}

/// The file, for the process that has it or is about to.
#[derive(Debug)]
pub(in crate::boot) struct Kept {
    path: PathBuf,
    /// No two processes write the same.
    mark: Uuid,
    /// What was in it when this process read or wrote it last.
    text: Vec<u8>,
    /// From when it is read until it is written, as long as the process lives.
    claim: Option<Claim>,
}

impl Kept {
    /// Claims the file and reads it. Whoever has it goes on if nothing is written.
    ///
    /// # Errors
    ///
    /// If another process claims it for too long; if it cannot be read, or is none of these, of which nothing is repeated; if
    /// it is known that nothing can be put in its place.
    pub(super) fn open(path: &Path) -> Result<(Kept, Entries), KeptError> {
        Kept::open_within(path, START_PATIENCE)
    }

    fn open_within(path: &Path, patience: Duration) -> Result<(Kept, Entries), KeptError> {
        // Of what is no file it is told what it is.
        read(path)?;
        let place = place::target(path);
        let claim = claim(path, &place, patience)?;
        // Not before: in another container the other process may have the same number, and what it is about to put there the
        // same name.
        place::probe(&place).map_err(not_written(path))?;
        let (text, entries) = read(path)?;
        let (path, mark) = (path.to_owned(), Uuid::new_v4());
        Ok((Kept { path, mark, text, claim: Some(claim) }, entries))
    }

    /// Puts that in the place of what is kept. When it returns, the disk has it, and the file is this process's.
    ///
    /// # Errors
    ///
    /// If it is another's by now, or about to be; if the system refuses. What was kept before still is then, unless it was only
    /// the folder that could not be brought to the disk.
    pub(super) fn write(&mut self, entries: impl Iterator<Item = (String, Entry)>) -> Result<(), KeptError> {
        self.write_within(WRITE_PATIENCE, entries)
    }

    fn write_within(
        &mut self,
        patience: Duration,
        entries: impl Iterator<Item = (String, Entry)>,
    ) -> Result<(), KeptError> {
        let entry = |(dialect, Entry { said, instead_of }): (String, Entry)| {
            (dialect, json!({"said": said, "instead_of": instead_of}))
        };
        let dialects: Map<String, Value> = entries.map(entry).collect();
        let mark = self.mark.to_string();
        let text = format!(
            "{:#}\n",
            json!({"kind": KIND, "version": VERSION, "writer": mark, "dialects": dialects})
        );
        let place = place::target(&self.path);
        let _held_until_it_is_there = match self.claim.take() {
            Some(claim) => claim,
            None => claim(&self.path, &place, patience)?,
        };
        let found = place::text(&place).map_err(not_written(&self.path))?;
        // One that is not there any more is nobody's.
        if !found.is_empty() && found != self.text {
            return Err(KeptError::TakenOver { path: self.path.clone() });
        }
        // Were it only the folder that the disk has not got, the file is as it is written now.
        let before = mem::replace(&mut self.text, text.into_bytes());
        let put = place::replace(&place, &self.text);
        if put.is_err() && !place::text(&place).is_ok_and(|found| found == self.text) {
            self.text = before;
        }
        put.map_err(not_written(&self.path))
    }

    /// Looks whether the file is as this process left it.
    ///
    /// # Errors
    ///
    /// If it is known to be something else. One that cannot be read may be as it was.
    pub(super) fn look(&self) -> Result<(), KeptError> {
        match place::text(&self.path) {
            Ok(text) if text.is_empty() && !self.text.is_empty() => {
                Err(KeptError::Gone { path: self.path.clone() })
            }
            Ok(text) if text != self.text => Err(KeptError::TakenOver { path: self.path.clone() }),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// What is in the way of keeping modes there, as far as can be seen without leaving a trace.
///
/// # Errors
///
/// If the file cannot be read, is none of these, or is known to be one that nothing can be put in the place of; if there is no folder
/// to make it in.
pub(super) fn look(path: &Path) -> Result<(), KeptError> {
    read(path)?;
    let place = place::target(path);
    if place::is_mounted(&place) {
        return Err(KeptError::Mounted { path: path.to_owned() });
    }
    place::look_for_folder(&place).map_err(not_written(path))
}

fn claim(path: &Path, place: &Path, patience: Duration) -> Result<Claim, KeptError> {
    let claim = Claim::wait(place, patience).map_err(not_written(path))?;
    claim.ok_or_else(|| KeptError::Claimed { path: path.to_owned() })
}

fn not_written(path: &Path) -> impl Fn(io::Error) -> KeptError {
    move |source| match source.kind() {
        io::ErrorKind::ResourceBusy => KeptError::Mounted { path: path.to_owned() },
        _ => KeptError::Write { path: path.to_owned(), source },
    }
}

/// What is kept: names of dialects, and what was said of each.
type Entries = Vec<(String, Entry)>;

/// Reads what is kept; nothing if there is no such file yet, or an empty one, as somebody makes it who gives it its owner.
fn read(path: &Path) -> Result<(Vec<u8>, Entries), KeptError> {
    let foreign = || KeptError::Foreign { path: path.to_owned() };
    let text = place::text(path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidInput => foreign(),
        _ => KeptError::Read { path: path.to_owned(), source },
    })?;
    let entries = if text.is_empty() { Vec::new() } else { parsed(&text).ok_or_else(foreign)? };
    Ok((text, entries))
}

fn parsed(text: &[u8]) -> Option<Entries> {
    let kept: Value = serde_json::from_slice(text).ok()?;
    if kept["kind"] != KIND || kept["version"] != VERSION {
        return None;
    }
    let entry = |(dialect, entry): (&String, &Value)| {
        let said = entry.get("said").filter(|said| said.is_object())?.clone();
        Some((dialect.clone(), Entry { said, instead_of: entry.get("instead_of")?.clone() }))
    };
    kept["dialects"].as_object()?.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt as _, symlink},
        process,
    };

    use super::*;

    fn entry(mode: &str) -> (String, Entry) {
        ("acme".to_owned(), Entry { said: json!({ "mode": mode }), instead_of: Value::Null })
    }

    /// What the next start would find.
    fn read(path: &Path) -> Result<Entries, KeptError> {
        super::read(path).map(|(_, entries)| entries)
    }

    /// Writes as a process does that has just started.
    fn write(path: &Path, entries: &[(String, Entry)]) -> Result<(), KeptError> {
        Kept::open(path)?.0.write(entries.iter().cloned())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn what_was_written_is_read_and_belongs_to_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        assert_eq!(read(&path).unwrap(), []);
        // Left by a process that was killed.
        fs::write(folder.path().join(format!("modes.json-new-{}", process::id())), "half").unwrap();
        write(&path, &[entry("legacy")]).unwrap();
        assert_eq!(read(&path).unwrap(), [entry("legacy")]);
        assert_eq!(mode(&path), 0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(&link, &[]).unwrap();
        assert_eq!((read(&path).unwrap(), mode(&path)), (Vec::new(), 0o640));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()).len(), 2, "nothing is left beside");
    }

    #[test]
    fn a_link_leads_to_it_also_before_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        symlink("second", &first).unwrap();
        symlink(folder.path().join("modes.json"), &second).unwrap();
        write(&first, &[entry("legacy")]).unwrap();
        for link in [&first, &second] {
            assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        }
        assert_eq!(read(&folder.path().join("modes.json")).unwrap(), [entry("legacy")]);
    }

    #[test]
    fn an_empty_file_is_as_good_as_none_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read(&path).unwrap(), []);
        drop(Kept::open(&path).unwrap());
        assert_eq!(names(folder.path()), ["modes.json"], "somebody made it");
        write(&path, &[entry("legacy")]).unwrap();
        assert_eq!(read(&path).unwrap(), [entry("legacy")]);
        assert_eq!(mode(&path), 0o640);
    }

    #[test]
    fn what_cannot_be_put_in_place_leaves_nothing_and_neither_does_a_start_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        let (mut kept, _) = Kept::open(&path).unwrap();
        kept.claim = None;
        assert!(names(folder.path()).is_empty());
        // Nothing can be put in the place of a folder that is not empty.
        fs::create_dir_all(path.join("full")).unwrap();
        assert!(matches!(kept.write(std::iter::empty()), Err(KeptError::Write { .. })));
        assert_eq!(names(folder.path()), ["modes.json"]);
        let nowhere = Kept::open(&folder.path().join("nowhere").join("modes.json"));
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
            for error in [Kept::open(&path).unwrap_err(), look(&path).unwrap_err()] {
                assert!(matches!(error, KeptError::Foreign { .. }), "{text}: {error}");
            }
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(matches!(Kept::open(folder.path()), Err(KeptError::Foreign { .. })), "a folder");
    }

    /// As of two containers with one volume, in which both processes have the same number.
    #[test]
    fn whoever_starts_last_has_it_and_the_one_before_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        let (mut first, _) = Kept::open(&path).unwrap();
        first.write([entry("legacy")].into_iter()).unwrap();
        first.look().unwrap();
        let (mut second, read_by_it) = Kept::open(&path).unwrap();
        assert_eq!(read_by_it, [entry("legacy")]);
        // What it says is what the first said, word for word.
        second.write(read_by_it.into_iter()).unwrap();
        let kept = fs::read(&path).unwrap();
        assert!(matches!(first.look(), Err(KeptError::TakenOver { .. })));
        for _ in 0..2 {
            let lost = first.write([entry("canonical")].into_iter());
            assert!(matches!(lost, Err(KeptError::TakenOver { .. })), "{lost:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), kept);
        second.look().unwrap();
        second.write([entry("split")].into_iter()).unwrap();
        // Nobody's any more.
        fs::remove_file(&path).unwrap();
        assert!(matches!(second.look(), Err(KeptError::Gone { .. })));
        first.write([entry("canonical")].into_iter()).unwrap();
        assert_eq!(read(&path).unwrap(), [entry("canonical")]);
    }

    /// Whatever was acknowledged is what the next process has read.
    #[test]
    fn between_the_reading_of_a_start_and_its_first_writing_nobody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        let (mut first, _) = Kept::open(&path).unwrap();
        first.write([entry("legacy")].into_iter()).unwrap();
        let starting = Kept::open(&path).unwrap();
        let meanwhile = first.write_within(Duration::ZERO, [entry("canonical")].into_iter());
        assert!(matches!(meanwhile, Err(KeptError::Claimed { .. })), "{meanwhile:?}");
        let another = Kept::open_within(&path, Duration::ZERO);
        assert!(matches!(another, Err(KeptError::Claimed { .. })), "{another:?}");
        assert_eq!(read(&path).unwrap(), [entry("legacy")]);
        // Its start has failed.
        drop(starting);
        first.write([entry("canonical")].into_iter()).unwrap();
        assert_eq!(read(&path).unwrap(), [entry("canonical")]);
    }

    /// Often enough for the one to look while the other writes.
    #[test]
    fn whoever_waits_has_what_was_put_in_place_meanwhile() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("modes.json");
            let (mut first, _) = Kept::open(&path).unwrap();
            let waits = std::thread::scope(|scope| {
                let waits = scope.spawn(|| Kept::open(&path).unwrap());
                first.write([entry("legacy")].into_iter()).unwrap();
                waits.join().unwrap()
            });
            assert_eq!(waits.1, [entry("legacy")]);
            assert!(matches!(Kept::open_within(&path, Duration::ZERO), Err(KeptError::Claimed { .. })));
        }
    }

    #[test]
    fn what_was_changed_by_hand_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        let (mut kept, _) = Kept::open(&path).unwrap();
        kept.write([entry("legacy")].into_iter()).unwrap();
        let by_hand = fs::read_to_string(&path).unwrap().replace("legacy", "canonical");
        fs::write(&path, &by_hand).unwrap();
        assert!(matches!(kept.write([entry("split")].into_iter()), Err(KeptError::TakenOver { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), by_hand);
    }

    /// Every Linux has it mounted.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_mounted_by_itself_is_known() {
        let folder = tempfile::tempdir().unwrap();
        assert!(place::is_mounted(Path::new("/proc")) && !place::is_mounted(folder.path()));
        let error = place::probe(Path::new("/proc")).map_err(not_written(Path::new("/proc"))).unwrap_err();
        assert!(matches!(error, KeptError::Mounted { .. }), "{error}");
    }
}

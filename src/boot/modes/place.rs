//! How a small file is replaced as a whole, and by one process at a time.
//!
//! What is to be in it is written beside, brought to the disk, and put in its place. So there is nothing to lock for long:
//! whoever is about to put another file there has the one that is there locked (`flock`), and looks whether it still is
//! there once it has the lock. A lock goes with its process, however that ends, and is seen from other containers, where all
//! processes have the same number.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process,
    thread::sleep,
    time::{Duration, Instant},
};

/// Bytes that are read of one: more than all dialects with all their principals take.
const BYTES_MAX: u64 = 16 << 20;

/// Links that are followed to it: as many as Linux does.
const LINKS_MAX: usize = 40;

/// How often whoever waits for a lock looks whether it can be had.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// That no other process puts anything in the place of the file as long as this is there.
#[derive(Debug)]
pub(super) struct Claim {
    file: File,
    path: PathBuf,
    /// There was no file to lock.
    is_made: bool,
}

impl Claim {
    /// Waits until no other process has it, for so long at most; none if one still does. `path` is no link. Where there is no
    /// file an empty one is made; it goes with the claim, unless there is another in its place by then.
    ///
    /// A file system that knows no locks keeps nobody out.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or made.
    pub(super) fn wait(path: &Path, patience: Duration) -> io::Result<Option<Claim>> {
        let begun = Instant::now();
        loop {
            let (file, is_made) = open_or_make(path)?;
            let is_locked = match file.try_lock() {
                Ok(()) => true,
                Err(TryLockError::WouldBlock) => false,
                Err(TryLockError::Error(_none)) => {
                    return Ok(Some(Claim { file, path: path.to_owned(), is_made }));
                }
            };
            // Whoever had it may have put another there while it was waited for.
            if is_locked && is_at(&file, path)?.is_some() {
                return Ok(Some(Claim { file, path: path.to_owned(), is_made }));
            }
            if begun.elapsed() >= patience {
                return Ok(None);
            }
            sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A start that fails leaves nothing that was not there.
        let is_of_no_use = || matches!(is_at(&self.file, &self.path), Ok(Some(found)) if found.len() == 0);
        if self.is_made && is_of_no_use() {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// The file to lock, and whether it was made for that.
fn open_or_make(path: &Path) -> io::Result<(File, bool)> {
    let open = || {
        // Over a network only who may write can lock. The file may be another's all the same, and only its folder ours.
        let opened = OpenOptions::new().read(true).write(true).open(path);
        opened.or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => File::open(path),
            _ => Err(error),
        })
    };
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
                Ok(made) => Ok((made, true)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok((open()?, false)),
                Err(error) => Err(error),
            }
        }
        other => Ok((other?, false)),
    }
}

/// What is at that path, if it is this file.
fn is_at(file: &File, path: &Path) -> io::Result<Option<Metadata>> {
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found).filter(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is in the file; nothing if there is none.
///
/// # Errors
///
/// If it cannot be read, also since it is no file (`InvalidInput`).
pub(super) fn text(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match fs::metadata(path) {
        // To open a pipe would wait for whoever writes into it.
        Ok(found) if !found.is_file() => return Err(io::ErrorKind::InvalidInput.into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(text),
        Err(error) => return Err(error),
    }
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

/// Puts that in the place of the file. When it returns, the disk has it. `path` is no link. Only for whoever has a claim.
///
/// # Errors
///
/// If the system refuses. What was there still is then, unless it was only the folder that could not be brought to the disk.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let put = || {
        let mut file = make(&beside)?;
        if let Ok(before) = fs::metadata(path) {
            file.set_permissions(Permissions::from_mode(before.permissions().mode() & 0o777))?;
        }
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    put().inspect_err(|_| drop(fs::remove_file(&beside)))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether it looks as if something could be put there. Nothing that is there is touched. `path` is no link. Only for whoever has
/// a claim.
///
/// # Errors
///
/// If the system refuses to have a file beside it, or to put one in its place (`ResourceBusy`).
pub(super) fn probe(path: &Path) -> io::Result<()> {
    if is_mounted(path) {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    let beside = beside(path);
    make(&beside).and_then(|_empty| fs::remove_file(&beside))
}

/// Whether it is known that a file system, or one file of it, is mounted at that very path: a container may have been given a
/// single file. It can be written, and nothing can be put in its place. That it is another device than its folder would not
/// tell: one file of the same device may be mounted, and in layered file systems files and folders are of different ones.
#[cfg(target_os = "linux")]
pub(super) fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    // Of a system that does not tell, nothing is known.
    statx(CWD, path, AtFlags::empty(), StatxFlags::empty())
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Nothing is known of it.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_mounted(_: &Path) -> bool {
    false
}

/// An empty file for its owner alone.
fn make(beside: &Path) -> io::Result<File> {
    // What a process of that number left that was killed.
    fs::remove_file(beside)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)
}

/// Looks whether the folder of the file is there.
///
/// # Errors
///
/// What the system says if it is not.
pub(super) fn look_for_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::metadata(folder.unwrap_or(Path::new("."))).map(drop)
}

/// Where it is in the end. Where links lead to it, they still do, also before it is there.
pub(super) fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(next) = fs::read_link(&path) else { break };
        // One that does not begin at the root begins where the link is.
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

/// What to write first.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    // One that was killed may have left one.
    beside.push(format!("-new-{}", process::id()));
    beside.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lock on it would keep nobody out.
    #[test]
    fn a_file_that_was_replaced_is_not_there_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("modes.json");
        let (file, is_made) = open_or_make(&path).unwrap();
        assert!(is_made && is_at(&file, &path).unwrap().is_some());
        replace(&path, b"{}").unwrap();
        assert!(is_at(&file, &path).unwrap().is_none());
        let (file, is_made) = open_or_make(&path).unwrap();
        assert!(!is_made && is_at(&file, &path).unwrap().is_some());
        fs::remove_file(&path).unwrap();
        assert!(is_at(&file, &path).unwrap().is_none());
    }
}

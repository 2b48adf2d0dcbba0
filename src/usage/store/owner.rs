//! Whose the file is: one process writes it, and at most one more is about to.
//!
//! The file names its owner. A process that starts has itself named as the owner's heir, and from then on the owner writes
//! nothing, so that what the heir has read stays true. With what the heir writes first, the file is its own. If its start
//! fails, it has its name taken off again. And if it ends without a word, the system lets go of a lock that it had on a
//! file beside, named `-heir`: the owner sees that nobody is to come any more, and goes on.
//!
//! So the owner is always a process that has started, however many starts fail after it, and however they end. Who writes is
//! decided by what the file says, in the transaction that writes; the lock only tells whether an heir lives.
//!
//! ```text
//! writer = owner / heir " " owner
//! ```
//!
//! Earlier versions know no heirs. They write as long as the file has their name and nothing else, and whoever of them hands
//! it back puts back the text that was there; so they can own a file and hand it back, too.

use std::fs::{self, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::Transaction;

/// How often an heir that waits for another looks whether that is gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// That its process is the heir, as long as it lives.
#[derive(Debug)]
pub(super) struct Claim {
    _lock: File,
}

impl Claim {
    /// Waits, for so long at most, until no other process is the heir of that file; none if one still is.
    pub(super) fn wait((path, beside): (&Path, &Path), patience: Duration) -> io::Result<Option<Claim>> {
        let lock = open_or_make(path, beside)?;
        let begun = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Some(Claim { _lock: lock })),
                Err(TryLockError::WouldBlock) if begun.elapsed() < patience => sleep(LOOK_EVERY),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// Whether a process is the heir and lives. One of which that cannot be known is taken to live: better nothing is written for
/// a while than by two.
fn lives(beside: &Path) -> bool {
    match OpenOptions::new().write(true).open(beside) {
        Ok(lock) => lock.try_lock().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Where the lock of a file is that is there: beside the file itself, by whatever links processes reach it.
pub(super) fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = fs::canonicalize(path)?.into_os_string();
    name.push("-heir");
    Ok(name.into())
}

/// The file with the lock: for whoever may write the file that it is beside, as `SQLite` does it with its own.
fn open_or_make(path: &Path, beside: &Path) -> io::Result<File> {
    let of = fs::metadata(path)?;
    let mode = of.mode() & 0o777;
    match OpenOptions::new().write(true).create_new(true).mode(mode).open(beside) {
        Ok(file) => {
            lend(&file, &of);
            // The process may have asked for less of new files.
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = OpenOptions::new().write(true).open(beside)?;
            // Whose the usage file is may have changed since. Only the lock's owner can see to it.
            lend(&file, &of);
            file.set_permissions(Permissions::from_mode(mode)).ok();
            Ok(file)
        }
        Err(error) => Err(error),
    }
}

/// Gives a file to the group and to the owner of another, as far as the process may: the group is often one of its own, and an
/// owner is for the superuser to give.
fn lend(file: &File, of: &Metadata) {
    fchown(file, None, Some(of.gid())).ok();
    fchown(file, Some(of.uid()), None).ok();
}

/// Names that process as the heir, in the place of one that has ended.
pub(super) fn claim(transaction: &Transaction<'_>, heir: &str) -> rusqlite::Result<()> {
    let said = said(transaction)?;
    let (_, owner) = split(&said);
    say(transaction, &format!("{heir} {owner}"))
}

/// Takes the name of that heir off again.
pub(super) fn disclaim(transaction: &Transaction<'_>, heir: &str) -> rusqlite::Result<()> {
    let said = said(transaction)?;
    match split(&said) {
        (Some(named), owner) if named == heir => say(transaction, owner),
        _ => Ok(()),
    }
}

/// Whether it is for that process to write: it is the owner, and no heir lives, or it is the heir and owns the file now.
pub(super) fn own(transaction: &Transaction<'_>, process: &str, beside: &Path) -> rusqlite::Result<bool> {
    let said = said(transaction)?;
    let is_own = match split(&said) {
        (None, owner) => return Ok(owner == process),
        (Some(heir), _) if heir == process => true,
        (Some(_), owner) => owner == process && !lives(beside),
    };
    if is_own {
        say(transaction, process)?;
    }
    Ok(is_own)
}

/// Whether that process owns the file, or is to have it.
pub(super) fn is_named(transaction: &Transaction<'_>, process: &str) -> rusqlite::Result<bool> {
    let said = said(transaction)?;
    let (heir, owner) = split(&said);
    Ok(owner == process || heir == Some(process))
}

/// The heir, if there is one, and the owner.
fn split(said: &str) -> (Option<&str>, &str) {
    said.split_once(' ').map_or((None, said), |(heir, owner)| (Some(heir), owner))
}

fn said(transaction: &Transaction<'_>) -> rusqlite::Result<String> {
    transaction.query_row("SELECT writer FROM kept", [], |row| row.get(0))
}

fn say(transaction: &Transaction<'_>, writer: &str) -> rusqlite::Result<()> {
    transaction.execute("UPDATE kept SET writer = ?1", [writer]).map(drop)
}

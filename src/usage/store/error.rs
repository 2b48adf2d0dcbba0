//! Why a usage file cannot be used, or no longer by this process.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// `SQLite` refused the file or what is in it.
    #[error("usage file `{}` cannot be used", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// The file is something else.
    #[error("`{}` is no usage file of this version", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("usage file `{}` cannot be made", .path.display())]
    Make {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such file.
    #[error("there is no usage file `{}`; a proxy with `[usage] file` makes one", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Whether another process lives that is about to write it cannot be told.
    #[error("nobody can tell whether another process is about to write the usage file: `{}` cannot be locked", .path.display())]
    Lock {
        /// The file with the lock, which is beside it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process that starts is about to write it, and does not come to an end.
    #[error("usage file `{}` is being taken over by another process that starts", .path.display())]
    Claimed {
        /// The file.
        path: PathBuf,
    },
    /// Another process is about to have it, and has not written yet.
    #[error(
        "another process that starts is about to have usage file `{}`: nothing is written meanwhile, and all of it is should \
         that not start",
        .path.display()
    )]
    Awaited {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes it now.
    #[error(
        "usage file `{}` was taken over by another process: what this one goes on serving is not counted ({strayed} requests so \
         far); end it, or start it anew with a `[usage] file` of its own",
        .path.display()
    )]
    TakenOver {
        /// The file.
        path: PathBuf,
        /// How many requests this process answered that are in no file, and never will be.
        strayed: u64,
    },
}

//! The key of explanations, read from its file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::gateway::explain::{Explainer, WeakKey};

/// Why requests cannot be explained as configured.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is not there, or not ours to read.
    #[error("cannot read the key of explanations `{}`", path.display())]
    Read {
        /// The configured file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is in it is no key.
    #[error("cannot use the key of explanations `{}`", path.display())]
    Weak {
        /// The configured file.
        path: PathBuf,
        /// What is wrong with it.
        source: WeakKey,
    },
}

/// Reads the key.
pub fn explainer(path: &Path) -> Result<Explainer, KeyError> {
    let key = fs::read(path).map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
    Explainer::new(&key).map_err(|source| KeyError::Weak { path: path.to_owned(), source })
}

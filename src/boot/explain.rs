//! The key of explanations, read from its file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::named::is_content;
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
    /// It is the key that is given, in the place of its file. It is not repeated.
    #[error(
        "the name of the file with the key of explanations looks like a key: write that into a file, and name it"
    )]
    Itself,
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
    let key = fs::read(path).map_err(|source| {
        if is_content(path) { KeyError::Itself } else { KeyError::Read { path: path.to_owned(), source } }
    })?;
    Explainer::new(&key).map_err(|source| KeyError::Weak { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_place_of_its_file_is_not_repeated() {
        let key = "deadbeef".repeat(8);
        let told = explainer(Path::new(&key)).unwrap_err().to_string();
        assert!(told.contains("looks like a key") && !told.contains("deadbeef"), "{told}");
        let told = explainer(Path::new("/nowhere/key")).unwrap_err().to_string();
        assert_eq!(told, "cannot read the key of explanations `/nowhere/key`");
    }
}

//! TEMPORARY stand-in, only the settings: the integrator replaces this file.

use std::path::PathBuf;

/// What the built-in backend keeps.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Database file; memory if none.
    pub database: Option<PathBuf>,
    /// Whether to start with demonstration data.
    pub seed: bool,
}

//! External ids that no codec can compute: looked up in the [`map`] of imported ones, or asked of the backend once
//! and remembered for a while.
//!
//! This module never sends anything itself; how to ask is handed in.

use std::path::PathBuf;

pub mod embedded;
pub mod map;
pub mod resolver;
mod writes;

/// Where imported ids are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The file they are kept in; none means that no id was ever imported.
    pub store: Option<PathBuf>,
}

//! External ids that no codec can compute: asked of the backend once, and remembered for a while.
//!
//! This module never sends anything itself; how to ask is handed in.

pub mod resolver;

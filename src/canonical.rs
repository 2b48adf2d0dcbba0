//! The one form everything inside speaks: operations, identifiers and roles that mean the same in every dialect.

pub mod api;
pub mod id;
pub mod role;

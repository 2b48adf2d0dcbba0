//! The one form everything inside speaks: identifiers and roles that mean the same in every dialect.

pub mod id;
pub mod role;

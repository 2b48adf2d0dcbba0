//! Every message about a value in `config.toml`, one function each. Whichever module of [`config`](super) finds what is
//! wrong has one of the same name here; what is wrong with principals is found in several.
//!
//! What is wrong with syntax and keys is said by the reader in [`diag::reader`](crate::diag::reader).

pub(super) mod conflict;
pub(super) mod fixed;
pub(super) mod inexpressible;
pub(super) mod known;
pub(super) mod modes;
pub(super) mod principals;
#[cfg(test)]
mod tests;
pub(super) mod values;

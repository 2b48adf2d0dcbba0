//! Translating backwards: the backend speaks a dialect, and what asks it is canonical.
//!
//! The mapping files are the same, and so are the lenses: a request that a dialect lifts is [lowered](crate::lens), and an
//! answer that a dialect lowers is lifted. What is [`told`] is what a dialect's answer says in canonical words, and
//! which canonical places it can say anything about at all.
//!
//! Nothing here waits or looks anything up, as in the rest of this module.

pub mod told;

//! Translating backwards, for a backend that speaks a dialect: from a canonical call to the dialect's request ([`ask`]), and
//! from the dialect's answer to the canonical one, and which canonical places it can say anything about at all ([`told`]); and
//! which records its lists tell, by which ids and names ([`records`]).
//!
//! Both come from the lines that translate the dialect's own clients: a request that a dialect lifts is
//! [lowered](crate::lens), and an answer that a dialect lowers is lifted. Whatever is made of a call is lifted again, and has
//! to be that call, so that nothing is asked for that the caller did not write.
//!
//! Nothing here waits or looks anything up, as in the rest of this module.

pub mod ask;
pub mod back;
mod column;
pub mod lacks;
pub mod own;
pub mod records;
pub mod told;

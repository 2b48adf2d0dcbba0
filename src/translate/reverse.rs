//! Translating backwards, for a backend that speaks a dialect: from a canonical call to the dialect's request, and from
//! the dialect's answer to the canonical one.
//!
//! Both come from the lines that translate the dialect's own clients. What a request may say in a dialect is what lifts to
//! the call that was to be made, so nothing is asked for that the caller did not write: whatever is made of a call is
//! lifted again, and has to be that call.
//!
//! As everywhere in [`translate`](super), nothing here waits or looks anything up.

pub mod ask;

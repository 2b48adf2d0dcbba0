//! What is fuzzed, and what must hold of any bytes at all.
//!
//! Each module has one function, `check`, which is given bytes and panics if something does not hold. The fuzzer calls it
//! (`fuzz/run`), and so does `cargo test`, with everything in `fuzz/corpus`: there is one text of each.

pub mod answer;
pub mod choices;
pub mod chunked;
pub mod framing;
pub mod headers;
pub mod ids;
pub mod json;
pub mod lens;
mod listener;
pub mod mapping;
pub mod request;
pub mod settings;

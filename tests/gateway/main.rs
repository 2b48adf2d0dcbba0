//! Tests of the whole program, in one binary: it links once and shares its support.

mod diagnostics;
mod documented;
mod golden;
mod house;
mod laws;
mod program;
mod sixth_dialect;
mod support;

//! Tests of the whole program, in one binary: it links once and shares its support.

mod diagnostics;
mod golden;
mod house;
mod sixth_dialect;
mod support;

//! Tests of the whole program, in one binary: it links once and shares its support.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod conformance;
mod diagnostics;
mod documented;
mod explained;
mod formats;
mod golden;
mod house;
mod ids;
mod laws;
mod ledger;
mod program;
mod sixth_dialect;
mod support;
mod traffic;

//! Tests of the whole program, in one binary: it links once and shares its support.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod allocations;
mod answer_checks;
mod conformance;
mod diagnostics;
mod documented;
mod explained;
mod formats;
mod fuzzed;
mod golden;
mod hazards;
mod house;
mod ids;
mod import;
mod json_texts;
mod keys;
mod laws;
mod ledger;
mod lifecycle;
mod many_dialects;
mod matching;
mod migration;
mod mutants;
mod placed;
mod program;
mod replay;
mod retirement;
mod reverse;
mod sixth_dialect;
mod support;
mod traffic;
mod tutorial;
mod usage;
mod write_back;

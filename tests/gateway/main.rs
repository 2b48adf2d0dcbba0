//! Tests of the whole program, in one binary: it links once and shares its support.

mod documented;
mod house;
mod laws;
mod program;

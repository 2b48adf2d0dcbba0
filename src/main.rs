//! The `interlingua` program.

fn main() {}

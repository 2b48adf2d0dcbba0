//! Compiles again when a mapping or a schema comes or goes: the files are built into the program, and the compiler
//! only looks at those it knew before.

fn main() {
    for folder in ["mappings", "schemas"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}

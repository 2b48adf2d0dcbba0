//! Many dialects at once: what the cost of `check` is measured on is sound.

use std::path::Path;

use interlingua::boot::DataFiles;

use crate::support;

#[allow(dead_code, reason = "its `main` is for the command line")]
#[path = "../../bench/dialects.rs"]
mod dialects;

#[test]
fn copies_of_what_ships_stand_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    dialects::write(Path::new(env!("CARGO_MANIFEST_DIR")), folder.path(), 11).unwrap();
    let files = DataFiles {
        mappings: Some(folder.path().join("mappings")),
        schemas: Some(folder.path().join("schemas")),
    };
    // Whatever is wrong with them fails here.
    let loaded = support::load(&files);
    assert_eq!(loaded.registry.dialects().len(), 11);
    let largest = support::shipped().registry.dialects().iter().map(|one| one.operations.len()).max();
    assert_eq!(loaded.registry.dialects().iter().map(|one| one.operations.len()).max(), largest);
}

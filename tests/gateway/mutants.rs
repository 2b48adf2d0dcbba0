//! The mutation run: whoever gets one cell of what ships wrong is told so before anything is served.
//!
//! Mutants are made from the mappings and schemas themselves: each is one file with one cell deleted, altered, or
//! swapped with its like. One that loads without an error has to be harmless, and why it is, is found out and not
//! claimed:
//!
//! - *the same*: what is compiled of it is what ships, or no generated document and no golden case shows a difference;
//! - *another dialect*: it behaves otherwise and every law holds that held, so that it is the sound mapping of some other
//!   API, which golden cases tell from the one that is meant;
//! - *a hole*: a law is broken, or somebody rises. There must be none.
//!
//! Whether somebody rises is decided without the checker, by going through all words and all roles.
//!
//! A slice of the mutants runs every time. `INTERLINGUA_MUTANTS=all cargo test --test gateway mutants -- --nocapture` runs
//! them all and compares `docs/mutants.md`; with `INTERLINGUA_BLESS=1` it is written. The slice is compared with what the
//! document says of each kind of change.

mod behaviour;
mod contract;
mod draft;
mod fields;
mod files;
mod load;
mod operations;
mod parts;
mod privilege;
mod report;
mod roles;
mod run;
mod tree;

use draft::{Draft, Mutant};
use files::Files;
use tree::Node;

#[test]
fn no_mutant_is_a_hole() {
    run::run();
}

/// Every mutant there is, in the order of the files.
fn all(files: &Files) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (name, text) in &files.mappings {
        let mut draft = Draft::new(format!("mappings/{name}.toml"), text);
        if name == "canonical" {
            contract::canonical(files, &mut draft);
        } else {
            parts::mapping(files, name, &mut draft);
        }
        mutants.append(&mut draft.mutants);
    }
    for ((folder, name), text) in &files.schemas {
        let mut draft = Draft::new(format!("schemas/{folder}/{name}.json"), text);
        contract::schema(&Node::json(text), &mut draft);
        mutants.append(&mut draft.mutants);
    }
    mutants
}

#[test]
fn a_mutant_changes_what_it_says_and_nothing_else() {
    let text = "[a]\nb = { c = 1, d = [2, 3] } # why\n\n[[e]]\nf = 4\n\n[e.g]\nh = 5\n\n[i]\nj = 6\n";
    let tree = Node::toml(text);
    let mut draft = Draft::new("mappings/a.toml", text);
    let family = draft::Family::Value;
    let b = tree.at(&["a", "b"]).unwrap();
    draft.delete(family, b.get("c").unwrap());
    draft.delete(family, &b.children_of(&["d"])[1]);
    draft.append(family, b.get("d").unwrap(), "7");
    draft.swap(family, b.get("c").unwrap(), &b.children_of(&["d"])[0]);
    draft.delete(family, &tree.children_of(&["e"])[0]);
    draft.rename(family, tree.at(&["i", "j"]).unwrap(), "k");
    let changed: Vec<_> = draft.mutants.iter().map(|mutant| mutant.text(text)).collect();
    assert_eq!(
        changed,
        [
            text.replace("c = 1, d", " d"),
            text.replace("[2, 3]", "[2]"),
            text.replace("[2, 3]", "[2, 3, 7]"),
            text.replace("c = 1, d = [2, 3]", "c = 2, d = [1, 3]"),
            text.replace("[[e]]\nf = 4\n\n[e.g]\nh = 5\n\n", ""),
            text.replace("j = 6", "k = 6"),
        ]
    );
    assert_eq!(draft.mutants[5].told(), "mappings/a.toml:11 `i.j` is called k");
}

//! The skeleton of a mapping: everything a document says, in the language of mappings, and `TODO` where a person has to
//! decide.
//!
//! What a field means is never guessed here. `check` tells each `TODO` with the likeliest answers, and whoever reads
//! them decides.

mod errors;
mod head;
mod lenses;
mod lists;
mod operations;
mod pages;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write;

use super::document::Document;
use super::notes::Notes;
use super::plan::Plan;
use lenses::Lenses;
use pages::Pages;
use words::Words;

/// What the parts of a skeleton have in common while it is written.
pub(super) struct Skeleton<'s> {
    pub(super) document: Document<'s>,
    pub(super) plan: &'s Plan<'s>,
    pub(super) notes: &'s mut Notes,
    pub(super) words: Words,
    pub(super) pages: Pages,
    /// The kinds of ids that are used, by their form.
    pub(super) ids: BTreeSet<&'static str>,
}

/// The mapping of a dialect of that name.
pub(super) fn write(name: &str, document: Document<'_>, plan: &Plan<'_>, notes: &mut Notes) -> String {
    let (words, pages) = (Words::default(), Pages::default());
    let mut skeleton = Skeleton { document, plan, notes, words, pages, ids: BTreeSet::new() };
    let mut lenses = Lenses::default();
    let operations = skeleton.operations(&mut lenses);
    let lenses = skeleton.lenses(lenses);
    let mut out = skeleton.head(name) + &skeleton.errors();
    let Skeleton { words, pages, ids, .. } = &skeleton;
    for form in ids {
        write!(out, "\n[id.{form}]\nform   = \"{form}\"\naccept = [\"{form}\"]\n").expect(WRITES);
    }
    out += &words.roles();
    out += &words.tables();
    out += &pages.text();
    out += &lenses;
    out += &operations;
    out
}

/// Strings take everything.
pub(super) const WRITES: &str = "a string takes everything";

//! Mapping files become dialects: the compiler between what people write and what the gateway runs.
//!
//! A mapping may extend another; it is laid over that one first, and from then on is like any other. A mapping goes
//! through four stages. It is *read* into what was written, with the place of everything; its names
//! and paths are *resolved* against its own declarations, the canonical API and the schemas; it is *compiled* to
//! lenses and operations; and what it promises is *checked*: that its tables are total, that what it sends fits,
//! that nothing is lost in silence, that no role rises, and that every route can be reached. Every stage goes on as
//! far as it can, so that one run tells everything, and keeps quiet about what only follows from something already
//! told.
//!
//! This module never opens a socket or a file: texts come in, a [`Registry`] or the reasons why there is none go out.

mod canonical;
mod check;
mod compile;
mod file;
mod generations;
mod lenses;
mod operations;
mod origins;
mod parts;

use std::sync::Arc;

use crate::diag::reader::{Codes, Reader};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, code};
use crate::dialect::{Dialect, Registry};
use crate::schema::Store;

use canonical::Canonical;
use check::privilege::RoleTable;
use compile::Compiler;
use file::MappingFile;
use generations::Generation;

/// The name of the mapping that is no dialect's: it declares the canonical API. Its schemas' folder has it too.
pub const CANONICAL: &str = "canonical";

/// A mapping as it was found.
#[derive(Clone, Debug)]
pub struct MappingText {
    /// Its name: that of the file, without `.toml`.
    pub name: String,
    /// Its text's place among the sources.
    pub source: SourceId,
}

/// The codes of what can be wrong with a mapping's syntax and keys.
pub static CODES: Codes = Codes {
    syntax: code::M0101,
    unknown_key: code::M0102,
    wrong_type: code::M0103,
    missing_key: code::M0104,
    duplicate_key: code::M0105,
};

/// Compiles all mappings. Everything that is wrong with any of them is told; there is a registry only if none of it
/// is an error.
pub fn load(texts: &[MappingText], sources: &Sources, schemas: &Store) -> (Option<Registry>, Diagnostics) {
    let mut found = Diagnostics::default();
    let Some(text) = texts.iter().find(|text| text.name == CANONICAL) else {
        found.push(
            Diagnostic::error(code::M0115, "there is no `canonical.toml` among the mappings")
                .help("it declares the canonical API that every dialect is described against"),
        );
        return (None, found);
    };
    let reader = Reader::parse(text.source, sources.text(text.source), &CODES);
    let canonical = canonical::read(&reader, schemas);
    found.extend(reader.into_diagnostics());

    let mut dialects: Vec<Arc<Dialect>> = Vec::new();
    let mut exceptions = Vec::new();
    let mut hosts = Vec::new();
    let mut choices = Vec::new();
    let mut role_tables = Vec::new();
    // What is extended comes before what extends it, so that its faults are told as its own.
    for one in generations::resolve(texts, sources, &mut found) {
        let (dialect, file) = compile_one(&one, sources, &canonical, schemas, &mut found);
        exceptions.extend(check::exceptions::of(&file));
        hosts.extend(check::hosts::claims(&one.text.name, &file));
        choices.extend(check::choices::choice(&one, &file));
        let extends = one.extends();
        role_tables.extend(RoleTable::of(&one.text.name, &extends, &file, &canonical));
        dialects.extend(dialect.map(Arc::new));
    }
    dialects.sort_by(|one, other| one.name.cmp(&other.name));
    check::hosts::check(&hosts, &mut found);
    check::choices::check(choices, &mut found);
    let are_all = dialects.len() + 1 == texts.len();
    check::privilege::check_pairs(&role_tables, &canonical.api.roles, are_all, &mut found);
    check::exceptions::tell(exceptions, &mut found);

    let is_whole = are_all && !found.has_errors();
    let registry = is_whole.then(|| Registry::new(canonical.api, dialects).with_lines(sources.lines()));
    (registry, found)
}

fn compile_one(
    one: &Generation<'_>,
    sources: &Sources,
    canonical: &Canonical,
    schemas: &Store,
    found: &mut Diagnostics,
) -> (Option<Dialect>, MappingFile) {
    let reader = one.reader(sources);
    let file = MappingFile::read(&reader);
    let mut own = reader.into_diagnostics();
    let extends = one.extends();
    let dialect = Compiler::new(&one.text.name, &extends, &file, canonical, schemas, &mut own).dialect();
    one.tell(own, found);
    (dialect, file)
}

#[cfg(test)]
mod tests;

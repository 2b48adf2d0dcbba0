//! Mapping files become dialects: the compiler between what people write and what the gateway runs.
//!
//! A mapping may extend another; it is laid over that one first, and from then on is like any other. A mapping goes through
//! four stages. It is *read* into what was written, with the place of everything; its names and paths are *resolved* against
//! its own declarations, the canonical API and the schemas; it is *compiled* to lenses and operations; and what it promises
//! is *checked*: that its tables are total, that what it sends fits, that nothing is lost in silence, that no role rises, and
//! that every route can be reached. Every stage goes on as far as it can, so that one run tells everything, and keeps quiet
//! about what only follows from something already told.
//!
//! This module never opens a socket or a file: texts come in, a [`Registry`] or the reasons why there is none go out.

mod canonical;
mod check;
mod compile;
mod file;
mod generations;
mod identity;
mod lenses;
mod operations;
mod origins;
mod parts;
mod patterns;
mod retirement;
mod todo;

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use crate::diag::reader::{Codes, Reader};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, Span, code};
use crate::dialect::{Dialect, Registry};
use crate::schema::Store;

use canonical::Canonical;
use check::privilege::RoleTable;
use check::role_names::RoleNames;
use check::trial::Shared;
use compile::Compiler;
use file::MappingFile;
use generations::Generation;
use patterns::Patterns;
use todo::Todos;

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

/// How much a mapping is tried beyond what has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trials {
    /// How many instances are made of each schema besides the systematic ones.
    pub others: usize,
    /// What those depend on.
    pub seed: u64,
}

impl Default for Trials {
    /// Few, so that nobody waits; the systematic ones find what there is to find, nearly always.
    fn default() -> Trials {
        Trials { others: 4, seed: 1 }
    }
}

/// What is known of a dialect after it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The dialect's name.
    pub dialect: String,
    /// Fields all of whose values were tried.
    pub proved: usize,
    /// Fields some of whose values were tried.
    pub tried: usize,
    /// On how many requests and answers.
    pub instances: usize,
    /// What the instances that are not systematic depend on.
    pub seed: u64,
}

/// What mappings were compiled to.
#[derive(Debug, Default)]
pub struct Compiled {
    /// Every dialect; none if there is any error.
    pub registry: Option<Registry>,
    /// How much of each dialect was proved.
    pub proofs: Vec<Proof>,
    /// Everything that is wrong, and what is doubtful.
    pub found: Diagnostics,
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
    let Compiled { registry, found, .. } = load_and_try(texts, sources, schemas, Some(Trials::default()));
    (registry, found)
}

/// The same, with as many trials as are asked for, and how much of each dialect was proved.
pub fn load_and_try(
    texts: &[MappingText],
    sources: &Sources,
    schemas: &Store,
    trials: Option<Trials>,
) -> Compiled {
    let mut found = Diagnostics::default();
    let Some(text) = texts.iter().find(|text| text.name == CANONICAL) else {
        found.push(
            Diagnostic::error(code::M0115, "there is no `canonical.toml` among the mappings")
                .help("it declares the canonical API that every dialect is described against"),
        );
        return Compiled { found, ..Compiled::default() };
    };
    found.extend(texts.iter().filter(|text| !is_name(&text.name)).map(|text| misnamed(text, sources)));
    let reader = Reader::parse(text.source, sources.text(text.source), &CODES);
    let canonical = canonical::read(&reader, schemas);
    found.extend(reader.into_diagnostics());

    let mut dialects: Vec<Arc<Dialect>> = Vec::new();
    let mut exceptions = Vec::new();
    let mut hosts = Vec::new();
    let mut choices = Vec::new();
    let mut role_tables = Vec::new();
    let mut role_names = Vec::new();
    let patterns = Patterns::default();
    let resolved = generations::resolve(texts, sources, &mut found);
    let mut all: Vec<_> =
        resolved.iter().map(|one| compile_one(one, sources, &canonical, schemas, &patterns)).collect();
    let proofs = trials.map(|trials| try_all(&mut all, &canonical, schemas, trials)).unwrap_or_default();
    // What is extended comes before what extends it, so that its faults are told as its own.
    for (one, mapping) in resolved.iter().zip(all) {
        exceptions.extend(check::exceptions::of(&mapping.file));
        hosts.extend(check::hosts::claims(&one.text.name, &mapping.file));
        choices.extend(check::choices::choice(one, &mapping.file));
        let extends = one.extends();
        role_tables.extend(RoleTable::of(&one.text.name, &extends, &mapping.file, &canonical));
        dialects.extend(mapping.dialect);
        role_names.push(mapping.role_names);
        one.tell(mapping.todos.join(mapping.found), &mut found);
    }
    dialects.sort_by(|one, other| one.name.cmp(&other.name));
    check::hosts::check(&hosts, &mut found);
    check::choices::check(choices, &mut found);
    let are_all = dialects.len() + 1 == texts.len();
    check::privilege::check_pairs(&role_tables, &canonical.api.roles, are_all, &mut found);
    check::role_names::check(&role_names, are_all, &mut found);
    check::exceptions::tell(exceptions, &mut found);

    let is_whole = are_all && !found.has_errors();
    let registry = is_whole.then(|| {
        let identity = identity::dialect(&canonical.api, schemas);
        Registry::new(canonical.api, dialects).with_lines(sources.lines()).offering(identity)
    });
    Compiled { registry, proofs, found }
}

/// Whether a dialect can be called so, in addresses, folders, settings and metrics alike.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.bytes().all(is_plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn misnamed(text: &MappingText, sources: &Sources) -> Diagnostic {
    let first = sources.text(text.source).lines().next().unwrap_or_default();
    let message = format!("a dialect cannot be called `{}`", text.name);
    Diagnostic::error(code::M0121, message)
        .at(Span::new(text.source, 0..first.len()), "it is called as its file is")
        .help("rename the file, with ASCII letters, digits, `-` and `_` alone, and a letter or digit at the front; and its folder of schemas with it")
}

/// A mapping that was compiled.
struct CompiledMapping {
    /// None if a part of it could not be built.
    dialect: Option<Arc<Dialect>>,
    file: MappingFile,
    role_names: RoleNames,
    todos: Todos,
    /// What is wrong with it.
    found: Diagnostics,
}

fn compile_one(
    one: &Generation<'_>,
    sources: &Sources,
    canonical: &Canonical,
    schemas: &Store,
    patterns: &Patterns,
) -> CompiledMapping {
    let reader = one.reader(sources);
    let mut file = MappingFile::read(&reader);
    let extends = one.extends();
    let folders = std::iter::once(&one.text.name).chain(&extends).map(String::as_str).collect();
    let todos = todo::take(&reader, &mut file, canonical, schemas, folders);
    let mut found = reader.into_diagnostics();
    let mut compiler =
        Compiler::new(&one.text.name, &extends, &file, canonical, schemas, patterns, &mut found);
    let dialect = compiler.dialect().map(Arc::new);
    let role_names = take(&mut compiler.role_names);
    drop(compiler);
    CompiledMapping { dialect, file, role_names, todos, found }
}

/// Tries what was compiled, each dialect together with its generations. The proofs come in the order of the mappings.
fn try_all(
    all: &mut [CompiledMapping],
    canonical: &Canonical,
    schemas: &Store,
    trials: Trials,
) -> Vec<Proof> {
    let shared = Shared::default();
    let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, mapping) in all.iter().enumerate() {
        // What is wrong in the text, or open, would be found again in what it does.
        let is_sound = !mapping.found.has_errors() && mapping.todos.is_empty();
        if let Some(dialect) = mapping.dialect.as_ref().filter(|_| is_sound) {
            families.entry(dialect.family()).or_default().push(at);
        }
    }
    let mut outcomes = BTreeMap::new();
    for members in families.into_values() {
        let subjects: Vec<_> =
            members.iter().filter_map(|at| Some((all[*at].dialect.as_ref()?, &all[*at].file))).collect();
        let tried = check::trial::check(&subjects, &canonical.api, schemas, trials, &shared);
        outcomes.extend(members.into_iter().zip(tried));
    }
    let told = outcomes.into_iter().map(|(at, (proof, found))| {
        all[at].found.extend(found);
        proof
    });
    told.collect()
}

#[cfg(test)]
mod tests;

//! `[upstream.inexpressible]`: what clients do without, where the backend speaks a dialect.
//!
//! Which operations cannot be answered follows from the mappings. Nobody is to learn it from a refusal in the middle of a
//! migration, so each of them is declared, and what is declared is true: else nothing is served.

use super::{Config, Known, diags};
use crate::diag::{Diagnostic, Span, Spanned};
use crate::gateway::reverse::Lacking;

/// Where the file says what the backend speaks, and what cannot be said in it.
#[derive(Clone, Debug)]
pub struct ReverseWritten {
    /// Where the dialect is named.
    pub spoken: Span,
    /// What is declared of the dialects of clients, in the order of the file.
    pub inexpressible: Vec<Inexpressible>,
}

/// What the file declares of one dialect.
#[derive(Clone, Debug)]
pub struct Inexpressible {
    /// The dialect of clients.
    pub dialect: Spanned<String>,
    /// Its operations that cannot be answered.
    pub operations: Declared,
}

/// Some operations of a dialect.
#[derive(Clone, Debug)]
pub enum Declared {
    /// Whichever it is, declared at that place.
    Any(Span),
    /// These alone.
    These(Spanned<Vec<Spanned<String>>>),
}

impl Declared {
    fn span(&self) -> Span {
        match self {
            Declared::Any(span) => *span,
            Declared::These(these) => these.span,
        }
    }

    fn has(&self, operation: &str) -> bool {
        match self {
            Declared::Any(_) => true,
            Declared::These(these) => these.value.iter().any(|one| one.value == operation),
        }
    }
}

/// Dialects of which the same is declared.
struct Group<'a> {
    /// The one that is named, or would be: of generations of which nothing is said, what they extend.
    name: &'a str,
    /// All of them.
    dialects: Vec<&'a Known<'a>>,
    /// What is declared, if anything is.
    declared: Option<&'a Declared>,
}

/// What is missing among the declarations, what is wrong with them, and as notes what they stand for.
pub(super) fn check(config: &Config, known: &[Known<'_>], lacking: &[Lacking]) -> Vec<Diagnostic> {
    let Some(written) = &config.reverse_written else { return Vec::new() };
    let names: Vec<_> = known.iter().map(|one| one.name).collect();
    let strangers = written.inexpressible.iter().filter(|of| !names.contains(&of.dialect.value.as_str()));
    let mut found: Vec<_> = strangers.map(|of| diags::known::unknown_dialect(&of.dialect, &names)).collect();
    for group in groups(&written.inexpressible, known) {
        found.extend(of_group(&group, lacking, written.spoken));
    }
    found
}

fn groups<'a>(declared: &'a [Inexpressible], known: &'a [Known<'a>]) -> Vec<Group<'a>> {
    let of = |name: &str| {
        let own = declared.iter().find(|of| of.dialect.value == name);
        own.map(|own| &own.operations)
    };
    let mut groups: Vec<Group<'a>> = Vec::new();
    for own in known {
        let said = own.names().find(|name| of(name).is_some());
        let Some(name) = said.or(own.names().last()) else { continue };
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.dialects.push(own),
            None => groups.push(Group { name, dialects: vec![own], declared: of(name) }),
        }
    }
    groups
}

fn of_group(group: &Group<'_>, lacking: &[Lacking], spoken: Span) -> Vec<Diagnostic> {
    let Group { name, dialects, declared } = group;
    // An operation that several generations lack is told once, of the first.
    let mut lacks: Vec<&Lacking> = Vec::new();
    for one in dialects.iter().flat_map(|own| lacking.iter().filter(|one| one.dialect == own.name)) {
        if !lacks.iter().any(|known| known.operation == one.operation) {
            lacks.push(one);
        }
    }
    let is_declared = |one: &&Lacking| declared.is_some_and(|declared| declared.has(&one.operation));
    let (met, missing): (Vec<&Lacking>, Vec<_>) = lacks.iter().copied().partition(is_declared);
    let mut found = Vec::new();
    if !missing.is_empty() {
        found.push(diags::inexpressible::undeclared(
            name,
            &missing,
            &lacks,
            declared.map(Declared::span),
            spoken,
        ));
    }
    let Some(declared) = declared else { return found };
    if !met.is_empty() {
        found.push(diags::inexpressible::declared(name, &met, declared.span()));
    }
    match declared {
        Declared::Any(span) if met.is_empty() => {
            found.push(diags::inexpressible::declared_for_nothing(name, *span));
        }
        Declared::Any(_) => {}
        Declared::These(these) => {
            let operations: Vec<_> = dialects.iter().flat_map(|own| own.operations.iter().copied()).collect();
            found.extend(untrue(name, &these.value, &operations, &lacks));
        }
    }
    found
}

/// What of a list says nothing, or nothing that is so.
fn untrue(
    dialect: &str,
    these: &[Spanned<String>],
    operations: &[&str],
    lacks: &[&Lacking],
) -> Vec<Diagnostic> {
    let wrong = |(index, one): (usize, &Spanned<String>)| {
        let name = one.value.as_str();
        let first = these[..index].iter().find(|first| first.value == name);
        match first {
            Some(first) => Some(diags::inexpressible::declared_twice(one, first.span)),
            None if !operations.contains(&name) => {
                Some(diags::known::unknown_operation(dialect, one, operations))
            }
            None if lacks.iter().any(|lacking| lacking.operation == name) => None,
            None => Some(diags::inexpressible::declared_and_answered(dialect, one)),
        }
    };
    these.iter().enumerate().filter_map(wrong).collect()
}

//! A text that nothing bounds to words holds a role, too, where others of its name do.
//!
//! Canonical schemas that somebody else wrote may say of a role that it is a text, or say nothing, as of parameters of the
//! query. What a mapping shows or writes by a table of roles tells which names are those of roles; whatever any mapping
//! writes under such a name is then a role, and has to go by its table of roles as well.

use std::collections::{BTreeSet, HashSet};

use crate::diag::{Diagnostic, Diagnostics, Span, code};

/// What one mapping knows of names.
#[derive(Debug, Default)]
pub(in crate::mapping) struct RoleNames {
    /// The names of canonical places that it shows or writes by its table of roles.
    pub(super) names: BTreeSet<String>,
    /// What it writes otherwise.
    pub(super) written: Vec<Written>,
}

/// Something that is written past the table of roles, and may be a role.
#[derive(Debug)]
pub(super) struct Written {
    /// The canonical place.
    pub(super) place: String,
    /// The names it may be a role by: its own, and those of the texts in it.
    pub(super) names: Vec<String>,
    pub(super) span: Span,
    /// The exception that would be needed.
    pub(super) widens: Option<Span>,
}

/// Reports each role that is written past the table of roles, and, if all mappings are known, each exception that
/// nothing needs.
pub(in crate::mapping) fn check(all: &[RoleNames], are_all: bool, found: &mut Diagnostics) {
    let names: BTreeSet<&String> = all.iter().flat_map(|one| &one.names).collect();
    let mut told: HashSet<Span> = found.iter().filter_map(Diagnostic::primary).collect();
    let mut needed = HashSet::new();
    for written in all.iter().flat_map(|one| &one.written) {
        if !written.names.iter().any(|name| names.contains(name)) {
            continue;
        }
        if let Some(widens) = written.widens {
            needed.insert(widens);
        } else if told.insert(written.span) {
            found.push(past(&written.place, written.span));
        }
    }
    for written in all.iter().flat_map(|one| &one.written).filter(|_| are_all) {
        if let Some(widens) = written.widens.filter(|widens| !needed.contains(widens) && told.insert(*widens))
        {
            found.push(needless(&written.place, widens));
        }
    }
}

/// What is written past the table of roles.
pub(super) fn past(place: &str, span: Span) -> Diagnostic {
    let message = format!("`{place}` holds a role, and the table of roles does not write it");
    let way_out = format!("use `role = true`, or add `\"{place}\" = \"reason\"` under `widens`");
    Diagnostic::error(code::M0604, message).at(span, "goes past `[[role.row]]`").help(way_out)
}

/// An exception of nothing.
pub(super) fn needless(place: &str, span: Span) -> Diagnostic {
    let message = format!("`widens` excepts `{place}`, which is no role written past its table");
    Diagnostic::error(code::M0603, message)
        .at(span, "matches nothing")
        .help("take the line away, or name the canonical place of the role that is written")
}

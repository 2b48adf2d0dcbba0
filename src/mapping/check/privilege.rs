//! No client gains a right by being translated.
//!
//! With *f* the way from a dialect's word to the canonical role and *g* the way back: *f(word)* grants nothing that the
//! word does not promise, and *f(g(role))* grants nothing that the role does not. Both are proved by going through all
//! words and all roles.

use crate::canonical::role::{Capabilities, Role, Roles};
use crate::diag::{Diagnostic, code};
use crate::mapping::canonical::{matching, unknown_capability};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{Landing, RowPart, TablePart};

/// Proves both laws, or reports each word and each role that breaks one.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let Some(table) = &compiler.file.roles else { return };
    let roles = compiler.canonical.api.roles.clone();
    for row in &table.rows {
        let Some(promised) = promised(compiler, &roles, row) else { continue };
        if compiler.canonical.knows_roles {
            promise(compiler, &roles, row, promised);
        }
    }
    if compiler.canonical.knows_roles {
        way_back(compiler, &roles, table);
    }
}

/// What a word promises. None if that cannot be told.
fn promised(compiler: &mut Compiler<'_>, roles: &Roles, row: &RowPart) -> Option<Capabilities> {
    if !compiler.canonical.knows_capabilities {
        return None;
    }
    let mut promised = Some(Capabilities::NONE);
    for pattern in &row.may {
        let set = matching(roles, &pattern.value);
        if set.is_none() {
            compiler.report(unknown_capability(roles, pattern));
        }
        promised = promised.zip(set).map(|(promised, set)| promised | set);
    }
    promised
}

/// *f(word)* grants nothing that the word does not promise.
fn promise(compiler: &mut Compiler<'_>, roles: &Roles, row: &RowPart, promised: Capabilities) {
    let Some(role) = role_of(roles, row) else { return };
    let excess = roles.grants(role) - promised;
    match &row.widens {
        None if !excess.is_empty() => {
            let (word, role) = (row.word.value.json(), roles.name(role));
            let excess = describe(roles, excess);
            let message =
                format!("{word} becomes `{role}`, which may do more than the word promises: {excess}");
            compiler.report(
                Diagnostic::error(code::M0601, message)
                    .at(row.span, "grants more than its `may`")
                    .help("map it to a weaker role, or say `widens = \"reason\"` on this row"),
            );
        }
        Some(widens) if excess.is_empty() => {
            let message = "`widens` is said and nothing is widened";
            compiler.report(Diagnostic::error(code::M0603, message).at(widens.span, "matches nothing"));
        }
        None | Some(_) => {}
    }
}

/// *f(g(role))* grants nothing that the role does not. A role with a row of its own comes back as itself.
fn way_back(compiler: &mut Compiler<'_>, roles: &Roles, table: &TablePart) {
    for land in &table.lands {
        let Landing::As(word) = &land.landing else { continue };
        let row = table.rows.iter().find(|row| row.word.value.json() == word.value.json());
        let (Some(row), Some(from)) = (row, roles.role(&land.canonical.value)) else { continue };
        let Some(to) = role_of(roles, row) else { continue };
        if roles.includes(from, to) {
            continue;
        }
        let excess = describe(roles, roles.grants(to) - roles.grants(from));
        let (from, to) = (roles.name(from), roles.name(to));
        let message = format!(
            "`{from}` is read as {} and written back as `{to}`, which may do more: {excess}",
            row.word.value.json()
        );
        compiler.report(
            Diagnostic::error(code::M0602, message)
                .at(word.span, "a client that changes nothing would raise the role")
                .also(row.span, "lifts to this")
                .help("let it land on a weaker word, or refuse it with a reason"),
        );
    }
}

fn role_of(roles: &Roles, row: &RowPart) -> Option<Role> {
    roles.role(&row.is.value.value().as_str()?)
}

fn describe(roles: &Roles, set: Capabilities) -> String {
    let names: Vec<_> = roles.capability_names(set).map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

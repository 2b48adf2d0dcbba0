//! No client gains a right by being translated.
//!
//! With *f* the way from a dialect's word to the canonical role, *g* the way back, *may* what a word promises, and ≤
//! inclusion of capabilities, four laws are proved by going through all words and all roles:
//!
//! 1. *f(word) ≤ may(word)*: a word grants nothing that it does not promise.
//! 2. *f(g(role)) ≤ role*: who reads a role and writes it back does not raise it.
//! 3. *may(r) ≤ may(s)* implies *f(r) ≤ f(s)*: a word that promises no more gives no more. What breaks this law and not
//!    the first is that *s* promises something and does not give it, so the fault is told of *s*.
//! 4. For every two dialects A and B, reading in A and writing in B does not raise. The chain of values is: a canonical
//!    *role* → *a = g*ᴬ*(role)*, the word A shows → a word *b* of B that may stand for *a* → *f*ᴮ*(b)*, which is ≤ *role*.
//!    A word stands for another if it promises no more, *may*ᴮ*(b) ≤ may*ᴬ*(a)*; in generations of one dialect also if it
//!    is spelt the same, for there it is taken to be the same word. With A = B this follows from laws 2 and 3. As in
//!    law 3 the fault is *a*'s, which promises what it does not give; where only the spelling is the same, it is that of
//!    the generation that changed the word.
//!
//! In laws 3 and 4, what a word gives beyond its promise does not count: law 1 tells it or its row excepts it. `widens`
//! on the row at fault is an exception, and one that no law needs is told, once all mappings are known.

mod pairs;
pub(super) mod places;
pub(super) mod shown;
mod table;

pub(in crate::mapping) use pairs::check as check_pairs;
pub(in crate::mapping) use table::RoleTable;

use crate::canonical::role::{Capabilities, Role, Roles};
use crate::diag::{Diagnostic, code};
use crate::mapping::canonical::{matching, unknown_capability};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{Landing, RowPart, TablePart};

/// Proves the laws of one dialect, or reports each word and each role that breaks one.
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
    if let Some(table) = RoleTable::of(compiler.name, compiler.extends, compiler.file, compiler.canonical) {
        order(compiler, &roles, &table);
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
    if excess.is_empty() || row.widens.is_some() {
        return;
    }
    let (word, role, excess) = (row.word.value.json(), roles.name(role), describe(roles, excess));
    let message = format!("{word} becomes `{role}`, which may do more than the word promises: {excess}");
    compiler.report(
        Diagnostic::error(code::M0601, message)
            .at(row.span, "grants more than its `may`")
            .help("map it to a weaker role, or say `widens = \"reason\"` on this row"),
    );
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

/// A word that promises no more than another gives no more.
fn order(compiler: &mut Compiler<'_>, roles: &Roles, table: &RoleTable) {
    for row in table.rows.iter().filter(|row| row.widens.is_none()) {
        let Some(lesser) = table.out_of_order(row).next() else { continue };
        let missing = describe(roles, lesser.kept() - row.grants);
        let message = format!(
            "{} promises no more than {} and becomes `{}`; that becomes `{}`, which may not do as much: {missing}",
            lesser.word,
            row.word,
            roles.name(lesser.role),
            roles.name(row.role),
        );
        compiler.report(
            Diagnostic::error(code::M0605, message)
                .at(row.span, "promises more than it gives")
                .also(lesser.span, "gives it")
                .help("map it to a stronger role, promise only what it gives, or say `widens = \"reason\"` on this row"),
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

//! A role that is shown by another table than the roles' own is shown as that one would have it.
//!
//! With *t* such a table, and a word of it that the table of roles has as well: who is shown *t⁻¹(role)* and writes that
//! word back writes *f(word)*, which must not be more than the role. Where roles are named by the ids of their rows,
//! what is shown beside an id is what is promised of it: *role ≤ may(word)*.

use std::collections::HashSet;

use crate::canonical::role::{Capabilities, Role, Roles};
use crate::diag::{Diagnostic, Span, code};
use crate::lens::path::Literal;
use crate::mapping::check::role_places;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{Landing, OpPart, TablePart};
use crate::mapping::lenses::Line;

use super::describe;
use super::table::{RoleTable, Row};

/// Reports every word of another table that says of a role what the table of roles does not; `told` are the fields
/// that are wrong for writing a role by it.
pub(in crate::mapping::check) fn check(compiler: &mut Compiler<'_>, told: &HashSet<Span>) {
    let Some(own) = RoleTable::of(compiler.name, compiler.extends, compiler.file, compiler.canonical) else {
        return;
    };
    let roles = compiler.canonical.api.roles.clone();
    let mut found = Vec::new();
    for part in compiler.file.tables.iter().filter_map(|table| table.part.as_ref()) {
        let lines =
            compiler.lenses.values().flat_map(|built| built.lines.iter().map(move |line| (built, line)));
        let is_of_part = |line: &Line<'_>| matches!(&line.part.op, Some(OpPart::Table(name)) if name.value == part.name.value);
        let shows_role = lines.into_iter().any(|(built, line)| {
            is_of_part(line)
                && !told.contains(&line.part.span)
                && built
                    .right
                    .as_ref()
                    .zip(line.right.at.as_ref())
                    .is_some_and(|(schema, at)| role_places::is_role_at(&roles, &schema.shape(), at))
        });
        if shows_role {
            let by_row = names_rows(compiler);
            found.extend(words(part).filter_map(|word| word.wrong(&own, &roles, by_row)));
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

/// Whether the dialect names roles by the ids of their rows.
fn names_rows(compiler: &Compiler<'_>) -> bool {
    let parts = compiler.file.lenses.iter().filter_map(|lens| lens.part.as_ref());
    parts.flat_map(|part| &part.fields).any(|field| matches!(field.op, Some(OpPart::Row(_))))
}

/// A canonical word that is shown as a word of the dialect.
struct Shown<'p> {
    canonical: &'p str,
    word: &'p Literal,
    span: Span,
}

fn words(part: &TablePart) -> impl Iterator<Item = Shown<'_>> {
    let rows = part.rows.iter().filter_map(|row| {
        let canonical = row.is.value.json().strip_prefix('"')?.strip_suffix('"')?;
        Some(Shown { canonical, word: &row.word.value, span: row.span })
    });
    let lands = part.lands.iter().filter_map(|land| match &land.landing {
        Landing::As(word) => {
            Some(Shown { canonical: &land.canonical.value, word: &word.value, span: word.span })
        }
        Landing::Refuse(_) => None,
    });
    rows.chain(lands)
}

impl Shown<'_> {
    fn wrong(&self, own: &RoleTable, roles: &Roles, by_row: bool) -> Option<Diagnostic> {
        let role = roles.role(self.canonical)?;
        let row = own.rows.iter().find(|row| row.word == self.word.json())?;
        let (granted, back) = (roles.grants(role), row.kept());
        if !granted.includes(back) {
            let message = format!(
                "`{}` is shown as {} and written back as `{}`, which may do more: {}",
                roles.name(role),
                row.word,
                roles.name(row.role),
                describe(roles, back - granted)
            );
            return Some(self.told(message, row));
        }
        let excess: Capabilities = granted - row.may;
        (by_row && !excess.is_empty()).then(|| self.told(unpromised(roles, role, row, excess), row))
    }

    fn told(&self, message: String, row: &Row) -> Diagnostic {
        Diagnostic::error(code::M0607, message)
            .at(self.span, "shown as this")
            .also(row.span, "what the word means")
            .help("show the word that the table of roles has for it, another word, or none")
    }
}

fn unpromised(roles: &Roles, role: Role, row: &Row, excess: Capabilities) -> String {
    format!(
        "the row of `{}` is shown as {}, and its id gives what that word does not promise: {}",
        roles.name(role),
        row.word,
        describe(roles, excess)
    )
}

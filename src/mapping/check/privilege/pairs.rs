//! Across every two dialects: reading in one and writing in the other never raises.
//!
//! A chain goes from a canonical role to its word in one dialect, to a word that may stand for it in the other, and
//! to what that one lifts to. All chains are gone through once every mapping is compiled. It is then that an exception
//! can be told to except nothing.

use std::collections::HashSet;

use super::describe;
use super::table::{RoleTable, Row};
use crate::canonical::role::{Capabilities, Role, Roles};
use crate::diag::{Diagnostic, Diagnostics, Span, code};

/// One way by which a role rises.
struct Chain<'t> {
    role: Role,
    read: &'t Row,
    read_in: &'t RoleTable,
    written: &'t Row,
    written_in: &'t RoleTable,
    excess: Capabilities,
    /// Whose fault it is, and who may except it: one of the two rows.
    fault: &'t Row,
}

/// Reports each row by which a role rises, once, and each exception that nothing needs. That can be told of all tables
/// only, those of the dialects that are extended before those that extend them.
pub(in crate::mapping) fn check(tables: &[RoleTable], roles: &Roles, are_all: bool, found: &mut Diagnostics) {
    // What a row is wrong by itself with shows in chains as well.
    let told: HashSet<Span> = found.iter().filter_map(Diagnostic::primary).collect();
    let mut needed = needed_alone(tables);
    let mut risen: Vec<(Chain<'_>, usize)> = Vec::new();
    for chain in chains(tables, roles) {
        if told.contains(&chain.read.span) || told.contains(&chain.written.span) {
            continue;
        }
        if let Some(widens) = chain.fault.widens {
            needed.insert(widens);
            continue;
        }
        match risen.iter_mut().find(|(first, _)| first.fault.span == chain.fault.span) {
            Some((_, others)) => *others += 1,
            None => risen.push((chain, 0)),
        }
    }
    for (chain, others) in &risen {
        found.push(chain.tell(roles, *others));
    }

    if !are_all || !tables.iter().all(|table| table.is_whole) {
        return;
    }
    for widens in tables.iter().flat_map(|table| &table.rows).filter_map(|row| row.widens) {
        // A row that is inherited is told of once.
        if needed.insert(widens) {
            let message = "`widens` is said and nothing is widened";
            found.push(
                Diagnostic::error(code::M0603, message).at(widens, "matches nothing").help("take it away"),
            );
        }
    }
}

/// The exceptions that a dialect needs for itself.
fn needed_alone(tables: &[RoleTable]) -> HashSet<Span> {
    let rows = tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let needing =
        rows.filter(|(table, row)| !row.beyond().is_empty() || table.out_of_order(row).next().is_some());
    needing.filter_map(|(_, row)| row.widens).collect()
}

fn chains<'t>(tables: &'t [RoleTable], roles: &Roles) -> Vec<Chain<'t>> {
    let mut chains = Vec::new();
    for (read_at, read_in) in tables.iter().enumerate() {
        for (written_at, written_in) in tables.iter().enumerate().filter(|(at, _)| *at != read_at) {
            for (role, read) in read_in.shown() {
                let granted = roles.grants(role);
                if !granted.includes(read.grants) {
                    continue; // It rises in this dialect alone, which was told.
                }
                for written in &written_in.rows {
                    let promises_no_more = read.may.includes(written.may);
                    let is_same_word = read_in.family == written_in.family && read.word == written.word;
                    let excess = written.kept() - granted;
                    if excess.is_empty() || !(promises_no_more || is_same_word) {
                        continue;
                    }
                    let is_of_reader = promises_no_more || read_at > written_at;
                    let fault = if is_of_reader { read } else { written };
                    chains.push(Chain { role, read, read_in, written, written_in, excess, fault });
                }
            }
        }
    }
    chains
}

impl Chain<'_> {
    fn tell(&self, roles: &Roles, others: usize) -> Diagnostic {
        let message = format!(
            "`{}` is read as {} in `{}`, written as {} in `{}`, and becomes `{}`, which may do more: {}",
            roles.name(self.role),
            self.read.word,
            self.read_in.dialect,
            self.written.word,
            self.written_in.dialect,
            roles.name(self.written.role),
            describe(roles, self.excess),
        );
        let said = |row: &Row| {
            format!("promises {} and becomes `{}`", promise(roles, row.may), roles.name(row.role))
        };
        let other = if std::ptr::eq(self.fault, self.read) { self.written } else { self.read };
        let way_out = if self.read.may.includes(self.written.may) {
            "map it to a role that gives what it promises, promise only what it gives, \
             or say `widens = \"reason\"` on this row"
        } else {
            "map it to the same role in all generations, or say `widens = \"reason\"` on this row"
        };
        let diagnostic = Diagnostic::error(code::M0606, message)
            .at(self.fault.span, said(self.fault))
            .also(other.span, said(other))
            .help(way_out);
        match others {
            0 => diagnostic,
            1 => diagnostic.note("a role rises by one more chain through this row"),
            _ => diagnostic.note(format!("roles rise by {others} more chains through this row")),
        }
    }
}

fn promise(roles: &Roles, may: Capabilities) -> String {
    if may.is_empty() { "nothing".to_owned() } else { describe(roles, may) }
}

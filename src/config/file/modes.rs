//! `[legacy.<dialect>]` and `[mode.<dialect>]`: who answers which requests while clients move.

use super::super::diags;
use super::{Integer, Switch, Text, UpstreamFile};
use crate::diag::Spanned;
use crate::diag::reader::Table;
use crate::limit::Principal;

/// Names, and what is said of each, in the order of the file.
type Named = Vec<(Spanned<String>, Spanned<String>)>;

/// All that a mode may have.
const KEYS: [&str; 10] = [
    "mode",
    "share",
    "validate",
    "answers",
    "noise",
    "extra",
    "read_back",
    "known",
    "operations",
    "principals",
];

/// `[mode.<dialect>]`
#[derive(Debug)]
pub(in crate::config) struct ModeFile {
    pub(in crate::config) dialect: Spanned<String>,
    pub(in crate::config) mode: Text,
    pub(in crate::config) share: Integer,
    /// Also if it is none.
    pub(in crate::config) has_share: bool,
    pub(in crate::config) validate: Switch,
    pub(in crate::config) answers: Text,
    pub(in crate::config) noise: Integer,
    pub(in crate::config) extra: Integer,
    pub(in crate::config) read_back: Switch,
    pub(in crate::config) known: Vec<Spanned<String>>,
    pub(in crate::config) operations: Named,
    pub(in crate::config) principals: Named,
}

impl ModeFile {
    fn read(dialect: Spanned<String>, table: Table<'_>) -> Self {
        let read = |table: &mut Table<'_>| Self {
            dialect,
            mode: table.required_text("mode"),
            has_share: table.key_span("share").is_some(),
            share: table.integer("share"),
            validate: table.boolean("validate"),
            answers: table.text("answers"),
            noise: table.integer("noise"),
            extra: table.integer("extra"),
            read_back: table.boolean("read_back"),
            known: table.texts("known"),
            operations: table.table("operations").map(super::of_any).unwrap_or_default(),
            principals: table.table("principals").map(of_principals).unwrap_or_default(),
        };
        table.read(|table| {
            let own = read(table);
            report_strangers(table);
            own
        })
    }

    /// Each table under `[mode]`.
    pub(super) fn read_all(table: Table<'_>) -> Vec<Self> {
        each(table, Self::read)
    }
}

/// What is said of principals. What does not name one is looked at no further, and nothing repeats it: it may be the
/// credential itself.
fn of_principals(table: Table<'_>) -> Named {
    table.read(|table| {
        let mut named = Named::new();
        for (name, node) in table.entries() {
            if name.value.parse::<Principal>().is_err() {
                table.report(diags::principals::principal(name.span));
            } else if let Some(word) = node.as_text() {
                named.push((name, word));
            } else {
                table.report(diags::principals::no_mode_of_a_principal(node.span()));
            }
        }
        named
    })
}

/// Keys that nobody reads. Somebody may have put the credential of a principal one level too high.
fn report_strangers(table: &mut Table<'_>) {
    for (name, _) in table.entries() {
        if !KEYS.contains(&name.value.as_str()) {
            table.report(diags::modes::stranger_in_a_mode(&name, &KEYS));
        }
    }
}

/// Each table under `[legacy]`.
pub(super) fn read_legacy(table: Table<'_>) -> Vec<(Spanned<String>, UpstreamFile)> {
    each(table, |dialect, table| (dialect, UpstreamFile::read_legacy(table)))
}

fn each<T>(table: Table<'_>, read: impl Fn(Spanned<String>, Table<'_>) -> T) -> Vec<T> {
    table.read(|table| {
        let entries = table.entries().into_iter();
        entries.filter_map(|(name, node)| Some(read(name, node.table()?))).collect()
    })
}

//! `[legacy.<dialect>]` and `[mode.<dialect>]`: who answers which requests while clients move.

use super::{Integer, Switch, Text, UpstreamFile};
use crate::diag::Spanned;
use crate::diag::reader::Table;

/// Names, and what is said of each, in the order of the file.
type Named = Vec<(Spanned<String>, Spanned<String>)>;

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
    pub(in crate::config) operations: Named,
    pub(in crate::config) principals: Named,
}

impl ModeFile {
    fn read(dialect: Spanned<String>, table: Table<'_>) -> Self {
        table.read(|table| Self {
            dialect,
            mode: table.text("mode"),
            has_share: table.key_span("share").is_some(),
            share: table.integer("share"),
            validate: table.boolean("validate"),
            answers: table.text("answers"),
            noise: table.integer("noise"),
            operations: table.table("operations").map(super::of_any).unwrap_or_default(),
            principals: table.table("principals").map(super::of_any).unwrap_or_default(),
        })
    }

    /// Each table under `[mode]`.
    pub(super) fn read_all(table: Table<'_>) -> Vec<Self> {
        each(table, Self::read)
    }
}

/// Each table under `[legacy]`.
pub(super) fn read_legacy(table: Table<'_>) -> Vec<(Spanned<String>, UpstreamFile)> {
    each(table, |dialect, table| (dialect, UpstreamFile::read(table)))
}

fn each<T>(table: Table<'_>, read: impl Fn(Spanned<String>, Table<'_>) -> T) -> Vec<T> {
    table.read(|table| {
        let entries = table.entries().into_iter();
        entries.filter_map(|(name, node)| Some(read(name, node.table()?))).collect()
    })
}

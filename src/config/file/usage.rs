//! `[usage]`: what is counted of clients, and what principals are called.

use super::{Integer, Text};
use crate::diag::Spanned;
use crate::diag::reader::{Node, Table};
use crate::limit::Principal;

/// `[usage]`
#[derive(Debug, Default)]
pub(in crate::config) struct UsageFile {
    pub(in crate::config) file: Text,
    pub(in crate::config) entries: Integer,
    pub(in crate::config) days: Integer,
    pub(in crate::config) write_every: Text,
    /// By the digests of principals.
    pub(in crate::config) names: Vec<(Spanned<String>, Spanned<String>)>,
}

impl UsageFile {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            file: table.text("file"),
            entries: table.integer("entries"),
            days: table.integer("days"),
            write_every: table.text("write_every"),
            names: table.table("names").map(of_principals).unwrap_or_default(),
        })
    }
}

/// A text for each of some keys that name principals. Of a key that names none nothing is said but that: it may be a credential.
fn of_principals(table: Table<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
    table.read(|table| {
        let entries = table.entries().into_iter();
        let text = |(name, node): (Spanned<String>, Node<'_>)| {
            let value = match name.value.parse::<Principal>() {
                Ok(_) => node.text()?,
                Err(_) => node.as_text().unwrap_or_else(|| Spanned::new(String::new(), node.span())),
            };
            Some((name, value))
        };
        entries.filter_map(text).collect()
    })
}

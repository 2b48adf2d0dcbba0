//! How single values of a mapping are read: literals, conditions, and tables whose keys are free.

use crate::diag::reader::{Node, Table};
use crate::diag::{Diagnostic, Spanned, code};
use crate::json::{Document, Limits};
use crate::lens::path::Literal;

use super::{Named, Text};

/// A JSON value: a TOML one, or `{ json = "null" }` for what TOML cannot spell.
pub(super) fn literal(node: &Node<'_>) -> Option<Spanned<Literal>> {
    if let Some(table) = node.as_table().filter(|table| table.key_span("json").is_some()) {
        let text = table.read(|table| table.text("json"))?;
        let document = match Document::parse(text.value.into_bytes(), &Limits::default()) {
            Ok(document) => document,
            Err(error) => {
                let message = format!("`json` does not hold JSON: {error}");
                node.report(Diagnostic::error(code::M0107, message).at(node.span(), "here"));
                return None;
            }
        };
        return Some(Spanned::new(Literal::parse(document.root().raw())?, node.span()));
    }
    let json = node.json()?.to_string();
    Some(Spanned::new(Literal::parse(&json)?, node.span()))
}

/// An array of literals, or one that stands alone.
pub(super) fn literals(node: &Node<'_>) -> Vec<Spanned<Literal>> {
    match node.as_array() {
        Some(elements) => elements.iter().filter_map(literal).collect(),
        None => literal(node).into_iter().collect(),
    }
}

/// A table with one entry: a path and what to make of its value.
pub(super) fn single<'r>(node: &Node<'r>) -> Option<(Text, Node<'r>)> {
    let mut entries = node.table()?.entries();
    if entries.len() != 1 {
        node.wrong_type("a table with one entry");
        return None;
    }
    entries.pop()
}

/// `true` or `false`; nothing is as good as `false`.
pub(super) fn flag(table: &mut Table<'_>, key: &str) -> bool {
    table.boolean(key).is_some_and(|flag| flag.value)
}

/// Texts under free keys.
pub(super) fn texts(table: Option<Table<'_>>) -> Vec<(Text, Text)> {
    entries(table, Node::text)
}

/// Integers under free keys.
pub(super) fn integers(table: Option<Table<'_>>) -> Vec<(Text, Spanned<i64>)> {
    entries(table, Node::integer)
}

/// What `read` makes of the values under free keys, without those it makes nothing of.
pub(super) fn entries<'r, T>(
    table: Option<Table<'r>>,
    read: impl Fn(&Node<'r>) -> Option<T>,
) -> Vec<(Text, T)> {
    let entries = table.map(|mut table| table.entries()).unwrap_or_default();
    entries.into_iter().filter_map(|(key, node)| Some((key, read(&node)?))).collect()
}

/// The tables under `[kind.<name>]`, with those that could not be read: they are declared all the same.
pub(super) fn named<'r, T>(
    root: &mut Table<'r>,
    kind: &str,
    read: impl Fn(&Text, Table<'r>) -> Option<T>,
) -> Vec<Named<T>> {
    let entries = root.table(kind).map(|mut table| table.entries()).unwrap_or_default();
    let named = |(name, node): (Text, Node<'r>)| {
        let part = node.table().and_then(|table| read(&name, table));
        Named { name, part }
    };
    entries.into_iter().map(named).collect()
}

/// Reads the key that takes something away from the mapping below: whatever is left of it had nothing below it.
pub(super) fn extends_nothing(table: &mut Table<'_>) {
    let Some(node) = table.node("without") else { return };
    if node.as_array().is_none() {
        node.texts();
        return;
    }
    let message = format!("there is nothing to take away: `{}` extends nothing", node.path());
    node.report(
        Diagnostic::error(code::M0706, message)
            .at(node.span(), "only what is extended can lose a part")
            .help("say what the mapping `extends`, or take `without` away"),
    );
}

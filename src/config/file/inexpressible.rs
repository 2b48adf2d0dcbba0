//! `[upstream.inexpressible]`: what is declared of which dialect.

use super::super::diags;
use super::super::inexpressible::{Declared, Inexpressible};
use crate::diag::Spanned;
use crate::diag::reader::{Node, Table};

/// What stands for all operations that it is true of.
const ANY: &str = "any";

/// What is said of each dialect.
pub(super) fn read(table: Table<'_>) -> Vec<Inexpressible> {
    table.read(|table| {
        let entries = table.entries().into_iter();
        let of = entries
            .filter_map(|(dialect, node)| Some(Inexpressible { dialect, operations: declared(&node)? }));
        of.collect()
    })
}

fn declared(node: &Node<'_>) -> Option<Declared> {
    match node.as_text() {
        Some(word) if word.value == ANY => Some(Declared::Any(word.span)),
        Some(word) => {
            node.report(diags::inexpressible::no_operations(&word, ANY));
            None
        }
        None if node.as_array().is_some() => Some(Declared::These(Spanned::new(node.texts(), node.span()))),
        None => {
            node.wrong_type("an array of strings, or `\"any\"`");
            None
        }
    }
}

//! `[errors]`: what the errors of a dialect look like, as it was written.

use crate::diag::reader::{Node, Table};
use crate::diag::{Span, Spanned};
use crate::lens::path::Literal;

use super::Text;
use super::value::{entries, integers, literal, texts};

/// `[errors]`
#[derive(Debug)]
pub(in crate::mapping) struct ErrorsPart {
    pub(in crate::mapping) header: Span,
    pub(in crate::mapping) content_type: Option<Text>,
    pub(in crate::mapping) folds: Vec<(Text, Spanned<i64>)>,
    pub(in crate::mapping) words: Vec<(Text, Text)>,
    pub(in crate::mapping) kinds: Vec<(Text, Text)>,
    pub(in crate::mapping) plain: Option<TemplatePart>,
    pub(in crate::mapping) invalid: Option<TemplatePart>,
    pub(in crate::mapping) item: Option<TemplatePart>,
}

/// What a body consists of: paths, and what fills them.
pub(in crate::mapping) type TemplatePart = Vec<(Text, SlotPart)>;

/// `"path" = "slot"`, or a table that says more.
#[derive(Debug, Default)]
pub(in crate::mapping) struct SlotPart {
    pub(in crate::mapping) slot: Option<Text>,
    pub(in crate::mapping) constant: Option<Spanned<Literal>>,
    pub(in crate::mapping) prefix: Option<Text>,
    pub(in crate::mapping) at: Option<Text>,
    pub(in crate::mapping) other: Option<Text>,
    pub(in crate::mapping) item: Vec<(Text, Text)>,
}

impl ErrorsPart {
    pub(super) fn read(table: Table<'_>) -> Self {
        let header = table.span();
        table.read(|table| Self {
            header,
            content_type: table.required_text("content_type"),
            folds: integers(table.table("folds")),
            words: texts(table.table("words")),
            kinds: texts(table.table("kinds")),
            plain: template(table, "plain"),
            invalid: template(table, "invalid"),
            item: template(table, "item"),
        })
    }
}

fn template(table: &mut Table<'_>, key: &str) -> Option<TemplatePart> {
    let template = table.table(key)?;
    Some(entries(Some(template), SlotPart::read))
}

impl SlotPart {
    fn read(node: &Node<'_>) -> Option<Self> {
        if let Some(slot) = node.as_text() {
            return Some(Self { slot: Some(slot), ..Self::default() });
        }
        let part = node.table()?.read(|table| Self {
            slot: table.text("slot"),
            constant: table.node("constant").and_then(|node| literal(&node)),
            prefix: table.text("prefix"),
            at: table.text("at"),
            other: table.text("other"),
            item: texts(table.table("item")),
        });
        Some(part)
    }
}

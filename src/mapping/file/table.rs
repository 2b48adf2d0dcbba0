//! `[table.<name>]` and `[role]`: words on both sides, as they were written.

use crate::diag::reader::{Node, Table};
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::lens::path::Literal;

use super::value::{entries, extends_nothing, literal, literals};
use super::{Reason, RetirementPart, Text};

/// Rows of words, and where canonical words without a row land.
#[derive(Debug)]
pub(in crate::mapping) struct TablePart {
    /// What it is called; `role` for the roles.
    pub(in crate::mapping) name: Text,
    /// Whether its words are roles.
    pub(in crate::mapping) is_role: bool,
    /// The rows that could be read.
    pub(in crate::mapping) rows: Vec<RowPart>,
    pub(in crate::mapping) lands: Vec<LandPart>,
    /// Whether there is nothing that could not be read.
    pub(in crate::mapping) is_whole: bool,
}

/// `[[role.row]]`, or a pair of words.
#[derive(Debug)]
pub(in crate::mapping) struct RowPart {
    pub(in crate::mapping) span: Span,
    pub(in crate::mapping) word: Spanned<Literal>,
    pub(in crate::mapping) also: Vec<Spanned<Literal>>,
    pub(in crate::mapping) is: Spanned<Literal>,
    pub(in crate::mapping) label: Option<Text>,
    pub(in crate::mapping) may: Vec<Text>,
    pub(in crate::mapping) widens: Option<Reason>,
    /// How the word retires, if it does.
    pub(in crate::mapping) retirement: Option<RetirementPart>,
}

/// Where a canonical word without a row goes.
#[derive(Debug)]
pub(in crate::mapping) struct LandPart {
    pub(in crate::mapping) canonical: Text,
    pub(in crate::mapping) landing: Landing,
}

/// `{ as = ... }` or `{ refuse = "reason" }`
#[derive(Debug)]
pub(in crate::mapping) enum Landing {
    As(Spanned<Literal>),
    Refuse(Reason),
}

impl TablePart {
    /// Reads `[role]`; `at` is where it is first named.
    pub(super) fn read_roles(table: Table<'_>, at: Span) -> Self {
        table.read(|table| {
            let rows: Vec<_> = table.tables("row").into_iter().map(RowPart::read).collect();
            let lands = lands(table);
            extends_nothing(table);
            Self::new(Spanned::new("role".to_owned(), at), true, rows, lands)
        })
    }

    /// Reads a table of values.
    pub(super) fn read(name: &Text, table: Table<'_>) -> Self {
        table.read(|table| {
            let rows = table.required("rows").and_then(|rows| rows.array());
            let rows = rows.map(|rows| rows.iter().map(RowPart::read_pair).collect());
            let lands = lands(table);
            Self::new(name.clone(), false, rows.unwrap_or_else(|| vec![None]), lands)
        })
    }

    fn new(name: Text, is_role: bool, rows: Vec<Option<RowPart>>, lands: Vec<Option<LandPart>>) -> Self {
        let is_whole = rows.iter().all(Option::is_some) && lands.iter().all(Option::is_some);
        let (rows, lands) = (rows.into_iter().flatten().collect(), lands.into_iter().flatten().collect());
        Self { name, is_role, rows, lands, is_whole }
    }
}

impl RowPart {
    fn read(table: Table<'_>) -> Option<Self> {
        let span = table.span();
        table.read(|table| {
            let word = table.required("word").and_then(|node| literal(&node));
            let also = table.node("also").map(|node| literals(&node)).unwrap_or_default();
            let is = table.required("is").and_then(|node| literal(&node));
            let label = table.text("label");
            let may = table.required("may").map(|node| node.texts());
            let widens = Reason::under(table, "widens");
            let retirement = table.table("retirement").map(RetirementPart::read);
            Some(Self { span, word: word?, also, is: is?, label, may: may?, widens, retirement })
        })
    }

    /// `[word, canonical word]`
    fn read_pair(node: &Node<'_>) -> Option<Self> {
        let pair = node.as_array().filter(|pair| pair.len() == 2);
        let Some([word, is]) = pair.as_deref() else {
            node.wrong_type("a pair of words");
            return None;
        };
        Some(Self {
            span: node.span(),
            word: literal(word)?,
            also: Vec::new(),
            is: literal(is)?,
            label: None,
            may: Vec::new(),
            widens: None,
            retirement: None,
        })
    }
}

/// Every entry of `lands`, with those that could not be read.
fn lands(table: &mut Table<'_>) -> Vec<Option<LandPart>> {
    let lands = table.table("lands");
    let lands = entries(lands, |node| Some((node.clone(), Landing::read(node))));
    lands
        .into_iter()
        .map(|(canonical, (_, landing))| Some(LandPart { canonical, landing: landing? }))
        .collect()
}

impl Landing {
    fn read(node: &Node<'_>) -> Option<Self> {
        let table = node.table()?;
        let span = node.span();
        let (word, reason) = table.read(|table| {
            let word = table.node("as").map(|node| literal(&node));
            (word, table.node("refuse").map(|node| Reason::read(&node)))
        });
        match (word, reason) {
            (Some(word), None) => word.map(Self::As),
            (None, Some(reason)) => reason.map(Self::Refuse),
            (None, None) | (Some(_), Some(_)) => {
                let found = Diagnostic::error(code::M0106, "a landing says either `as` or `refuse`");
                node.report(found.at(span, "needs one of the two"));
                None
            }
        }
    }
}

//! `retirement`: of a dialect, an operation, a field or a word of the roles, as it was written.

use std::time::SystemTime;

use crate::diag::reader::{Node, Table};
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::lens::path::Literal;

use super::Text;
use super::value::literals;

/// When what happens to something that retires.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct RetirementPart {
    pub(in crate::mapping) span: Span,
    pub(in crate::mapping) deprecated: Option<Spanned<SystemTime>>,
    pub(in crate::mapping) sunset: Option<Spanned<SystemTime>>,
    pub(in crate::mapping) gone: Option<Spanned<SystemTime>>,
    /// None if nothing is said of them, which is not the same as that there are none.
    pub(in crate::mapping) brown_outs: Option<Vec<BrownOutPart>>,
    pub(in crate::mapping) docs: Option<Text>,
    pub(in crate::mapping) successor: Option<Text>,
    /// Of a field: the values that retire, if not all of it does.
    pub(in crate::mapping) values: Option<Vec<Spanned<Literal>>>,
    /// Whether there is nothing that could not be read.
    pub(in crate::mapping) is_whole: bool,
}

/// `{ from = 2026-10-01T09:00:00Z, lasts = "1h", every = "7d" }`
#[derive(Clone, Debug)]
pub(in crate::mapping) struct BrownOutPart {
    pub(in crate::mapping) from: Spanned<SystemTime>,
    pub(in crate::mapping) lasts: Text,
    pub(in crate::mapping) every: Option<Text>,
}

/// What is said of the retirement of an operation.
#[derive(Clone, Debug)]
pub(in crate::mapping) enum Retires {
    /// It retires so; what is not said here is as the dialect's own table says it.
    So(Box<RetirementPart>),
    /// It does not, though its dialect does.
    Stays(Span),
}

/// Who may say what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Field,
    Operation,
    Others,
}

impl RetirementPart {
    /// Reads `[retirement]`, or that of a word.
    pub(super) fn read(table: Table<'_>) -> Self {
        Self::read_of(Of::Others, table)
    }

    /// Reads that of a field, which may be of some of its values alone.
    pub(super) fn read_of_field(table: Table<'_>) -> Self {
        Self::read_of(Of::Field, table)
    }

    fn read_of(of: Of, table: Table<'_>) -> Self {
        let span = table.span();
        table.read(|table| {
            let mut is_whole = true;
            if of != Of::Operation && table.required("deprecated").is_none() {
                is_whole = false; // told
            }
            let mut moment_of = |key: &str| {
                let node = table.node(key)?;
                let read = moment(&node);
                is_whole &= read.is_some();
                read
            };
            let (deprecated, sunset, gone) =
                (moment_of("deprecated"), moment_of("sunset"), moment_of("gone"));
            let brown_outs = table.node("brown_outs").map(|node| {
                let read: Vec<_> = node.tables().into_iter().map(BrownOutPart::read).collect();
                is_whole &= node.as_array().is_some_and(|all| all.len() == read.len());
                is_whole &= read.iter().all(Option::is_some);
                read.into_iter().flatten().collect()
            });
            let values = match of {
                Of::Field => table.node("values").map(|node| literals(&node)),
                Of::Operation | Of::Others => None,
            };
            let (docs, successor) = (table.text("docs"), table.text("successor"));
            Self { span, deprecated, sunset, gone, brown_outs, docs, successor, values, is_whole }
        })
    }
}

impl Retires {
    /// Where that is said.
    pub(in crate::mapping) fn span(&self) -> Span {
        match self {
            Self::So(part) => part.span,
            Self::Stays(span) => *span,
        }
    }

    /// Reads a table, or `false`.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        if let Some(table) = node.as_table() {
            return Some(Self::So(Box::new(RetirementPart::read_of(Of::Operation, table))));
        }
        match node.as_boolean() {
            Some(switch) if !switch.value => Some(Self::Stays(switch.span)),
            Some(_) | None => {
                node.wrong_type("a table or `false`");
                None
            }
        }
    }
}

impl BrownOutPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let from = table.required("from").and_then(|node| moment(&node));
            let lasts = table.required_text("lasts");
            let every = table.text("every");
            Some(Self { from: from?, lasts: lasts?, every })
        })
    }
}

/// The moment that a date is.
fn moment(node: &Node<'_>) -> Option<Spanned<SystemTime>> {
    let Some(written) = node.as_moment() else {
        node.wrong_type("a date");
        return None;
    };
    let moment = written.value.map(|moment| Spanned::new(moment, written.span));
    if moment.is_none() {
        let message = format!("`{}` is no moment", node.path());
        node.report(
            Diagnostic::error(code::M1001, message)
                .at(written.span, "a day from 1970 on, or a time with its offset, in whole seconds")
                .help("as in `2027-03-01`, which begins at midnight UTC, or `2027-03-01T09:00:00Z`"),
        );
    }
    moment
}

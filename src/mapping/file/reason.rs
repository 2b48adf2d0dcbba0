//! Why something is lost, left out, refused or excepted: a text that says something.

use crate::diag::reader::{Node, Table};
use crate::diag::{Diagnostic, Span, Spanned, code};

use super::Text;
use super::value::entries;

/// Places, each with the reason of what is said of it.
pub(in crate::mapping) type Reasons = Vec<(Text, Reason)>;

/// A reason. There is none without a letter or a digit: reports list reasons, and people decide by them.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct Reason(Text);

impl Reason {
    /// Reads a reason; one that says nothing is reported.
    ///
    /// Something stands in for that one, so that what it is the reason of stays declared and nothing else is said of
    /// it. Nobody comes to read it as a reason, since nothing is served with an error.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let text = node.text()?;
        if text.value.chars().any(char::is_alphanumeric) {
            return Some(Self(text));
        }
        let message = format!("`{}` gives no reason", node.path());
        let help = "say in a few words why: whoever reads the ledger or a report decides by them";
        node.report(Diagnostic::error(code::M0122, message).at(text.span, "nothing is said here").help(help));
        Some(Self(Spanned::new("no reason was given".to_owned(), text.span)))
    }

    /// Reads the reason under `key`, if there is one.
    pub(super) fn under(table: &mut Table<'_>, key: &str) -> Option<Self> {
        table.node(key).and_then(|node| Self::read(&node))
    }

    /// The reason, and where it is written.
    pub(in crate::mapping) fn said(&self) -> &Text {
        &self.0
    }

    /// The reason.
    pub(in crate::mapping) fn text(&self) -> &str {
        &self.0.value
    }

    /// Where it is written.
    pub(in crate::mapping) fn span(&self) -> Span {
        self.0.span
    }
}

/// Reasons under free keys.
pub(super) fn reasons(table: Option<Table<'_>>) -> Reasons {
    entries(table, Reason::read)
}

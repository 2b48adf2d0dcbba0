//! One TOML table being read: what was asked for, and what is left over.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::diag::reader::{Context, Node};
use crate::diag::suggest::{did_you_mean, known_here};
use crate::diag::{Diagnostic, Span, Spanned};

/// A table of the file.
///
/// Asking for a key makes it known. [`Table::finish`] reports every key that was never asked for, and
/// [`Table::read`] does so by itself.
#[derive(Debug)]
#[must_use = "call `finish` to report unknown keys"]
pub struct Table<'r> {
    context: &'r Context,
    entries: &'r DeTable<'r>,
    range: Range<usize>,
    /// Dotted, with the index of each array on the way; empty for the root.
    path: String,
    known: Vec<String>,
}

impl<'r> Table<'r> {
    pub(super) fn root(context: &'r Context, entries: &'r DeTable<'r>) -> Self {
        Self::new(context, entries, context.root..context.root, String::new())
    }

    pub(super) fn new(
        context: &'r Context,
        entries: &'r DeTable<'r>,
        range: Range<usize>,
        path: String,
    ) -> Self {
        Self { context, entries, range, path, known: Vec::new() }
    }

    /// Where the table is opened: its header, or the whole of an inline table. Empty for the root.
    pub fn span(&self) -> Span {
        self.context.span(self.range.clone())
    }

    /// The dotted path of the table, such as `server.listener[0]`; empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where a key is written, if it is; asking this does not make it known.
    pub fn key_span(&self, key: &str) -> Option<Span> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(self.context.span(key.span()))
    }

    /// The value of a key, whatever its type.
    pub fn node(&mut self, key: &str) -> Option<Node<'r>> {
        if !self.known.iter().any(|known| known == key) {
            self.known.push(key.to_owned());
        }
        let value = self.entries.get(key).filter(|value| !self.context.is_broken(value.span().start))?;
        Some(Node::new(self.context, value, self.path_of(key)))
    }

    /// The value of a key that has to be there, whatever its type.
    pub fn required(&mut self, key: &str) -> Option<Node<'r>> {
        let node = self.node(key);
        if node.is_none() {
            self.context.report_missing(self.range.start, self.missing(key));
        }
        node
    }

    /// The text of an optional key.
    pub fn text(&mut self, key: &str) -> Option<Spanned<String>> {
        self.node(key)?.text()
    }

    /// The text of a key that has to be there.
    pub fn required_text(&mut self, key: &str) -> Option<Spanned<String>> {
        self.required(key)?.text()
    }

    /// The texts in the list of an optional key; none if it is absent.
    pub fn texts(&mut self, key: &str) -> Vec<Spanned<String>> {
        self.node(key).map(|node| node.texts()).unwrap_or_default()
    }

    /// The integer of an optional key.
    pub fn integer(&mut self, key: &str) -> Option<Spanned<i64>> {
        self.node(key)?.integer()
    }

    /// The `true` or `false` of an optional key.
    pub fn boolean(&mut self, key: &str) -> Option<Spanned<bool>> {
        self.node(key)?.boolean()
    }

    /// An optional table inside this one.
    pub fn table(&mut self, key: &str) -> Option<Table<'r>> {
        self.node(key)?.table()
    }

    /// A table inside this one that has to be there.
    pub fn required_table(&mut self, key: &str) -> Option<Table<'r>> {
        self.required(key)?.table()
    }

    /// The tables under `[[key]]`; none if there are none.
    pub fn tables(&mut self, key: &str) -> Vec<Table<'r>> {
        self.node(key).map(|node| node.tables()).unwrap_or_default()
    }

    /// Whether a string or a key is that text, anywhere inside.
    pub fn mentions(&self, text: &str) -> bool {
        mentions(self.entries, text)
    }

    /// Every entry in the order of the file, for tables whose keys are free; all of them become known.
    pub fn entries(&mut self) -> Vec<(Spanned<String>, Node<'r>)> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, value)| !self.context.is_broken(value.span().start))
            .map(|(key, value)| {
                let rank = self.context.rank(key.span().start);
                let name = Spanned::new(key.get_ref().clone().into_owned(), self.context.span(key.span()));
                let node = Node::new(self.context, value, self.path_of(key.get_ref()));
                (rank, name, node)
            })
            .collect();
        entries.sort_by_key(|(rank, ..)| *rank);
        self.known.extend(entries.iter().map(|(_, name, _)| name.value.clone()));
        entries.into_iter().map(|(_, name, node)| (name, node)).collect()
    }

    /// Adds a diagnostic of the caller's own.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.context.report(diagnostic);
    }

    /// Reads the table to its end: what `read` does not ask for is unknown.
    pub fn read<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        self.finish();
        value
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for key in self.entries.keys() {
            let is_known = self.known.iter().any(|known| known == key.get_ref());
            if !is_known && !self.context.is_broken(key.span().start) {
                self.context.report(self.unknown(key.get_ref(), self.context.span(key.span())));
            }
        }

        #[cfg(test)]
        self.note_asked();
    }

    #[cfg(test)]
    fn note_asked(&self) {
        let paths = self.known.iter().map(|key| without_indices(&self.path_of(key)));
        self.context.asked.borrow_mut().extend(paths);
    }

    fn missing(&self, key: &str) -> Diagnostic {
        let message = format!("missing key `{}`", self.path_of(key));
        Diagnostic::error(self.context.codes.missing_key, message)
            .at(self.span(), format!("`{key}` has to be set here"))
    }

    fn unknown(&self, key: &str, span: Span) -> Diagnostic {
        let place = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
        let message = format!("unknown key `{key}`{place}");
        let diagnostic = Diagnostic::error(self.context.codes.unknown_key, message);

        let known = || self.known.iter().map(String::as_str);
        if let Some(near) = did_you_mean(key, known()) {
            return diagnostic.at(span, format!("did you mean `{near}`?"));
        }
        let help = known_here(known()).unwrap_or_else(|| "this table takes no keys".to_owned());
        diagnostic.at(span, "nothing reads this").help(help)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn mentions(table: &DeTable<'_>, text: &str) -> bool {
    fn in_value(value: &DeValue<'_>, text: &str) -> bool {
        match value {
            DeValue::String(string) => string == text,
            DeValue::Array(elements) => elements.iter().any(|element| in_value(element.get_ref(), text)),
            DeValue::Table(table) => mentions(table, text),
            _ => false,
        }
    }
    table.iter().any(|(key, value)| key.get_ref() == text || in_value(value.get_ref(), text))
}

/// Turns `server.listener[0].tls` into `server.listener.tls`.
#[cfg(test)]
fn without_indices(path: &str) -> String {
    let after_index = |part| str::split_once(part, ']').map_or(part, |(_, rest)| rest);
    path.split('[').map(after_index).collect()
}

//! What is still to be decided: every `TODO` of a mapping is told with the likeliest answers, and taken out of what is
//! compiled, so that nothing else is said about it.
//!
//! `import` writes them. A person may, too: `TODO` stands for any text of a mapping, and for a key of `answers` or of a
//! template of errors. As long as there is one, nothing is served.

mod lens;
mod near;
mod operation;
mod rest;
mod words;

use std::collections::HashSet;

use super::canonical::Canonical;
use super::file::{MappingFile, Text};
use crate::diag::reader::{Node, Reader};
use crate::diag::{Diagnostic, Diagnostics, Span, code};
use crate::schema::Store;

/// What stands where nothing is decided.
const TODO: &str = "TODO";

/// Whether a text is one.
fn is_open(text: &Text) -> bool {
    text.value == TODO
}

/// All of a mapping.
#[derive(Debug, Default)]
pub(super) struct Todos {
    /// Where each stands, and the path that leads there.
    marks: Vec<(Span, String)>,
    found: Vec<Diagnostic>,
    /// What was told with something else.
    told: HashSet<Span>,
}

/// What the likeliest answers are looked for in.
struct Around<'a> {
    canonical: &'a Canonical,
    schemas: &'a Store,
    /// The names of the dialect and of those it extends, nearest first.
    folders: Vec<&'a str>,
    places: near::Places,
}

/// Finds all of them, and takes what cannot be understood without them out of `file`.
pub(super) fn take(
    reader: &Reader<'_>,
    file: &mut MappingFile,
    canonical: &Canonical,
    schemas: &Store,
    folders: Vec<&str>,
) -> Todos {
    let mut todos = Todos::default();
    let mut root = reader.root();
    // Nearly always there is none, and then nothing is put together to say so.
    if !root.mentions(TODO) {
        return todos;
    }
    for (name, node) in root.entries() {
        todos.mark(&name, &node);
    }
    if todos.marks.is_empty() {
        return todos;
    }
    let around = Around { canonical, schemas, folders, places: near::Places::default() };
    // Those who look at others come first: a lens is looked for where its operations lead.
    lens::take(&mut todos, file, &around);
    operation::take(&mut todos, file, &around);
    words::take(&mut todos, file, &around);
    rest::take(&mut todos, file);
    file.is_whole = false;
    todos.rest();
    todos
}

impl Todos {
    fn mark(&mut self, name: &Text, node: &Node<'_>) {
        if is_open(name) {
            self.marks.push((name.span, node.path().to_owned()));
        }
        if let Some(text) = node.as_text() {
            if is_open(&text) {
                self.marks.push((text.span, node.path().to_owned()));
            }
        } else if let Some(elements) = node.as_array() {
            for element in elements {
                // The name of an element is that of its list, which was looked at.
                let name = Text { value: String::new(), span: element.span() };
                self.mark(&name, &element);
            }
        } else if let Some(mut table) = node.as_table() {
            for (name, node) in table.entries() {
                self.mark(&name, &node);
            }
        }
    }

    /// Tells one of them.
    fn tell(&mut self, text: &Text, message: String, label: &str, near: &[String]) {
        self.tell_with(text, message, label, closest(near));
    }

    fn tell_with(&mut self, text: &Text, message: String, label: &str, help: Option<String>) {
        let diagnostic = Diagnostic::error(code::M0801, message).at(text.span, label);
        self.found.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    /// Tells those that nobody knows more of.
    fn rest(&mut self) {
        let mut told: HashSet<_> = self.found.iter().filter_map(Diagnostic::primary).collect();
        told.extend(&self.told);
        for (span, path) in self.marks.iter().filter(|(span, _)| !told.contains(span)) {
            let message = format!("`{path}` is not decided yet");
            self.found.push(Diagnostic::error(code::M0801, message).at(*span, "say what belongs here"));
        }
    }

    /// Whether everything is decided.
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Everything that was found out about the mapping, without what only says that something is not decided.
    pub(super) fn join(self, compiled: Diagnostics) -> Diagnostics {
        if self.marks.is_empty() {
            return compiled;
        }
        let mut marks: Vec<_> =
            self.marks.iter().map(|(mark, _)| (mark.source, mark.start, mark.end)).collect();
        marks.sort_unstable();
        // Marks do not overlap, so that the first from there on ends first.
        let is_about = |span: Span| {
            let first = marks.partition_point(|mark| *mark < (span.source, span.start, 0));
            marks.get(first).is_some_and(|(source, _, end)| *source == span.source && *end <= span.end)
        };
        let mut all = Diagnostics::default();
        all.extend(compiled.into_vec().into_iter().filter(|one| !one.primary().is_some_and(is_about)));
        all.extend(self.found);
        all
    }
}

/// The way out: the likeliest answers, best first.
fn closest(near: &[String]) -> Option<String> {
    let names: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("the closest is {only}")),
        [first @ .., last] => Some(format!("the closest are {} and {last}", first.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;

    #[test]
    fn what_is_said_of_something_open_gives_way_to_what_is_open_and_nothing_else_does() {
        let mut sources = Sources::default();
        let (one, other) = (sources.add("one.toml", ""), sources.add("other.toml", ""));
        let at = |source, range| Diagnostic::error(code::M0106, "wrong").at(Span::new(source, range), "");
        let mut compiled = Diagnostics::default();
        // Around the first mark, the second itself, behind the first and in half of the second.
        for range in [5..30, 40..46, 17..30, 30..43] {
            compiled.push(at(one, range));
        }
        compiled.push(at(other, 0..100));
        compiled.push(Diagnostic::error(code::M0115, "nowhere"));
        let mut todos = Todos {
            marks: vec![(Span::new(one, 40..46), "b".to_owned()), (Span::new(one, 10..16), "a".to_owned())],
            ..Todos::default()
        };
        todos.rest();
        let joined = todos.join(compiled).into_vec();
        let told: Vec<_> =
            joined.iter().map(|one| one.primary().map(|span| (one.code, span.start))).collect();
        assert_eq!(
            told,
            [
                None,
                Some((code::M0801, 10)),
                Some((code::M0106, 17)),
                Some((code::M0106, 30)),
                Some((code::M0801, 40)),
                Some((code::M0106, 0)),
            ]
        );
    }

    #[test]
    fn where_nothing_is_open_everything_is_said() {
        let mut compiled = Diagnostics::default();
        compiled.push(Diagnostic::error(code::M0115, "nowhere"));
        assert_eq!(Todos::default().join(compiled).len(), 1);
    }
}

//! A mutant: one file of what ships with one thing in it otherwise, and the ways to make one.

use std::collections::BTreeSet;
use std::ops::Range;

use super::tree::Node;

/// What kind of thing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    RoleCell,
    RoleLanding,
    Capabilities,
    TableRow,
    TableLanding,
    Place,
    Step,
    Value,
    Id,
    Resolver,
    Page,
    Status,
    Operation,
    Ledger,
    Errors,
    Required,
    Enumeration,
    Type,
    Bound,
    Openness,
}

impl Family {
    pub(super) const ALL: [Family; 20] = [
        Family::RoleCell,
        Family::RoleLanding,
        Family::Capabilities,
        Family::TableRow,
        Family::TableLanding,
        Family::Place,
        Family::Step,
        Family::Value,
        Family::Id,
        Family::Resolver,
        Family::Page,
        Family::Status,
        Family::Operation,
        Family::Ledger,
        Family::Errors,
        Family::Required,
        Family::Enumeration,
        Family::Type,
        Family::Bound,
        Family::Openness,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Family::RoleCell => "cell of a role's row",
            Family::RoleLanding => "landing of a role",
            Family::Capabilities => "capability of a canonical role",
            Family::TableRow => "row of a table",
            Family::TableLanding => "landing of a table",
            Family::Place => "place of a field",
            Family::Step => "step of a field",
            Family::Value => "value beside a field",
            Family::Id => "kind of id",
            Family::Resolver => "resolver",
            Family::Page => "page",
            Family::Status => "status",
            Family::Operation => "operation",
            Family::Ledger => "declared loss",
            Family::Errors => "shape of errors",
            Family::Required => "required property",
            Family::Enumeration => "member of an enumeration",
            Family::Type => "type",
            Family::Bound => "format, pattern or bound",
            Family::Openness => "additional properties",
        }
    }
}

/// What ships, but for one thing.
#[derive(Clone, Debug)]
pub(super) struct Mutant {
    pub(super) family: Family,
    /// The file, as people find it: `mappings/acme.toml`.
    pub(super) file: String,
    pub(super) line: usize,
    /// The dotted path of what was changed.
    pub(super) place: String,
    /// What became of it.
    pub(super) change: String,
    edits: Vec<(Range<usize>, String)>,
}

impl Mutant {
    /// The text of the file as it is in this mutant.
    pub(super) fn text(&self, original: &str) -> String {
        let mut text = original.to_owned();
        let mut edits: Vec<_> = self.edits.iter().collect();
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, replacement) in edits {
            text.replace_range(range.clone(), replacement);
        }
        text
    }

    /// One line that says all of it.
    pub(super) fn told(&self) -> String {
        format!("{}:{} `{}` {}", self.file, self.line, self.place, self.change)
    }
}

/// The mutants of one file.
pub(super) struct Draft<'t> {
    pub(super) file: String,
    pub(super) text: &'t str,
    pub(super) mutants: Vec<Mutant>,
    seen: BTreeSet<Vec<(usize, usize, String)>>,
}

impl<'t> Draft<'t> {
    pub(super) fn new(file: impl Into<String>, text: &'t str) -> Self {
        Self { file: file.into(), text, mutants: Vec::new(), seen: BTreeSet::new() }
    }

    /// The value as it is spelt in the file.
    pub(super) fn spelt(&self, node: &Node) -> &'t str {
        &self.text[node.value.clone()]
    }

    /// Another value.
    pub(super) fn replace(&mut self, family: Family, node: &Node, value: &str) {
        let change = format!("{} → {}", short(self.spelt(node)), short(value));
        self.push(family, node, change, vec![(node.value.clone(), value.to_owned())]);
    }

    /// Another key.
    pub(super) fn rename(&mut self, family: Family, node: &Node, key: &str) {
        let Some(range) = node.key.clone() else { return };
        let change = format!("is called {key}");
        self.push(family, node, change, vec![(range, key.to_owned())]);
    }

    /// The values of two places change places.
    pub(super) fn swap(&mut self, family: Family, one: &Node, other: &Node) {
        let (first, second) = (self.spelt(one), self.spelt(other));
        let is_inline = |node: &Node| !node.has_header(self.text);
        if first == second || !is_inline(one) || !is_inline(other) {
            return;
        }
        let change = format!("changes places with `{}`", other.path);
        let edits = vec![(one.value.clone(), second.to_owned()), (other.value.clone(), first.to_owned())];
        self.push(family, one, change, edits);
    }

    /// Every two of these change places.
    pub(super) fn swap_all(&mut self, family: Family, nodes: &[&Node]) {
        for (index, one) in nodes.iter().enumerate() {
            for other in &nodes[index + 1..] {
                self.swap(family, one, other);
            }
        }
    }

    /// Nothing is there any more: neither the key, nor the value, nor the comma that goes with it.
    pub(super) fn delete(&mut self, family: Family, node: &Node) {
        let ranges = if node.has_header(self.text) {
            self.blocks(node)
        } else {
            let start = node.key.as_ref().map_or(node.value.start, |key| key.start);
            vec![self.with_comma(start..node.value.end)]
        };
        let edits = ranges.into_iter().map(|range| (range, String::new())).collect();
        self.push(family, node, "deleted".to_owned(), edits);
    }

    /// A text after a value: `what` says it in words.
    pub(super) fn insert(&mut self, family: Family, node: &Node, at: usize, text: &str, what: &str) {
        self.push(family, node, what.to_owned(), vec![(at..at, text.to_owned())]);
    }

    /// An element at the end of an array.
    pub(super) fn append(&mut self, family: Family, array: &Node, element: &str) {
        let at = array.value.end - 1;
        let comma = if array.children().is_empty() { "" } else { ", " };
        let what = format!("has {element} besides");
        // After the last element, wherever the bracket stands.
        let at = array.children().last().map_or(at, |last| last.value.end);
        self.insert(family, array, at, &format!("{comma}{element}"), &what);
    }

    fn push(&mut self, family: Family, node: &Node, change: String, edits: Vec<(Range<usize>, String)>) {
        let is_change = edits.iter().any(|(range, text)| self.text[range.clone()] != **text);
        let key = edits.iter().map(|(range, text)| (range.start, range.end, text.clone())).collect();
        if !is_change || !self.seen.insert(key) {
            return;
        }
        let at = node.key.as_ref().map_or(node.value.start, |key| key.start);
        let line = self.text[..at].matches('\n').count() + 1;
        let (file, place) = (self.file.clone(), node.path.clone());
        self.mutants.push(Mutant { family, file, line, place, change, edits });
    }

    /// What is between commas: the one after it goes with it, or else the one before.
    fn with_comma(&self, range: Range<usize>) -> Range<usize> {
        let after = &self.text[range.end..];
        let blank = after.len() - after.trim_start().len();
        if after.trim_start().starts_with(',') {
            return range.start..range.end + blank + 1;
        }
        let before = self.text[..range.start].trim_end();
        match before.strip_suffix(',') {
            Some(rest) if after.trim_start().starts_with(['}', ']']) => rest.len()..range.end,
            _ => range,
        }
    }

    /// The lines of a table with a header, and of those inside it.
    fn blocks(&self, node: &Node) -> Vec<Range<usize>> {
        let header = self.spelt(node);
        let name = header.trim_matches(['[', ']']);
        let mut blocks = Vec::new();
        let mut at = node.value.start;
        loop {
            let next = self.text[at..].find("\n[").map_or(self.text.len(), |found| at + found + 1);
            blocks.push(at..next);
            at = next;
            let inner = self.text[at..].trim_start_matches('[');
            let is_inside = inner.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
            if !is_inside {
                return blocks;
            }
        }
    }
}

/// A value on one line, not too long to be read.
fn short(value: &str) -> String {
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    if line.chars().count() > 60 {
        format!("`{}…`", line.chars().take(59).collect::<String>())
    } else {
        format!("`{line}`")
    }
}

/// A text as TOML and JSON both spell it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

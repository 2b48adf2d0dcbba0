//! A TOML or JSON text as a tree of places: which bytes are which key and which value.

use std::ops::Range;

use interlingua::json::{Document, Kind, Limits, Value};
use toml::de::{DeTable, DeValue};

/// A value of a file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The dotted names that lead to it.
    pub(super) path: String,
    /// Its last name: a key, or the number of an element.
    pub(super) name: String,
    /// The bytes of its key; none for elements.
    pub(super) key: Option<Range<usize>>,
    /// The bytes of its value; for a `[table]`, those of its header.
    pub(super) value: Range<usize>,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Text,
    Number,
    Boolean,
    Null,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    Leaf(Leaf, String),
    Array(Vec<Node>),
    Table(Vec<Node>),
}

impl Node {
    /// The places of a TOML text.
    pub(super) fn toml(text: &str) -> Node {
        let table = DeTable::parse(text).expect("what ships is TOML");
        let kind = NodeKind::Table(toml_entries("", table.get_ref()));
        Node { path: String::new(), name: String::new(), key: None, value: 0..text.len(), kind }
    }

    /// The places of a JSON text.
    pub(super) fn json(text: &str) -> Node {
        let document = Document::parse(text.as_bytes().to_vec(), &Limits::default());
        let document = document.expect("what ships is JSON");
        json_node(String::new(), String::new(), None, document.root())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.children().iter().find(|child| child.name == name)
    }

    pub(super) fn at(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The members of a table or the elements of an array, in the order of the text.
    pub(super) fn children(&self) -> &[Node] {
        match &self.kind {
            NodeKind::Leaf(..) => &[],
            NodeKind::Array(children) | NodeKind::Table(children) => children,
        }
    }

    pub(super) fn children_of(&self, names: &[&str]) -> &[Node] {
        self.at(names).map(Node::children).unwrap_or_default()
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.kind, NodeKind::Table(_))
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self.kind, NodeKind::Array(_))
    }

    pub(super) fn leaf(&self) -> Option<Leaf> {
        match self.kind {
            NodeKind::Leaf(leaf, _) => Some(leaf),
            NodeKind::Array(_) | NodeKind::Table(_) => None,
        }
    }

    /// What a leaf says: a text without its quotes, anything else as it is spelt.
    pub(super) fn says(&self) -> &str {
        match &self.kind {
            NodeKind::Leaf(_, says) => says,
            NodeKind::Array(_) | NodeKind::Table(_) => "",
        }
    }

    /// Whether it is written as `[table]` or `[[table]]`, on lines of its own.
    pub(super) fn has_header(&self, text: &str) -> bool {
        self.is_table() && text[self.value.clone()].starts_with('[')
    }
}

fn inside(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn toml_entries(path: &str, table: &DeTable<'_>) -> Vec<Node> {
    let mut nodes: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let name = key.get_ref().to_string();
            let kind = toml_kind(&inside(path, &name), value.get_ref());
            Node { path: inside(path, &name), name, key: Some(key.span()), value: value.span(), kind }
        })
        .collect();
    nodes.sort_by_key(|node| node.value.start);
    nodes
}

fn toml_kind(path: &str, value: &DeValue<'_>) -> NodeKind {
    match value {
        DeValue::String(text) => NodeKind::Leaf(Leaf::Text, text.to_string()),
        DeValue::Integer(number) => NodeKind::Leaf(Leaf::Number, number.to_string()),
        DeValue::Float(number) => NodeKind::Leaf(Leaf::Number, number.as_str().to_owned()),
        DeValue::Boolean(boolean) => NodeKind::Leaf(Leaf::Boolean, boolean.to_string()),
        DeValue::Datetime(date) => NodeKind::Leaf(Leaf::Text, date.to_string()),
        DeValue::Array(items) => NodeKind::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    let path = inside(path, &index.to_string());
                    let kind = toml_kind(&path, item.get_ref());
                    Node { path, name: index.to_string(), key: None, value: item.span(), kind }
                })
                .collect(),
        ),
        DeValue::Table(table) => NodeKind::Table(toml_entries(path, table)),
    }
}

fn json_node(path: String, name: String, key: Option<Range<usize>>, value: Value<'_>) -> Node {
    let span = value.offset()..value.offset() + value.raw().len();
    let says = || value.as_str().map_or_else(|| value.raw().to_owned(), std::borrow::Cow::into_owned);
    let leaf = |leaf| NodeKind::Leaf(leaf, says());
    let kind = match value.kind() {
        Kind::Object => NodeKind::Table(
            value
                .members()
                .map(|(key, member)| {
                    let name = key.as_str().into_owned();
                    let key = key.offset()..key.offset() + key.raw().len();
                    json_node(inside(&path, &name), name, Some(key), member)
                })
                .collect(),
        ),
        Kind::Array => NodeKind::Array(
            value
                .elements()
                .enumerate()
                .map(|(index, element)| {
                    json_node(inside(&path, &index.to_string()), index.to_string(), None, element)
                })
                .collect(),
        ),
        Kind::String => leaf(Leaf::Text),
        Kind::Integer | Kind::Number => leaf(Leaf::Number),
        Kind::True | Kind::False => leaf(Leaf::Boolean),
        Kind::Null => leaf(Leaf::Null),
    };
    Node { path, name, key, value: span, kind }
}

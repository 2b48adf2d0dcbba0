//! Where a field lives, and what a mapping says literally: split and parsed once, never text on the request path.

use std::fmt;
use std::sync::Arc;

use super::run::Source;
use crate::json::{Document, Limits, Value};
use crate::problem::{Root, Segment};

/// The place of a field: a way through the members of objects, or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What the way begins in.
    pub root: Root,
    /// The names on the way; none is the whole of it.
    pub path: Vec<Box<str>>,
}

impl Address {
    /// Reads an address as mappings write it: `a.b` in the body, `$path.x`, `$query.x`, `$outer.x` around the
    /// items of a bulk request, `$body` for all of the body. None if a name is empty or the root unknown.
    pub fn parse(text: &str) -> Option<Address> {
        let Some(rooted) = text.strip_prefix('$') else {
            return Address::of(Root::Body, text);
        };
        match rooted.split_once('.') {
            None if rooted == "body" => Some(Address { root: Root::Body, path: Vec::new() }),
            Some(("outer", rest)) => Address::of(Root::Outer, rest),
            Some(("path", name)) => Address::parameter(Root::Path, name),
            Some(("query", name)) => Address::parameter(Root::Query, name),
            None | Some(_) => None,
        }
    }

    /// All of the body.
    pub fn whole() -> Address {
        Address { root: Root::Body, path: Vec::new() }
    }

    fn of(root: Root, text: &str) -> Option<Address> {
        let path: Vec<Box<str>> = text.split('.').map(Box::from).collect();
        path.iter().all(|name| !name.is_empty()).then_some(Address { root, path })
    }

    /// A parameter has one name, dots included.
    fn parameter(root: Root, name: &str) -> Option<Address> {
        (!name.is_empty()).then(|| Address { root, path: vec![name.into()] })
    }

    /// The way as the segments of a place.
    pub fn segments(&self) -> Vec<Segment> {
        self.path.iter().map(|name| Segment::Name(name.to_string())).collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.join(".");
        match self.root {
            Root::Body if path.is_empty() => f.write_str("$body"),
            Root::Body => f.write_str(&path),
            Root::Outer => write!(f, "$outer.{path}"),
            Root::Path => write!(f, "$path.{path}"),
            Root::Query => write!(f, "$query.{path}"),
        }
    }
}

/// A JSON value a mapping gives.
#[derive(Clone)]
pub struct Literal(Arc<Document>);

impl Literal {
    /// Reads one JSON value.
    pub fn parse(json: &str) -> Option<Literal> {
        Document::parse(json.as_bytes().to_vec(), &Limits::default())
            .ok()
            .map(|document| Literal(Arc::new(document)))
    }

    /// The value as JSON.
    pub fn json(&self) -> &str {
        self.0.root().raw()
    }

    /// The value.
    pub fn value(&self) -> Value<'_> {
        self.0.root()
    }

    /// Whether `source` is this value. A parameter is text and has no types: it is compared by its spelling.
    pub(super) fn is(&self, source: Source<'_>) -> bool {
        match source {
            Source::Json(value) => self.value().same(value),
            Source::Text(text) => self.is_text(text),
        }
    }

    /// Whether a parameter that reads so is this value.
    pub fn is_text(&self, text: &str) -> bool {
        match self.value().as_str() {
            Some(own) => own == text,
            None => self.json() == text,
        }
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Literal) -> bool {
        self.value().same(other.value())
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.json())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_are_read() {
        for text in ["a", "a.b.c", "$body", "$outer.role", "$path.org_id", "$query.page.size"] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()).as_deref(), Some(text));
        }
        for text in ["", ".", "a.", "a..b", "$", "$path", "$path.", "$header.x", "$outer", "$body.x"] {
            assert_eq!(Address::parse(text), None, "{text:?}");
        }
        assert_eq!(Address::parse("$query.page.size").unwrap().path.len(), 1, "a parameter has one name");
    }

    #[test]
    fn a_parameter_is_a_literal_if_it_is_spelt_like_one() {
        let literal = |json| Literal::parse(json).unwrap();
        assert!(literal("1").is(Source::Text("1")));
        assert!(literal("\"1\"").is(Source::Text("1")));
        assert!(!literal("true").is(Source::Text("1")));
        let document = literal("1.0");
        assert!(!literal("\"1.0\"").is(Source::Json(document.value())), "JSON has types");
    }
}

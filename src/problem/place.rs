//! Which part of a request something is about.

use std::fmt;

/// A part of a request or of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which document, so to speak, the segments walk.
    pub root: Root,
    /// The way into it.
    pub segments: Vec<Segment>,
}

/// What a place lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// The body; of a bulk request, the item.
    Body,
    /// The whole body of a bulk request, around its items.
    Outer,
    /// The parameters of the path.
    Path,
    /// The parameters of the query.
    Query,
}

impl Root {
    /// The word an error names it by; a client knows of one body only.
    pub fn name(self) -> &'static str {
        match self {
            Root::Body | Root::Outer => "body",
            Root::Path => "path",
            Root::Query => "query",
        }
    }
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// To the member of that name.
    Name(String),
    /// To the element at that place, from 0.
    Index(usize),
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Name(name) => f.write_str(name),
            Segment::Index(index) => write!(f, "{index}"),
        }
    }
}

/// As deep as requests may nest, unless an operator says otherwise. The backend names places, and who tells them in another
/// shape goes down as deep as they are.
const SEGMENTS_MAX: usize = 64;

impl Place {
    /// A place in the body.
    pub fn body(segments: Vec<Segment>) -> Place {
        Place { root: Root::Body, segments }
    }

    /// A parameter of the path or the query.
    pub fn parameter(root: Root, name: &str) -> Place {
        Place { root, segments: vec![Segment::Name(name.to_owned())] }
    }

    /// Reads a JSON Pointer (RFC 6901) as a place in the body. A token of digits is an index: whoever sent the
    /// pointer knows the document, we only pass it on. What lies deeper than any document is said of the whole.
    pub fn from_pointer(pointer: &str) -> Option<Place> {
        if pointer.is_empty() {
            return Some(Place::body(Vec::new()));
        }
        let tokens = pointer.strip_prefix('/')?.split('/');
        if tokens.clone().nth(SEGMENTS_MAX).is_some() {
            return Some(Place::body(Vec::new()));
        }
        let segments = tokens.map(|token| match token.parse() {
            Ok(index) => Segment::Index(index),
            Err(_) => Segment::Name(token.replace("~1", "/").replace("~0", "~")),
        });
        Some(Place::body(segments.collect()))
    }

    /// The segments with dots between, as in `emails.0.role`.
    pub fn dotted(&self) -> String {
        let segments: Vec<_> = self.segments.iter().map(ToString::to_string).collect();
        segments.join(".")
    }

    /// The segments as a JSON Pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        pointer(&self.segments)
    }
}

/// Writes segments as a JSON Pointer (RFC 6901).
pub(crate) fn pointer(segments: &[Segment]) -> String {
    let mut pointer = String::new();
    for segment in segments {
        pointer.push('/');
        match segment {
            Segment::Name(name) => pointer += &name.replace('~', "~0").replace('/', "~1"),
            Segment::Index(index) => pointer += &index.to_string(),
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_and_written_as_rfc_6901_says() {
        // RFC 6901, section 5.
        for text in ["", "/foo", "/foo/0", "/", "/a~1b", "/c%d", "/m~0n"] {
            assert_eq!(Place::from_pointer(text).map(|place| place.pointer()).as_deref(), Some(text));
        }
        assert_eq!(Place::from_pointer("foo"), None, "a pointer begins with a slash");
        let place = Place::from_pointer("/m~0n/7/a~1b").unwrap();
        let name = |text: &str| Segment::Name(text.to_owned());
        assert_eq!(place.segments, [name("m~n"), Segment::Index(7), name("a/b")]);
        assert_eq!(place.dotted(), "m~n.7.a/b");
    }

    #[test]
    fn what_lies_deeper_than_any_document_is_said_of_the_whole() {
        let depth = |steps| Place::from_pointer(&"/x".repeat(steps)).unwrap().segments.len();
        assert_eq!([depth(SEGMENTS_MAX), depth(SEGMENTS_MAX + 1), depth(1_000_000)], [SEGMENTS_MAX, 0, 0]);
    }
}

//! JSON text as a flat, borrowed form: read once, strictly, and never copied into a tree.
//!
//! [`Document::parse`] checks the text and writes a *tape*: one sixteen-byte entry per value and per
//! member name, in document order. A [`Value`] is a handle into that tape, and strings and numbers are
//! slices of the text. [`Writer`] puts JSON together the same way, straight into bytes.
//!
//! The reader accepts RFC 8259 and nothing more, and refuses what two readers could understand
//! differently: duplicate member names (however they are escaped), lone surrogates, a byte order mark,
//! a second value after the first. Numbers keep the digits they were written with.
//!
//! ```
//! use interlingua::json::{Document, Limits, Writer};
//!
//! let document = Document::parse(br#"{"role": 2, "name": "Ada"}"#.to_vec(), &Limits::default())?;
//! let role = document.root().member("role").and_then(|role| role.as_i64());
//! assert_eq!(role, Some(2));
//!
//! let mut out = Writer::new();
//! out.object_begin();
//! out.key("copy");
//! out.value(document.root());
//! out.object_end();
//! assert_eq!(out.as_bytes(), br#"{"copy":{"role":2,"name":"Ada"}}"#);
//! # Ok::<(), interlingua::json::ReadError>(())
//! ```

use std::fmt;
use std::mem;

mod error;
mod known;
#[cfg(test)]
mod laws;
mod members;
mod names;
mod read;
pub mod stream;
mod text;
mod value;
mod write;

pub use error::{ReadError, ReadErrorKind};
pub use known::Names;
pub(crate) use members::are_same;
pub use members::{Elements, Key, Members, Name};
pub(crate) use text::scalar_text;
pub use value::Value;
pub use write::Writer;

/// A JSON text that was read and found well-formed, with its tape.
#[derive(Clone)]
pub struct Document {
    text: String,
    tape: Vec<Entry>,
}

/// What a reader may spend on one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and arrays inside each other; `[]` has depth 1. Never more than 512 whatever is set here.
    pub depth_max: u16,
    /// Length of the text.
    pub bytes_max: usize,
    /// Values and member names together. Each takes sixteen bytes on the tape.
    pub nodes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth_max: 64, bytes_max: 1 << 20, nodes_max: 1 << 18 }
    }
}

/// The memory of a document that is no longer needed, for the next one to use.
///
/// Fill `text`, then call [`Document::parse_buffers`]; [`Document::into_buffers`] gives the memory back.
#[derive(Default)]
pub struct Buffers {
    /// The text to read.
    pub text: Vec<u8>,
    tape: Vec<Entry>,
}

/// With that text to read, and no tape yet.
impl From<Vec<u8>> for Buffers {
    fn from(text: Vec<u8>) -> Buffers {
        Buffers { text, tape: Vec::new() }
    }
}

impl Document {
    /// Reads `text`, taking the buffer over without copying it.
    ///
    /// # Errors
    ///
    /// Returns the first offence with its byte offset. The message never quotes the text.
    pub fn parse(text: Vec<u8>, limits: &Limits) -> Result<Document, ReadError> {
        Document::parse_buffers(&mut Buffers::from(text), limits)
    }

    /// Reads `buffers.text` like [`Document::parse`], reusing the memory of an earlier document. What is read takes it all; of what
    /// is refused the text is still there.
    pub fn parse_buffers(buffers: &mut Buffers, limits: &Limits) -> Result<Document, ReadError> {
        let Buffers { text, tape } = buffers;
        let text = read::read(text, limits, tape)?;
        Ok(Document { text, tape: mem::take(tape) })
    }

    /// The document's one value.
    #[inline]
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// The text as it was read, white space around the value included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes between the quotes of a string.
    #[inline]
    fn within(&self, string: Entry) -> &[u8] {
        &self.text.as_bytes()[string.start as usize + 1..string.end as usize - 1]
    }

    /// Gives up the document and keeps its memory; `text` comes back empty.
    pub fn into_buffers(self) -> Buffers {
        let mut text = self.text.into_bytes();
        text.clear();
        Buffers { text, tape: self.tape }
    }
}

/// Shows sizes only: a document holds what a client sent, and that does not belong into logs.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.text.len())
            .field("entries", &self.tape.len())
            .finish_non_exhaustive()
    }
}

/// What a value is, as its text shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number written with digits only, after an optional minus: `7`, `-12`, but not `-0`.
    Integer,
    /// Any other number: `1.5`, `2.0`, `2e0`, `-0`.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One value, or one member name, on the tape.
///
/// An object is followed by name, value, name, value, …; an array by its elements; both by whatever
/// comes after them at `next`.
#[derive(Clone, Copy)]
struct Entry {
    /// Kind in bits 0–2, "holds escapes" in bit 3, "is not spelt as the writer would" in bit 4; above, the number of
    /// members or elements, or the digest of a member name.
    head: u32,
    /// First byte of the value in the text, the opening quote of a string included.
    start: u32,
    /// One past its last byte.
    end: u32,
    /// Index of the first entry that is not inside this one.
    next: u32,
}

/// Longest text whose offsets and counts an [`Entry`] can hold: a count has 27 bits, and what is counted takes two bytes.
const TEXT_BYTES_CEILING: usize = (1 << 28) - 1;

impl Entry {
    const ESCAPED: u32 = 1 << 3;
    const LOOSE: u32 = 1 << 4;
    const COUNT_SHIFT: u32 = 5;
    const KINDS: [Kind; 8] = [
        Kind::Null,
        Kind::False,
        Kind::True,
        Kind::Integer,
        Kind::Number,
        Kind::String,
        Kind::Array,
        Kind::Object,
    ];

    #[inline]
    fn kind(self) -> Kind {
        Entry::KINDS[(self.head & 7) as usize]
    }

    #[inline]
    fn is_escaped(self) -> bool {
        self.head & Entry::ESCAPED != 0
    }

    /// Whether there is white space or an escape in it, so that the writer may spell it otherwise.
    #[inline]
    fn is_loose(self) -> bool {
        self.head & Entry::LOOSE != 0
    }

    #[inline]
    fn count(self) -> usize {
        (self.head >> Entry::COUNT_SHIFT) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_sixteen_bytes() {
        assert_eq!(size_of::<Entry>(), 16);
    }

    #[test]
    fn kinds_come_back_from_the_head_they_were_put_in() {
        for kind in Entry::KINDS {
            let entry = Entry {
                head: kind as u32 | Entry::ESCAPED | 5 << Entry::COUNT_SHIFT,
                start: 0,
                end: 0,
                next: 0,
            };
            assert_eq!((entry.kind(), entry.is_escaped(), entry.is_loose()), (kind, true, false));
            assert_eq!(entry.count(), 5);
        }
    }

    #[test]
    fn buffers_serve_one_document_after_another() {
        let limits = Limits::default();
        let first = Document::parse(b"[1, 2, 3]".to_vec(), &limits).unwrap();
        let mut buffers = first.into_buffers();
        assert!(buffers.text.is_empty(), "the old text is gone");
        let capacity = buffers.text.capacity();
        buffers.text.extend_from_slice(b"{\"a\":1}");
        let second = Document::parse_buffers(&mut buffers, &limits).unwrap();
        assert_eq!(second.root().len(), 1);
        assert_eq!(second.into_buffers().text.capacity(), capacity);
    }

    #[test]
    fn what_is_refused_is_still_there() {
        for text in [&b"[1, 2"[..], b"\"\xff\"", b"\xef\xbb\xbf1", b"[1, 2, 3, 4]"] {
            let mut buffers = Buffers::from(text.to_vec());
            let limits = Limits { bytes_max: 10, ..Limits::default() };
            assert!(Document::parse_buffers(&mut buffers, &limits).is_err());
            assert_eq!(buffers.text, text);
        }
    }

    #[test]
    fn debug_output_shows_no_content() {
        let document = Document::parse(br#"{"token":"secret"}"#.to_vec(), &Limits::default()).unwrap();
        let shown = format!("{document:?} {:?}", document.root());
        assert!(!shown.contains("secret") && !shown.contains("token"), "{shown}");
    }
}

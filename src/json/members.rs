//! Walking over the members of an object and the elements of an array.

use std::borrow::Cow;
use std::fmt;

use super::names::{DIGEST_BITS, digest};
use super::{Document, Value, text};

/// A name that is looked for in many documents, with what finds it fast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub(super) digest: u32,
    short: Short,
    text: Box<str>,
}

impl Name {
    /// The name.
    pub fn new(text: &str) -> Name {
        Name { digest: digest(text.as_bytes()), short: Short::of(text), text: text.into() }
    }

    /// Whether it is the name of a member, as far as can be seen in one step: if so, it is for sure.
    #[inline]
    pub(super) fn is_plainly(&self, key: Key<'_>) -> bool {
        key.0.behind_quote().is_some_and(|text| self.short.begins(text))
    }

    /// Bits of a digest that may be set.
    pub(super) const DIGEST_BITS: u32 = DIGEST_BITS;

    /// As text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A name of up to fifteen bytes and the quote behind it, as one number: both stand in a text where the name does, and are
/// found there in one step. Names that are longer, or escaped where they stand, are found nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short {
    bytes: u128,
    /// Which of sixteen bytes are of it.
    mask: u128,
}

impl Short {
    /// What is found nowhere.
    const NEVER: Short = Short { bytes: 1, mask: 0 };

    fn of(name: &str) -> Short {
        let mut bytes = [0; 16];
        let is_plain = !name.contains(['"', '\\']);
        let Some((own, [quote, ..])) = bytes.split_at_mut_checked(name.len()).filter(|_| is_plain) else {
            return Short::NEVER;
        };
        own.copy_from_slice(name.as_bytes());
        *quote = b'"';
        Short { bytes: u128::from_le_bytes(bytes), mask: u128::MAX >> (8 * (15 - name.len())) }
    }

    #[inline]
    fn begins(self, text: &[u8; 16]) -> bool {
        u128::from_le_bytes(*text) & self.mask == self.bytes
    }
}

/// A member's name.
#[derive(Clone, Copy)]
pub struct Key<'a>(Value<'a>);

impl<'a> Key<'a> {
    /// The name; borrowed unless it holds escapes.
    pub fn as_str(self) -> Cow<'a, str> {
        self.0.decoded()
    }

    /// Whether the name is `name`; never allocates.
    ///
    /// Inlined nowhere: [`Names`](super::Names) find most members without it.
    #[inline(never)]
    pub fn is(self, name: &str) -> bool {
        match self.0.plain_bytes() {
            Some(bytes) => are_same(bytes, name.as_bytes()),
            None => self.means(name),
        }
    }

    /// The same, for a name that holds escapes: kept apart, as it needs registers that nearly nobody else does.
    #[cold]
    fn means(self, name: &str) -> bool {
        text::means(self.0.content(), name)
    }

    /// What the reader noted of it.
    #[inline]
    pub(super) fn digest(self) -> u32 {
        self.0.entry().digest()
    }

    /// Whether the name holds escapes, so that [`Key::raw`] differs from what it means.
    #[inline]
    pub fn is_escaped(self) -> bool {
        self.0.is_escaped()
    }

    /// The name as it stood, with quotes and escapes.
    pub fn raw(self) -> &'a str {
        self.0.raw()
    }

    /// The name as a string of the document, for who treats names as values.
    pub(crate) fn value(self) -> Value<'a> {
        self.0
    }

    /// Byte offset of the name in the text.
    pub fn offset(self) -> usize {
        self.0.offset()
    }
}

/// Whether two short texts are the same. Nearly all have four to sixteen bytes: two pieces of a fixed length, which may
/// overlap, are compared in place. A call that compares texts of any length takes longer for each than to find a name.
#[inline]
pub(crate) fn are_same(one: &[u8], other: &[u8]) -> bool {
    fn ends_are_same<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() == other.first_chunk() && one.last_chunk::<N>() == other.last_chunk()
    }
    match one.len() {
        length if length != other.len() => false,
        4..8 => ends_are_same::<4>(one, other),
        8..=16 => ends_are_same::<8>(one, other),
        _ => one == other,
    }
}

/// Shows the place, never the name: clients choose names too.
impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key at byte {}", self.offset())
    }
}

/// The members of an object, in the order of the text.
#[derive(Clone, Debug)]
pub struct Members<'a>(pub(super) Inside<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Key<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Inside { document, at, end } = self.0;
        if at == end {
            return None;
        }
        // A name has nothing inside, so that its value comes next.
        let (name, value) = (Value::new(document, at), Value::new(document, at + 1));
        self.0.at = value.next();
        Some((Key(name), value))
    }
}

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a>(pub(super) Inside<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        self.0.step()
    }
}

/// A walk over the entries directly inside a value.
#[derive(Clone)]
pub(super) struct Inside<'a> {
    document: &'a Document,
    at: u32,
    end: u32,
}

impl<'a> Inside<'a> {
    /// Walks from the entry `at` to the one before `end`.
    #[inline]
    pub(super) fn new(document: &'a Document, at: u32, end: u32) -> Self {
        Inside { document, at, end }
    }

    #[inline]
    fn step(&mut self) -> Option<Value<'a>> {
        if self.at == self.end {
            return None;
        }
        let value = Value::new(self.document, self.at);
        self.at = value.next();
        Some(value)
    }
}

impl fmt::Debug for Inside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries {} to {}", self.at, self.end)
    }
}

//! The strict reader: checks a text and writes its tape, in one pass, without allocating per value.
//!
//! The grammar is RFC 8259's. On top of it the reader refuses a byte order mark, member names that occur
//! twice in one object, surrogates without their partner, and whatever exceeds the [`Limits`].

mod tokens;

use self::tokens::{Away, misspelt, number, rest_of_string};
use super::names::{digest, first_duplicate};
use super::{Entry, Kind, Limits, ReadError, ReadErrorKind, TEXT_BYTES_CEILING, text};

/// Nesting the reader will never follow, whatever [`Limits::depth_max`] says: what walks over the tape calls itself once
/// per level.
const DEPTH_CEILING: u16 = 512;

/// Bytes of text for each entry of the tape that is made room for beforehand. In the golden cases every second body has
/// more than ten and four in five have eight or more, so that the tape is mostly one allocation.
const BYTES_PER_ENTRY: usize = 8;

/// Reads `bytes` onto `tape`, which must be empty; returns the text.
pub(super) fn read(bytes: Vec<u8>, limits: &Limits, tape: &mut Vec<Entry>) -> Result<String, ReadError> {
    let bytes_max = limits.bytes_max.min(TEXT_BYTES_CEILING);
    if bytes.len() > bytes_max {
        return Err(ReadError { kind: ReadErrorKind::TooLong, offset: bytes_max });
    }
    let text = String::from_utf8(bytes).map_err(|refused| ReadError {
        kind: ReadErrorKind::Utf8,
        offset: refused.utf8_error().valid_up_to(),
    })?;
    if text.starts_with('\u{feff}') {
        return Err(ReadError { kind: ReadErrorKind::Bom, offset: 0 });
    }
    tape.reserve((text.len() / BYTES_PER_ENTRY + 4).min(limits.nodes_max));
    let mut reader = Reader {
        text: &text,
        bytes: text.as_bytes(),
        at: 0,
        depth_left: limits.depth_max.min(DEPTH_CEILING),
        nodes_max: limits.nodes_max,
        tape,
        inside: NONE,
        loose: 0,
    };
    match reader.document() {
        Ok(()) => Ok(text),
        Err(kind) => Err(ReadError { kind, offset: reader.at }),
    }
}

/// The entry of no container.
const NONE: u32 = u32::MAX;

/// One member or element more, in the head of a container.
const ONE_MORE: u32 = 1 << Entry::COUNT_SHIFT;

/// A text on its way onto the tape.
///
/// All of it is one loop without a call for each value: a function that called itself took an eighth more instructions.
/// That is also why the steps are `inline`, and why what happens seldom is done by functions that are not told of the
/// reader, so that where it is can stay in the processor.
struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Offset of the next byte; once a step has failed, of the offence.
    at: usize,
    depth_left: u16,
    nodes_max: usize,
    tape: &'t mut Vec<Entry>,
    /// The entry of the innermost container that is open. Until it ends, its own entry says in `next` in which other it
    /// is, in `end` how loose the text was when it began, and in its head how much it holds so far.
    inside: u32,
    /// How often white space or an escape was met. What it was not met in is spelt as the writer would.
    loose: u32,
}

/// Where it failed is in [`Reader::at`].
type Step<T = ()> = Result<T, ReadErrorKind>;

impl Reader<'_> {
    #[inline]
    fn document(&mut self) -> Step {
        self.skip_space();
        if self.peek().is_none() {
            return Err(ReadErrorKind::Empty);
        }
        self.value()?;
        self.skip_space();
        match self.peek() {
            Some(_) => Err(ReadErrorKind::Trailing),
            None => Ok(()),
        }
    }

    /// Reads a value and all that is in it.
    #[inline]
    fn value(&mut self) -> Step {
        loop {
            match self.peek() {
                Some(b'"') => {
                    let (start, escapes) = (self.at, self.string()?);
                    self.push(Kind::String as u32 | escaped(escapes), start)?;
                }
                Some(b'{') => {
                    self.open(Kind::Object)?;
                    if !self.take(b'}') {
                        self.name()?;
                        continue;
                    }
                    self.close();
                }
                Some(b'[') => {
                    self.open(Kind::Array)?;
                    if !self.take(b']') {
                        self.count();
                        continue;
                    }
                    self.close();
                }
                Some(b'n') => self.word(b"null", Kind::Null)?,
                Some(b't') => self.word(b"true", Kind::True)?,
                Some(b'f') => self.word(b"false", Kind::False)?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(_) => return Err(ReadErrorKind::Syntax),
                None => return Err(ReadErrorKind::Unfinished),
            }
            if !self.goes_on()? {
                return Ok(());
            }
        }
    }

    /// What follows a value: whether another one does. Containers that end here are closed.
    #[inline]
    fn goes_on(&mut self) -> Step<bool> {
        while self.inside != NONE {
            let is_object = self.tape[self.inside as usize].kind() == Kind::Object;
            self.skip_space();
            if self.take(b',') {
                self.skip_space();
                if is_object {
                    self.name()?;
                } else {
                    self.count();
                }
                return Ok(true);
            }
            self.expect(if is_object { b'}' } else { b']' })?;
            if is_object {
                self.refuse_duplicates()?;
            }
            self.close();
        }
        Ok(false)
    }

    /// Reads a name and its colon.
    #[inline]
    fn name(&mut self) -> Step {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(ReadErrorKind::Syntax),
            None => return Err(ReadErrorKind::Unfinished),
        }
        let (start, escapes) = (self.at, self.string()?);
        let digest = if escapes == 0 {
            digest(&self.bytes[start + 1..self.at - 1])
        } else {
            digest(text::unescape(&self.text[start + 1..self.at - 1]).as_bytes())
        };
        self.push(Kind::String as u32 | escaped(escapes) | digest << Entry::COUNT_SHIFT, start)?;
        self.count();
        if !self.take(b':') {
            self.skip_space();
            self.expect(b':')?;
        }
        self.skip_space();
        Ok(())
    }

    /// Counts what comes next in the container.
    #[inline]
    fn count(&mut self) {
        self.tape[self.inside as usize].head += ONE_MORE;
    }

    /// Passes over a string; gives how many escapes it holds.
    #[inline]
    fn string(&mut self) -> Step<u32> {
        self.at = text::plain_end(self.bytes, self.at + 1);
        let mut escapes = 0;
        if self.peek() != Some(b'"') {
            (self.at, escapes) = self.away(rest_of_string(self.bytes, self.at))?;
            self.loose += escapes;
        }
        self.at += 1;
        Ok(escapes)
    }

    #[inline]
    fn number(&mut self) -> Step {
        let start = self.at;
        let kind;
        (self.at, kind) = self.away(number(self.bytes, start))?;
        self.push(kind as u32, start)
    }

    #[inline]
    fn word(&mut self, word: &[u8], kind: Kind) -> Step {
        let start = self.at;
        if !self.bytes[start..].starts_with(word) {
            return self.away(Err(misspelt(self.bytes, start, word)));
        }
        self.at += word.len();
        self.push(kind as u32, start)
    }

    /// Begins an object or array; its entry is completed by `close`.
    #[inline]
    fn open(&mut self, kind: Kind) -> Step {
        if self.depth_left == 0 {
            return Err(ReadErrorKind::Depth);
        }
        self.depth_left -= 1;
        let start = self.at;
        self.at += 1;
        self.push(kind as u32, start)?;
        let own = offset(self.tape.len() - 1);
        let entry = &mut self.tape[own as usize];
        (entry.next, entry.end) = (self.inside, self.loose);
        self.inside = own;
        self.skip_space();
        Ok(())
    }

    /// Ends the innermost container.
    #[inline]
    fn close(&mut self) {
        self.depth_left += 1;
        let next = offset(self.tape.len());
        let entry = &mut self.tape[self.inside as usize];
        let is_loose = if self.loose == entry.end { 0 } else { Entry::LOOSE };
        self.inside = entry.next;
        entry.head |= is_loose;
        entry.end = offset(self.at);
        entry.next = next;
    }

    /// Looks for a name that the object which ends here has twice.
    #[inline]
    fn refuse_duplicates(&mut self) -> Step {
        let first = self.inside as usize + 1;
        let count = self.tape[first - 1].count();
        match first_duplicate(&self.tape[first..], first, count, self.text) {
            None => Ok(()),
            Some(duplicate) => self.away(Err((ReadErrorKind::DuplicateKey, duplicate))),
        }
    }

    /// Puts the value that ends here onto the tape.
    #[inline]
    fn push(&mut self, head: u32, start: usize) -> Step {
        if self.tape.len() >= self.nodes_max {
            self.at = start;
            return Err(ReadErrorKind::TooMany);
        }
        let next = offset(self.tape.len() + 1);
        self.tape.push(Entry { head, start: offset(start), end: offset(self.at), next });
        Ok(())
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            self.loose += 1;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Step {
        if self.take(byte) {
            return Ok(());
        }
        let at_end = self.peek().is_none();
        Err(if at_end { ReadErrorKind::Unfinished } else { ReadErrorKind::Syntax })
    }

    /// What was done without the reader, which is told where it failed.
    #[inline]
    fn away<T>(&mut self, outcome: Away<T>) -> Step<T> {
        outcome.map_err(|(kind, at)| {
            self.at = at;
            kind
        })
    }
}

/// What the head of a string with so many escapes says of them.
#[inline]
fn escaped(escapes: u32) -> u32 {
    if escapes == 0 { 0 } else { Entry::ESCAPED | Entry::LOOSE }
}

/// An offset, index or count as the tape stores it; the limit on the text keeps all of them small.
#[expect(clippy::cast_possible_truncation, reason = "nothing counted exceeds TEXT_BYTES_CEILING")]
#[inline]
pub(super) fn offset(number: usize) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    fn refusal(text: &str) -> (ReadErrorKind, usize) {
        let error = Document::parse(text.into(), &Limits::default()).unwrap_err();
        (error.kind, error.offset)
    }

    #[test]
    fn a_refusal_says_what_and_where() {
        use ReadErrorKind as Is;
        for (text, expected) in [
            ("", (Is::Empty, 0)),
            (" \n", (Is::Empty, 2)),
            ("\u{feff}1", (Is::Bom, 0)),
            ("1 2", (Is::Trailing, 2)),
            ("[1,]", (Is::Syntax, 3)),
            ("[1", (Is::Unfinished, 2)),
            ("{\"a\":1,\"b\":2,\"a\":3}", (Is::DuplicateKey, 13)),
            ("\"a\tb\"", (Is::Control, 2)),
            ("\"\\q\"", (Is::Escape, 1)),
            ("\"\\ud800\"", (Is::Surrogate, 1)),
            ("01", (Is::Number, 1)),
            ("tru", (Is::Unfinished, 3)),
            ("nul]", (Is::Syntax, 3)),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
        let error = Document::parse(b"\"\xff\"".to_vec(), &Limits::default()).unwrap_err();
        assert_eq!(error, ReadError { kind: Is::Utf8, offset: 1 });
    }

    #[test]
    fn limits_hold_at_their_value_and_not_one_above() {
        let kind = |text: &str, limits: &Limits| {
            Document::parse(text.into(), limits).map_err(|error| error.kind).err()
        };
        let limits = Limits { depth_max: 2, bytes_max: 8, nodes_max: 4 };
        assert_eq!(kind("[[1]]", &limits), None);
        assert_eq!(kind("[[[]]]", &limits), Some(ReadErrorKind::Depth));
        assert_eq!(kind("[1,2,3]", &limits), None);
        assert_eq!(kind("[1,2,[]]", &limits), None);
        assert_eq!(kind("[[],[],[]]", &Limits { bytes_max: 9, ..limits }), Some(ReadErrorKind::TooLong));
        assert_eq!(kind("[1,2,3,4]", &Limits { bytes_max: 9, ..limits }), Some(ReadErrorKind::TooMany));
        let number = |digits: usize| "1".repeat(digits);
        assert_eq!(kind(&number(tokens::NUMBER_BYTES_MAX), &Limits::default()), None);
        assert_eq!(
            kind(&number(tokens::NUMBER_BYTES_MAX + 1), &Limits::default()),
            Some(ReadErrorKind::LongNumber)
        );
    }

    #[test]
    fn depth_has_a_ceiling_of_its_own() {
        let limits = Limits { depth_max: u16::MAX, ..Limits::default() };
        let nested = |depth: u16| "[".repeat(depth.into()) + &"]".repeat(depth.into());
        assert!(Document::parse(nested(DEPTH_CEILING).into(), &limits).is_ok());
        assert!(Document::parse(nested(DEPTH_CEILING + 1).into(), &limits).is_err());
    }
}

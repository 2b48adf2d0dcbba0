//! The strict reader: checks a text and writes its tape, in one pass, without allocating per value.
//!
//! The grammar is RFC 8259's. On top of it the reader refuses a byte order mark, member names that occur
//! twice in one object, surrogates without their partner, and whatever exceeds the [`Limits`].

use super::names::{digest, first_duplicate};
use super::{Entry, Kind, Limits, ReadError, ReadErrorKind, TEXT_BYTES_CEILING, text};

/// Nesting the reader will never follow, whatever [`Limits::depth_max`] says: it calls itself once per level.
const DEPTH_CEILING: u16 = 512;

/// Longest number taken. Beyond it, comparing two numbers costs more than reading a whole ordinary body.
const NUMBER_BYTES_MAX: usize = 1024;

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
        loose: 0,
    };
    match reader.document() {
        Ok(()) => Ok(text),
        Err(kind) => Err(ReadError { kind, offset: reader.at }),
    }
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Offset of the next byte; once a step has failed, of the offence.
    at: usize,
    depth_left: u16,
    nodes_max: usize,
    tape: &'t mut Vec<Entry>,
    /// How often white space or an escape was met. What it was not met in is spelt as the writer would.
    loose: usize,
}

/// One byte wide, because a step is taken for every token: where it failed is in [`Reader::at`].
type Step = Result<(), ReadErrorKind>;

impl Reader<'_> {
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

    fn value(&mut self) -> Step {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Kind::True),
            Some(b'f') => self.word("false", Kind::False),
            Some(b'n') => self.word("null", Kind::Null),
            Some(_) => Err(ReadErrorKind::Syntax),
            None => Err(ReadErrorKind::Unfinished),
        }
    }

    fn object(&mut self) -> Step {
        let object = self.open(Kind::Object)?;
        let loose = self.loose;
        self.skip_space();
        if self.take(b'}') {
            self.close(object, 0, loose);
            return Ok(());
        }
        let mut count = 0;
        loop {
            self.name()?;
            count += 1;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            self.value()?;
            self.skip_space();
            if self.take(b'}') {
                break;
            }
            self.expect(b',')?;
            self.skip_space();
        }
        if let Some(duplicate) = first_duplicate(&self.tape[object + 1..], object + 1, count, self.text) {
            self.at = duplicate;
            return Err(ReadErrorKind::DuplicateKey);
        }
        self.close(object, count, loose);
        Ok(())
    }

    fn array(&mut self) -> Step {
        let array = self.open(Kind::Array)?;
        let (mut count, loose) = (0, self.loose);
        self.skip_space();
        if self.take(b']') {
            self.close(array, 0, loose);
            return Ok(());
        }
        loop {
            self.value()?;
            count += 1;
            self.skip_space();
            if self.take(b']') {
                break;
            }
            self.expect(b',')?;
            self.skip_space();
        }
        self.close(array, count, loose);
        Ok(())
    }

    fn name(&mut self) -> Step {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(ReadErrorKind::Syntax),
            None => return Err(ReadErrorKind::Unfinished),
        }
        let start = self.at + 1;
        let is_escaped = self.string()?;
        let within = start..self.at - 1;
        let digest = if is_escaped {
            digest(text::unescape(&self.text[within]).as_bytes())
        } else {
            digest(&self.bytes[within])
        };
        if let Some(name) = self.tape.last_mut() {
            name.head |= digest << Entry::COUNT_SHIFT;
        }
        Ok(())
    }

    /// Reads a string; returns whether it holds escapes.
    fn string(&mut self) -> Result<bool, ReadErrorKind> {
        let start = self.at;
        let mut is_escaped = false;
        self.at += 1;
        loop {
            self.at += text::plain_len(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let (_, taken) = text::unescape_one(&self.bytes[self.at..])?;
                    self.at += taken;
                    is_escaped = true;
                    self.loose += 1;
                }
                Some(_) => return Err(ReadErrorKind::Control),
                None => return Err(ReadErrorKind::Unfinished),
            }
        }
        self.at += 1;
        let escaped = if is_escaped { Entry::ESCAPED | Entry::LOOSE } else { 0 };
        self.push(Kind::String as u32 | escaped, start)?;
        Ok(is_escaped)
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        let mut kind = Kind::Integer;
        let negative = self.take(b'-');
        if self.take(b'0') {
            // No digit may follow. Minus zero is no integer: whoever reads it as one loses its sign.
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(ReadErrorKind::Number);
            }
            if negative {
                kind = Kind::Number;
            }
        } else {
            self.digits()?;
        }
        if self.take(b'.') {
            kind = Kind::Number;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            kind = Kind::Number;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        if self.at - start > NUMBER_BYTES_MAX {
            self.at = start;
            return Err(ReadErrorKind::LongNumber);
        }
        self.push(kind as u32, start)
    }

    /// One digit or more.
    fn digits(&mut self) -> Step {
        let length = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        match (length, self.peek()) {
            (0, Some(_)) => Err(ReadErrorKind::Number),
            (0, None) => Err(ReadErrorKind::Unfinished),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Step {
        let start = self.at;
        if self.bytes[start..].starts_with(word.as_bytes()) {
            self.at += word.len();
        } else {
            // Some letter of it fails, and it is said which.
            word.bytes().try_for_each(|letter| self.expect(letter))?;
        }
        self.push(kind as u32, start)
    }

    /// Begins an object or array; its entry is completed by `close`.
    fn open(&mut self, kind: Kind) -> Result<usize, ReadErrorKind> {
        if self.depth_left == 0 {
            return Err(ReadErrorKind::Depth);
        }
        self.depth_left -= 1;
        let start = self.at;
        self.at += 1;
        self.push(kind as u32, start)?;
        Ok(self.tape.len() - 1)
    }

    /// Ends an object or array in which something loose was met since there were `loose` such things.
    fn close(&mut self, container: usize, count: usize, loose: usize) {
        self.depth_left += 1;
        let next = offset(self.tape.len());
        let entry = &mut self.tape[container];
        let is_loose = if self.loose == loose { 0 } else { Entry::LOOSE };
        entry.head |= is_loose | offset(count) << Entry::COUNT_SHIFT;
        entry.end = offset(self.at);
        entry.next = next;
    }

    /// Puts the value that ends here onto the tape.
    fn push(&mut self, head: u32, start: usize) -> Step {
        if self.tape.len() >= self.nodes_max {
            self.at = start;
            return Err(ReadErrorKind::TooMany);
        }
        let next = offset(self.tape.len() + 1);
        self.tape.push(Entry { head, start: offset(start), end: offset(self.at), next });
        Ok(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
            self.loose += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Step {
        if self.take(byte) {
            return Ok(());
        }
        let at_end = self.peek().is_none();
        Err(if at_end { ReadErrorKind::Unfinished } else { ReadErrorKind::Syntax })
    }
}

/// An offset, index or count as the tape stores it; the limit on the text keeps all of them small.
#[expect(clippy::cast_possible_truncation, reason = "nothing counted exceeds TEXT_BYTES_CEILING")]
fn offset(number: usize) -> u32 {
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
        assert_eq!(kind(&number(NUMBER_BYTES_MAX), &Limits::default()), None);
        assert_eq!(kind(&number(NUMBER_BYTES_MAX + 1), &Limits::default()), Some(ReadErrorKind::LongNumber));
    }

    #[test]
    fn depth_has_a_ceiling_of_its_own() {
        let limits = Limits { depth_max: u16::MAX, ..Limits::default() };
        let nested = |depth: u16| "[".repeat(depth.into()) + &"]".repeat(depth.into());
        assert!(Document::parse(nested(DEPTH_CEILING).into(), &limits).is_ok());
        assert!(Document::parse(nested(DEPTH_CEILING + 1).into(), &limits).is_err());
    }
}

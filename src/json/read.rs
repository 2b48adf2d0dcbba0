//! The strict reader: checks a text and writes its tape, in one pass, without allocating per value.
//!
//! The grammar is RFC 8259's. On top of it the reader refuses a byte order mark, member names that occur
//! twice in one object, surrogates without their partner, and whatever exceeds the [`Limits`].

mod plain;
mod tokens;

use std::mem;

use self::tokens::{Away, misspelt, number, rest_of_string, space_end};
use super::names::{digest, first_duplicate};
use super::{Entry, Kind, Limits, ReadError, ReadErrorKind, TEXT_BYTES_CEILING, text};

/// Nesting the reader will never follow, whatever [`Limits::depth_max`] says: what walks over the tape calls itself once
/// per level.
const DEPTH_CEILING: u16 = 512;

/// Bytes of text for each entry of the tape that is made room for beforehand. In the golden cases every second body has
/// more than ten and four in five have eight or more, so that the tape is mostly one allocation.
const BYTES_PER_ENTRY: usize = 8;

/// How long a text must be to be looked through for how many entries it can have, if it begins as a dense one. Of others it is as well
/// to guess; a dense one would have much of its tape twice while that moves.
const LOOKED_THROUGH: usize = 8 * 1024;

/// How much of it says how it begins. To look through all of every list was half of what it takes to read it.
const BEGINNING: usize = 512;

/// What is dense: an entry for every four bytes.
const DENSE: usize = 4;

/// Entries that are ready before anything is read: those of nearly every body, and little work for one that is rubbish.
const ENTRIES_AT_FIRST: usize = 1024;

/// Reads `bytes` onto `tape`, whose entries are overwritten; returns the text, or leaves it where it was.
pub(super) fn read(bytes: &mut Vec<u8>, limits: &Limits, tape: &mut Vec<Entry>) -> Result<String, ReadError> {
    let bytes_max = limits.bytes_max.min(TEXT_BYTES_CEILING);
    if bytes.len() > bytes_max {
        return Err(ReadError { kind: ReadErrorKind::TooLong, offset: bytes_max });
    }
    let text = String::from_utf8(mem::take(bytes)).map_err(|refused| {
        let offset = refused.utf8_error().valid_up_to();
        *bytes = refused.into_bytes();
        ReadError { kind: ReadErrorKind::Utf8, offset }
    })?;
    match read_text(&text, limits, tape) {
        Ok(()) => Ok(text),
        Err(error) => {
            *bytes = text.into_bytes();
            Err(error)
        }
    }
}

fn read_text(text: &str, limits: &Limits, tape: &mut Vec<Entry>) -> Result<(), ReadError> {
    if text.starts_with('\u{feff}') {
        return Err(ReadError { kind: ReadErrorKind::Bom, offset: 0 });
    }
    let bytes = text.as_bytes();
    let entries = if bytes.len() > LOOKED_THROUGH && entries_max(&bytes[..BEGINNING]) > BEGINNING / DENSE {
        entries_max(bytes)
    } else {
        bytes.len() / BYTES_PER_ENTRY + 4
    };
    let room = entries.min(limits.nodes_max);
    tape.reserve(room.saturating_sub(tape.len()));
    tape.resize(room.min(ENTRIES_AT_FIRST), BLANK);
    let mut reader = Reader {
        text,
        bytes,
        at: 0,
        depth_left: limits.depth_max.min(DEPTH_CEILING),
        nodes_max: limits.nodes_max,
        tape,
        length: 0,
        inside: NONE,
        within: Within::Nothing,
        count: 0,
        loose: 0,
    };
    let outcome = reader.document();
    let (length, at) = (reader.length, reader.at);
    tape.truncate(length as usize);
    outcome.map_err(|kind| ReadError { kind, offset: at as usize })
}

/// As many entries as a text can have: before each but the first stands a comma, a colon, or a bracket that is not closed at once. It
/// has as many where none of these is in a string, and there is no space where nothing is.
fn entries_max(text: &[u8]) -> usize {
    let is_before_one = |two: &&[u8]| match two[0] {
        b',' | b':' => true,
        b'[' | b'{' => !matches!(two[1], b']' | b'}'),
        _ => false,
    };
    1 + text.windows(2).filter(is_before_one).count()
}

/// The entry of no container.
const NONE: u32 = u32::MAX;

/// Room for an entry.
const BLANK: Entry = Entry { head: 0, start: 0, end: 0, next: NONE };

/// A text on its way onto the tape.
struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Offset of the next byte; once a step has failed, of the offence.
    at: u32,
    depth_left: u16,
    nodes_max: usize,
    /// The entries, and behind them room for more: to look whether there is any, and to count one more, takes less than
    /// a vector does to append one.
    tape: &'t mut Vec<Entry>,
    /// How many entries there are.
    length: u32,
    /// The entry of the innermost container that is open. Until it ends, its own entry says in `next` in which other it
    /// is, in its head how much that one holds so far, and in `end` how loose the text was when it began.
    inside: u32,
    /// What that container is.
    within: Within,
    /// How much it holds so far.
    count: u32,
    /// How often white space or an escape was met. What it was not met in is spelt as the writer would.
    loose: u32,
}

/// What a value is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Array,
    Object,
}

/// What comes next in the text.
enum Next {
    /// A member's name.
    Name,
    Value,
    /// What follows a value.
    Rest,
    /// The end of the text.
    End,
}

/// Where it failed is in [`Reader::at`].
type Step<T = ()> = Result<T, ReadErrorKind>;

impl Reader<'_> {
    fn document(&mut self) -> Step {
        let mut next = Next::Value;
        loop {
            next = match next {
                Next::Name => self.members()?,
                Next::Value => self.value()?,
                Next::Rest => self.rest()?,
                Next::End => return Ok(()),
            };
        }
    }

    /// Reads members, all of them if they are plain.
    fn members(&mut self) -> Step<Next> {
        let plain = plain::members(self.bytes, self.at, self.tape, self.length, self.depth_left > 0);
        // Each has two entries, except the last if its value comes next.
        self.count += (plain.length - self.length).div_ceil(2);
        self.at = plain.at;
        self.length = plain.length;
        self.loose += plain.loose;
        match plain.next {
            Next::Name => self.name(),
            Next::Value | Next::Rest | Next::End => Ok(plain.next),
        }
    }

    /// Reads a name and its colon.
    #[inline]
    fn name(&mut self) -> Step<Next> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(ReadErrorKind::Syntax),
            None => return Err(ReadErrorKind::Unfinished),
        }
        let start = self.at;
        let head = self.string()?;
        let name = text::decoded(&self.text[start as usize + 1..self.at as usize - 1]);
        self.push(head | digest(name.as_bytes()) << Entry::COUNT_SHIFT, start)?;
        self.count += 1;
        self.skip_space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(ReadErrorKind::Syntax),
            None => return Err(ReadErrorKind::Unfinished),
        }
        Ok(Next::Value)
    }

    /// Reads a value, or the beginning of one that holds others.
    fn value(&mut self) -> Step<Next> {
        self.skip_space();
        self.count += u32::from(self.within == Within::Array);
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                let head = self.string()?;
                self.push(head, start)?;
            }
            Some(begin @ (b'{' | b'[')) => return self.open(begin),
            Some(b'n') => self.word(b"null", Kind::Null)?,
            Some(b't') => self.word(b"true", Kind::True)?,
            Some(b'f') => self.word(b"false", Kind::False)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => return Err(ReadErrorKind::Syntax),
            None if self.length == 0 => return Err(ReadErrorKind::Empty),
            None => return Err(ReadErrorKind::Unfinished),
        }
        Ok(Next::Rest)
    }

    /// What follows a value: another one, or the end of what it is in.
    fn rest(&mut self) -> Step<Next> {
        self.skip_space();
        let next = match (self.peek(), self.within) {
            (Some(b','), Within::Object) => Next::Name,
            (Some(b','), Within::Array) => Next::Value,
            (Some(b'}'), Within::Object) => {
                self.refuse_duplicates()?;
                self.close();
                Next::Rest
            }
            (Some(b']'), Within::Array) => {
                self.close();
                Next::Rest
            }
            (None, Within::Nothing) => return Ok(Next::End),
            (Some(_), Within::Nothing) => return Err(ReadErrorKind::Trailing),
            (Some(_), Within::Array | Within::Object) => return Err(ReadErrorKind::Syntax),
            (None, Within::Array | Within::Object) => return Err(ReadErrorKind::Unfinished),
        };
        self.at += 1;
        Ok(next)
    }

    /// Passes over a string; gives the head of its entry.
    #[inline]
    fn string(&mut self) -> Step<u32> {
        let plain = text::plain_end(self.bytes, self.at + 1);
        let (end, escapes) = match self.bytes.get(plain as usize) {
            Some(b'"') => (plain, 0),
            _ => self.away(rest_of_string(self.bytes, plain))?,
        };
        self.at = end + 1;
        self.loose += escapes;
        let flags = if escapes == 0 { 0 } else { Entry::ESCAPED | Entry::LOOSE };
        Ok(Kind::String as u32 | flags)
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        let kind;
        (self.at, kind) = self.away(number(self.bytes, start))?;
        self.push(kind as u32, start)
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Step {
        let start = self.at;
        if !self.bytes[start as usize..].starts_with(word) {
            return self.away(Err(misspelt(self.bytes, start, word)));
        }
        self.at += offset(word.len());
        self.push(kind as u32, start)
    }

    /// Begins an object or array; its entry is completed by `close`.
    fn open(&mut self, begin: u8) -> Step<Next> {
        if self.depth_left == 0 {
            return Err(ReadErrorKind::Depth);
        }
        self.depth_left -= 1;
        let (kind, within, next, end) = if begin == b'{' {
            (Kind::Object, Within::Object, Next::Name, b'}')
        } else {
            (Kind::Array, Within::Array, Next::Value, b']')
        };
        let own = self.length;
        let head = kind as u32 | self.count << Entry::COUNT_SHIFT;
        self.put(Entry { head, start: self.at, end: self.loose, next: self.inside })?;
        (self.inside, self.within, self.count) = (own, within, 0);
        self.at += 1;
        self.skip_space();
        // What is empty ends here; anywhere else a value comes before the end.
        Ok(if self.peek() == Some(end) { Next::Rest } else { next })
    }

    /// Completes the entry of the innermost container, which ends with the next byte.
    fn close(&mut self) {
        self.depth_left += 1;
        let next = self.length;
        let entry = &mut self.tape[self.inside as usize];
        let is_loose = if self.loose == entry.end { 0 } else { Entry::LOOSE };
        let (outer, count) = (entry.next, offset(entry.count()));
        entry.head = entry.kind() as u32 | is_loose | self.count << Entry::COUNT_SHIFT;
        (entry.end, entry.next) = (self.at + 1, next);
        (self.inside, self.count) = (outer, count);
        self.within = match self.tape.get(outer as usize).map(|outer| outer.kind()) {
            None => Within::Nothing,
            Some(Kind::Object) => Within::Object,
            Some(_) => Within::Array,
        };
    }

    /// Looks for a name that the object which ends here has twice.
    fn refuse_duplicates(&mut self) -> Step {
        match first_duplicate(&self.tape[..self.length as usize], self.inside, self.count, self.text) {
            None => Ok(()),
            Some(duplicate) => self.away(Err((ReadErrorKind::DuplicateKey, duplicate))),
        }
    }

    /// Puts a value onto the tape that ends here and holds no others.
    fn push(&mut self, head: u32, start: u32) -> Step {
        self.put(Entry { head, start, end: self.at, next: self.length + 1 })
    }

    fn put(&mut self, entry: Entry) -> Step {
        if self.length as usize >= self.tape.len() {
            if self.tape.len() >= self.nodes_max {
                self.at = entry.start;
                return Err(ReadErrorKind::TooMany);
            }
            if self.tape.capacity() == self.tape.len() {
                // All entries have to move, and once is enough: the text is dense, and an entry has two bytes of it at least,
                // for something ends or follows each but the last. What is not written to takes no memory.
                let most = (self.bytes.len() - entry.start as usize) / 2 + 1;
                self.tape.reserve_exact(most.min(self.nodes_max - self.tape.len()));
            }
            let more = (self.tape.len() * 2).min(self.tape.capacity());
            self.tape.resize(more.min(self.nodes_max), BLANK);
        }
        self.tape[self.length as usize] = entry;
        self.length += 1;
        Ok(())
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            let end = space_end(self.bytes, self.at);
            self.loose += end - self.at;
            self.at = end;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at as usize).copied()
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
        let number = |digits: u32| "1".repeat(digits as usize);
        assert_eq!(kind(&number(tokens::NUMBER_BYTES_MAX), &Limits::default()), None);
        assert_eq!(
            kind(&number(tokens::NUMBER_BYTES_MAX + 1), &Limits::default()),
            Some(ReadErrorKind::LongNumber)
        );
    }

    #[test]
    fn a_dense_text_moves_once_and_has_no_more_room_than_it_can_need() {
        for one in ["1,", "[],", "{},", "{\"\":1},", "[[1]],"] {
            let text = format!("[{}1]", one.repeat(1000));
            let Document { tape, .. } = Document::parse(text.clone().into(), &Limits::default()).unwrap();
            assert!(tape.capacity() <= text.len() / 2 + 2, "{one}: {} of {}", tape.capacity(), text.len());
        }
    }

    #[test]
    fn a_large_text_that_is_dense_has_room_for_what_it_holds_at_once() {
        for one in ["1,", "[],", "{},", "{\"\":1},", "[[1]],", "{\"a\":[1,{\"b\":{}}]},"] {
            let text = format!("[{}1]", one.repeat(5000));
            let limits = Limits { nodes_max: 1 << 20, ..Limits::default() };
            let Document { tape, .. } = Document::parse(text.into(), &limits).unwrap();
            assert_eq!(tape.capacity(), tape.len(), "{one}");
        }
    }

    #[test]
    fn depth_has_a_ceiling_of_its_own() {
        let limits = Limits { depth_max: u16::MAX, ..Limits::default() };
        let nested = |depth: u16| "[".repeat(depth.into()) + &"]".repeat(depth.into());
        assert!(Document::parse(nested(DEPTH_CEILING).into(), &limits).is_ok());
        assert!(Document::parse(nested(DEPTH_CEILING + 1).into(), &limits).is_err());
    }
}

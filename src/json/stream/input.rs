//! A text that is read in pieces: what comes next, and where it stands.

use std::io::{self, ErrorKind, Read};

use super::StreamErrorKind;
use crate::json::ReadErrorKind;

/// How much is read at once.
const PIECE_BYTES: usize = 1 << 16;

/// A place in a text, as people count: lines and columns start at one, and a column is a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// How many bytes come before.
    pub byte: u64,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The column, if it is counted in units of UTF-16.
    pub column_utf16: usize,
}

impl Position {
    /// The beginning of a text.
    pub const START: Position = Position { byte: 0, line: 1, column: 1, column_utf16: 1 };

    /// The place after `text` that begins here. A character counts where it begins.
    #[must_use]
    pub fn after(self, text: &[u8]) -> Position {
        let newline = text.iter().rposition(|byte| *byte == b'\n');
        let (column, column_utf16, line) = match newline {
            Some(newline) => (1, 1, &text[newline + 1..]),
            None => (self.column, self.column_utf16, text),
        };
        let characters = line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        // Whatever takes four bytes takes two units, and everything else one.
        let wide = line.iter().filter(|byte| **byte >= 0xf0).count();
        Position {
            byte: self.byte + text.len() as u64,
            line: self.line + text.split(|byte| *byte == b'\n').count() - 1,
            column: column + characters,
            column_utf16: column_utf16 + characters + wide,
        }
    }
}

/// What is left of a text.
#[derive(Debug)]
pub(super) struct Input<R> {
    source: R,
    piece: Vec<u8>,
    /// How much of the piece was read, and how much there is of it.
    at: usize,
    end: usize,
    /// Where `counted` bytes of the piece end; what was read since then is counted when somebody asks.
    counted: usize,
    position: Position,
}

type Step<T = ()> = Result<T, StreamErrorKind>;

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Input<R> {
        let piece = vec![0; PIECE_BYTES];
        Input { source, piece, at: 0, end: 0, counted: 0, position: Position::START }
    }

    /// Where the next byte stands.
    pub(super) fn position(&mut self) -> Position {
        self.position = self.position.after(&self.piece[self.counted..self.at]);
        self.counted = self.at;
        self.position
    }

    /// Passes over a byte order mark.
    pub(super) fn pass_mark(&mut self) -> Step {
        if self.rest()?.first() != Some(&0xef) {
            return Ok(());
        }
        for expected in *b"\xef\xbb\xbf" {
            if self.rest()?.first() != Some(&expected) {
                return Err(StreamErrorKind::Json(ReadErrorKind::Syntax));
            }
            self.at += 1;
        }
        // It is no character of the text, though it takes its bytes.
        self.position.byte += 3;
        self.counted = self.at;
        Ok(())
    }

    /// The next byte that is no white space; none at the end of the text.
    pub(super) fn space(&mut self) -> Step<Option<u8>> {
        loop {
            let rest = self.rest()?;
            if rest.is_empty() {
                return Ok(None);
            }
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            match rest.iter().position(|byte| !is_space(byte)) {
                Some(blanks) => {
                    self.at += blanks;
                    return Ok(Some(self.piece[self.at]));
                }
                None => self.at = self.end,
            }
        }
    }

    /// The next byte that is no white space, of which there has to be one.
    pub(super) fn token(&mut self) -> Step<u8> {
        self.space()?.ok_or(StreamErrorKind::Json(ReadErrorKind::Unfinished))
    }

    /// Passes over one byte.
    pub(super) fn pass(&mut self) -> Step {
        if self.rest()?.is_empty() {
            return Err(StreamErrorKind::Json(ReadErrorKind::Unfinished));
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over a value, whose first byte comes next, as far as brackets and quotes tell where it ends. Its bytes
    /// go into `into`, if they are not more than the number beside it. Whether they were not.
    pub(super) fn value(&mut self, into: Option<(&mut Vec<u8>, usize)>) -> Step<bool> {
        let mut kept = into.map(|(bytes, bytes_max)| Kept { bytes, bytes_max, is_whole: true });
        let mut scan = Scan::default();
        loop {
            let rest = self.rest()?;
            if rest.is_empty() {
                // A number at the very end of a text is no element of anything.
                return Err(StreamErrorKind::Json(ReadErrorKind::Unfinished));
            }
            let (read, is_over) = match scan.feed(rest) {
                Ok(fed) => fed,
                Err(at) => {
                    self.at += at;
                    return Err(StreamErrorKind::Json(ReadErrorKind::Syntax));
                }
            };
            if let Some(kept) = &mut kept {
                kept.take(&rest[..read]);
            }
            self.at += read;
            if is_over {
                return Ok(kept.is_none_or(|kept| kept.is_whole));
            }
        }
    }

    /// What is left of the piece, or the next piece; empty at the end of the text.
    fn rest(&mut self) -> Step<&[u8]> {
        if self.at == self.end {
            self.position();
            let read = loop {
                match self.source.read(&mut self.piece) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    outcome => break outcome.map_err(|error: io::Error| StreamErrorKind::Io(error))?,
                }
            };
            (self.at, self.end, self.counted) = (0, read, 0);
        }
        Ok(&self.piece[self.at..self.end])
    }
}

/// Bytes that are kept, up to a limit.
struct Kept<'k> {
    bytes: &'k mut Vec<u8>,
    bytes_max: usize,
    is_whole: bool,
}

impl Kept<'_> {
    fn take(&mut self, more: &[u8]) {
        self.is_whole &= self.bytes.len() + more.len() <= self.bytes_max;
        if self.is_whole {
            self.bytes.extend_from_slice(more);
        } else {
            self.bytes.clear();
        }
    }
}

/// Where in a value the reading is.
#[derive(Default)]
struct Scan {
    state: State,
    depth: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Before its first byte.
    #[default]
    Before,
    /// Inside an object or an array.
    Inside,
    /// Inside a string.
    Text,
    /// After a backslash in a string.
    Escape,
    /// Inside a number or a word that is all of the value.
    Word,
}

impl Scan {
    /// Goes through bytes of the value: how many of them are its own, and whether it is over; or where there is one that
    /// no value has there.
    fn feed(&mut self, bytes: &[u8]) -> Result<(usize, bool), usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match (self.state, byte) {
                (State::Text, b'\\') => self.state = State::Escape,
                (State::Text, b'"') => {
                    self.state = State::Inside;
                    if self.depth == 0 {
                        return Ok((at + 1, true));
                    }
                }
                (State::Text, _) => {
                    // Most of a text is neither of the two.
                    let plain = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'));
                    at += plain.unwrap_or(bytes.len() - at);
                    continue;
                }
                (State::Word, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') => return Ok((at, true)),
                (State::Before, b'}' | b']' | b',' | b':') | (State::Word, b':') => return Err(at),
                (State::Escape, _) | (State::Before | State::Inside, b'"') => self.state = State::Text,
                (State::Before | State::Inside, b'{' | b'[') => {
                    self.state = State::Inside;
                    self.depth += 1;
                }
                (State::Inside, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok((at + 1, true));
                    }
                }
                (State::Before, _) => self.state = State::Word,
                (State::Inside | State::Word, _) => {}
            }
            at += 1;
        }
        Ok((at, false))
    }
}

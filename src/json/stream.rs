//! The elements of one array in a text of any length: read in pieces, with one element in memory at a time.
//!
//! The array lies at the end of a way through nested objects, such as `log`, `entries`. What stands beside the way is
//! only looked at as far as to find its end; each element comes as the bytes it is written with, for the strict reader
//! to read. A byte order mark before the text is passed over.
//!
//! ```
//! use interlingua::json::stream::Stream;
//!
//! let text = br#"{"log": {"version": "1.2", "entries": [{"a": 1}, 2]}}"#;
//! let mut stream = Stream::new(&text[..], &["log", "entries"], 1 << 20);
//! let mut element = Vec::new();
//! let first = stream.next(&mut element)?.expect("there are two");
//! assert_eq!((element.as_slice(), first.at.column), (&br#"{"a": 1}"#[..], 40));
//! # Ok::<(), interlingua::json::stream::StreamError>(())
//! ```

use std::error::Error;
use std::io::{self, Read};
use std::{fmt, mem};

use super::{Document, Limits, ReadErrorKind};

mod input;

use input::Input;
pub use input::Position;

/// Longest name of a member that is compared with those of the way.
const NAME_BYTES_MAX: usize = 256;

/// Reads the elements of an array.
#[derive(Debug)]
pub struct Stream<R> {
    input: Input<R>,
    way: Vec<String>,
    bytes_max: usize,
    state: State,
}

/// How far the reading came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the array.
    Before,
    /// Inside it, after so many elements.
    Inside(usize),
    /// At the end of the text, or where it cannot be read any further.
    Ended,
}

/// Where an element was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its first byte.
    pub at: Position,
    /// Whether its bytes are all there: of one that is longer than the limit there are none.
    pub is_whole: bool,
}

/// Why a text cannot be read any further, and where.
#[derive(Debug)]
pub struct StreamError {
    /// Why.
    pub kind: StreamErrorKind,
    /// Where.
    pub at: Position,
}

/// Why a text cannot be read any further.
#[derive(Debug)]
pub enum StreamErrorKind {
    /// The system would not read on.
    Io(io::Error),
    /// It is no JSON.
    Json(ReadErrorKind),
    /// There is no such member.
    Lacks(String),
    /// The member is something else than an object, or than an array at the end of the way.
    Unlike(String),
}

impl<R: Read> Stream<R> {
    /// Reads `source`, whose array lies at `way`. Elements longer than `bytes_max` are passed over.
    pub fn new(source: R, way: &[&str], bytes_max: usize) -> Stream<R> {
        let way = way.iter().map(|name| (*name).to_owned()).collect();
        Stream { input: Input::new(source), way, bytes_max, state: State::Before }
    }

    /// Reads the next element into `element`; none if there was none left, and the rest of the text is sound.
    ///
    /// # Errors
    ///
    /// Where the text cannot be read any further. After that, there is nothing.
    pub fn next(&mut self, element: &mut Vec<u8>) -> Result<Option<Found>, StreamError> {
        element.clear();
        // Whatever stops it, stops it for good.
        let found = match mem::replace(&mut self.state, State::Ended) {
            State::Before => self.enter().and_then(|()| self.element(0, element)),
            State::Inside(before) => self.element(before, element),
            State::Ended => Ok(None),
        };
        found.map_err(|kind| StreamError { kind, at: self.input.position() })
    }

    /// Goes into the array.
    fn enter(&mut self) -> Result<(), StreamErrorKind> {
        self.input.pass_mark()?;
        for depth in 0..self.way.len() {
            self.expect_kind(b'{', depth)?;
            if !self.find(depth, true)? {
                return Err(StreamErrorKind::Lacks(self.way[..=depth].join(".")));
            }
        }
        self.expect_kind(b'[', self.way.len())
    }

    fn element(&mut self, before: usize, element: &mut Vec<u8>) -> Result<Option<Found>, StreamErrorKind> {
        let next = self.input.token()?;
        if next == b']' {
            self.input.pass()?;
            return self.leave().map(|()| None);
        }
        if before > 0 {
            self.expect(b',')?;
            self.input.token()?;
        }
        let at = self.input.position();
        let is_whole = self.input.value(Some((element, self.bytes_max)))?;
        self.state = State::Inside(before + 1);
        Ok(Some(Found { at, is_whole }))
    }

    /// Goes through what is left after the array. Another member of the way's names would be another array.
    fn leave(&mut self) -> Result<(), StreamErrorKind> {
        for depth in (0..self.way.len()).rev() {
            if self.find(depth, false)? {
                return Err(StreamErrorKind::Json(ReadErrorKind::DuplicateKey));
            }
        }
        if self.input.space()?.is_some() {
            return Err(StreamErrorKind::Json(ReadErrorKind::Trailing));
        }
        Ok(())
    }

    /// Goes through the members of an object, up to the value of the one that is on the way. Whether there is one;
    /// otherwise the object is at its end.
    fn find(&mut self, depth: usize, is_first: bool) -> Result<bool, StreamErrorKind> {
        let mut is_first = is_first;
        loop {
            match self.input.token()? {
                b'}' => {
                    self.input.pass()?;
                    return Ok(false);
                }
                b',' if !is_first => {
                    self.input.pass()?;
                    self.input.token()?;
                }
                _ if is_first => {}
                _ => return Err(StreamErrorKind::Json(ReadErrorKind::Syntax)),
            }
            is_first = false;
            let mut name = Vec::new();
            if self.input.token()? != b'"' {
                return Err(StreamErrorKind::Json(ReadErrorKind::Syntax));
            }
            let is_whole = self.input.value(Some((&mut name, NAME_BYTES_MAX)))?;
            self.expect(b':')?;
            self.input.token()?;
            if is_whole && means(name, &self.way[depth])? {
                return Ok(true);
            }
            self.input.value(None)?;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), StreamErrorKind> {
        if self.input.token()? != byte {
            return Err(StreamErrorKind::Json(ReadErrorKind::Syntax));
        }
        self.input.pass()
    }

    /// The beginning of the value after `depth` steps of the way.
    fn expect_kind(&mut self, byte: u8, depth: usize) -> Result<(), StreamErrorKind> {
        if depth == 0 && self.input.space()?.is_none() {
            return Err(StreamErrorKind::Json(ReadErrorKind::Empty));
        }
        if self.input.token()? != byte {
            return Err(StreamErrorKind::Unlike(self.way[..depth].join(".")));
        }
        self.input.pass()
    }
}

/// Whether a quoted name, as it is written, means `wanted`.
fn means(quoted: Vec<u8>, wanted: &str) -> Result<bool, StreamErrorKind> {
    let name = Document::parse(quoted, &Limits::default());
    let name = name.map_err(|error| StreamErrorKind::Json(error.kind))?;
    Ok(name.root().as_str().is_some_and(|name| name == wanted))
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StreamErrorKind::Io(_) => f.write_str("cannot be read any further"),
            StreamErrorKind::Json(kind) => f.write_str(kind.message()),
            StreamErrorKind::Lacks(name) => write!(f, "there is no `{name}`"),
            StreamErrorKind::Unlike(name) if name.is_empty() => f.write_str("the text must be an object"),
            StreamErrorKind::Unlike(name) => write!(f, "`{name}` is of another kind than it should be"),
        }
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            StreamErrorKind::Io(error) => Some(error),
            StreamErrorKind::Json(_) | StreamErrorKind::Lacks(_) | StreamErrorKind::Unlike(_) => None,
        }
    }
}

impl From<io::Error> for StreamErrorKind {
    fn from(error: io::Error) -> StreamErrorKind {
        StreamErrorKind::Io(error)
    }
}

#[cfg(test)]
mod tests;

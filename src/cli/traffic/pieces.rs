//! Files of traffic in pieces, one of them in memory at a time.

use std::{
    fs,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use indicatif::ProgressBar;

use super::har;
use crate::{
    boot::FileError,
    cli::{Failure, console::Console},
    json::stream::{Position, Stream, StreamError, StreamErrorKind},
};

/// How long a piece may be that is looked at.
pub(in crate::cli) const PIECE_BYTES_MAX: usize = 16 << 20;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Kind {
    /// A HAR 1.2 document (`*.har`)
    Har,
    /// One JSON value
    Json,
    /// JSON values, one on each line (`*.jsonl`, `*.ndjson`)
    Jsonl,
}

impl Kind {
    /// What the ending of a file says.
    pub(in crate::cli) fn of(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "har" => Some(Kind::Har),
            "json" => Some(Kind::Json),
            "jsonl" | "ndjson" => Some(Kind::Jsonl),
            _ => None,
        }
    }
}

/// A file, or standard input.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Input {
    path: PathBuf,
    pub(in crate::cli) kind: Kind,
}

impl Input {
    /// `kind` counts more than the ending; a file without either is one JSON value.
    pub(in crate::cli) fn new(path: &Path, kind: Option<Kind>) -> Input {
        Input { path: path.to_owned(), kind: kind.or_else(|| Kind::of(path)).unwrap_or(Kind::Json) }
    }

    /// Whether it is standard input.
    pub(in crate::cli) fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// What messages call it.
    pub(in crate::cli) fn name(&self) -> String {
        if self.is_stdin() { "standard input".to_owned() } else { self.path.display().to_string() }
    }

    /// Opens it; the bar shows how far it was read.
    pub(in crate::cli) fn open(&self, console: &Console<'_>) -> Result<Pieces, Failure> {
        let (bytes, source): (u64, Box<dyn Read>) = if self.is_stdin() {
            (0, Box::new(io::stdin()))
        } else {
            let failed = |source| FileError::Read { path: self.path.clone(), source };
            let file = File::open(&self.path).map_err(failed)?;
            let facts = file.metadata().map_err(failed)?;
            if facts.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()).into());
            }
            (facts.len(), Box::new(file))
        };
        let bar = console.progress(bytes);
        let source: Box<dyn Read> = Box::new(Unmarked::new(bar.wrap_read(source)));
        let source = match self.kind {
            Kind::Har => Source::Har(Stream::new(source, &har::ENTRIES, PIECE_BYTES_MAX)),
            Kind::Json => Source::Whole(Some(source)),
            Kind::Jsonl => {
                let reader = BufReader::with_capacity(1 << 16, source);
                Source::Lines { reader, next: Position::START }
            }
        };
        Ok(Pieces { source, name: self.name(), bar })
    }

    /// Says why it cannot be read, as far as that is known without opening it: whoever writes into a pipe is waited for once.
    pub(in crate::cli) fn look(&self) -> Result<(), Failure> {
        let failed = |source| FileError::Read { path: self.path.clone(), source };
        if !self.is_stdin() && fs::metadata(&self.path).map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()).into());
        }
        Ok(())
    }
}

/// A file without the byte order mark that may stand at its beginning: some tools write one, and it is no part of what was
/// recorded. Positions are those behind it.
struct Unmarked<R> {
    source: R,
    /// What was read to see whether there is one, and is still to be told. None before that.
    begun: Option<io::Cursor<Vec<u8>>>,
}

impl<R: Read> Unmarked<R> {
    const MARK: &[u8] = "\u{feff}".as_bytes();

    fn new(source: R) -> Unmarked<R> {
        Unmarked { source, begun: None }
    }
}

impl<R: Read> Read for Unmarked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let begun = match &mut self.begun {
            Some(begun) => begun,
            unread => {
                let mut first = Vec::new();
                self.source.by_ref().take(Self::MARK.len() as u64).read_to_end(&mut first)?;
                if first == Self::MARK {
                    first.clear();
                }
                unread.insert(io::Cursor::new(first))
            }
        };
        match begun.read(into)? {
            0 => self.source.read(into),
            told => Ok(told),
        }
    }
}

/// The pieces of a file.
pub(in crate::cli) struct Pieces {
    source: Source,
    name: String,
    bar: ProgressBar,
}

enum Source {
    Har(Stream<Box<dyn Read>>),
    Lines { reader: BufReader<Box<dyn Read>>, next: Position },
    Whole(Option<Box<dyn Read>>),
}

/// A part of a file that is looked at on its own.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Piece {
    /// Where it begins.
    pub(in crate::cli) at: Position,
    /// Whether it is short enough to be there.
    pub(in crate::cli) is_whole: bool,
}

/// Why there is no further piece.
#[derive(Debug)]
pub(in crate::cli) enum Broken {
    /// The file cannot be read.
    Failure(Failure),
    /// It cannot be taken apart.
    Text(StreamError),
}

impl Pieces {
    /// Reads the next piece into `text`; none if there is none left.
    pub(in crate::cli) fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<Piece>, Broken> {
        text.clear();
        let outcome = match &mut self.source {
            Source::Har(stream) => match stream.next(text) {
                Ok(found) => Ok(found.map(|found| Piece { at: found.at, is_whole: found.is_whole })),
                Err(StreamError { kind: StreamErrorKind::Io(error), .. }) => Err(error),
                Err(error) => return Err(Broken::Text(error)),
            },
            Source::Lines { reader, next } => line(reader, next, text),
            Source::Whole(source) => match source.take() {
                Some(mut source) => {
                    source.read_to_end(text).map(|_| Some(Piece { at: Position::START, is_whole: true }))
                }
                None => Ok(None),
            },
        };
        outcome.map_err(|error| Broken::Failure(Failure::io(format!("cannot read `{}`", self.name))(error)))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Reads the next line that is not blank, without its end.
fn line(reader: &mut impl BufRead, next: &mut Position, text: &mut Vec<u8>) -> io::Result<Option<Piece>> {
    loop {
        text.clear();
        let at = *next;
        let mut is_whole = true;
        loop {
            let more = reader.fill_buf()?;
            if more.is_empty() {
                let is_blank = is_whole && text.trim_ascii().is_empty();
                return Ok((!is_blank).then_some(Piece { at, is_whole }));
            }
            let end = more.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(more.len());
            is_whole &= text.len() + taken <= PIECE_BYTES_MAX;
            if is_whole {
                text.extend_from_slice(&more[..taken]);
            } else {
                text.clear();
            }
            let used = taken + usize::from(end.is_some());
            *next = next.after(&more[..used]);
            reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !is_whole || !text.trim_ascii().is_empty() {
            return Ok(Some(Piece { at, is_whole }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_at_the_beginning_is_no_part_of_a_file() {
        for (written, read) in [
            ("\u{feff}{}", "{}"),
            ("{}", "{}"),
            ("", ""),
            ("1", "1"),
            ("\u{feff}", ""),
            ("\u{feff}\u{feff}1", "\u{feff}1"),
            ("\u{fefe}1", "\u{fefe}1"),
        ] {
            // One byte at a time, as a pipe may tell it.
            let mut source = Unmarked::new(written.as_bytes());
            let mut told = Vec::new();
            let mut byte = [0];
            while source.read(&mut byte).unwrap() == 1 {
                told.push(byte[0]);
            }
            assert_eq!(String::from_utf8(told).unwrap(), read, "{written:?}");
        }
    }
}

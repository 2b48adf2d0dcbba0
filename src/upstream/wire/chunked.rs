//! The chunked transfer coding (RFC 9112, section 7.1), taken apart byte by byte and copied chunk by chunk.
//!
//! Lines end in CR LF here and in nothing else: a decoder that takes less is how requests are smuggled.

use httparse::{EMPTY_HEADER, Status};

use crate::upstream::wire::{fault::Fault, head::LINES_MAX};

/// The most bytes of extensions in one body.
pub(super) const EXTENSION_BYTES_MAX: usize = 16 * 1024;

/// The most bytes of trailers.
pub(super) const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// Sixteen digits are all that fit into 64 bits.
const SIZE_DIGITS_MAX: u8 = 16;

/// A body that comes in chunks.
#[derive(Debug)]
pub(super) struct Chunked {
    expects: Expects,
    /// What is left of the chunk, or its size so far.
    size: u64,
    digits: u8,
    extension_bytes: usize,
    /// The lines after the last chunk. Nobody asks for them, but they have to be lines.
    trailers: Vec<u8>,
}

/// What the next byte has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    Size,
    /// A blank behind the size, or what ends the line.
    AfterSize,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The beginning of a trailer, or the end.
    Trailers,
    Trailer,
    TrailerLf,
    LastLf,
    Nothing,
}

/// Why a body in chunks is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    Fault(Fault),
    TooLarge,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Fault(fault)
    }
}

impl Chunked {
    /// None of it has come yet.
    pub(super) fn new() -> Chunked {
        Chunked { expects: Expects::Size, size: 0, digits: 0, extension_bytes: 0, trailers: Vec::new() }
    }

    /// Whether all of it has come.
    pub(super) fn is_complete(&self) -> bool {
        self.expects == Expects::Nothing
    }

    /// How much of a chunk's data comes next.
    pub(super) fn data_left(&self) -> usize {
        if self.expects == Expects::Data { usize::try_from(self.size).unwrap_or(usize::MAX) } else { 0 }
    }

    /// Takes note of data that has come and is where it belongs.
    pub(super) fn skip(&mut self, data: usize) {
        debug_assert!(data <= self.data_left(), "only a chunk's own data can be left out");
        self.size -= data as u64;
        if self.size == 0 {
            self.expects = Expects::DataCr;
        }
    }

    /// Takes what belongs to the body from the front of `input`, and puts the data into `body`, which may not grow beyond
    /// `limit`. A chunk that would not fit is refused as soon as it is announced.
    pub(super) fn feed(
        &mut self,
        input: &mut &[u8],
        body: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Refusal> {
        while !self.is_complete() && !input.is_empty() {
            if self.expects == Expects::Data {
                let (data, rest) = input.split_at(self.data_left().min(input.len()));
                body.extend_from_slice(data);
                *input = rest;
                self.skip(data.len());
                continue;
            }
            let (byte, rest) = (input[0], &input[1..]);
            *input = rest;
            self.expects = self.step(byte)?;
            let room = limit - body.len();
            if self.expects == Expects::Data && self.size > room as u64 {
                return Err(Refusal::TooLarge);
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<Expects, Fault> {
        match (self.expects, byte) {
            (Expects::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte),
            (Expects::Size, _) if self.digits == 0 => Err(Fault::Chunk),
            (Expects::Size | Expects::AfterSize, b' ' | b'\t') => self.extension(Expects::AfterSize),
            (Expects::Size | Expects::AfterSize, b';')
            | (Expects::Extension, b'\t' | b' '..=b'~' | 0x80..) => self.extension(Expects::Extension),
            (Expects::Size | Expects::AfterSize | Expects::Extension, b'\r') => Ok(Expects::SizeLf),
            (Expects::SizeLf, b'\n') => {
                self.digits = 0;
                Ok(if self.size == 0 { Expects::Trailers } else { Expects::Data })
            }
            (Expects::DataCr, b'\r') => Ok(Expects::DataLf),
            (Expects::DataLf, b'\n') => Ok(Expects::Size),
            (Expects::Trailers, b'\r') => Ok(Expects::LastLf),
            (Expects::Trailer, b'\r') => self.trailer(byte, Expects::TrailerLf),
            (Expects::TrailerLf, b'\n') => self.trailer(byte, Expects::Trailers),
            (Expects::Trailers | Expects::Trailer, _) if byte != b'\n' => {
                self.trailer(byte, Expects::Trailer)
            }
            (Expects::LastLf, b'\n') => self.end(),
            (Expects::Trailers | Expects::Trailer | Expects::TrailerLf | Expects::LastLf, _) => {
                Err(Fault::Trailers)
            }
            _ => Err(Fault::Chunk),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<Expects, Fault> {
        self.digits += 1;
        if self.digits > SIZE_DIGITS_MAX {
            return Err(Fault::Chunk);
        }
        let digit = char::from(byte).to_digit(16).ok_or(Fault::Chunk)?;
        self.size = self.size << 4 | u64::from(digit);
        Ok(Expects::Size)
    }

    fn extension(&mut self, then: Expects) -> Result<Expects, Fault> {
        self.extension_bytes += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX { Err(Fault::ChunkExtensions) } else { Ok(then) }
    }

    fn trailer(&mut self, byte: u8, then: Expects) -> Result<Expects, Fault> {
        self.trailers.push(byte);
        if self.trailers.len() >= TRAILER_BYTES_MAX { Err(Fault::Trailers) } else { Ok(then) }
    }

    fn end(&mut self) -> Result<Expects, Fault> {
        if !self.trailers.is_empty() {
            self.trailer(b'\r', Expects::LastLf)?;
            self.trailer(b'\n', Expects::Nothing)?;
            let mut lines = [EMPTY_HEADER; LINES_MAX];
            match httparse::parse_headers(&self.trailers, &mut lines) {
                Ok(Status::Complete((length, _))) if length == self.trailers.len() => {}
                Ok(_) | Err(_) => return Err(Fault::Trailers),
            }
        }
        Ok(Expects::Nothing)
    }
}

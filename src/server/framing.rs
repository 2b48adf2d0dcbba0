//! Where the requests of an HTTP/1 connection end, read a second time beside the HTTP library.
//!
//! hyper takes away a `Content-Length` that comes with `Transfer-Encoding` before anybody can see it. It reads the chunks and
//! closes, as RFC 9112 (section 6.3) allows. But whoever wrote such a request, or passed it on, may have gone by the length,
//! and then something is wrong that should not be acted on. So the bytes are followed here as well: heads line by line, bodies
//! by their length or chunk by chunk.
//!
//! ```text
//!           ┌──────────────── no body ────────────────┐
//!           ▼                                         │
//!  Between ──► RequestLine ──► Name ⇄ Value ──► head over ──► Sized ──► Between
//!                                                     ├─────► ChunkSize ⇄ Chunk ──► Trailer ──► Between
//!                                                     ├─────► Nowhere: two ends, or none
//!                                                     Trailer └─► Broken: an end for some, or too many chunks
//! ```
//!
//! Nothing is kept of what is read but how far it is, and nothing but refusals comes of it: what a request is, hyper says.
//! Where the two disagree about an end, so that fewer heads were counted here than hyper sees, that is refused, too. And where
//! a line behind the chunks ends in a line feed alone, hyper reads on, while whoever takes that for a line end, as a recipient
//! may (section 2.2), may have seen the end of the body there and a request behind it. So such a body breaks off, and so does
//! one whose chunks are that small that to read them costs far more than what they hold.

use std::{cell::Cell, rc::Rc};

use memchr::{memchr, memchr2};

/// Longer than any name that matters here.
const NAME_MAX: usize = 24;

/// Pieces of a body that may be as small as they like, and how many bytes there have to be for each one more. One costs about as
/// much to read as some hundred bytes.
const CHUNKS_FREE: u64 = 4096;
const CHUNK_MIN: u64 = 32;

/// The heads of a connection that were read here and not yet asked for; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads(Rc<Cell<usize>>);

impl Heads {
    fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// Whether the next request has one end. To be asked once for each request, in the order in which they came.
    pub(super) fn next_has_one_end(&self) -> bool {
        let one_less = self.0.get().checked_sub(1);
        self.0.set(one_less.unwrap_or_default());
        one_less.is_some()
    }
}

/// Marks a request of which the end can be read in two ways.
#[derive(Clone, Copy, Debug)]
pub(super) struct TwoEnds;

/// Follows the bytes of a connection.
#[derive(Debug)]
pub(super) struct Framing {
    heads: Heads,
    at: At,
    name: [u8; NAME_MAX],
    name_length: usize,
    length: Option<u64>,
    has_coding: bool,
    chunks: Chunks,
}

/// The pieces of a body so far, as its sender cut it: chunks, or frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chunks {
    count: u64,
    bytes: u64,
}

impl Chunks {
    /// Counts one more, and says whether they are too many for what they hold.
    pub(super) fn add(&mut self, bytes: u64) -> bool {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.count > CHUNKS_FREE + self.bytes / CHUNK_MIN
    }
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug)]
enum At {
    /// Where a request may begin; line ends in front of one say nothing (RFC 9112, section 2.2).
    Between,
    RequestLine,
    /// In the name of a header, or at the end of the head.
    Name,
    Value(Field),
    Sized {
        left: u64,
    },
    ChunkSize {
        size: u64,
        is_over: bool,
    },
    Chunk {
        left: u64,
    },
    /// At the line end behind a chunk.
    ChunkEnd,
    Trailer {
        is_empty: bool,
        last: u8,
    },
    /// Behind a line end in the trailers that not everybody takes for one, or in front of one chunk too many.
    Broken,
    /// Where nobody can say what comes.
    Nowhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Coding,
    Length,
    Other,
}

impl Framing {
    /// At the beginning of a connection.
    pub(super) fn new(heads: Heads) -> Framing {
        Framing {
            heads,
            at: At::Between,
            name: [0; NAME_MAX],
            name_length: 0,
            length: None,
            has_coding: false,
            chunks: Chunks::default(),
        }
    }

    /// Reads on. Says how many of the bytes may be read by others, which is all of them, unless a body breaks off in them or
    /// did so before.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        let mut read = 0;
        while read < bytes.len() && !self.is_broken() {
            read += self.step(&bytes[read..]);
        }
        read
    }

    /// Whether a body broke off, so that nothing more is to be read.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.at, At::Broken)
    }

    /// Reads some of the bytes, or goes on to what they are; says how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match self.at {
            At::Between => {
                let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if blank < bytes.len() {
                    (self.length, self.has_coding, self.at) = (None, false, At::RequestLine);
                }
                blank
            }
            At::RequestLine => self.until_line_end(bytes, Framing::begin_line),
            At::Name => self.name(bytes),
            At::Value(field) => {
                if field == Field::Length {
                    self.digits(bytes);
                }
                self.until_line_end(bytes, Framing::begin_line)
            }
            At::Sized { left } => self.skip(bytes, left, |left| At::Sized { left }, At::Between),
            At::ChunkSize { size, is_over } => {
                if bytes[0] == b'\n' && self.chunks.add(size) {
                    self.at = At::Broken;
                    return 0;
                }
                self.at = match (bytes[0], char::from(bytes[0]).to_digit(16)) {
                    (b'\n', _) if size == 0 => At::Trailer { is_empty: true, last: b'\n' },
                    (b'\n', _) => At::Chunk { left: size },
                    (_, Some(digit)) if !is_over => {
                        At::ChunkSize { size: size.saturating_mul(16).saturating_add(digit.into()), is_over }
                    }
                    _ => At::ChunkSize { size, is_over: true },
                };
                1
            }
            At::Chunk { left } => self.skip(bytes, left, |left| At::Chunk { left }, At::ChunkEnd),
            At::ChunkEnd => {
                self.until_line_end(bytes, |this| this.at = At::ChunkSize { size: 0, is_over: false })
            }
            // hyper ends a line of trailers only where both bytes of a line end stand.
            At::Trailer { is_empty, last } => {
                self.at = match (last, bytes[0]) {
                    (b'\r', b'\n') if is_empty => At::Between,
                    (b'\r', b'\n') => At::Trailer { is_empty: true, last: b'\n' },
                    (_, b'\n') => {
                        self.at = At::Broken;
                        return 0;
                    }
                    (_, b'\r') => At::Trailer { is_empty, last: b'\r' },
                    (_, last) => At::Trailer { is_empty: false, last },
                };
                1
            }
            At::Broken => 0,
            At::Nowhere => bytes.len(),
        }
    }

    fn begin_line(&mut self) {
        (self.name_length, self.at) = (0, At::Name);
    }

    fn until_line_end(&mut self, bytes: &[u8], then: impl FnOnce(&mut Framing)) -> usize {
        let Some(end) = memchr(b'\n', bytes) else { return bytes.len() };
        then(self);
        end + 1
    }

    fn skip(&mut self, bytes: &[u8], left: u64, go_on: impl FnOnce(u64) -> At, then: At) -> usize {
        let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let left = left - taken as u64;
        self.at = if left == 0 { then } else { go_on(left) };
        taken
    }

    fn name(&mut self, bytes: &[u8]) -> usize {
        let Some(end) = memchr2(b':', b'\n', bytes) else {
            self.keep(bytes);
            return bytes.len();
        };
        // Nearly every name comes in one piece, and is looked at where it is.
        let name = if self.name_length == 0 {
            Some(&bytes[..end])
        } else {
            self.keep(&bytes[..end]);
            self.name.get(..self.name_length)
        };
        match (bytes[end], name) {
            (b'\n', Some(b"" | b"\r")) => self.end_head(),
            // A line without a colon, which hyper refuses.
            (b'\n', _) => self.at = At::Nowhere,
            _ => {
                let field = name.map_or(Field::Other, Field::named);
                match field {
                    Field::Coding => self.has_coding = true,
                    Field::Length => self.length = Some(0),
                    Field::Other => {}
                }
                self.at = At::Value(field);
            }
        }
        end + 1
    }

    /// Keeps a piece of a name until the rest is there; of a name longer than any that matters, how long it is.
    fn keep(&mut self, piece: &[u8]) {
        let free = self.name.get_mut(self.name_length..).unwrap_or_default();
        let kept = free.len().min(piece.len());
        free[..kept].copy_from_slice(&piece[..kept]);
        self.name_length += piece.len();
    }

    /// Reads a length on. Where there is anything but digits and blanks in it, hyper refuses it.
    fn digits(&mut self, bytes: &[u8]) {
        for digit in bytes.iter().take_while(|byte| **byte != b'\n').filter(|byte| byte.is_ascii_digit()) {
            let before = self.length.unwrap_or_default();
            self.length = Some(before.saturating_mul(10).saturating_add((digit - b'0').into()));
        }
    }

    fn end_head(&mut self) {
        self.at = match (self.length, self.has_coding) {
            (Some(_), true) => At::Nowhere,
            // Whatever else it may be was refused, by hyper or by `stack`.
            (None, true) => {
                self.chunks = Chunks::default();
                At::ChunkSize { size: 0, is_over: false }
            }
            (Some(left @ 1..), false) => At::Sized { left },
            (None | Some(0), false) => At::Between,
        };
        if !matches!(self.at, At::Nowhere) {
            self.heads.add();
        }
    }
}

impl Field {
    fn named(name: &[u8]) -> Field {
        if name.eq_ignore_ascii_case(b"content-length") {
            Field::Length
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            Field::Coding
        } else {
            Field::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET /a:b HTTP/1.1\r\nHost: test\r\n\r\n";
    const SIZED: &str =
        "POST / HTTP/1.1\r\nHost: test\r\ncontent-LENGTH:\t 0012 \r\nX: y\r\n\r\nGET / HTTP/1";
    const CHUNKS: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
        A;x=\"\n0\"\r\nGET / HTTP\r\n00c \t;a\r\n\r\n\r\nGET / H\n\r\n0\r\n\r\n";
    const TRAILERS: &str = "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n\
        0\r\nContent-Length: 5\r\nA: b\r\nC: d\r\n\r\n";
    const BOTH: [&str; 5] = [
        "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nHost: test\r\nCONTENT-LENGTH: 4\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\nContent-Length: 0\nTransfer-Encoding: chunked\n\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length:\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello",
    ];

    /// How many heads with one end are in a text, read in pieces of that many bytes.
    fn heads(text: &str, piece: usize) -> usize {
        let heads = Heads::default();
        let mut framing = Framing::new(heads.clone());
        text.as_bytes()
            .chunks(piece)
            .for_each(|piece| assert_eq!(framing.read(piece), piece.len(), "{text}"));
        std::iter::repeat_with(|| heads.next_has_one_end()).take_while(|is_one| *is_one).count()
    }

    #[test]
    fn requests_that_look_like_others_inside_are_counted_once_each_however_they_are_cut() {
        let text = [GET, SIZED, CHUNKS, "\r\n\n", TRAILERS, GET, SIZED, TRAILERS, GET].concat();
        for piece in 1..=text.len() {
            assert_eq!(heads(&text, piece), 8, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_length_beside_a_coding_is_two_ends_and_nothing_is_known_behind_it() {
        for both in BOTH {
            for before in [GET, SIZED, CHUNKS, TRAILERS] {
                let text = [before, both, GET].concat();
                assert!((1..=text.len()).all(|piece| heads(&text, piece) == 1), "{text}");
            }
        }
    }

    #[test]
    fn a_body_breaks_off_in_front_of_a_line_feed_that_may_end_it_and_stays_so() {
        let chunks = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
        for (trailers, sound) in [("\n", 0), ("A: b\n\r\n", 4), ("A: b\r\n\n", 6), ("A: b\r\nC: d\n", 10)] {
            let text = [GET, chunks, trailers, GET].concat();
            for piece in 1..=text.len() {
                let mut framing = Framing::new(Heads::default());
                let read: usize = text.as_bytes().chunks(piece).map(|piece| framing.read(piece)).sum();
                assert_eq!(read, GET.len() + chunks.len() + sound, "{text:?} in pieces of {piece}");
                assert!(framing.is_broken());
            }
        }
    }

    #[test]
    fn a_body_breaks_off_where_its_chunks_are_too_many_for_what_they_hold() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let end = "0\r\n\r\n";
        // The last one is a chunk, too. That many bytes in one piece pay for one more each.
        let free = usize::try_from(CHUNKS_FREE).unwrap() - 1;
        for (paid, most) in [("", free), ("20\r\n01234567890123456789012345678901\r\n", free)] {
            let body = |chunks| [head, paid, &"1\r\n \r\n".repeat(chunks), end, GET].concat();
            let paid_for = most + most / 32;
            assert_eq!(heads(&body(paid_for), 1000), 2, "again after each body");
            let text = [body(free), body(paid_for + 50)].concat();
            for piece in [1, 7, text.len()] {
                let mut framing = Framing::new(Heads::default());
                let read: usize = text.as_bytes().chunks(piece).map(|piece| framing.read(piece)).sum();
                assert!(framing.is_broken() && read > body(free).len(), "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn names_that_only_look_alike_and_texts_in_values_are_neither() {
        let other = "POST / HTTP/1.1\r\nX-Content-Length: 5\r\nTransfer-Encodings: a\r\nContent_Length: 5\r\n\
            X: Transfer-Encoding: chunked\r\nContent-Lengthcontent-length: 5\r\n: Content-Length: 9\r\n\r\n";
        assert_eq!(heads(&[other, GET].concat(), 7), 2);
        let long = format!("GET / HTTP/1.1\r\n{}\r\n: x\r\nA: b\r\n\r\n", "a".repeat(100));
        assert_eq!(heads(&long, 9), 0, "a line without a colon, that hyper refuses");
    }

    #[test]
    fn half_a_head_is_none_and_a_body_that_never_ends_hides_what_is_in_it() {
        assert_eq!(heads(&GET[..GET.len() - 1], 3), 0);
        let endless = "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n";
        assert_eq!(heads(&[endless, GET, GET].concat(), 5), 1);
        let endless = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n";
        assert_eq!(heads(&[endless, GET, GET].concat(), 5), 1);
    }
}

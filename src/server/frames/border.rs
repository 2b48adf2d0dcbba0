//! Where frames end, and so where between two of them something may be said.

/// The bytes of a frame before its payload (RFC 9113, section 4.1).
pub(super) const HEADER: usize = 9;

/// The type of the frame that says which stream is the last (section 6.8).
pub(super) const GOAWAY: u8 = 0x7;

/// What a frame says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Bytes of its payload.
    pub(super) length: u32,
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
}

impl Header {
    fn new([high, middle, low, kind, flags, stream @ ..]: [u8; HEADER]) -> Header {
        let length = u32::from_be_bytes([0, high, middle, low]);
        // The first bit means nothing.
        let stream = u32::from_be_bytes(stream) & (u32::MAX >> 1);
        Header { length, kind, flags, stream }
    }

    /// Whether nothing but CONTINUATION may follow: a head began or goes on, and does not end.
    fn wants_continuation(self) -> bool {
        const END_HEADERS: u8 = 0x4;
        matches!(self.kind, 0x1 | 0x5 | 0x9) && self.flags & END_HEADERS == 0
    }
}

/// Where in a sequence of frames one is.
#[derive(Debug)]
pub(super) struct Position {
    header: [u8; HEADER],
    /// How much of the header is there.
    read: usize,
    /// How much of the payload is still to come.
    left: usize,
}

impl Position {
    /// Before the first frame, and as many bytes before that.
    pub(super) fn before(bytes: usize) -> Position {
        Position { header: [0; HEADER], read: 0, left: bytes }
    }

    /// Goes on to the end of the next header, or to that of `bytes` if it does not end there. Says how many bytes that was, and
    /// the header.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, Option<Header>) {
        let skipped = self.left.min(bytes.len());
        self.left -= skipped;
        let piece = (HEADER - self.read).min(bytes.len() - skipped);
        self.header[self.read..][..piece].copy_from_slice(&bytes[skipped..][..piece]);
        self.read += piece;
        let header = (self.read == HEADER).then(|| {
            self.read = 0;
            let header = Header::new(self.header);
            self.left = usize::try_from(header.length).unwrap_or(usize::MAX);
            header
        });
        (skipped + piece, header)
    }
}

/// Follows what the HTTP library writes.
#[derive(Debug)]
pub(super) struct Written {
    position: Position,
    /// Whether the next frame has to be the library's, too: it is the first one, which is SETTINGS (section 3.4), or goes on
    /// with a head (section 6.10).
    is_bound: bool,
    /// Whether the library has said which stream is the last.
    has_said_goaway: bool,
}

impl Written {
    /// At the beginning of a connection.
    pub(super) fn new() -> Written {
        Written { position: Position::before(0), is_bound: true, has_said_goaway: false }
    }

    /// Follows on.
    pub(super) fn follow(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            let (length, header) = self.position.advance(&bytes[at..]);
            at += length;
            self.is_bound = header.map_or(self.is_bound, Header::wants_continuation);
            self.has_said_goaway |= header.is_some_and(|header| header.kind == GOAWAY);
        }
    }

    /// Whether it has said GOAWAY: another may not name a newer stream (section 6.8).
    pub(super) fn has_said_goaway(&self) -> bool {
        self.has_said_goaway
    }

    /// Whether something else may be said here.
    pub(super) fn is_at_border(&self) -> bool {
        self.position.left == 0 && self.position.read == 0 && !self.is_bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], &vec![0x1; usize::from(length)][..]].concat()
    }

    /// After how many bytes something else may be said.
    fn borders(frames: &[Vec<u8>]) -> Vec<usize> {
        let text = frames.concat();
        let is_border = |end: &usize| {
            let mut whole = Written::new();
            whole.follow(&text[..*end]);
            whole.is_at_border()
        };
        let borders: Vec<_> = (1..=text.len()).filter(is_border).collect();
        // It makes no difference in which pieces they are written.
        let mut written = Written::new();
        for (at, byte) in text.iter().enumerate() {
            written.follow(&[*byte]);
            assert_eq!(written.is_at_border(), borders.contains(&(at + 1)));
        }
        borders
    }

    #[test]
    fn something_may_be_said_between_two_frames_and_nowhere_else() {
        // SETTINGS, DATA, an empty DATA, PING.
        assert_eq!(
            borders(&[frame(4, 0, 6), frame(0, 0, 20), frame(0, 1, 0), frame(6, 1, 8)]),
            [15, 44, 53, 70]
        );
    }

    #[test]
    fn nothing_may_be_said_within_a_head_that_comes_in_parts() {
        let head =
            |first| [frame(4, 0, 0), frame(first, 0, 5), frame(9, 0, 5), frame(9, 4, 5), frame(0, 1, 1)];
        for first in [1, 5] {
            assert_eq!(borders(&head(first)), [9, 51, 61], "{first}");
        }
        // The same bit of other frames says something else.
        assert_eq!(borders(&[frame(4, 0, 0), frame(0, 0, 1), frame(1, 4, 1)]), [9, 19, 29]);
    }

    #[test]
    fn nothing_is_said_before_the_settings() {
        assert!(!Written::new().is_at_border());
    }
}

//! Which frames a client of HTTP/2 sends, and that they are no flood.
//!
//! PING, SETTINGS, `WINDOW_UPDATE`, PRIORITY and frames of unknown types ask for nothing that anybody wants, and the HTTP library
//! takes them for as long as they come. A client has to send some. So it has room for many, which is made again by what it does
//! beside them: it asks, sends the bytes of a body, or is sent those of an answer.
//!
//! | | of the room |
//! | --- | --- |
//! | any frame | takes [`FRAME`] bytes |
//! | one that is none of the next two lines | takes as many as it has, besides |
//! | HEADERS, and CONTINUATION that belong to them | the first give [`REQUEST`] bytes |
//! | DATA | give [`DATA`] bytes for each that they have; so small ones take some |
//! | bytes of ours | give as many as they are |
//!
//! A trusted hop brings the bodies of many, and hands small pieces on as they come: what one of its clients sends must not end the
//! requests of the others. So its DATA take nothing. Each body has a bound of its own for them (`upload.rs`), and ends by itself.
//!
//! Where there is no more room the connection ends. There is never more of it than in the beginning, so that who is quiet for long
//! has earned nothing. Nothing is kept of a frame but its header, and what it means is the library's to say: it refuses those
//! that must not be.
//!
//! Why it ends is told in a GOAWAY (sections 5.4.1 and 6.8). The library has no way to be asked for one of this kind, so it is said
//! here, and what the library writes is followed, too: a GOAWAY in the middle of a frame would be a part of that frame.

mod border;

use bytes::{BufMut, Bytes, BytesMut};
use prometheus_client::metrics::counter::Counter;

use crate::server::frames::border::{Header, Position, Written};

/// What every connection begins with, which is no frame.
const PREFACE: usize = 24;

/// What a frame costs besides its bytes.
const FRAME: u64 = 256;

/// What a request is worth: 32 frames of a few bytes, and it costs far more than these to answer.
const REQUEST: u64 = 32 * FRAME;

/// What a byte of a body is worth: with 32 of them a frame pays for itself.
const DATA: u64 = 8;

/// Room for 10,000 small frames.
const ROOM: u64 = 10_000 * FRAME;

/// Why a connection ends that is flooded (RFC 9113, section 7), and what a person is told who looks into that.
const ENHANCE_YOUR_CALM: u32 = 0xb;
const TOO_MANY: &[u8] = b"too many frames that ask for nothing";

/// Follows the bytes of a connection, both ways.
#[derive(Debug)]
pub(super) struct Frames {
    read: Position,
    written: Written,
    /// The newest stream of the client's.
    newest: u32,
    room: u64,
    /// Whether they are those of a trusted hop.
    is_hop: bool,
    is_flood: bool,
    floods: Counter,
}

impl Frames {
    /// At the beginning of a connection, which may be that of a trusted hop. Should it end over a flood, that is counted.
    pub(super) fn new(is_hop: bool, floods: Counter) -> Frames {
        Frames {
            read: Position::before(PREFACE),
            written: Written::new(),
            newest: 0,
            room: ROOM,
            is_hop,
            is_flood: false,
            floods,
        }
    }

    /// Reads on. Says how many of the bytes may be read by others, which is all of them, unless they are a flood.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.is_flood {
            let (length, header) = self.read.advance(&bytes[at..]);
            at += length;
            if let Some(header) = header {
                self.begin_frame(header);
            }
        }
        at
    }

    /// Whether there were too many.
    pub(super) fn is_flood(&self) -> bool {
        self.is_flood
    }

    /// Goes on with what was sent to the client, and makes room for as many bytes.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        self.written.follow(bytes);
        self.pay(bytes.len() as u64);
    }

    /// Whether a frame of ours may follow what was sent.
    pub(super) fn is_at_border(&self) -> bool {
        self.written.is_at_border()
    }

    /// The frame that tells the client why the connection ends. Nothing, if the library has told it which stream is the last, and
    /// so may know better than `newest`.
    pub(super) fn goaway(&self) -> Bytes {
        if self.written.has_said_goaway() {
            return Bytes::new();
        }
        let length = 8 + TOO_MANY.len();
        let mut frame = BytesMut::with_capacity(border::HEADER + length);
        frame.put_uint(length as u64, 3);
        frame.put_slice(&[border::GOAWAY, 0]);
        frame.put_u32(0);
        // What is newer was never read. Of these some were perhaps answered, or reached the backend.
        frame.put_u32(self.newest);
        frame.put_u32(ENHANCE_YOUR_CALM);
        frame.put_slice(TOO_MANY);
        frame.freeze()
    }

    fn pay(&mut self, bytes: u64) {
        self.room = ROOM.min(self.room.saturating_add(bytes));
    }

    fn begin_frame(&mut self, Header { length, kind, stream, .. }: Header) {
        if kind == 0x1 {
            self.newest = self.newest.max(stream);
        }
        let length = u64::from(length);
        let (costs, gives) = match kind {
            0x0 if self.is_hop => (0, 0),
            0x0 => (FRAME, DATA * length),
            0x1 => (FRAME, REQUEST),
            // Of a head there is a bound elsewhere, however it is cut.
            0x9 => (FRAME, 0),
            _ => (FRAME + length, 0),
        };
        self.pay(gives);
        if let Some(room) = self.room.checked_sub(costs) {
            self.room = room;
        } else {
            self.is_flood = true;
            self.floods.inc();
            tracing::debug!("closed a connection, for it is flooded with frames");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{border::HEADER, *};

    #[test]
    fn who_was_told_which_stream_is_the_last_is_not_told_of_a_newer_one() {
        let mut frames = opened();
        frames.sent(&frame(0x4, 6));
        assert_eq!(frames.goaway()[3], border::GOAWAY);
        frames.sent(&frame(border::GOAWAY, 8));
        assert!(frames.goaway().is_empty());
    }

    const DATA_FRAME: u8 = 0x0;
    const HEADERS: u8 = 0x1;
    const WINDOW_UPDATE: u8 = 0x8;
    const PING: u8 = 0x6;
    const CONTINUATION: u8 = 0x9;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let bytes = u32::try_from(length).unwrap().to_be_bytes();
        // What looks like frames inside is none.
        [&bytes[1..], &[kind, 0, 0, 0, 0, 0], &[PING].repeat(length)].concat()
    }

    fn opened() -> Frames {
        begun(false)
    }

    fn begun(is_hop: bool) -> Frames {
        let mut frames = Frames::new(is_hop, Counter::default());
        assert_eq!(frames.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PREFACE);
        frames
    }

    /// How many of these frames are read, at most so many.
    fn taken(frames: &mut Frames, one: &[u8], most: usize) -> usize {
        (0..most).take_while(|_| frames.read(one) == one.len()).count()
    }

    #[test]
    fn a_flood_ends_the_connection_however_it_is_cut() {
        let text = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(PING, 8).repeat(11_000)[..]].concat();
        // Each costs 264 of 2,560,000 bytes, and the last one is read up to the end of its header.
        let most = 2_560_000 / 264;
        for piece in [1, 5, 17, 1000, text.len()] {
            let mut frames = Frames::new(false, Counter::default());
            let read: usize = text.chunks(piece).map(|piece| frames.read(piece)).sum();
            assert!(frames.is_flood(), "in pieces of {piece}");
            assert_eq!(read, PREFACE + most * 17 + HEADER, "in pieces of {piece}");
            assert_eq!(frames.floods.get(), 1);
        }
    }

    #[test]
    fn frames_of_any_type_are_one_and_large_ones_are_more() {
        for kind in [0x2, 0x3, 0x4, 0x6, 0x7, 0x8, 0xa, 0xff] {
            let count = taken(&mut opened(), &frame(kind, 4), 20_000);
            assert!((9_000..10_000).contains(&count), "{kind}: {count}");
            assert_eq!(taken(&mut opened(), &frame(kind, 16_384), 20_000), 2_560_000 / (16_384 + 256));
        }
    }

    #[test]
    fn who_asks_may_send_some_with_each_request_for_ever() {
        let mut frames = opened();
        let round = [frame(HEADERS, 40), frame(WINDOW_UPDATE, 4).repeat(30)].concat();
        assert_eq!(taken(&mut frames, &round, 10_000), 10_000);
        // That has earned nothing for later.
        let count = taken(&mut frames, &frame(PING, 8), 20_000);
        assert!(count < 10_000, "{count}");
    }

    #[test]
    fn a_head_may_come_in_parts_for_ever_and_parts_of_none_may_not() {
        let head = [frame(HEADERS, 1024), frame(CONTINUATION, 1024).repeat(15)].concat();
        assert_eq!(taken(&mut opened(), &head, 10_000), 10_000);
        assert_eq!(taken(&mut opened(), &frame(CONTINUATION, 1024), 20_000), 10_000);
    }

    #[test]
    fn small_pieces_of_bodies_do_not_end_the_connection_of_a_hop_and_all_else_does() {
        for length in [0, 1] {
            assert_eq!(taken(&mut begun(true), &frame(DATA_FRAME, length), 50_000), 50_000);
        }
        assert!(taken(&mut begun(true), &frame(PING, 8), 20_000) < 10_000);
        // Nor do they give it anything.
        let mut hop = begun(true);
        assert_eq!(taken(&mut hop, &frame(DATA_FRAME, 16_384), 1000), 1000);
        assert_eq!(taken(&mut hop, &frame(PING, 1), 20_000), 2_560_000 / 257);
    }

    #[test]
    fn bodies_pay_for_themselves_unless_they_come_byte_by_byte() {
        for (length, is_taken) in [(16_384, true), (32, true), (1, false), (0, false)] {
            let count = taken(&mut opened(), &frame(DATA_FRAME, length), 50_000);
            assert_eq!(count == 50_000, is_taken, "{length}: {count}");
            assert!(count >= 10_000, "{length}: {count}");
        }
    }

    #[test]
    fn who_reads_answers_may_open_windows_for_them() {
        let mut frames = opened();
        for _ in 0..50_000 {
            frames.sent(&frame(DATA_FRAME, 1015));
            for _ in 0..2 {
                assert_eq!(frames.read(&frame(WINDOW_UPDATE, 4)), 13);
            }
        }
        // An answer to each PING is not enough.
        let mut frames = opened();
        let count = (0..20_000).take_while(|_| {
            frames.sent(&frame(PING, 8));
            frames.read(&frame(PING, 8)) == 17
        });
        assert!(count.count() < 11_000);
    }
}

//! An answer as it comes: its head, then its body, straight into the memory that the caller gets.
//!
//! Whoever waits for an answer goes on writing meanwhile. A backend may refuse a call before it has read all of it, and
//! would otherwise wait for us to read as we wait for it to.

use std::{future::poll_fn, io, pin::pin};

use bytes::BufMut;
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::upstream::{
    Broken, UpstreamError,
    wire::{
        Failure,
        fault::Fault,
        head::{self, HEAD_BYTES_MAX, Head},
        outgoing::Outgoing,
    },
};

/// The most 1xx answers that are passed over.
pub(super) const INTERIM_MAX: usize = 10;

/// What is read at once, and what a connection keeps for it. Most answers fit, head and body.
pub(super) const BUFFER_BYTES: usize = 8 * 1024;

/// A call on its way, and what has come of its answer.
#[derive(Debug)]
pub(super) struct Incoming<'a, S> {
    stream: &'a mut S,
    outgoing: Outgoing<'a>,
    input: &'a mut Vec<u8>,
    /// How much of the input was used.
    used: usize,
    /// Whether anything has come.
    has_heard: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Incoming<'a, S> {
    /// Nothing is written yet, and nothing has come.
    pub(super) fn new(stream: &'a mut S, outgoing: Outgoing<'a>, input: &'a mut Vec<u8>) -> Incoming<'a, S> {
        input.clear();
        input.shrink_to(BUFFER_BYTES);
        input.reserve(BUFFER_BYTES);
        Incoming { stream, outgoing, input, used: 0, has_heard: false }
    }

    /// The same as whoever waited for the head has left it: what came of it is in `input`.
    pub(super) fn taken_over(
        stream: &'a mut S,
        outgoing: Outgoing<'a>,
        input: &'a mut Vec<u8>,
    ) -> Incoming<'a, S> {
        let has_heard = !input.is_empty();
        Incoming { stream, outgoing, input, used: 0, has_heard }
    }

    /// Whether all of the call was written.
    pub(super) fn is_sent(&self) -> bool {
        self.outgoing.is_done()
    }

    /// Writes the call and waits for the head of its answer; passes over those of interim ones.
    pub(super) async fn head(&mut self, to_head: bool) -> Result<Head, Failure> {
        for _answer in 0..=INTERIM_MAX {
            let (head, length) = self.next_head(to_head).await?;
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Err(Failure::Final(UpstreamError::Broken(Broken::Switched)));
            }
            if !head.status.is_informational() {
                self.used = length;
                return Ok(head);
            }
            self.input.drain(..length);
        }
        Err(final_fault(Fault::Interim))
    }

    async fn next_head(&mut self, to_head: bool) -> Result<(Head, usize), Failure> {
        // Looking again with each byte that comes would take quadratic time.
        let mut looked_at = 0_usize;
        loop {
            let may_be_whole = looked_at == 0 || has_empty_line(&self.input[looked_at.saturating_sub(3)..]);
            if may_be_whole
                && !self.input.is_empty()
                && let Some(found) = head::parse(self.input, to_head).map_err(final_fault)?
            {
                return Ok(found);
            }
            looked_at = self.input.len();
            if looked_at == HEAD_BYTES_MAX {
                return Err(self.never_whole(to_head, final_fault(Fault::HeadTooLarge)));
            }
            if looked_at == self.input.capacity() {
                self.input.reserve(looked_at);
            }
            let mut room = (&mut *self.input).limit(HEAD_BYTES_MAX - looked_at);
            let fault = match read(self.stream, &mut self.outgoing, &mut room).await {
                Ok(0) => Fault::Closed,
                Ok(_) => {
                    self.has_heard = true;
                    continue;
                }
                Err(error) => Fault::Connection(error),
            };
            if !self.outgoing.has_begun() {
                return Err(Failure::Unsent(fault));
            }
            let was_silent = !self.has_heard;
            return Err(self.never_whole(to_head, Failure::Unanswered { fault, was_silent }));
        }
    }

    /// What is wrong with a head of which no more comes: what is wrong with what is there already, or else that.
    fn never_whole(&self, to_head: bool, otherwise: Failure) -> Failure {
        head::parse(self.input, to_head).map_or_else(final_fault, |_| otherwise)
    }

    /// All headers of the head that was read last, for as long as nothing more was read.
    pub(super) fn headers(&self) -> HeaderMap {
        head::headers(&self.input[..self.used])
    }

    /// What has come and was not used.
    pub(super) fn rest(&self) -> &[u8] {
        &self.input[self.used..]
    }

    /// Waits for more; only when the rest was used.
    pub(super) async fn more(&mut self) -> Result<&[u8], Fault> {
        self.input.clear();
        self.used = 0;
        if read(self.stream, &mut self.outgoing, self.input).await? == 0 {
            return Err(Fault::Closed);
        }
        Ok(self.input)
    }

    /// Waits for more, which goes behind what is in `body`, but no more than that; none is the end of the connection.
    pub(super) async fn more_into(&mut self, body: &mut Vec<u8>, most: usize) -> Result<usize, Fault> {
        Ok(read(self.stream, &mut self.outgoing, &mut body.limit(most)).await?)
    }
}

/// Reads into what room there is, and lets the call go on.
async fn read<S, B>(stream: &mut S, outgoing: &mut Outgoing<'_>, room: &mut B) -> io::Result<usize>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: BufMut,
{
    poll_fn(|cx| {
        outgoing.advance(stream, cx)?;
        pin!(stream.read_buf(room)).poll(cx)
    })
    .await
}

fn has_empty_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

fn final_fault(fault: Fault) -> Failure {
    Failure::Final(fault.into())
}

//! A call as it is written: one request line, our own `Host`, our own framing, in one buffer where it fits.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Method, header::ACCEPT_ENCODING};
use tokio::io::AsyncWrite;

use crate::upstream::Request;

/// A body up to this size is put behind the head; copying it costs less than telling the system of two pieces.
const BODY_BYTES_COPIED_MAX: usize = 4 * 1024;

/// What a buffer may keep of its memory for the next call.
const BUFFER_BYTES_KEPT_MAX: usize = 16 * 1024;

/// Headers that belong to one connection, name its other end, frame a message, or would have the answer encoded: never
/// the caller's.
fn is_ours(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "accept-encoding"
            | "connection"
            | "content-length"
            | "expect"
            | "host"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Whether this can stand in a request line as it is: a path and a query, in characters that cannot end it.
#[expect(clippy::needless_bitwise_bool, reason = "nothing is to be skipped")]
pub(in crate::upstream) fn is_target(target: &str) -> bool {
    // All of it is looked at, for that is done several bytes at once; most targets are sound.
    let is_sound = |byte: u8| byte.is_ascii_graphic() & (byte != b'#');
    target.starts_with('/') && target.bytes().fold(true, |all, byte| all & is_sound(byte))
}

/// The part of a head that is the same for all calls.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::upstream) struct Template {
    /// In front of every target; empty, or begins and does not end with a slash.
    prefix: String,
    /// From behind the target to the end of the `Host` line.
    version_and_host: Vec<u8>,
}

impl Template {
    /// For calls to that host, below that path.
    pub(in crate::upstream) fn new(host: &HeaderValue, prefix: String) -> Template {
        let version_and_host = [b" HTTP/1.1\r\nhost: ", host.as_bytes(), b"\r\n"].concat();
        Template { prefix, version_and_host }
    }

    /// Writes a call into `buffer`; gives the body if that is to be sent from where it is.
    pub(super) fn fill<'a>(&self, buffer: &mut Vec<u8>, call: &Request<'a>) -> &'a [u8] {
        debug_assert!(is_target(call.target), "this was checked before");
        buffer.clear();
        buffer.shrink_to(BUFFER_BYTES_KEPT_MAX);
        for part in [call.method.as_str(), " ", &self.prefix, call.target] {
            buffer.extend_from_slice(part.as_bytes());
        }
        buffer.extend_from_slice(&self.version_and_host);
        for (name, value) in call.headers {
            let Some(value) = value else { continue };
            if is_ours(name) && !(call.passes && *name == ACCEPT_ENCODING) {
                continue;
            }
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                buffer.extend_from_slice(part);
            }
        }
        let says_length = matches!(*call.method, Method::POST | Method::PUT | Method::PATCH);
        if says_length || !call.body.is_empty() {
            buffer.extend_from_slice(b"content-length: ");
            put_decimal(buffer, call.body.len());
            buffer.extend_from_slice(b"\r\n");
        }
        buffer.extend_from_slice(b"\r\n");
        if call.body.len() > BODY_BYTES_COPIED_MAX {
            return call.body;
        }
        buffer.extend_from_slice(call.body);
        &[]
    }
}

fn put_decimal(buffer: &mut Vec<u8>, mut number: usize) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] += u8::try_from(number % 10).expect("a digit fits");
        number /= 10;
        if number == 0 {
            break;
        }
    }
    buffer.extend_from_slice(&digits[first..]);
}

/// What is left to be written.
pub(super) struct Outgoing<'a> {
    head: &'a [u8],
    body: &'a [u8],
    has_begun: bool,
    sending: &'a mut Sending,
}

/// Shows sizes alone: the credential is in the head.
impl std::fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Outgoing { head, body, has_begun, sending } = self;
        f.debug_struct("Outgoing")
            .field("head", &head.len())
            .field("body", &body.len())
            .field("has_begun", has_begun)
            .field("sending", sending)
            .finish()
    }
}

/// How far a call was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Some of it is still to be written.
    Writing,
    /// All of it was taken.
    Done,
    /// The other side does not listen any more. What it may have said before is worth reading all the same.
    Failed,
}

impl<'a> Outgoing<'a> {
    /// A whole call, of which nothing is written yet.
    pub(super) fn new(head: &'a [u8], body: &'a [u8], sending: &'a mut Sending) -> Outgoing<'a> {
        *sending = Sending::Writing;
        Outgoing { head, body, has_begun: false, sending }
    }

    /// A call that was written by somebody else.
    pub(super) fn written(sending: &'a mut Sending) -> Outgoing<'a> {
        Outgoing { head: &[], body: &[], has_begun: true, sending }
    }

    /// Whether at least one byte was taken.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether everything was taken.
    pub(super) fn is_done(&self) -> bool {
        *self.sending == Sending::Done
    }

    /// Writes what can be written now. An error means that nothing of the call was taken.
    pub(super) fn advance<S>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> io::Result<()>
    where
        S: AsyncWrite + Unpin,
    {
        if *self.sending != Sending::Writing {
            return Ok(());
        }
        match self.poll(stream, cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => {
                *self.sending = Sending::Done;
                Ok(())
            }
            Poll::Ready(Err(error)) => {
                *self.sending = Sending::Failed;
                if self.has_begun { Ok(()) } else { Err(error) }
            }
        }
    }

    fn poll<S>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncWrite + Unpin,
    {
        while !self.head.is_empty() || !self.body.is_empty() {
            let stream = Pin::new(&mut *stream);
            let written = if self.body.is_empty() {
                stream.poll_write(cx, self.head)
            } else {
                stream.poll_write_vectored(cx, &[IoSlice::new(self.head), IoSlice::new(self.body)])
            };
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.has_begun = true;
            let of_head = written.min(self.head.len());
            self.head = &self.head[of_head..];
            self.body = &self.body[written - of_head..];
        }
        // Encrypted bytes may be waiting although all of the call was taken.
        Pin::new(stream).poll_flush(cx)
    }
}

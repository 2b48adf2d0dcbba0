//! A client's byte stream once its protocol is known: what was read to find out comes first, the watch hears of all
//! that follows and of what the client does not take, what is read is followed, and the end is a gentle one. A body that may have
//! ended for somebody else is handed on up to there, and then breaks off; so does a flood of frames.
//!
//! Gentle, because closing a socket with unread bytes in it resets the connection, and the reset may overtake the answer:
//! a client whose upload was refused would see a broken connection instead of the 413. So after the last answer we say
//! that nothing more will come, and listen for a short while without hearing.

use std::{
    io,
    mem::{self, MaybeUninit},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::server::{
    frames::Frames,
    framing::Framing,
    outlet::Takes,
    watch::{Untaken, Watch},
};

/// What every HTTP/2 connection starts with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long the client may take to notice that we are done.
const LINGER: Duration = Duration::from_secs(1);

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads from `stream` until its protocol is certain; returns it with the bytes that took.
///
/// One byte is nearly always enough. The caller sets the deadline: a client may stop in the middle of the preface.
pub(super) async fn sniff<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(Protocol, Bytes)> {
    let mut seen = [0; PREFACE.len()];
    let mut length = 0;
    while length < seen.len() {
        let read = stream.read(&mut seen[length..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
        if seen[..length] != PREFACE[..length] {
            return Ok((Protocol::Http1, Bytes::copy_from_slice(&seen[..length])));
        }
    }
    Ok((Protocol::Http2, Bytes::from_static(PREFACE)))
}

/// What reads along.
#[derive(Debug)]
pub(super) enum Follower {
    /// Where requests follow one another.
    Framing(Framing),
    /// Where they come in frames.
    Frames(Frames),
}

impl Follower {
    /// Reads on. Says how many of the bytes may be read by others.
    fn read(&mut self, bytes: &[u8]) -> usize {
        match self {
            Follower::Framing(framing) => framing.read(bytes),
            Follower::Frames(frames) => frames.read(bytes),
        }
    }

    /// Whether nothing more is to be read.
    fn is_broken(&self) -> bool {
        match self {
            Follower::Framing(framing) => framing.is_broken(),
            Follower::Frames(frames) => frames.is_flood(),
        }
    }
}

/// The stream.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    /// Read already, not yet read from here.
    seen: Bytes,
    watch: Watch,
    /// Follows what is read.
    follower: Option<Follower>,
    /// Set while the system takes no more, for the client does not.
    untaken: Option<Untaken>,
    /// How much it had taken when that was last looked at.
    taken: u64,
    /// Set once we have said that nothing more will come.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    /// `stream`, with `seen` put back in front.
    pub(super) fn new(stream: S, seen: Bytes, watch: Watch, follower: Option<Follower>) -> Wire<S> {
        Wire { stream, seen, watch, follower, untaken: None, taken: 0, linger: None }
    }

    /// Follows what was read; says how much of it is handed on.
    fn follow(&mut self, bytes: &[u8]) -> usize {
        self.follower.as_mut().map_or(bytes.len(), |follower| follower.read(bytes))
    }

    /// # Errors
    ///
    /// All was handed on of what breaks off.
    fn check(&self) -> io::Result<()> {
        let is_broken = self.follower.as_ref().is_some_and(Follower::is_broken);
        if is_broken { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
    }

    /// Lets a client say something for what it was sent.
    fn pay(&mut self, sent: &Poll<io::Result<usize>>) {
        if let (Some(Follower::Frames(frames)), Poll::Ready(Ok(length))) = (&mut self.follower, sent) {
            frames.pay(*length as u64);
        }
    }

    /// Notes whether what was to be sent is gone, and if not, whether any of it is.
    fn heed<T>(&mut self, sent: &Poll<T>)
    where
        S: Takes,
    {
        if sent.is_ready() {
            self.untaken = None;
            return;
        }
        let before = mem::replace(&mut self.taken, self.stream.taken());
        match &mut self.untaken {
            None => self.untaken = Some(self.watch.untaken()),
            Some(untaken) if self.taken != before => untaken.was_taken_from(),
            Some(_) => {}
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let filled = buf.filled().len();
        if self.seen.has_remaining() {
            let length = self.seen.len().min(buf.remaining());
            buf.put_slice(&self.seen.split_to(length));
        } else {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            if buf.filled().len() > filled {
                self.watch.bytes_came();
            }
        }
        let sound = self.follow(&buf.filled()[filled..]);
        buf.set_filled(filled + sound);
        if sound == 0 {
            // Nothing at all would be the end of the stream.
            self.check()?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Takes + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.pay(&sent);
        self.heed(&sent);
        sent
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.pay(&sent);
        self.heed(&sent);
        sent
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(cx);
        self.heed(&sent);
        sent
    }

    /// Says that nothing more will come, then reads and forgets until the client is done too, or time is up.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut ignored = [MaybeUninit::uninit(); 4096];
        loop {
            if linger.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut ignored = ReadBuf::uninit(&mut ignored);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut ignored)) {
                Ok(()) if !ignored.filled().is_empty() => {}
                // The end, or a reset: the client is gone either way.
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;
    use crate::{
        server::{Config, backlog::Backlog, outlet::Outlet},
        telemetry::Metrics,
    };

    fn watch() -> Watch {
        Watch::http1(&Backlog::new(&Config::default(), &Metrics::new()))
    }

    #[tokio::test]
    async fn a_method_is_http_1_even_when_it_begins_like_the_preface() {
        for text in ["GET / HTTP/1.1\r\n", "PRIVATE / HTTP/1.1\r\n", "PUT / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}"]
        {
            let mut stream = text.as_bytes();
            let (protocol, seen) = sniff(&mut stream).await.unwrap();
            assert_eq!(protocol, Protocol::Http1, "{text}");
            assert_eq!([&seen, stream].concat(), text.as_bytes());
        }
    }

    #[tokio::test]
    async fn the_preface_is_recognised_however_it_is_cut() {
        let (mut client, mut stream) = duplex(1);
        let send = async { client.write_all(PREFACE).await.unwrap() };
        let (found, ()) = tokio::join!(sniff(&mut stream), send);
        assert_eq!(found.unwrap().0, Protocol::Http2);
    }

    #[tokio::test]
    async fn a_client_that_leaves_before_it_said_anything_is_an_error() {
        assert!(sniff(&mut &b""[..]).await.is_err());
        assert!(sniff(&mut &b"PRI * "[..]).await.is_err());
    }

    #[tokio::test]
    async fn what_was_seen_is_read_first() {
        let mut wire = Wire::new(&b" world"[..], Bytes::from_static(b"hello"), watch(), None);
        let mut text = String::new();
        wire.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello world");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_outwaits_a_client_that_is_still_sending_but_not_for_ever() {
        let (mut client, stream) = duplex(16);
        let mut wire = Wire::new(Outlet::new(stream), Bytes::new(), watch(), None);
        let start = Instant::now();
        let send = async {
            let mut times = 0;
            while client.write_all(b"more and more").await.is_ok() {
                times += 1;
                sleep(Duration::from_millis(100)).await;
            }
            times
        };
        let shut = async {
            wire.shutdown().await.unwrap();
            drop(wire);
            start.elapsed()
        };
        let (times, elapsed) = tokio::join!(send, shut);
        assert_eq!(elapsed.as_secs(), 1);
        assert!(times >= 10, "{times}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_ends_when_the_client_is_done_too() {
        let (client, stream) = duplex(16);
        let mut wire = Wire::new(Outlet::new(stream), Bytes::new(), watch(), None);
        let start = Instant::now();
        drop(client);
        wire.shutdown().await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

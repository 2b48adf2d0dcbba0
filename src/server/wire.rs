//! A client's byte stream once its protocol is known: what was read to find out comes first, the watch hears of all
//! that follows and of what the client does not take, what is read is followed, and the end is a gentle one (`lingering.rs`). A body
//! that may have ended for somebody else is handed on up to there, and then breaks off; so does a flood of frames, and its client is
//! told.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::server::{
    frames::Frames,
    framing::Framing,
    lingering::Lingering,
    outlet::Takes,
    watch::{Untaken, Watch},
};

/// What every HTTP/2 connection starts with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

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

    /// The frames, once they are a flood.
    fn flood(&self) -> Option<&Frames> {
        match self {
            Follower::Frames(frames) if frames.is_flood() => Some(frames),
            _ => None,
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
    /// Set once nothing more is to be served.
    lingering: Option<Box<Lingering>>,
}

impl<S> Wire<S> {
    /// `stream`, with `seen` put back in front.
    pub(super) fn new(stream: S, seen: Bytes, watch: Watch, follower: Option<Follower>) -> Wire<S> {
        Wire { stream, seen, watch, follower, untaken: None, taken: 0, lingering: None }
    }

    /// Follows what was read; says how much of it is handed on.
    fn follow(&mut self, bytes: &[u8]) -> usize {
        self.follower.as_mut().map_or(bytes.len(), |follower| follower.read(bytes))
    }

    /// Whether all was handed on of what breaks off.
    fn is_broken(&self) -> bool {
        self.follower.as_ref().is_some_and(Follower::is_broken)
    }

    /// The frames, once they are a flood.
    fn flood(&self) -> Option<&Frames> {
        self.follower.as_ref().and_then(Follower::flood)
    }

    /// Lets a client say something for what it was sent.
    fn sent(&mut self, bytes: &[u8]) {
        if let Some(Follower::Frames(frames)) = &mut self.follower {
            frames.sent(bytes);
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

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Ends what breaks off, with an error for the library. Who floods is told before, between two frames.
    fn poll_break(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Some(frames) = self.follower.as_ref().and_then(Follower::flood) {
            let lingering = self.lingering.get_or_insert_with(|| Box::new(Lingering::with(frames.goaway())));
            if frames.is_at_border() {
                ready!(lingering.poll(Pin::new(&mut self.stream), cx)).ok();
            } else {
                // The library writes the rest, if the client lets it.
                ready!(lingering.poll_patience(cx));
            }
        }
        Poll::Ready(io::ErrorKind::InvalidData.into())
    }

    /// Completes where the library may go on writing: of a flood's connection that is to the end of what it has begun, and then it
    /// is told that this is the end.
    fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.flood().is_some_and(Frames::is_at_border) {
            self.poll_break(cx).map(Err)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_broken() {
            return self.poll_break(cx).map(Err);
        }
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
        if sound == 0 && self.is_broken() {
            // Nothing at all would be the end of the stream.
            return self.poll_break(cx).map(Err);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Takes + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_begun(cx))?;
        let sent = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(length)) = sent {
            self.sent(&buf[..length]);
        }
        self.heed(&sent);
        sent
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_begun(cx))?;
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(mut length)) = sent {
            for buf in bufs {
                let taken = buf.len().min(length);
                self.sent(&buf[..taken]);
                length -= taken;
            }
        }
        self.heed(&sent);
        sent
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Behind the last of what it had begun the library flushes, and nobody else would see that it is there.
        ready!(self.poll_begun(cx))?;
        let sent = Pin::new(&mut self.stream).poll_flush(cx);
        self.heed(&sent);
        sent
    }

    /// Says that nothing more will come, then reads and forgets until the client is done too, or time is up.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.flood().is_some() {
            // Also in the middle of a frame, in which nothing may be said.
            return self.poll_break(cx).map(Err);
        }
        let Wire { stream, lingering, .. } = &mut *self;
        let mut stream = Pin::new(stream);
        if lingering.is_none() {
            ready!(stream.as_mut().poll_shutdown(cx))?;
        }
        lingering.get_or_insert_with(|| Box::new(Lingering::said())).poll(stream, cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::metrics::counter::Counter;
    use tokio::{
        io::{AsyncWriteExt, duplex, join, sink, split},
        time::{Instant, sleep},
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
        let mut wire = Wire::new(join(&b" world"[..], sink()), Bytes::from_static(b"hello"), watch(), None);
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

    #[tokio::test(start_paused = true)]
    async fn who_floods_reads_why_and_may_send_on_for_a_moment() {
        const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let (client, stream) = duplex(1000);
        let (mut reader, mut writer) = split(client);
        let follower = Follower::Frames(Frames::new(false, Counter::default()));
        let mut wire = Wire::new(Outlet::new(stream), Bytes::from_static(PREFACE), watch(), Some(follower));
        let serve = async {
            wire.write_all(&SETTINGS).await.unwrap();
            let ended = wire.read_to_end(&mut Vec::new()).await;
            drop(wire);
            ended.unwrap_err().kind()
        };
        let flood = async {
            writer.write_all(&SETTINGS.repeat(11_000)).await.unwrap();
            let start = Instant::now();
            while writer.write_all(&SETTINGS).await.is_ok() {
                sleep(Duration::from_millis(100)).await;
            }
            start.elapsed().as_secs()
        };
        let mut heard = Vec::new();
        let (ended, elapsed, _) = tokio::join!(serve, flood, reader.read_to_end(&mut heard));
        assert_eq!((ended, elapsed), (io::ErrorKind::InvalidData, 1));
        let (begun, goaway) = heard.split_at(SETTINGS.len());
        assert_eq!(begun, SETTINGS);
        // Its type, its stream, the newest stream of the client's, and ENHANCE_YOUR_CALM.
        assert_eq!(goaway[3..17], [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11]);
    }
}

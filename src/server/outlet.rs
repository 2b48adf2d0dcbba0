//! The end of a connection where bytes leave us: how many the system has taken for the client.
//!
//! It lies beneath TLS. What is written there may be kept by TLS itself, up to 64 KiB of it, and TLS says that it waits until all
//! of that is gone; so from above nobody can tell a client that reads slowly from one that does not read.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

/// A stream, and how many bytes it has taken.
#[derive(Debug)]
pub(super) struct Outlet<S> {
    stream: S,
    taken: u64,
}

/// What ends in an [`Outlet`].
pub(super) trait Takes {
    /// How many bytes went out there, whatever became of them before.
    fn taken(&self) -> u64;
}

impl<S> Outlet<S> {
    pub(super) fn new(stream: S) -> Outlet<S> {
        Outlet { stream, taken: 0 }
    }

    fn count(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(length)) = written {
            self.taken += *length as u64;
        }
    }
}

impl<S> Takes for Outlet<S> {
    fn taken(&self) -> u64 {
        self.taken
    }
}

impl<S> Takes for TlsStream<Outlet<S>> {
    fn taken(&self) -> u64 {
        self.get_ref().0.taken()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Outlet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outlet<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

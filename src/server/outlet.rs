//! The end of a connection where bytes leave us: how many the system has taken for the client.
//!
//! It lies beneath TLS. What is written there may be kept by TLS itself, up to 64 KiB of it, and TLS says that it waits until all
//! of that is gone; so from above nobody can tell a client that reads slowly from one that does not read.
//!
//! What the system has taken it goes on offering to the client for minutes, though we have left long ago. That is as it should
//! be for a client that reads. One that was left because it does not would still have all of that memory, and come again for more:
//! so its connection is reset.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

/// A stream, and how many bytes it has taken.
#[derive(Debug)]
pub(super) struct Outlet<S: Socket> {
    stream: S,
    taken: u64,
    end: End,
}

/// How an outlet ends; clones are of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct End(Rc<Cell<Ending>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ending {
    /// What the client has not taken is left to the system.
    #[default]
    Orderly,
    ToBeReset,
    Reset,
}

impl End {
    /// With a reset, when it comes: nothing of what the client has not taken is kept.
    pub(super) fn reset(&self) {
        self.0.set(Ending::ToBeReset);
    }

    /// Whether it has come, and was one.
    #[cfg(test)]
    pub(super) fn was_reset(&self) -> bool {
        self.0.get() == Ending::Reset
    }
}

/// What can be reset.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Has its end, when it comes, be a reset.
    fn end_with_reset(&self);
}

impl Socket for TcpStream {
    fn end_with_reset(&self) {
        if let Err(error) = SockRef::from(self).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "cannot reset a connection");
        }
    }
}

#[cfg(test)]
impl Socket for tokio::io::DuplexStream {
    /// No system keeps anything of it.
    fn end_with_reset(&self) {}
}

/// What ends in an [`Outlet`].
pub(super) trait Takes {
    /// How many bytes went out there, whatever became of them before.
    fn taken(&self) -> u64;
}

impl<S: Socket> Outlet<S> {
    pub(super) fn new(stream: S) -> Outlet<S> {
        Outlet { stream, taken: 0, end: End::default() }
    }

    /// How it is to end.
    pub(super) fn end(&self) -> End {
        self.end.clone()
    }

    fn count(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(length)) = written {
            self.taken += *length as u64;
        }
    }
}

impl<S: Socket> Drop for Outlet<S> {
    fn drop(&mut self) {
        if self.end.0.get() == Ending::ToBeReset {
            self.stream.end_with_reset();
            self.end.0.set(Ending::Reset);
        }
    }
}

impl<S: Socket> Takes for Outlet<S> {
    fn taken(&self) -> u64 {
        self.taken
    }
}

impl<S: Socket> Takes for TlsStream<Outlet<S>> {
    fn taken(&self) -> u64 {
        self.get_ref().0.taken()
    }
}

impl<S: Socket> AsyncRead for Outlet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: Socket> AsyncWrite for Outlet<S> {
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

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    /// What a client hears of a connection on which it was sent something: how it ended.
    async fn ended(how: impl Fn(&End)) -> io::Result<usize> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut outlet = Outlet::new(stream);
        outlet.write_all(b"an answer").await.unwrap();
        how(&outlet.end());
        drop(outlet);
        client.read_to_end(&mut Vec::new())
    }

    #[tokio::test]
    async fn an_outlet_ends_orderly_unless_it_is_to_be_reset() {
        assert_eq!(ended(|_| ()).await.unwrap(), "an answer".len());
        assert_eq!(ended(End::reset).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

//! Where the backend is, resolved from the configuration, and opening connections to it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderValue, Uri, uri::Scheme};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::upstream::{Config, ConfigError, tls};

/// The backend's address in the forms that are needed.
pub(super) struct Target {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The `Host` header of every call.
    pub(super) host_header: HeaderValue,
    /// Put in front of every call's path; empty, or begins and does not end with a slash.
    pub(super) prefix: String,
}

impl Target {
    /// Reads the base address; loads the authorities to trust when it is an `https` one.
    pub(super) fn new(config: &Config) -> Result<Target, ConfigError> {
        let base = &config.base;
        let refused = || ConfigError::Base(base.to_string());
        let authority = base.authority().ok_or_else(refused)?;
        let secure = match base.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(_) | None => return Err(refused()),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        // User names and passwords do not belong into addresses.
        if host.is_empty() || base.query().is_some() || authority.as_str().contains('@') {
            return Err(refused());
        }
        let tls = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| refused())?;
            Some((tls::connector(config.authorities.as_deref())?, name))
        } else {
            None
        };
        Ok(Target {
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            host_header: HeaderValue::from_str(authority.as_str()).map_err(|_| refused())?,
            prefix: prefix(base),
            host,
            tls,
        })
    }

    /// Opens a connection. Names are looked up each time, so that a backend may move.
    pub(super) async fn connect(&self) -> io::Result<Transport> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // Calls are written whole; waiting to fill a segment would only delay them.
        stream.set_nodelay(true)?;
        match &self.tls {
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                Ok(Transport::Tls(Box::new(stream)))
            }
            None => Ok(Transport::Plain(stream)),
        }
    }
}

fn prefix(base: &Uri) -> String {
    base.path().trim_end_matches('/').to_owned()
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Target { host, port, tls, host_header: _, prefix } = self;
        let is_secure = tls.is_some();
        f.debug_struct("Target")
            .field("host", host)
            .field("port", port)
            .field("is_secure", &is_secure)
            .field("prefix", prefix)
            .finish_non_exhaustive()
    }
}

/// A byte stream to the backend.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Both kinds, as what they have in common.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Transport {
    /// The socket below.
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => stream.get_ref().0,
        }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match self.get_mut() {
            Transport::Plain(stream) => Pin::new(stream),
            Transport::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base: &str) -> Result<Target, ConfigError> {
        Target::new(&Config::new(base.parse().unwrap()))
    }

    #[test]
    fn a_base_address_gives_host_port_and_prefix() {
        let plain = target("http://backend.example").unwrap();
        assert_eq!((plain.host.as_str(), plain.port, plain.prefix.as_str()), ("backend.example", 80, ""));
        let long = target("http://[::1]:8080/api/").unwrap();
        assert_eq!((long.host.as_str(), long.port, long.prefix.as_str()), ("::1", 8080, "/api"));
        assert_eq!(long.host_header, "[::1]:8080");
    }

    #[test]
    fn what_is_no_base_address_is_refused() {
        for base in
            ["/api", "ftp://backend", "http://backend/?a=b", "http://user:secret@backend/", "backend:80"]
        {
            let refused = target(base);
            assert!(matches!(refused, Err(ConfigError::Base(_))), "{base}: {refused:?}");
        }
    }
}

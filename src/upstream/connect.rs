//! Where the backend is, resolved from the configuration, and opening connections to it.

use std::{
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use http::{HeaderValue, uri::Scheme};
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    task::unconstrained,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    time::Deadline,
    upstream::{
        Config, ConfigError, tls,
        wire::{Template, is_target},
    },
};

/// The backend's address in the forms that are needed.
pub(super) struct Target {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// What all calls to it have in common.
    pub(super) template: Template,
}

impl Target {
    /// Reads the base address; loads the authorities to trust when it is an `https` one.
    pub(super) fn new(config: &Config) -> Result<Target, ConfigError> {
        let base = &config.base;
        // A password in it is shown to nobody.
        let shown = || {
            base.authority().map_or_else(
                || base.to_string(),
                |authority| match authority.as_str().rsplit_once('@') {
                    Some((_secret, host)) => {
                        base.to_string().replace(authority.as_str(), &format!("***@{host}"))
                    }
                    None => base.to_string(),
                },
            )
        };
        let refused = || ConfigError::Base(shown());
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
            Some((tls::connector(config.authorities.as_deref(), config.identity.as_ref())?, name))
        } else {
            None
        };
        let host_header = HeaderValue::from_str(authority.as_str()).map_err(|_| refused())?;
        let prefix = base.path().trim_end_matches('/').to_owned();
        if !prefix.is_empty() && !is_target(&prefix) {
            return Err(refused());
        }
        Ok(Target {
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            template: Template::new(&host_header, prefix),
            host,
            tls,
        })
    }

    /// Opens a connection, to whichever address of the backend takes one. Names are looked up each time, so that a backend
    /// may move. Whoever calls sees to it that there is an end at the deadline.
    pub(super) async fn connect(&self, deadline: Deadline) -> io::Result<Transport> {
        let addresses: Vec<_> = lookup_host((self.host.as_str(), self.port)).await?.collect();
        let stream = in_turn(&addresses, deadline, TcpStream::connect).await?;
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

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Target { host, port, tls, template } = self;
        let is_secure = tls.is_some();
        f.debug_struct("Target")
            .field("host", host)
            .field("port", port)
            .field("is_secure", &is_secure)
            .field("template", template)
            .finish()
    }
}

/// Opens the first of several addresses that can be. Each but the last gets its share of the time that is left: one that
/// swallows what is sent to it must not keep the others from being tried.
async fn in_turn<T>(
    addresses: &[SocketAddr],
    deadline: Deadline,
    open: impl AsyncFn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let Some((last, others)) = addresses.split_last() else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    };
    for (tried, address) in others.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        if let Ok(Ok(stream)) = timeout(deadline.remaining() / left, open(*address)).await {
            return Ok(stream);
        }
    }
    open(*last).await
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
    pub(super) fn is_secure(&self) -> bool {
        match self {
            Transport::Plain(_) => false,
            Transport::Tls(_) => true,
        }
    }

    /// Whether nothing has come, neither the end nor a byte, as far as tokio has heard. If it has not heard of anything
    /// since the socket was last found empty, the system is not asked. What has come is taken: whoever is told that
    /// something has cannot use the stream any more.
    pub(super) fn seems_quiet(&mut self) -> bool {
        match self {
            Transport::Plain(stream) => {
                matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            // Something decrypted may be left, and what comes may be for TLS alone, such as a session ticket.
            Transport::Tls(stream) => {
                let mut cx = Context::from_waker(Waker::noop());
                pin!(unconstrained(stream.read(&mut [0]))).poll(&mut cx).is_pending()
            }
        }
    }

    /// Whether nothing has come, according to the system. A byte on a TLS connection may also be a session ticket. Then
    /// the connection is given up for nothing, once.
    pub(super) fn is_quiet(&self) -> bool {
        let socket = match self {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => stream.get_ref().0,
        };
        let peeked = SockRef::from(socket).peek(&mut [MaybeUninit::uninit()]);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
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
    use std::{cell::RefCell, future::pending, io::Write, net::TcpListener, time::Duration};

    use tokio::time::{Instant, timeout_at};

    use super::*;

    fn target(base: &str) -> Result<Target, ConfigError> {
        Target::new(&Config::new(base.parse().unwrap()))
    }

    #[test]
    fn a_base_address_gives_host_port_and_prefix() {
        let plain = target("http://backend.example").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("backend.example", 80));
        assert_eq!(
            plain.template,
            Template::new(&HeaderValue::from_static("backend.example"), String::new())
        );
        let long = target("http://[::1]:8080/api/").unwrap();
        assert_eq!((long.host.as_str(), long.port), ("::1", 8080));
        assert_eq!(long.template, Template::new(&HeaderValue::from_static("[::1]:8080"), "/api".to_owned()));
    }

    #[test]
    fn what_is_no_base_address_is_refused() {
        for base in [
            "/api",
            "ftp://backend",
            "http://backend/?a=b",
            "http://user:secret@backend/",
            "backend:80",
            "http://backend/é",
        ] {
            let refused = target(base);
            assert!(matches!(refused, Err(ConfigError::Base(_))), "{base}: {refused:?}");
            let shown = format!("{refused:?} {}", refused.as_ref().unwrap_err());
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    /// Which of the addresses is connected to after how many seconds of six, where those whose port ends with 1 refuse, and
    /// those with 2 say nothing; and how many were tried.
    async fn opened(ports: &[u16]) -> (Result<u16, Option<io::ErrorKind>>, u64, usize) {
        let (begun, tried) = (Instant::now(), RefCell::new(Vec::new()));
        let deadline = Deadline::after(Duration::from_secs(6));
        let open = async |address: SocketAddr| {
            tried.borrow_mut().push(address);
            match address.port() % 10 {
                1 => Err(io::ErrorKind::ConnectionRefused.into()),
                2 => pending().await,
                _ => Ok(address.port()),
            }
        };
        let addresses: Vec<_> = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        let outcome = timeout_at(deadline.instant(), in_turn(&addresses, deadline, open)).await;
        let outcome = outcome.map_err(|_| None).and_then(|opened| opened.map_err(|error| Some(error.kind())));
        (outcome, begun.elapsed().as_secs(), tried.into_inner().len())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_everything_leaves_time_for_the_others() {
        for (ports, expected) in [
            (&[10][..], (Ok(10), 0, 1)),
            (&[10, 20], (Ok(10), 0, 1)),
            (&[11, 20], (Ok(20), 0, 2)),
            (&[12, 20], (Ok(20), 3, 2)),
            (&[12, 22, 30], (Ok(30), 4, 3)),
            (&[12, 21, 30], (Ok(30), 2, 3)),
            (&[12, 21], (Err(Some(io::ErrorKind::ConnectionRefused)), 3, 2)),
            (&[12], (Err(None), 6, 1)),
            (&[11, 22], (Err(None), 6, 2)),
            (&[], (Err(Some(io::ErrorKind::NotFound)), 0, 0)),
        ] {
            assert_eq!(opened(ports).await, expected, "{ports:?}");
        }
    }

    #[tokio::test]
    async fn what_came_is_known_to_the_system_at_once_and_to_tokio_once_it_asks() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut transport = Transport::Plain(TcpStream::connect(address).await.unwrap());
        let (mut peer, _) = listener.accept().unwrap();
        assert!(transport.seems_quiet() && transport.is_quiet());
        peer.write_all(b"x").unwrap();
        // Nobody has asked the system since: this is what costs no system call.
        assert!(transport.seems_quiet() && !transport.is_quiet());
        tokio::task::yield_now().await;
        assert!(!transport.seems_quiet());
    }
}

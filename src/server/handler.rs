//! Who answers requests, and what it is told of who asks.

use std::{
    fmt,
    future::Future,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{
    StatusCode,
    uri::{Authority, Scheme},
};

use super::{body::Body, upload::Upload};

/// Answers requests. Cloned for each of them; never leaves its worker's thread.
pub trait Handler: Clone + 'static {
    /// Answers one request. By value, so that what it returns needs nothing around it that keeps the handler. It must do nothing
    /// before that is polled, as no `async fn` does: a panic is caught only there.
    fn handle(
        self,
        request: http::Request<Upload>,
        peer: Peer,
    ) -> impl Future<Output = http::Response<Body>> + 'static;

    /// A refusal of the server in the words of whatever the head of the request is meant for; none if there is nothing whose
    /// words those could be, so that the server tells it in its own.
    fn refuse(
        &self,
        _head: &http::request::Parts,
        _peer: &Peer,
        _refused: &Refused,
    ) -> Option<http::Response<Body>> {
        None
    }

    /// Whether a text that the client chose, and that is to stand in the log, tells what proves who it is.
    fn is_secret(&self, _headers: &http::HeaderMap, _text: &str) -> bool {
        false
    }
}

/// Makes one handler per worker.
pub trait MakeHandler: Sync {
    /// What it makes.
    type Handler: Handler;

    /// The handler for worker number `worker`; called on that worker's thread, inside its runtime.
    fn make(&self, worker: usize) -> Self::Handler;
}

/// A request that the server refuses for whose it is, because its end can be read in two ways, or because too many answers
/// wait to be taken, before any handler has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// 400, 429 or 503.
    pub status: StatusCode,
    /// A stable machine word.
    pub code: &'static str,
    /// One sentence for the client.
    pub detail: &'static str,
    /// When to try again, if it may be another time.
    pub retry_after: Option<Duration>,
}

/// Who is at the other end of a connection. Shows nothing of who it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, or its proxy's.
    pub address: SocketAddr,
    /// Whose request it is: the same address, or the one a trusted hop names; none if that does not name any.
    pub client: Option<IpAddr>,
    /// How the client called: as the connection is, or as a trusted hop says.
    pub scheme: Scheme,
    /// The host it called, if a trusted hop says it; else the request does.
    pub host: Option<Authority>,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

impl Peer {
    pub(super) fn new(address: SocketAddr, tls: bool) -> Peer {
        // On a socket for both, an address of IPv4 comes in the spelling of IPv6.
        let client = Some(address.ip().to_canonical());
        let scheme = if tls { Scheme::HTTPS } else { Scheme::HTTP };
        Peer { address, client, scheme, host: None, tls }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("tls", &self.tls).finish_non_exhaustive()
    }
}

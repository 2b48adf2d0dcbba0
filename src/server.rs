//! Accepts connections, hands their requests to a handler, and drains on shutdown.
//!
//! Each worker is one thread with its own single-threaded runtime, its own listening sockets (`SO_REUSEPORT`) and its
//! own handler, so that no request ever moves between processors. This module never looks at what a request means: a
//! short tower stack (`server/stack.rs`) does what every HTTP server needs, the handler does the rest.

use std::{future::Future, io, net::SocketAddr, path::PathBuf, thread, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;

mod drain;

pub use drain::Drain;

/// How the server listens and what a client may cost it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listeners: Vec<ListenerConfig>,
    /// Threads that serve requests.
    pub workers: usize,
    /// Time for a whole request head, from its first byte.
    pub header_timeout: Duration,
    /// Time from accepting a connection to knowing its protocol: TLS handshake and first bytes.
    pub first_byte_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
    /// Time from a request's head to its answer.
    pub request_deadline: Duration,
    /// Connections open at once; more wait unaccepted.
    pub connections_max: usize,
    /// Requests in flight at once; more are answered 503.
    pub in_flight_max: usize,
    /// Bytes of a request head.
    pub header_bytes_max: usize,
    /// How long a drain may take before what is left is cut off.
    pub drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listeners: vec![ListenerConfig { address: ([127, 0, 0, 1], 8080).into(), tls: None }],
            workers: thread::available_parallelism().map_or(1, usize::from),
            header_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            request_deadline: Duration::from_secs(30),
            connections_max: 10_000,
            in_flight_max: 1024,
            header_bytes_max: 64 * 1024,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// One address to listen on.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Port 0 takes any free port.
    pub address: SocketAddr,
    /// Present for `https`.
    pub tls: Option<TlsConfig>,
}

/// Where a listener's certificate is.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// PEM file with the certificate chain, leaf first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// Makes one handler per worker.
pub trait MakeHandler: Send + Sync + 'static {
    /// What it makes.
    type Handler: Handler;

    /// The handler for worker number `worker`; called on that worker's thread, inside its runtime.
    fn make(&self, worker: usize) -> Self::Handler;
}

/// Answers requests. Cloned for each of them; never leaves its worker's thread.
pub trait Handler: Clone + 'static {
    /// Answers one request.
    fn handle(
        &self,
        request: http::Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = http::Response<Full<Bytes>>>;
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, or its proxy's.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// Bound sockets, ready to run.
#[derive(Debug)]
pub struct Server;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, forbidden or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The drain took too long, or was ended by a second signal: some connections were cut off.
    CutOff {
        /// How many.
        connections: usize,
    },
    /// Everything in flight was answered.
    Drained,
}

impl Server {
    /// Binds every listener for every worker; from here on the system queues connections for us.
    pub fn bind(_config: &Config) -> Result<Server, BindError> {
        todo!()
    }

    /// Where the server listens, in the order of the configuration, with the ports that were free.
    pub fn addresses(&self) -> &[SocketAddr] {
        todo!()
    }

    /// Counts connections and requests in flight in `metrics`.
    #[must_use]
    pub fn count_into(self, _metrics: &crate::telemetry::Metrics) -> Server {
        todo!()
    }

    /// Serves until `drain` begins and everything in flight is answered; blocks the calling thread.
    pub fn run(self, _make: impl MakeHandler, _drain: &Drain) -> io::Result<RunOutcome> {
        todo!()
    }
}

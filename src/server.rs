//! Accepts connections, hands their requests to a handler, and drains on shutdown.
//!
//! Each worker is one thread with its own single-threaded runtime, its own listening sockets (`SO_REUSEPORT`) and its
//! own handler, so that no request ever moves between processors. This module never looks at what a request means: a
//! short tower stack (`server/stack.rs`) does what every HTTP server needs, the handler does the rest.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    panic::resume_unwind,
    path::PathBuf,
    sync::{Arc, mpsc::channel},
    thread,
    time::Duration,
};

use http::{
    StatusCode,
    uri::{Authority, Scheme},
};
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Semaphore;

mod addresses;
mod arrivals;
mod backlog;
mod body;
mod connection;
mod delivery;
mod drain;
mod forwarded;
mod frames;
mod framing;
mod in_flight;
mod inherited;
mod leaving;
mod listen;
mod load;
mod network;
mod outlet;
mod refusal;
mod stack;
mod tally;
mod tls;
mod upload;
mod watch;
mod wire;
mod worker;

pub use body::Body;
pub use drain::Drain;
pub use forwarded::{HopHeader, HopHeaders, HopsConfig};
pub use inherited::{Inherited, InheritedError};
pub use network::{Network, NetworkError};
pub use tls::{Certificates, Renewal, TlsError};
pub use upload::Upload;

use self::{addresses::Addresses, in_flight::InFlight, listen::Listener};
use crate::telemetry::Metrics;

/// How the server listens and what a client may cost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen.
    pub listeners: Vec<ListenerConfig>,
    /// Threads that serve requests; if nobody says how many, one for each processor.
    pub workers: Option<usize>,
    /// Time for a whole request head, from its first byte.
    pub header_timeout: Duration,
    /// Time from accepting a connection to knowing its protocol: TLS handshake and first bytes.
    pub first_byte_timeout: Duration,
    /// How long a connection without a request is kept, and how long a client may take nothing of an answer.
    pub idle_timeout: Duration,
    /// Time from a request's head to its answer.
    pub request_deadline: Duration,
    /// Connections open at once; more wait unaccepted.
    pub connections_max: usize,
    /// Connections of one address; more are reset. Those of trusted hops are not counted.
    pub connections_per_address_max: usize,
    /// How many of its bits tell an address of IPv4 from others.
    pub ipv4_prefix: u8,
    /// The same of IPv6: whoever has one line to the internet is given so many, and may choose all bits behind them.
    pub ipv6_prefix: u8,
    /// Who may say where a request comes from.
    pub hops: HopsConfig,
    /// Requests in flight at once; more are answered 503. One whose answer is made is none of them, nor is one that waits for its
    /// body.
    pub in_flight_max: usize,
    /// Those of one address, on whatever connections, its own or those of trusted hops, until the answer was taken; more are
    /// answered 429.
    pub in_flight_per_address_max: usize,
    /// Bytes that requests hold of which the body is on its way, of each worker. With more, the address that holds most loses what
    /// has waited longest.
    pub arriving_bytes_max: usize,
    /// Bytes of answers that clients have not taken, of each worker. With more, whoever has taken nothing for longest loses
    /// them; where nobody has, requests are answered 503.
    pub untaken_bytes_max: usize,
    /// Bytes of a request head.
    pub header_bytes_max: usize,
    /// Whether other processes may listen on the same addresses, such as the one that takes our place.
    pub share_port: bool,
    /// How long we go on as usual after we have said that we are leaving.
    pub drain_delay: Duration,
    /// How long a drain may take before what is left is cut off: requests, and answers that were not taken.
    pub drain_timeout: Duration,
    /// Whether the thread that asks other sides for shadows runs only where no other thread wants the processor.
    pub shadows_give_way: bool,
    /// Whether events of refusals name the addresses of clients, which are personal data.
    pub names_addresses: bool,
}

/// Which part of all connections, and of all requests in flight, one address may have if nobody says how many.
pub(crate) const ADDRESS_PART: usize = 2;

impl Default for Config {
    fn default() -> Config {
        Config {
            listeners: vec![ListenerConfig { address: ([127, 0, 0, 1], 8080).into(), tls: None }],
            workers: None,
            header_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            request_deadline: Duration::from_secs(30),
            connections_max: 10_000,
            connections_per_address_max: 10_000 / ADDRESS_PART,
            ipv4_prefix: 32,
            ipv6_prefix: 56,
            hops: HopsConfig::default(),
            in_flight_max: 1024,
            in_flight_per_address_max: 1024 / ADDRESS_PART,
            arriving_bytes_max: 64 * 1024 * 1024,
            untaken_bytes_max: 64 * 1024 * 1024,
            header_bytes_max: 64 * 1024,
            share_port: false,
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
            shadows_give_way: true,
            names_addresses: false,
        }
    }
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Port 0 takes any free port.
    pub address: SocketAddr,
    /// Present for `https`.
    pub tls: Option<TlsConfig>,
}

/// Where a listener's certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM file with the certificate chain, leaf first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// Present where clients are asked for certificates of their own.
    pub clients: Option<ClientsConfig>,
}

/// Which certificates clients have to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientsConfig {
    /// PEM file of the authorities that sign them.
    pub authorities: PathBuf,
    /// What becomes of clients that have none.
    pub certificate: ClientCertificate,
}

/// Whether a client needs a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// It may do without; one that it shows has to be good.
    Request,
    /// There is no connection without.
    #[default]
    Require,
}

impl ClientCertificate {
    /// How the settings call them.
    pub const NAMES: [(&'static str, ClientCertificate); 2] =
        [("request", ClientCertificate::Request), ("require", ClientCertificate::Require)];
}

/// Makes one handler per worker.
pub trait MakeHandler: Sync {
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
        request: http::Request<Upload>,
        peer: Peer,
    ) -> impl Future<Output = http::Response<Body>>;

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

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Peer {
    fn new(address: SocketAddr, tls: bool) -> Peer {
        // On a socket for both, an address of IPv4 comes in the spelling of IPv6.
        let client = Some(address.ip().to_canonical());
        let scheme = if tls { Scheme::HTTPS } else { Scheme::HTTP };
        Peer { address, client, scheme, host: None, tls }
    }
}

/// Bound sockets, ready to run.
#[derive(Debug)]
pub struct Server {
    config: Config,
    addresses: Vec<SocketAddr>,
    /// For each worker, its own socket of each listener.
    doors: Vec<Vec<worker::Door>>,
    certificates: Certificates,
    metrics: Metrics,
}

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
    /// The socket that we were given for an address cannot be used.
    #[error("cannot use the socket for {address} that was passed to the program")]
    Inherited {
        /// Where it listens.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A listener's certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The drain took too long, or a second signal ended it: some connections were cut off.
    CutOff {
        /// How many.
        connections: usize,
    },
    /// Everything in flight was answered, and every answer taken.
    Drained,
}

impl Server {
    /// Binds every listener for every worker; from here on the system queues connections for us.
    pub fn bind(config: Config) -> Result<Server, BindError> {
        Server::bind_or_take(config, &mut Inherited::default())
    }

    /// The same, with the sockets that the program was started with, where there are any for an address.
    pub fn bind_or_take(config: Config, inherited: &mut Inherited) -> Result<Server, BindError> {
        let workers = config.workers();
        let (mut addresses, mut certificates) = (Vec::new(), Certificates::default());
        let mut doors: Vec<Vec<worker::Door>> = (0..workers).map(|_| Vec::new()).collect();
        for listener in &config.listeners {
            let given = inherited.take(listener.address);
            let bound = match given {
                Some(socket) => Listener::of(listener, &socket, workers)?,
                None => Listener::bind(listener, workers, config.share_port)?,
            };
            let Listener { address, sockets, tls, ending } = bound;
            addresses.push(address);
            certificates.0.push(tls.clone());
            for (doors, socket) in doors.iter_mut().zip(sockets) {
                doors.push(worker::Door { socket, tls: tls.clone(), ending });
            }
        }
        Ok(Server { config, addresses, doors, certificates, metrics: Metrics::new() })
    }

    /// Where the server listens, in the order of the configuration, with the ports that were free.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What its listeners show to clients, to be renewed while it runs.
    pub fn certificates(&self) -> Certificates {
        self.certificates.clone()
    }

    /// Counts connections, requests in flight and its own refusals in `metrics`.
    #[must_use]
    pub fn count_into(self, metrics: &Metrics) -> Server {
        Server { metrics: metrics.clone(), ..self }
    }

    /// Serves until `drain` has begun and everything in flight is answered and taken; blocks the calling thread.
    ///
    /// # Errors
    ///
    /// When a worker cannot be started, or cannot go on. The drain begins then, so that the others end too.
    pub fn run(self, make: &impl MakeHandler, drain: &Drain) -> io::Result<RunOutcome> {
        self.run_and_tell(make, drain, || {})
    }

    /// The same, and calls `started` once every worker takes connections; never if one cannot be started.
    ///
    /// # Errors
    ///
    /// As [`Server::run`].
    pub fn run_and_tell(
        self,
        make: &impl MakeHandler,
        drain: &Drain,
        started: impl FnOnce(),
    ) -> io::Result<RunOutcome> {
        let shared = Arc::new(Shared {
            slots: Arc::new(Semaphore::new(self.config.connections_max.min(Semaphore::MAX_PERMITS))),
            addresses: Arc::new(Addresses::new(&self.config)),
            in_flight: Arc::new(InFlight::new(&self.config)),
            metrics: self.metrics,
            drain: drain.clone(),
            config: self.config,
        });
        thread::scope(|scope| {
            let shared = &shared;
            let (report, reports) = channel();
            let start = |(number, doors)| {
                let report = report.clone();
                let serve = move || {
                    let _others_end_too = BeginOnDrop(&shared.drain);
                    worker::run(number, doors, make, shared, report)
                };
                thread::Builder::new().name(format!("worker-{number}")).spawn_scoped(scope, serve)
            };
            let workers: Vec<_> = self.doors.into_iter().enumerate().map(start).collect();
            if workers.iter().any(Result::is_err) {
                drain.begin();
            }
            // It is closed when all have reported, or cannot any more.
            drop(report);
            if reports.iter().count() == workers.len() {
                started();
            }
            let end = |worker: io::Result<thread::ScopedJoinHandle<'_, _>>| {
                worker?.join().unwrap_or_else(|panic| resume_unwind(panic))
            };
            // Every worker is waited for, then the first error counts.
            let outcomes: Vec<io::Result<RunOutcome>> = workers.into_iter().map(end).collect();
            outcomes.into_iter().try_fold(RunOutcome::Drained, |all, one| Ok(all.and(one?)))
        })
    }
}

/// A worker that ends early, for whatever reason, must not leave the others serving half of the connections.
struct BeginOnDrop<'a>(&'a Drain);

impl Drop for BeginOnDrop<'_> {
    fn drop(&mut self) {
        self.0.begin();
    }
}

impl RunOutcome {
    fn and(self, other: RunOutcome) -> RunOutcome {
        match (self, other) {
            (RunOutcome::Drained, outcome) | (outcome, RunOutcome::Drained) => outcome,
            (RunOutcome::CutOff { connections: one }, RunOutcome::CutOff { connections: other }) => {
                RunOutcome::CutOff { connections: one + other }
            }
        }
    }
}

impl Config {
    /// How many workers there are: one for each processor, where nothing is said.
    pub(crate) fn workers(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(processors).max(1)
    }
}

/// What the workers share.
#[derive(Debug)]
struct Shared {
    config: Config,
    drain: Drain,
    /// One permit per connection.
    slots: Arc<Semaphore>,
    /// What each address has of them.
    addresses: Arc<Addresses>,
    /// What each address has of requests in flight.
    in_flight: Arc<InFlight>,
    metrics: Metrics,
}

/// Counts something for as long as it is held.
#[derive(Debug)]
struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Counted {
        gauge.inc();
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;

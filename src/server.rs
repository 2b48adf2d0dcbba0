//! Accepts connections, hands their requests to a handler, and drains on shutdown.
//!
//! Each worker is one thread with its own single-threaded runtime, its own listening sockets (`SO_REUSEPORT`) and its
//! own handler, so that no request ever moves between processors. This module never looks at what a request means: a
//! short tower stack (`server/stack.rs`) does what every HTTP server needs, the handler does the rest.

use std::{
    io,
    net::SocketAddr,
    panic::resume_unwind,
    sync::{Arc, Once, mpsc::channel},
    thread,
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Semaphore;

mod addresses;
mod arrivals;
mod backlog;
mod body;
mod config;
mod connection;
mod delivery;
mod drain;
mod forwarded;
mod frames;
mod framing;
mod handler;
mod in_flight;
mod inherited;
mod lingering;
mod listen;
mod load;
mod network;
mod outlet;
mod refusal;
mod stack;
mod tally;
mod tls;
mod turnover;
mod upload;
mod watch;
mod wire;
mod worker;

pub use body::Body;
pub(crate) use config::ADDRESS_PART;
pub use config::{ClientCertificate, ClientsConfig, Config, ListenerConfig, TlsConfig};
pub use drain::Drain;
pub use forwarded::{HopHeader, HopHeaders, HopsConfig};
pub use handler::{Handler, MakeHandler, Peer, Refused};
pub use inherited::{Inherited, InheritedError};
pub use network::{Network, NetworkError};
pub use tls::{Certificates, Renewal, TlsError};
pub use turnover::{Kept, Stay};
pub use upload::Upload;

use self::{addresses::Addresses, in_flight::InFlight, listen::Listener};
use crate::telemetry::Metrics;

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
            cuts: Once::new(),
        });
        thread::scope(|scope| {
            let shared = &shared;
            let (report, reports) = channel();
            let start = |(number, doors)| {
                let report = report.clone();
                let serve = move || {
                    let _others_end_too = DrainOnDrop(&shared.drain);
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
    /// That what is open is cut off, which is told once.
    cuts: Once,
}

/// A worker that ends early, for whatever reason, must not leave the others serving half of the connections.
struct DrainOnDrop<'a>(&'a Drain);

impl Drop for DrainOnDrop<'_> {
    fn drop(&mut self) {
        self.0.begin();
    }
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

//! TEMPORARY stand-in, only the settings: the integrator replaces this file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How to listen, and how long to wait for whom.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listeners: Vec<ListenerConfig>,
    /// Worker threads.
    pub workers: usize,
    /// Time to send the head of a request.
    pub header_timeout: Duration,
    /// Time from accept to the first byte.
    pub first_byte_timeout: Duration,
    /// Time a connection may idle.
    pub idle_timeout: Duration,
    /// Time to answer a request.
    pub request_deadline: Duration,
    /// Open connections.
    pub connections_max: usize,
    /// Requests accepted and not yet answered.
    pub in_flight_max: usize,
    /// Size of the head of a request.
    pub header_bytes_max: usize,
    /// Time to finish what is in flight.
    pub drain_timeout: Duration,
}

/// One socket.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Its address.
    pub address: SocketAddr,
    /// Its certificate, if it speaks TLS.
    pub tls: Option<TlsConfig>,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// PEM file of the chain.
    pub certificate: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        Self {
            listeners: vec![ListenerConfig { address, tls: None }],
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            header_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            request_deadline: Duration::from_secs(30),
            connections_max: 10_000,
            in_flight_max: 1024,
            header_bytes_max: 64 << 10,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

//! How to listen, and what a client may cost.

use std::{net::SocketAddr, path::PathBuf, thread, time::Duration};

use super::forwarded::HopsConfig;

/// How the server listens and what a client may cost it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings, each of which has nothing to do with the others"
)]
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
    /// Whether the connection that came first makes way for the next when there are as many: then none waits.
    pub makes_way: bool,
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
            makes_way: false,
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

impl Config {
    /// How many workers there are: one for each processor, where nothing is said.
    pub(crate) fn workers(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        self.workers.unwrap_or_else(processors).max(1)
    }
}

/// Which part of all connections, and of all requests in flight, one address may have if nobody says how many.
pub(crate) const ADDRESS_PART: usize = 2;

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

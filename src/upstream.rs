//! TEMPORARY stand-in, only the settings: the integrator replaces this file.

use std::time::Duration;

use http::Uri;

/// Where the canonical backend is and how to talk to it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Scheme, authority and path prefix.
    pub base: Uri,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// Time for one call.
    pub timeout: Duration,
    /// Connections per worker.
    pub connections_max: usize,
    /// Time a connection may idle.
    pub idle_timeout: Duration,
    /// Size of an answer.
    pub answer_bytes_max: usize,
    /// A PEM file of certificate authorities to trust instead of the system's; for `https` only.
    pub authorities: Option<std::path::PathBuf>,
}

impl Config {
    /// The defaults for a backend at `base`.
    pub fn new(base: Uri) -> Self {
        Self {
            base,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            connections_max: 64,
            idle_timeout: Duration::from_secs(15),
            answer_bytes_max: 8 << 20,
            authorities: None,
        }
    }
}

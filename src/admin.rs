//! TEMPORARY stand-in, only the settings: the integrator replaces this file.

use std::net::{Ipv4Addr, SocketAddr};

/// Where the admin page is.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its own listener; none turns it off.
    pub address: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Self {
        Self { address: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))) }
    }
}

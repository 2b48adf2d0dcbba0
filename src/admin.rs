//! Health, readiness and metrics, on a listener of their own.

use std::{net::SocketAddr, time::Duration};

use crate::{
    server::{BindError, Drain},
    telemetry::Metrics,
};

/// Where the admin listener is.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// `None` switches it off.
    pub address: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Config {
        Config { address: Some(([127, 0, 0, 1], 9464).into()) }
    }
}

/// The bound admin listener.
#[derive(Debug)]
pub struct Admin;

/// The admin listener at work; it stops when this is dropped.
#[derive(Debug)]
pub struct Running;

impl Admin {
    /// Binds the listener.
    pub fn bind(_address: SocketAddr) -> Result<Admin, BindError> {
        let _ = Duration::ZERO;
        todo!()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        todo!()
    }

    /// Answers on a thread of its own; ready until `drain` begins.
    pub fn start(self, _metrics: Metrics, _drain: Drain) -> std::io::Result<Running> {
        todo!()
    }
}

//! What is counted and measured.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// Every metric of the process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics;

/// The metrics of one operation of one dialect, looked up once.
#[derive(Clone, Debug)]
pub struct OperationMetrics;

/// How a call to the backend ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamOutcome {
    /// With an answer, whatever its status.
    Answered,
    /// With a malformed answer or a broken connection.
    Broken,
    /// Without a free connection.
    Overloaded,
    /// Too late.
    TimedOut,
    /// With too large an answer.
    TooLarge,
    /// Without a connection.
    Unreachable,
}

/// How a resolver found an external id's counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResolverOutcome {
    /// The lookup failed.
    Failed,
    /// It was remembered.
    Hit,
    /// The backend was asked and knew it.
    Loaded,
    /// The backend was asked and did not know it.
    Miss,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Metrics {
        todo!()
    }

    /// The metrics of one operation.
    pub fn operation(&self, _dialect: &str, _operation: &str) -> OperationMetrics {
        todo!()
    }

    /// Counts a call to the backend.
    pub fn upstream(&self, _operation: &str, _outcome: UpstreamOutcome) {
        todo!()
    }

    /// Counts an answer that is a problem.
    pub fn refusal(&self, _dialect: &str, _code: &'static str, _blame: &'static str) {
        todo!()
    }

    /// Counts a lookup.
    pub fn resolver(&self, _resolver: &str, _outcome: ResolverOutcome) {
        todo!()
    }

    /// Requests accepted and not yet answered.
    pub fn requests_in_flight(&self) -> Gauge {
        todo!()
    }

    /// Connections of clients.
    pub fn connections_open(&self) -> Gauge {
        todo!()
    }

    /// Connections opened to the backend, and calls sent on one that was already open.
    pub fn upstream_connections(&self) -> (Counter, Counter) {
        todo!()
    }

    /// The text a scraper reads.
    pub fn render(&self) -> String {
        todo!()
    }
}

impl OperationMetrics {
    /// Counts one answered request; `code` is the problem's code, empty for success.
    pub fn answered(&self, _status: http::StatusCode, _code: &'static str, _duration: Duration) {
        todo!()
    }

    /// Counts one call to the backend on behalf of this operation.
    pub fn called(&self, _outcome: UpstreamOutcome) {
        todo!()
    }

    /// Counts fields that the client sent and nobody reads.
    pub fn ignored_fields(&self, _fields: u64) {
        todo!()
    }
}

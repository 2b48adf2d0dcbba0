//! The canonical backend as a client sees it: calls over pooled HTTP/1.1 connections, each with a deadline.
//!
//! A call is written at most once unless nothing of it can have been acted on: it is sent again only when hyper hands
//! it back unwritten, or when it is safe and a *reused* connection broke under it. No redirect is followed, no
//! compressed answer accepted, and a connection that sent one byte more than its answer is never used again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::time::Deadline;

/// Where the backend is, and how much patience and memory a call to it may cost.
#[derive(Clone, Debug)]
pub struct Config {
    /// Scheme, authority and an optional path prefix, for example `http://127.0.0.1:9000/api`.
    pub base: Uri,
    /// Time to open a connection, TLS included; also the longest wait for a free connection slot.
    pub connect_timeout: Duration,
    /// Time for one call, from taking a connection to the last byte of the answer.
    pub timeout: Duration,
    /// Open connections per worker.
    pub connections_max: usize,
    /// How long an unused connection is kept; keep this below the backend's own idle timeout.
    pub idle_timeout: Duration,
    /// The largest answer body accepted.
    pub answer_bytes_max: usize,
    /// A PEM file of certificate authorities to trust instead of the system's; for `https` only.
    pub authorities: Option<std::path::PathBuf>,
}

impl Config {
    /// The documented defaults, for a backend at `base`.
    pub fn new(base: Uri) -> Config {
        Config {
            base,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            connections_max: 64,
            idle_timeout: Duration::from_secs(15),
            answer_bytes_max: 8 * 1024 * 1024,
            authorities: None,
        }
    }
}

/// One call to the backend.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query in origin form, already percent-encoded; the configured prefix is put in front.
    pub target: String,
    /// End-to-end headers. `Host` and everything about framing or the connection is replaced.
    pub headers: HeaderMap,
    /// The body, empty for none.
    pub body: Bytes,
    /// Whether repeating the call changes nothing at all.
    pub safe: bool,
}

/// What the backend answered, complete.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, never 1xx.
    pub status: StatusCode,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for the rest of the answer's body.
    Body,
    /// Opening a connection.
    Connect,
    /// Waiting for the answer's head.
    Head,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The answer was malformed, cut short, or the connection broke after the call was written.
    #[error("the backend's answer was broken")]
    Broken,
    /// Every connection slot stayed taken for as long as a call may wait for one.
    #[error("all connections to the backend are in use")]
    Overloaded,
    /// The deadline passed.
    #[error("the backend did not answer in time")]
    TimedOut {
        /// What the call was waiting for.
        stage: Stage,
    },
    /// The answer's body is larger than allowed.
    #[error("the backend's answer is larger than {limit} bytes")]
    TooLarge {
        /// The configured limit.
        limit: usize,
    },
    /// No connection could be opened; nothing was sent.
    #[error("cannot connect to the backend")]
    Unreachable,
}

/// Why an [`Upstream`] cannot be made from a [`Config`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The base address is not `http://…` or `https://…` with a host, or carries a query.
    #[error("`{0}` is not an absolute http or https address without a query")]
    Base(Uri),
}

/// A backend and one worker's connections to it.
#[derive(Clone, Debug)]
pub struct Upstream(Arc<Config>);

impl Upstream {
    /// A backend nobody has connected to yet.
    pub fn new(config: Arc<Config>) -> Result<Upstream, ConfigError> {
        Ok(Upstream(config))
    }

    /// The same backend with connections of its own, for another worker.
    #[must_use]
    pub fn sibling(&self) -> Upstream {
        self.clone()
    }

    /// Sends one call and reads its whole answer.
    pub async fn send(&self, _call: Request, _deadline: Deadline) -> Result<Answer, UpstreamError> {
        todo!()
    }
}

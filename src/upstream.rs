//! The canonical backend as a client sees it: calls over pooled HTTP/1.1 connections, each with a deadline.
//!
//! A call is written at most once unless nothing of it can have been acted on, or it may be repeated: because it is safe, or
//! because it has a key by which the backend knows it again. [`retry`] says when it is, and [`breaker`] when there is no use
//! in asking at all. No redirect is followed, no compressed answer accepted, and a connection that sent one byte more than
//! its answer is never used again.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

pub mod breaker;
mod connect;
mod connection;
mod health;
mod places;
mod pool;
pub mod retry;
mod send;
mod tls;
mod under_way;
mod wire;

pub use self::wire::{Fault, Media};
use self::{connect::Target, health::Health, pool::Pool};
use crate::{pem::PemFault, telemetry::BackendMetrics};

/// Where the backend is, and how much patience and memory a call to it may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Scheme, authority and an optional path prefix, for example `http://127.0.0.1:9000/api`.
    pub base: Uri,
    /// Time to open a connection, TLS included; also the longest wait for a free connection slot, which is not begun where it is
    /// expected to be longer than a quarter of that.
    pub connect_timeout: Duration,
    /// Time for one call to the last byte of its answer, waiting for a connection, opening one and being made again
    /// included.
    pub timeout: Duration,
    /// Open connections per worker.
    pub connections_max: usize,
    /// How long an unused connection is kept; keep this below the backend's own idle timeout.
    pub idle_timeout: Duration,
    /// The largest answer body accepted.
    pub answer_bytes_max: usize,
    /// A PEM file of certificate authorities to trust instead of the system's; for `https` only.
    pub authorities: Option<PathBuf>,
    /// What to show to a backend that asks for a certificate; for `https` only.
    pub identity: Option<Identity>,
    /// When the backend is left alone; none never does.
    pub breaker: Option<breaker::Config>,
    /// When a call is made again.
    pub retry: retry::Config,
    /// What the backend makes of keys.
    pub idempotency_keys: Keys,
}

/// A certificate of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PEM file with the certificate chain, leaf first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// What the backend makes of the key that a call has ([`Request::is_keyed`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// It does once what calls of one key ask for, and answers all of them alike: such a call may be repeated.
    Honoured,
    /// Nothing, as far as anybody knows.
    #[default]
    Ignored,
}

impl Keys {
    /// Each with its name in the settings.
    pub const NAMES: [(&'static str, Keys); 2] = [("honoured", Keys::Honoured), ("ignored", Keys::Ignored)];
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
            identity: None,
            breaker: Some(breaker::Config::default()),
            retry: retry::Config::default(),
            idempotency_keys: Keys::default(),
        }
    }
}

/// One call to the backend.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something else of the call, and any of them may go together"
)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query in origin form, already percent-encoded; the configured prefix is put in front.
    pub target: &'a str,
    /// End-to-end headers; those without a value are left out. `Host` and everything about framing or the connection is
    /// replaced.
    pub headers: &'a [(HeaderName, Option<&'a HeaderValue>)],
    /// The body, empty for none.
    pub body: &'a [u8],
    /// Whether repeating the call changes nothing at all.
    pub safe: bool,
    /// Whether one of its headers is a key, by which a backend can know it again.
    pub is_keyed: bool,
    /// Whether the backend has done already what was asked for, and this is only how to tell it.
    pub follows: bool,
    /// Whose share of the connections it takes: half of them for all calls that say the same, which waits for its own end while
    /// others have theirs. Without, it takes any.
    pub share: Option<u8>,
    /// Whether the answer is handed on as it comes: with all of its headers, and encoded as the headers here ask for.
    pub passes: bool,
}

/// What the backend answered, complete. Of its headers, those are here that somebody asks for.
#[derive(Clone)]
pub struct Answer {
    /// The status, never 1xx.
    pub status: StatusCode,
    /// What the body is said to be.
    pub media: Media,
    /// `ETag`.
    pub etag: Option<HeaderValue>,
    /// `Retry-After`.
    pub retry_after: Option<HeaderValue>,
    /// All headers, of an answer that is handed on as it came.
    pub headers: Option<Box<HeaderMap>>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Shows sizes: target, values and body are what a client wrote, the credential among them.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name.as_str());
        f.debug_struct("Request")
            .field("method", self.method)
            .field("headers", &names.collect::<Vec<_>>())
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Shows the status and how long the body is.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The answer was malformed or cut short, or the connection broke after the call was written.
    #[error("the backend's answer is broken")]
    Broken(#[source] Broken),
    /// Every connection, or every one of the call's share, is in use, and stayed so for as long as a call may wait for one, or will
    /// as far as is known.
    #[error("all connections to the backend that the call may take are in use")]
    Overloaded,
    /// The backend failed too often to be asked now; nothing was sent.
    #[error("the backend is left alone, for too many calls to it failed")]
    Refused {
        /// When there may be a use in asking again.
        retry_after: Duration,
    },
    /// The call's target is no path and query; nothing was sent.
    #[error("the call's target is malformed")]
    Target,
    /// The deadline passed.
    #[error("the backend took too long {stage}")]
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
    /// The head of an answer came, and the rest cannot be had.
    #[error("the backend answered {status}, and the rest of its answer cannot be read")]
    Unread {
        /// What it says became of the call.
        status: StatusCode,
        /// What keeps the rest from being read.
        source: Box<UpstreamError>,
    },
    /// No connection could be opened; nothing was sent.
    #[error("cannot connect to the backend")]
    Unreachable(#[source] io::Error),
}

impl UpstreamError {
    /// What kept an answer from coming, whether some of it came or not.
    #[must_use]
    pub fn root(&self) -> &UpstreamError {
        match self {
            UpstreamError::Unread { source, .. } => source.root(),
            other => other,
        }
    }
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It is compressed, though nobody asked for that.
    #[error("the body is encoded as nobody asked for")]
    Encoded,
    /// It is not HTTP, or not all of it came.
    #[error(transparent)]
    Http(#[from] Fault),
    /// It changes the protocol.
    #[error("the connection was switched to another protocol")]
    Switched,
}

impl From<Fault> for UpstreamError {
    fn from(fault: Fault) -> UpstreamError {
        UpstreamError::Broken(fault.into())
    }
}

/// How far a call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for the rest of the answer's body, behind a head with that status.
    Body(StatusCode),
    /// Opening a connection.
    Connect,
    /// Waiting for the answer's head.
    Head,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Body(_) => "to finish its answer",
            Stage::Connect => "to connect",
            Stage::Head => "to answer",
        })
    }
}

/// Why an [`Upstream`] cannot be made from a [`Config`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The authorities to trust cannot be read.
    #[error("cannot read the certificate authorities in `{}`", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The base is no address of a backend.
    #[error("`{0}` is not `http://` or `https://` with a host, an optional port and an optional path")]
    Base(String),
    /// The certificate to show to the backend, or its key, cannot be used.
    #[error("cannot show the certificate `{}` to the backend", path.display())]
    Identity {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong with it, or with both together.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key of that certificate cannot be used.
    #[error("cannot read the private key `{}` of the certificate to show to the backend", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemFault,
    },
    /// No authorities are configured and the system's were not found.
    #[error("found no certificate authorities to trust; name a file of them")]
    NoAuthorities,
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// The backend, and one worker's connections to it; clones share them.
#[derive(Clone, Debug)]
pub struct Upstream {
    config: Arc<Config>,
    target: Arc<Target>,
    pool: Arc<Pool>,
    health: Arc<Health>,
    metrics: BackendMetrics,
}

impl Upstream {
    /// The backend, with no connection yet.
    pub fn new(config: Arc<Config>) -> Result<Upstream, ConfigError> {
        let target = Arc::new(Target::new(&config)?);
        Ok(Upstream::of_worker(config, target, BackendMetrics::default()))
    }

    /// What no two workers share, made anew.
    fn of_worker(config: Arc<Config>, target: Arc<Target>, metrics: BackendMetrics) -> Upstream {
        let pool = Arc::new(Pool::new(config.connections_max, config.idle_timeout));
        let health = Arc::new(Health::new(&config, metrics.clone()));
        Upstream { config, target, pool, health, metrics }
    }

    /// Counts connections, retries and what becomes of the breaker in metrics of the caller's.
    #[must_use]
    pub fn count_into(self, metrics: BackendMetrics) -> Upstream {
        Upstream::of_worker(self.config, self.target, metrics)
    }

    /// The same backend with connections, a breaker and a budget of its own, for another worker.
    #[must_use]
    pub fn sibling(&self) -> Upstream {
        let (config, target) = (Arc::clone(&self.config), Arc::clone(&self.target));
        Upstream::of_worker(config, target, self.metrics.clone())
    }

    /// Whether both were made from one: then they call the same backend in the same way.
    #[must_use]
    pub fn is_sibling_of(&self, other: &Upstream) -> bool {
        Arc::ptr_eq(&self.target, &other.target)
    }

    /// Where it is, the same for all spellings of one address (RFC 3986, section 6.2): scheme and host in small letters, without
    /// the port that everybody takes, and without slashes at the end, which nothing is made of.
    #[must_use]
    pub fn base(&self) -> String {
        let written = self.config.base.to_string();
        let base = match fluent_uri::Uri::parse(&*written) {
            Ok(base) => base.normalize().into_string(),
            Err(_) => written.clone(),
        };
        let trimmed = base.trim_end_matches('/');
        // Of no path at all a slash is left.
        let is_all = self.config.base.path().trim_end_matches('/').is_empty();
        if is_all { format!("{trimmed}/") } else { trimmed.to_owned() }
    }

    /// The largest answer body accepted.
    #[must_use]
    pub fn answer_bytes_max(&self) -> usize {
        self.config.answer_bytes_max
    }

    /// What the backend makes of keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        self.config.idempotency_keys
    }
}

#[cfg(test)]
mod tests;

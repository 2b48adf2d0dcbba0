//! The canonical backend as a client sees it: calls over pooled HTTP/1.1 connections, each with a deadline.
//!
//! A call is written at most once unless nothing of it can have been acted on, or it may be repeated: because it is safe, or
//! because it has a key by which the backend knows it again. [`retry`] says when it is, and [`breaker`] when there is no use
//! in asking at all. No redirect is followed, no compressed answer accepted, and a connection that sent one byte more than
//! its answer is never used again.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use tokio::time::{sleep, timeout_at};

pub mod breaker;
mod connect;
mod connection;
mod health;
mod pool;
pub mod retry;
mod tls;
mod wire;

pub use self::wire::Fault;
use self::{
    connect::Target,
    connection::Connection,
    health::Health,
    pool::Pool,
    wire::{Failure, is_target},
};
use crate::{telemetry::BackendMetrics, time::Deadline};

/// Where the backend is, and how much patience and memory a call to it may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub authorities: Option<PathBuf>,
    /// When the backend is left alone; none never does.
    pub breaker: Option<breaker::Config>,
    /// When a call is made again.
    pub retry: retry::Config,
    /// What the backend makes of keys.
    pub idempotency_keys: Keys,
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
            breaker: Some(breaker::Config::default()),
            retry: retry::Config::default(),
            idempotency_keys: Keys::default(),
        }
    }
}

/// One call to the backend.
#[derive(Clone, Copy, Debug)]
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
}

/// What the backend answered, complete. Of its headers, those are here that somebody asks for.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, never 1xx.
    pub status: StatusCode,
    /// `ETag`.
    pub etag: Option<HeaderValue>,
    /// `Retry-After`.
    pub retry_after: Option<HeaderValue>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The answer was malformed or cut short, or the connection broke after the call was written.
    #[error("the backend's answer is broken")]
    Broken(#[source] Broken),
    /// Every connection stayed in use for as long as a call may wait for one.
    #[error("all connections to the backend are in use")]
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
    /// No connection could be opened; nothing was sent.
    #[error("cannot connect to the backend")]
    Unreachable(#[source] io::Error),
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
    /// Waiting for the rest of the answer's body.
    Body,
    /// Opening a connection.
    Connect,
    /// Waiting for the answer's head.
    Head,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Body => "to finish its answer",
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

    /// Sends one call and reads its whole answer, whatever its status; if need be and nothing speaks against it, again.
    ///
    /// Dropping the future closes the connection the call was on.
    pub async fn send(&self, call: Request<'_>, deadline: Deadline) -> Result<Answer, UpstreamError> {
        if !is_target(call.target) {
            return Err(UpstreamError::Target);
        }
        self.health.budget().earn();
        let whole = Deadline::after(self.config.timeout);
        let deadline = deadline.min(whole);
        let mut attempt = Attempt {
            is_repeatable: call.safe || call.is_keyed && self.config.idempotency_keys == Keys::Honoured,
            deadline,
            is_patient: health::is_patient(self.config.timeout, whole, deadline),
            retries: 0,
        };
        let mut before = None;
        loop {
            let outcome = self.attempt(&call, &mut attempt).await;
            if !self.is_worth_another(&outcome, &attempt) {
                return better(before, outcome, call.safe).map_err(Failure::into_error);
            }
            attempt.retries += 1;
            // Both in boxes: every call would carry the room for what few need.
            before = Some(Box::new(outcome));
            Box::pin(sleep(retry::PAUSE)).await;
        }
    }

    /// Whether to make a call once more that ended so; takes what that costs from the budget.
    fn is_worth_another(&self, outcome: &Result<Answer, Failure>, attempt: &Attempt) -> bool {
        retry::may_help(outcome, attempt.is_repeatable)
            && attempt.retries < self.config.retry.retries_max
            && attempt.deadline.remaining() > retry::PAUSE
            && self.health.may_retry()
    }

    /// Makes a call once, if the breaker lets it through.
    async fn attempt(&self, call: &Request<'_>, attempt: &mut Attempt) -> Result<Answer, Failure> {
        let permit = self.health.admit().map_err(Failure::Final)?;
        let outcome = match self.pool.slot(attempt.deadline, self.config.connect_timeout).await {
            Ok(_slot) => {
                let mut stage = Stage::Connect;
                let deadline = attempt.deadline.instant();
                let outcome = timeout_at(deadline, self.call(call, attempt, &mut stage)).await;
                outcome.unwrap_or(Err(Failure::Final(UpstreamError::TimedOut { stage })))
            }
            Err(error) => Err(Failure::Final(error)),
        };
        permit.end(health::verdict(&outcome, attempt.is_patient));
        outcome
    }

    /// One call, on whichever connection takes it.
    async fn call(
        &self,
        call: &Request<'_>,
        attempt: &mut Attempt,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        while let Some(connection) = self.pool.take() {
            self.metrics.reuses.inc();
            match self.exchange(connection, call, stage).await {
                // Nothing of it was written: any call may try the next connection.
                Err(Failure::Unsent(_)) => {}
                // The backend closed the connection as we wrote, most likely; only what may be repeated is. That costs
                // nothing of the budget: a connection that is used again is one on which a call ended well.
                Err(Failure::Unanswered(_)) if attempt.is_repeatable => {
                    attempt.retries += 1;
                    self.metrics.retries.inc();
                    break;
                }
                outcome => return outcome,
            }
        }
        *stage = Stage::Connect;
        let connection = self.connect(attempt.deadline).await.map_err(Failure::Final)?;
        self.exchange(connection, call, stage).await
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, UpstreamError> {
        let deadline = deadline.within(self.config.connect_timeout);
        let transport = timeout_at(deadline.instant(), self.target.connect())
            .await
            .map_err(|_elapsed| UpstreamError::TimedOut { stage: Stage::Connect })?
            .map_err(UpstreamError::Unreachable)?;
        self.metrics.connections.inc();
        Ok(Connection::new(transport))
    }

    /// One call on one connection, which goes back to the pool if it can be used again.
    async fn exchange(
        &self,
        mut connection: Connection,
        call: &Request<'_>,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        let limit = self.config.answer_bytes_max;
        let answer = connection.exchange(&self.target.template, call, limit, stage).await?;
        if connection.is_reusable() {
            self.pool.put(connection);
        }
        Ok(answer)
    }
}

/// A call under way.
#[derive(Debug)]
struct Attempt {
    /// Whether it does nothing twice when it is sent twice.
    is_repeatable: bool,
    deadline: Deadline,
    /// Whether the backend is to blame if it is late.
    is_patient: bool,
    /// How often it was sent again.
    retries: u32,
}

/// Which of two outcomes is told.
fn better(
    before: Option<Box<Result<Answer, Failure>>>,
    outcome: Result<Answer, Failure>,
    is_safe: bool,
) -> Result<Answer, Failure> {
    let Some(before) = before else { return outcome };
    match &outcome {
        // It was not made a second time after all.
        Err(Failure::Final(UpstreamError::Refused { .. } | UpstreamError::Overloaded)) => *before,
        // The first may still be under way, and be what the second is in conflict with: nobody knows what became of it.
        Ok(answer) if !is_safe && answer.status == StatusCode::CONFLICT => *before,
        _ => outcome,
    }
}

#[cfg(test)]
mod tests;

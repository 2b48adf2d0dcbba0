//! What one worker knows of the backend's health: its breaker, and what it may spend on retries.

use std::{io, sync::Arc, time::Duration};

use http::StatusCode;
use rustix::io::Errno;
use tokio::time::Instant;

use crate::{
    telemetry::{BackendMetrics, BreakerState, names::field},
    upstream::{
        Answer, Config, UpstreamError,
        breaker::{Breaker, Change, Pass, Verdict},
        retry::{self, Budget},
        wire::Failure,
    },
};

/// How long a call has to be given before the backend is to blame for being late. A request that took its time before its
/// call was made may leave less; were that held against the backend, one client could have it left alone by all.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// A breaker, if there is to be one, and a budget.
#[derive(Debug)]
pub(super) struct Health {
    breaker: Option<Breaker>,
    budget: Budget,
    metrics: BackendMetrics,
}

impl Health {
    /// That of a backend of which nothing is known.
    pub(super) fn new(config: &Config, metrics: BackendMetrics) -> Health {
        let budget = Budget::new(config.retry.clone(), Instant::now());
        Health { breaker: config.breaker.clone().map(Breaker::new), budget, metrics }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether a call may be made. One that follows from what was done may, whatever the breaker says: it decides about
    /// requests, not about their second halves.
    pub(super) fn admit(self: &Arc<Self>, follows: bool) -> Result<Permit, UpstreamError> {
        let Some(breaker) = self.breaker.as_ref().filter(|_| !follows) else {
            return Ok(Permit { health: Arc::clone(self), pass: None });
        };
        let (admitted, change) = breaker.admit();
        self.tell(change);
        match admitted {
            Ok(pass) => Ok(Permit { health: Arc::clone(self), pass: Some(pass) }),
            Err(retry_after) => Err(self.refused(retry_after)),
        }
    }

    /// Whether a call would be refused now: then it need not wait for anything first. Else it may still be refused when it has.
    pub(super) fn check(&self, follows: bool) -> Result<(), UpstreamError> {
        let breaker = self.breaker.as_ref().filter(|_| !follows);
        match breaker.and_then(Breaker::refusal) {
            None => Ok(()),
            Some(retry_after) => Err(self.refused(retry_after)),
        }
    }

    fn refused(&self, retry_after: Duration) -> UpstreamError {
        self.metrics.refused.inc();
        UpstreamError::Refused { retry_after }
    }

    /// Whether calls are made as usual.
    pub(super) fn is_closed(&self) -> bool {
        self.breaker.as_ref().is_none_or(Breaker::is_closed)
    }

    /// Whether a call may be made again, for which the budget pays unless it is free; if so, that is counted.
    pub(super) fn may_retry(&self, is_free: bool) -> bool {
        let may = is_free || self.budget.spend(Instant::now());
        let counter = if may { &self.metrics.retries } else { &self.metrics.retries_refused };
        counter.inc();
        may
    }

    fn end(&self, pass: Pass, verdict: Verdict) {
        if let Some(breaker) = &self.breaker {
            self.tell(breaker.end(pass, verdict));
        }
    }

    /// The one event of a change, if there was one.
    fn tell(&self, change: Option<Change>) {
        let Some(Change { from, to }) = change else { return };
        self.metrics.changed(from, to);
        let name = to.name();
        match to {
            BreakerState::Closed => {
                tracing::info!(
                    { field::BREAKER } = name,
                    "the backend answers again: a worker calls it as usual"
                );
            }
            BreakerState::HalfOpen => {
                tracing::info!({ field::BREAKER } = name, "a worker tries whether the backend answers");
            }
            BreakerState::Open => {
                tracing::warn!(
                    { field::BREAKER } = name,
                    "too many calls failed: a worker leaves the backend alone"
                );
            }
        }
    }
}

impl Drop for Health {
    fn drop(&mut self) {
        if let Some(breaker) = &self.breaker {
            self.metrics.gone(breaker.state());
        }
    }
}

/// The right to make one call; whoever drops it without a word says that the call was given up.
#[derive(Debug)]
pub(super) struct Permit {
    health: Arc<Health>,
    pass: Option<Pass>,
}

impl Permit {
    /// Says how the call ended.
    pub(super) fn end(mut self, verdict: Verdict) {
        if let Some(pass) = self.pass.take() {
            self.health.end(pass, verdict);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.health.end(pass, Verdict::Neither);
        }
    }
}

/// How long a call has to have left, once it is its turn, for the backend to be to blame if it is late.
pub(super) fn patience(timeout: Duration) -> Duration {
    PATIENCE_MIN.min(timeout / 2)
}

/// What the outcome of a call says about the backend.
pub(super) fn verdict(outcome: &Result<Answer, Failure>, is_patient: bool) -> Verdict {
    match outcome {
        Ok(answer) => of_status(answer.status),
        Err(Failure::Final(UpstreamError::TooLarge { .. })) => Verdict::Succeeded,
        Err(Failure::Unanswered { .. } | Failure::Unsent(_)) => Verdict::Failed,
        Err(Failure::Final(error)) => match error {
            UpstreamError::Unreachable(error) if is_ours(error) => Verdict::Neither,
            UpstreamError::Broken(_) | UpstreamError::Unreachable(_) => Verdict::Failed,
            UpstreamError::TimedOut { .. } if is_patient => Verdict::Failed,
            UpstreamError::TimedOut { .. }
            | UpstreamError::Overloaded
            | UpstreamError::Refused { .. }
            | UpstreamError::Target
            | UpstreamError::TooLarge { .. }
            | UpstreamError::Unread { .. } => Verdict::Neither,
        },
    }
}

/// What an answer says about it.
pub(super) fn of_status(status: StatusCode) -> Verdict {
    // Whatever it says, it is there to say it: what it refuses is a client's affair, and where it fails at one thing it may
    // be well at others.
    if retry::is_away(status) { Verdict::Failed } else { Verdict::Succeeded }
}

/// Whether there was no connection because we have no descriptor, port or memory for one: whoever has us run out of them must
/// not keep all others from a backend that is well.
fn is_ours(error: &io::Error) -> bool {
    let own = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    Errno::from_io_error(error).is_some_and(|errno| own.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_lack_is_not_held_against_the_backend() {
        let ended = |error: io::Error| verdict(&Err(Failure::Final(UpstreamError::Unreachable(error))), true);
        for errno in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL] {
            assert!(matches!(ended(errno.into()), Verdict::Neither), "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH] {
            assert!(matches!(ended(errno.into()), Verdict::Failed), "{errno}");
        }
    }
}

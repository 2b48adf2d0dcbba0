//! What a breaker does, given the time: a state machine that neither waits nor looks at a clock.

use std::time::Duration;

use tokio::time::Instant;

use super::{Config, window::Window};
use crate::telemetry::BreakerState as State;

/// How long a call is told to wait while all probes are on their way: nobody knows how long that takes.
const UNTIL_PROBED: Duration = Duration::from_secs(1);

/// How a call ended, as far as the backend's health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::upstream) enum Verdict {
    Failed,
    /// It says nothing about the backend: whoever made it went away, say.
    Neither,
    Succeeded,
}

/// The breaker itself.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    config: Config,
    /// Another number after each change, so that calls of before are told from those of now. Even while it is closed.
    epoch: u64,
    inner: Inner,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inner {
    Closed { window: Window, failed_last: Option<Instant> },
    HalfOpen { under_way: u32, succeeded: u32, failed: u32 },
    Open { until: Instant },
}

/// Whether this is the epoch of a closed breaker.
pub(super) fn is_closed(epoch: u64) -> bool {
    epoch.is_multiple_of(2)
}

impl Machine {
    /// A closed one that knows of no call.
    pub(super) fn new(config: Config) -> Machine {
        Machine { config, epoch: 0, inner: CLOSED }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn state(&self) -> State {
        match self.inner {
            Inner::Closed { .. } => State::Closed,
            Inner::HalfOpen { .. } => State::HalfOpen,
            Inner::Open { .. } => State::Open,
        }
    }

    /// Whether a call may be made, and in which epoch; if not, how long there is no use in asking again.
    pub(super) fn admit(&mut self, now: Instant) -> Result<u64, Duration> {
        if let Inner::Open { until } = self.inner {
            if now < until {
                return Err(until - now);
            }
            // open -> half-open: it was left alone for long enough
            self.become_open_or_half(Inner::HalfOpen { under_way: 0, succeeded: 0, failed: 0 });
        }
        if let Inner::HalfOpen { under_way, succeeded, failed } = &mut self.inner {
            if *under_way + *succeeded + *failed >= self.config.probes {
                return Err(UNTIL_PROBED);
            }
            *under_way += 1;
        }
        Ok(self.epoch)
    }

    /// Hears of calls of this epoch that ended well while it was closed, all at once.
    pub(super) fn succeeded(&mut self, count: u32) {
        if let Inner::Closed { window, .. } = &mut self.inner {
            window.succeeded(count, self.config.window_calls);
        }
    }

    /// Hears how a call ended that was admitted in that epoch.
    pub(super) fn end(&mut self, epoch: u64, verdict: Verdict, now: Instant) {
        if epoch != self.epoch {
            return;
        }
        match (&mut self.inner, verdict) {
            (Inner::Open { .. }, _) | (Inner::Closed { .. }, Verdict::Neither) => {}
            (Inner::Closed { .. }, Verdict::Succeeded) => self.succeeded(1),
            (Inner::Closed { window, failed_last }, Verdict::Failed) => {
                if failed_last.is_some_and(|last| now - last >= self.config.forget_after) {
                    *window = Window::NONE;
                }
                *failed_last = Some(now);
                window.failed(self.config.window_calls);
                let (calls, failures) = (window.calls(), window.failures());
                if calls >= self.config.calls_min && failures * 100 >= self.config.failure_percent * calls {
                    // closed -> open: too many of the last calls failed
                    self.epoch += 1;
                    self.inner = Inner::Open { until: now + self.config.open_for };
                }
            }
            // Another call may be the probe instead.
            (Inner::HalfOpen { under_way, .. }, Verdict::Neither) => *under_way -= 1,
            (Inner::HalfOpen { under_way, succeeded, failed }, verdict) => {
                *under_way -= 1;
                *(if verdict == Verdict::Failed { failed } else { succeeded }) += 1;
                self.judge(now);
            }
        }
    }

    /// Whether the probes have said enough: they are judged as all calls are.
    fn judge(&mut self, now: Instant) {
        let Inner::HalfOpen { succeeded, failed, .. } = self.inner else { return };
        let probes = self.config.probes;
        if failed * 100 >= self.config.failure_percent * probes {
            // half-open -> open: too many probes failed
            self.become_open_or_half(Inner::Open { until: now + self.config.open_for });
        } else if succeeded + failed >= probes {
            // half-open -> closed: enough of them ended well
            self.epoch += 1;
            self.inner = CLOSED;
        }
    }

    fn become_open_or_half(&mut self, inner: Inner) {
        self.epoch += 2;
        self.inner = inner;
    }
}

const CLOSED: Inner = Inner::Closed { window: Window::NONE, failed_last: None };

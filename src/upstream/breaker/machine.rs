//! What a breaker does, given the time: a state machine that neither waits nor looks at a clock.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Config, window::Window};
use crate::telemetry::BreakerState as State;

/// How long a call is told to wait while all probes are on their way: nobody knows how long that takes.
const UNTIL_PROBED: Duration = Duration::from_secs(1);

/// How long a probe has its place to itself. One that takes longer says nothing yet, and all others would wait for it.
pub(super) const PROBE_PATIENCE: Duration = Duration::from_secs(3);

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
    Closed {
        window: Window,
        failed_last: Option<Instant>,
    },
    /// Of the probes under way, when those were begun that have a place.
    HalfOpen {
        under_way: VecDeque<Instant>,
        succeeded: u32,
        failed: u32,
    },
    Open {
        until: Instant,
    },
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
            self.become_open_or_half(Inner::HalfOpen { under_way: VecDeque::new(), succeeded: 0, failed: 0 });
        }
        if let Some(wait) = self.refusal(now) {
            return Err(wait);
        }
        if let Inner::HalfOpen { under_way, .. } = &mut self.inner {
            let late = under_way.iter().take_while(|begun| is_late(**begun, now)).count();
            under_way.drain(..late);
            under_way.push_back(now);
        }
        Ok(self.epoch)
    }

    /// How long there is no use in asking for a call, if none would be admitted now.
    pub(super) fn refusal(&self, now: Instant) -> Option<Duration> {
        match &self.inner {
            Inner::Closed { .. } => None,
            Inner::Open { until } => (now < *until).then(|| *until - now),
            Inner::HalfOpen { under_way, succeeded, failed } => {
                let in_time = under_way.iter().filter(|begun| !is_late(**begun, now)).count();
                let in_time = u32::try_from(in_time).unwrap_or(u32::MAX);
                (in_time + succeeded + failed >= self.config.probes).then_some(UNTIL_PROBED)
            }
        }
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
            (Inner::HalfOpen { under_way, .. }, Verdict::Neither) => drop(under_way.pop_front()),
            // What a late one says counts as well; which of them it was makes no difference.
            (Inner::HalfOpen { under_way, succeeded, failed }, verdict) => {
                under_way.pop_front();
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

/// Whether another call may have the place of a probe that was begun then.
fn is_late(begun: Instant, now: Instant) -> bool {
    now.saturating_duration_since(begun) >= PROBE_PATIENCE
}

const CLOSED: Inner = Inner::Closed { window: Window::NONE, failed_last: None };

//! A backend that fails is left alone for a while: one breaker for each worker.
//!
//! Closed, it lets every call through and looks at how the last ones ended. When too many of them failed it opens, and
//! calls are refused without a connection being opened. After a while it is half-open: a few calls, the probes, go
//! through, and how they end decides whether it closes or opens again.
//!
//! What it does stands in `machine`, without a lock and without a clock of its own. Here is what each call pays for it:
//! it reads a number, and when it ended well adds one to another. Whatever is rarer (a call that failed, or anything while
//! the breaker is not closed) takes a lock and, where it matters, looks at the clock.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

mod machine;
#[cfg(test)]
mod tests;
mod window;

pub(super) use self::machine::Verdict;
use self::machine::{Machine, is_closed};
use crate::telemetry::BreakerState as State;

/// When to open, and when to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many of the last calls are looked at, at most [`WINDOW_CALLS_MAX`].
    pub window_calls: u32,
    /// With fewer calls than these the breaker never opens.
    pub calls_min: u32,
    /// It opens when so many of a hundred have failed.
    pub failure_percent: u32,
    /// Calls are forgotten when none failed for so long.
    pub forget_after: Duration,
    /// How long it stays open.
    pub open_for: Duration,
    /// By how many calls it decides, once it is half-open: it opens again when so many of a hundred of them have failed,
    /// and else closes.
    pub probes: u32,
}

/// The most calls that can be looked at.
pub const WINDOW_CALLS_MAX: u32 = window::SIZE;

impl Default for Config {
    fn default() -> Config {
        Config {
            window_calls: 100,
            calls_min: 20,
            failure_percent: 50,
            forget_after: Duration::from_secs(30),
            open_for: Duration::from_secs(5),
            probes: 3,
        }
    }
}

/// One worker's breaker. It may be shared between threads, but is made for one: there it never waits for its lock.
#[derive(Debug)]
pub(super) struct Breaker {
    /// That of the machine, so that nobody has to ask it.
    epoch: AtomicU64,
    /// Calls that ended well, and that the machine has not heard of.
    unheard: AtomicU32,
    machine: Mutex<Machine>,
}

/// The right to make one call. Who is given one says how the call ended, by [`Breaker::end`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass(u64);

/// From one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: State,
    pub(super) to: State,
}

impl Breaker {
    /// A closed one, that knows of no call.
    pub(super) fn new(config: Config) -> Breaker {
        let machine = Machine::new(config);
        Breaker {
            epoch: AtomicU64::new(machine.epoch()),
            unheard: AtomicU32::new(0),
            machine: Mutex::new(machine),
        }
    }

    /// Whether a call may be made; if not, how long there is no use in asking again. Tells if that half-opened it.
    pub(super) fn admit(&self) -> (Result<Pass, Duration>, Option<Change>) {
        let epoch = self.epoch.load(Ordering::Relaxed);
        if is_closed(epoch) {
            return (Ok(Pass(epoch)), None);
        }
        let mut machine = self.machine();
        let before = machine.state();
        let admitted = machine.admit(Instant::now());
        (admitted.map(Pass), self.changed(before, &machine))
    }

    /// Whether a call would be refused now, and how long there is no use in asking again.
    pub(super) fn refusal(&self) -> Option<Duration> {
        if self.is_closed() { None } else { self.machine().refusal(Instant::now()) }
    }

    /// Hears how a call ended; tells if that opened or closed it. What was begun before the last such change says nothing
    /// any more.
    pub(super) fn end(&self, Pass(of): Pass, verdict: Verdict) -> Option<Change> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        if of != epoch {
            return None;
        }
        if is_closed(epoch) {
            match verdict {
                Verdict::Neither => return None,
                Verdict::Succeeded => {
                    // There is one writer. If there were two, a call that ended well would be forgotten now and then.
                    let unheard = self.unheard.load(Ordering::Relaxed);
                    self.unheard.store(unheard.saturating_add(1), Ordering::Relaxed);
                    return None;
                }
                Verdict::Failed => {}
            }
        }
        let mut machine = self.machine();
        let before = machine.state();
        machine.succeeded(self.unheard.swap(0, Ordering::Relaxed));
        machine.end(of, verdict, Instant::now());
        self.changed(before, &machine)
    }

    /// Whether it lets every call through.
    pub(super) fn is_closed(&self) -> bool {
        is_closed(self.epoch.load(Ordering::Relaxed))
    }

    /// What it is now.
    pub(super) fn state(&self) -> State {
        self.machine().state()
    }

    /// Makes known what the machine has become, if that is something else.
    fn changed(&self, from: State, machine: &Machine) -> Option<Change> {
        self.epoch.store(machine.epoch(), Ordering::Relaxed);
        let to = machine.state();
        (from != to).then_some(Change { from, to })
    }

    /// A panic while the lock was held cannot have left anything half done, so poison is ignored.
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What counts for one worker.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use prometheus_client::metrics::counter as metrics;

use super::UNCONFIRMED;
use super::book::Book;
use super::client::Client;
use super::desk::{Desk, Noted};
use super::met::Meter;
use super::watch::{Used, Watch};
use super::watches::Watches;
use crate::lens::Tally;
use crate::limit::Principal;
use crate::telemetry::ShadowOutcome;
use crate::time::unix_seconds;

/// Counts for one worker.
pub struct Counter {
    book: Arc<Book>,
    desk: Arc<Desk>,
    meter: Meter,
    lost: metrics::Counter,
}

impl Counter {
    /// One that counts into that book.
    pub fn new(book: Arc<Book>) -> Counter {
        let (desk, meter) = (book.desk(), Meter::new(Arc::clone(&book)));
        Counter { book, desk, meter, lost: metrics::Counter::default() }
    }

    /// The same, where it is counted there how many requests were not counted.
    #[must_use]
    pub fn losing(mut self, lost: metrics::Counter) -> Counter {
        self.lost = lost;
        self
    }

    /// Counts a request of somebody whom a backend knows. All that they ask from then on is theirs, whoever counts it.
    pub fn count(&self, whose: Principal, client: Client, (watch, used): (&Watch, &Used), now: SystemTime) {
        self.count_all(whose, client, watch.numbers(used), now);
    }

    /// Counts a request of somebody of whom no backend was asked whether it knows them, or none has said so: as theirs if they
    /// are known by earlier requests or by name, and else as that of somebody [`UNCONFIRMED`](super::UNCONFIRMED).
    pub fn count_unconfirmed(
        &self,
        whose: Principal,
        client: Client,
        (watch, used): (&Watch, &Used),
        now: SystemTime,
    ) {
        self.count_doubtful(whose, client, watch.numbers(used), now);
    }

    /// Counts a request, of somebody whom a backend knows, that uses those parts, the first of which is its operation.
    pub fn count_parts(&self, whose: Principal, client: Client, parts: &[u32], now: SystemTime) {
        self.count_all(whose, client, parts.iter().copied(), now);
    }

    /// It is decided before anything is noted, so that however many strangers come, they fill no sheet. What they call
    /// themselves may be made up as well.
    pub(super) fn count_doubtful(
        &self,
        whose: Principal,
        client: Client,
        parts: impl Iterator<Item = u32> + Clone,
        now: SystemTime,
    ) {
        if self.desk.knows(&whose) {
            self.count_all(whose, client, parts, now);
        } else {
            self.count_all(UNCONFIRMED, Client::UNKNOWN, parts, now);
        }
    }

    /// Counts the declared losses that a request of an operation met.
    pub fn count_losses(
        &self,
        watches: &Watches,
        (dialect, operation): (&str, &str),
        met: &Tally,
        now: SystemTime,
    ) {
        if let Some(losses) = watches.losses(dialect, operation) {
            self.meter.lost(losses, met, now);
        }
    }

    /// Counts a request of an operation that the other side was to be asked too, and that ended before it was.
    pub fn count_compared(
        &self,
        watches: &Watches,
        (dialect, operation): (&str, &str),
        outcome: ShadowOutcome,
        now: SystemTime,
    ) {
        if let Some(outcomes) = watches.outcomes(dialect, operation) {
            self.meter.compared(outcomes, outcome, now);
        }
    }

    fn count_all(
        &self,
        whose: Principal,
        client: Client,
        parts: impl Iterator<Item = u32> + Clone,
        now: SystemTime,
    ) {
        match self.desk.note(whose, client, parts, unix_seconds(now)) {
            Noted::Counted => {}
            Noted::Full => self.book.hand_in(&self.desk),
            Noted::Lost => drop(self.lost.inc()),
        }
    }
}

/// What was counted last is taken in with the next that is written.
impl Drop for Counter {
    fn drop(&mut self) {
        self.desk.leave();
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").finish_non_exhaustive()
    }
}

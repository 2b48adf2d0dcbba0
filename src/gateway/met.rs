//! What requests meet, where it is kept: declared losses, and what asking the other side too came to.
//!
//! Where nobody keeps it, each of these is a branch. The metrics count the same, since the process began.

use super::{Exchange, Gateway};
use crate::telemetry::ShadowOutcome;
use crate::usage::Book;

impl Gateway {
    /// Counts the declared losses that a request met which was answered.
    pub(super) fn count_losses(&self, exchange: &Exchange) {
        let (Some(counter), Some(usage)) = (&self.counter, &self.shared.usage) else { return };
        if let (Some(dialect), Some(operation)) = (&exchange.dialect, &exchange.operation) {
            let of = (dialect.name.as_str(), operation.name.as_str());
            counter.count_losses(usage, of, &exchange.lost, self.shared.clock.now());
        }
    }

    /// Counts a request that the other side was to be asked too: a worker on a sheet of its own, and whoever compares in the
    /// book of all.
    pub(super) fn count_compared(&self, of: (&str, &str), outcome: ShadowOutcome) {
        let Some(usage) = &self.shared.usage else { return };
        let now = self.shared.clock.now();
        match &self.counter {
            Some(counter) => counter.count_compared(usage, of, outcome, now),
            None => usage.book().compared(of.0, of.1, outcome.name(), now),
        }
    }

    /// Counts a place where the sides differ.
    pub(super) fn count_difference(&self, (dialect, operation): (&str, &str), place: &str) {
        if let Some(book) = self.book() {
            book.differs(dialect, operation, place, self.shared.clock.now());
        }
    }

    fn book(&self) -> Option<&Book> {
        self.shared.usage.as_ref().map(|usage| &**usage.book())
    }
}

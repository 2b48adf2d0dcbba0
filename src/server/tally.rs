//! Bytes that one worker counts for itself, and a gauge that is told of them.

use std::cell::Cell;

use prometheus_client::metrics::gauge::Gauge;

/// Of `most` bytes the gauge is told no less than this part at a time.
const PART: usize = 64;

/// How many bytes there are. The gauge is shared by all workers: one that counts small ones all the time need not make the others
/// wait for each of them. So it is told roughly, unless somebody says when, and in the end exactly.
#[derive(Debug)]
pub(super) struct Tally {
    bytes: Cell<usize>,
    /// As many of them as the gauge was told.
    told: Cell<usize>,
    step: usize,
    gauge: Gauge,
}

impl Tally {
    /// None yet, of at most so many.
    pub(super) fn new(most: usize, gauge: Gauge) -> Tally {
        Tally { bytes: Cell::default(), told: Cell::default(), step: most / PART, gauge }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    pub(super) fn add(&self, bytes: usize) {
        self.set(self.bytes.get() + bytes);
    }

    pub(super) fn take(&self, bytes: usize) {
        self.set(self.bytes.get() - bytes);
    }

    fn set(&self, bytes: usize) {
        self.bytes.set(bytes);
        if bytes.abs_diff(self.told.get()) >= self.step {
            self.tell();
        }
    }

    /// Tells the gauge exactly.
    pub(super) fn tell(&self) {
        let count = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        let bytes = self.bytes.get();
        self.gauge.inc_by(count(bytes) - count(self.told.replace(bytes)));
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.bytes.set(0);
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gauge_is_told_in_steps_and_exactly_where_somebody_says_so() {
        let gauge = Gauge::default();
        let tally = Tally::new(6400, gauge.clone());
        let told = |change: &dyn Fn()| {
            change();
            gauge.get()
        };
        assert_eq!(
            [told(&|| tally.add(99)), told(&|| tally.add(1)), told(&|| tally.take(99))],
            [0, 100, 100]
        );
        assert_eq!((tally.bytes(), told(&|| tally.tell())), (1, 1));
        assert_eq!([told(&|| tally.add(7)), told(&|| tally.add(92))], [1, 1]);
        drop(tally);
        assert_eq!(gauge.get(), 0);
    }
}

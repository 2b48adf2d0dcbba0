//! How many requests are in flight, over all workers, and which of them has a place among those that may be.

use std::{cell::Cell, rc::Rc};

use prometheus_client::metrics::gauge::Gauge;

/// How many requests are in flight, and how many may be.
#[derive(Debug)]
pub(super) struct Load {
    in_flight: Gauge,
    in_flight_max: i64,
}

impl Load {
    pub(super) fn new(in_flight: Gauge, in_flight_max: usize) -> Load {
        Load { in_flight, in_flight_max: i64::try_from(in_flight_max).unwrap_or(i64::MAX) }
    }

    /// Whether all places are taken.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight.get() >= self.in_flight_max
    }
}

/// The place of one request among those of all addresses; among those of its own it has an
/// [`in_flight::Place`](super::in_flight::Place). It is given back when this is dropped, if not before.
#[derive(Debug)]
pub(super) struct Place {
    load: Rc<Load>,
    is_taken: Cell<bool>,
}

impl Place {
    /// One that is not taken yet.
    pub(super) fn new(load: &Rc<Load>) -> Place {
        Place { load: Rc::clone(load), is_taken: Cell::new(false) }
    }

    /// Takes it, if it is not taken and there is one; says whether the request has one now.
    pub(super) fn take(&self) -> bool {
        if !self.is_taken.get() {
            let others = self.load.in_flight.inc();
            self.is_taken.set(true);
            if others >= self.load.in_flight_max {
                self.give_back();
            }
        }
        self.is_taken.get()
    }

    pub(super) fn give_back(&self) {
        if self.is_taken.replace(false) {
            self.load.in_flight.dec();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_back();
    }
}

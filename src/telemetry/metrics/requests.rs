//! Requests: how many came, how long each took, and how many are under way.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
use prometheus_client::registry::{Registry, Unit};

use crate::telemetry::names::metric;

/// Upper bounds in seconds: from a cached answer on a fast machine to the deadline of a request.
const DURATION_BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Debug)]
pub(super) struct Requests {
    pub(super) answered: Family<RequestLabels, Counter>,
    pub(super) durations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    pub(super) in_flight: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) dialect: Arc<str>,
    pub(super) operation: Arc<str>,
    pub(super) status: u16,
    pub(super) code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OperationLabels {
    pub(super) dialect: Arc<str>,
    pub(super) operation: Arc<str>,
}

impl Default for Requests {
    fn default() -> Requests {
        let durations: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS);
        Requests {
            answered: Family::default(),
            durations: Family::new_with_constructor(durations),
            in_flight: Gauge::default(),
        }
    }
}

impl Requests {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            metric::REQUESTS,
            "Requests of a known operation that were answered",
            self.answered.clone(),
        );
        registry.register_with_unit(
            metric::REQUEST_DURATION,
            "Time from a request's head to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            metric::REQUESTS_IN_FLIGHT,
            "Requests accepted and not yet answered",
            self.in_flight.clone(),
        );
    }
}

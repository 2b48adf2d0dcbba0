//! Calls to the backend, and what they go over.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

use crate::telemetry::backend::BackendMetrics;
use crate::telemetry::names::metric;
use crate::telemetry::outcome::UpstreamOutcome;

#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Family<CallLabels, Counter>,
    pub(super) backend: BackendMetrics,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    operation: Arc<str>,
    outcome: &'static str,
}

impl Calls {
    pub(super) fn upstream(&self, operation: &str) -> UpstreamMetrics {
        let operation: Arc<str> = operation.into();
        UpstreamMetrics(UpstreamOutcome::ALL.map(|outcome| {
            let labels = CallLabels { operation: Arc::clone(&operation), outcome: outcome.name() };
            self.calls.get_or_create_owned(&labels)
        }))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(metric::UPSTREAM_CALLS, "Calls to the backend", self.calls.clone());
        self.backend.register(registry, "the backend");
    }
}

/// The metrics of one canonical operation.
#[derive(Clone, Debug)]
pub struct UpstreamMetrics([Counter; UpstreamOutcome::ALL.len()]);

impl UpstreamMetrics {
    /// Counts one call.
    pub fn ended(&self, outcome: UpstreamOutcome) {
        self.0[outcome as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::{Metrics, has_line};

    #[test]
    fn every_outcome_has_its_own_counter_from_the_start() {
        let metrics = Metrics::new();
        let calls = metrics.upstream("members.add");
        for (at, outcome) in UpstreamOutcome::ALL.into_iter().enumerate() {
            for _ in 0..at {
                calls.ended(outcome);
            }
        }
        for (at, outcome) in UpstreamOutcome::ALL.into_iter().enumerate() {
            let labels = format!(r#"operation="members.add",outcome="{}""#, outcome.name());
            assert!(has_line(&metrics, &format!("gateway_upstream_calls_total{{{labels}}} {at}")));
        }
    }
}

//! Who answers where there are two sides: by mode, what the old upstream is asked, and what comes of asking both.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

use crate::once::Each;
use crate::telemetry::backend::BackendMetrics;
use crate::telemetry::names::metric;
use crate::telemetry::outcome::UpstreamOutcome;
use crate::telemetry::shadow::ShadowMetrics;

#[derive(Debug, Default)]
pub(super) struct Sides {
    pub(super) shadow: ShadowMetrics,
    pub(super) legacy: BackendMetrics,
    legacy_calls: Family<LegacyLabels, Counter>,
    legacy_misfits: Family<MisfitLabels, Counter>,
    pub(super) mode_requests: Family<ModeLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LegacyLabels {
    dialect: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MisfitLabels {
    dialect: Arc<str>,
    operation: Arc<str>,
    of: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ModeLabels {
    pub(super) dialect: Arc<str>,
    pub(super) operation: Arc<str>,
    pub(super) mode: &'static str,
    pub(super) side: &'static str,
}

/// The metrics of the old upstream of one dialect.
#[derive(Debug)]
pub struct LegacyMetrics {
    dialect: Arc<str>,
    calls: Family<LegacyLabels, Counter>,
    /// By outcome, filled in as they occur: most dialects have no old upstream.
    counters: Each<Counter>,
}

impl LegacyMetrics {
    /// Counts a request that was handed on.
    pub fn ended(&self, outcome: UpstreamOutcome) {
        let counter = self.counters.made(outcome as usize, || {
            let labels = LegacyLabels { dialect: Arc::clone(&self.dialect), outcome: outcome.name() };
            self.calls.get_or_create_owned(&labels)
        });
        counter.expect("`ALL` has every outcome").inc();
    }
}

impl Sides {
    pub(super) fn legacy_upstream(&self, dialect: &str) -> LegacyMetrics {
        let (dialect, calls) = (dialect.into(), self.legacy_calls.clone());
        LegacyMetrics { dialect, calls, counters: Each::below(UpstreamOutcome::ALL.len()) }
    }

    pub(super) fn legacy_misfit(&self, dialect: &str, operation: &str, of: &'static str) {
        let labels = MisfitLabels { dialect: dialect.into(), operation: operation.into(), of };
        self.legacy_misfits.get_or_create_owned(&labels).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        self.shadow.register(registry);
        self.legacy.register(registry.sub_registry_with_prefix("legacy"), "old upstreams");
        registry.register(
            metric::LEGACY_CALLS,
            "Requests handed on to old upstreams",
            self.legacy_calls.clone(),
        );
        registry.register(
            metric::LEGACY_MISFITS,
            "Requests handed on, or their answers, that are not what the mapping takes them for",
            self.legacy_misfits.clone(),
        );
        registry.register(
            metric::MODE_REQUESTS,
            "Requests of dialects with a mode, by mode and by who answered",
            self.mode_requests.clone(),
        );
    }
}

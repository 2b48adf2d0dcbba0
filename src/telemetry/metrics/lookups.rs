//! External ids that were looked up.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

use crate::telemetry::names::metric;
use crate::telemetry::outcome::ResolverOutcome;

#[derive(Debug, Default)]
pub(super) struct Lookups(Family<LookupLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LookupLabels {
    resolver: Arc<str>,
    outcome: &'static str,
}

impl Lookups {
    pub(super) fn resolver(&self, resolver: &str) -> ResolverMetrics {
        let resolver: Arc<str> = resolver.into();
        ResolverMetrics(ResolverOutcome::ALL.map(|outcome| {
            let labels = LookupLabels { resolver: Arc::clone(&resolver), outcome: outcome.name() };
            self.0.get_or_create_owned(&labels)
        }))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(metric::RESOLVER_LOOKUPS, "External ids looked up", self.0.clone());
    }
}

/// The metrics of one resolver.
#[derive(Clone, Debug)]
pub struct ResolverMetrics([Counter; ResolverOutcome::ALL.len()]);

impl ResolverMetrics {
    /// Counts one lookup.
    pub fn looked_up(&self, outcome: ResolverOutcome) {
        self.0[outcome as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::{Metrics, has_line};

    #[test]
    fn lookups_are_counted_by_outcome() {
        let metrics = Metrics::new();
        let resolver = metrics.resolver("organization");
        resolver.looked_up(ResolverOutcome::Hit);
        let hit = r#"gateway_resolver_lookups_total{resolver="organization",outcome="hit"} 1"#;
        assert!(has_line(&metrics, hit), "{}", metrics.render());
    }
}

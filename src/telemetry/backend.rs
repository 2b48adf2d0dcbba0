//! How the backend fares, as the workers see it: connections, breakers, retries.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::telemetry::names::metric;

/// The metrics of all connections to the backend; clones share them.
#[derive(Clone, Debug, Default)]
pub struct BackendMetrics {
    /// Connections opened.
    pub connections: Counter,
    /// Calls sent on a connection that was open already.
    pub reuses: Counter,
    /// Calls that a breaker refused.
    pub refused: Counter,
    /// Calls that were made again.
    pub retries: Counter,
    /// Calls that would have been, had the budget allowed it.
    pub retries_refused: Counter,
    breakers: Family<StateLabels, Gauge>,
    transitions: Family<ToLabels, Counter>,
}

/// What a breaker is, or becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// A few calls go through.
    HalfOpen,
    /// No call goes through.
    Open,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ToLabels {
    to: &'static str,
}

impl BreakerState {
    const ALL: [BreakerState; 3] = [BreakerState::Closed, BreakerState::HalfOpen, BreakerState::Open];

    /// The word in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::HalfOpen => "half_open",
            BreakerState::Open => "open",
        }
    }
}

impl BackendMetrics {
    /// A worker's breaker has become another.
    pub fn changed(&self, from: BreakerState, to: BreakerState) {
        self.gone(from);
        if to != BreakerState::Closed {
            self.breakers(to).inc();
        }
        self.transitions.get_or_create_owned(&ToLabels { to: to.name() }).inc();
    }

    /// A worker's breaker that was that is no more.
    pub fn gone(&self, state: BreakerState) {
        // How many are closed nobody needs to know.
        if state != BreakerState::Closed {
            self.breakers(state).dec();
        }
    }

    fn breakers(&self, state: BreakerState) -> Gauge {
        self.breakers.get_or_create_owned(&StateLabels { state: state.name() })
    }

    /// `whom` is who is called.
    pub(super) fn register(&self, registry: &mut Registry, whom: &str) {
        // From the beginning, so that the first time is a step and not a new series.
        for state in BreakerState::ALL {
            if state != BreakerState::Closed {
                drop(self.breakers(state));
            }
            drop(self.transitions.get_or_create(&ToLabels { to: state.name() }));
        }
        registry.register(
            metric::UPSTREAM_CONNECTIONS,
            format!("Connections opened to {whom}"),
            self.connections.clone(),
        );
        registry.register(
            metric::UPSTREAM_REUSES,
            format!("Calls to {whom} on a connection that was open already"),
            self.reuses.clone(),
        );
        registry.register(metric::BREAKERS, "Workers whose breaker is not closed", self.breakers.clone());
        registry.register(
            metric::BREAKER_TRANSITIONS,
            "Times a breaker opened, half-opened or closed",
            self.transitions.clone(),
        );
        registry.register(
            metric::BREAKER_REFUSALS,
            format!("Calls to {whom} that a breaker refused"),
            self.refused.clone(),
        );
        registry.register(
            metric::RETRIES,
            format!("Calls to {whom} that were made again"),
            self.retries.clone(),
        );
        registry.register(
            metric::RETRY_REFUSALS,
            format!("Calls to {whom} that were not made again for want of budget"),
            self.retries_refused.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::telemetry::{BreakerState, Metrics};

    #[test]
    fn breakers_are_counted_as_long_as_they_are_not_closed() {
        let metrics = Metrics::new();
        let backend = metrics.backend();
        backend.changed(BreakerState::Closed, BreakerState::Open);
        backend.changed(BreakerState::Closed, BreakerState::Open);
        backend.changed(BreakerState::Open, BreakerState::HalfOpen);
        backend.gone(BreakerState::HalfOpen);
        let page = metrics.render();
        for line in [
            r#"gateway_upstream_breakers{state="half_open"} 0"#,
            r#"gateway_upstream_breakers{state="open"} 1"#,
            r#"gateway_upstream_breaker_transitions_total{to="open"} 2"#,
            r#"gateway_upstream_breaker_transitions_total{to="closed"} 0"#,
            "gateway_upstream_breaker_refusals_total 0",
            "gateway_upstream_retries_total 0",
            "gateway_upstream_retry_refusals_total 0",
        ] {
            assert!(page.lines().any(|written| written == line), "{line}\n{page}");
        }
    }
}

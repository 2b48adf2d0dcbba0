//! What is counted and measured, in the form Prometheus scrapes.
//!
//! Labels are few and come from closed sets: names out of mapping files, codes, outcomes. Nothing a client writes ever
//! becomes one. A handle for an operation, a call or a resolver is fetched once, at boot; counting through it is an
//! atomic addition.

use std::{sync::Arc, time::SystemTime};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};

use crate::telemetry::{
    backend::BackendMetrics,
    loads::LoadMetrics,
    names::metric,
    outcome::HandshakeOutcome,
    shadow::{Different, Places},
};

mod calls;
mod connections;
mod findings;
mod lookups;
mod operation;
mod requests;
mod sides;

pub use calls::UpstreamMetrics;
pub use lookups::ResolverMetrics;
pub use operation::OperationMetrics;
pub use sides::LegacyMetrics;

/// Every metric of the process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

/// By what is measured.
#[derive(Debug)]
struct Families {
    loads: LoadMetrics,
    requests: requests::Requests,
    connections: connections::Connections,
    findings: findings::Findings,
    calls: calls::Calls,
    sides: sides::Sides,
    lookups: lookups::Lookups,
    usage_lost: Family<LostLabels, Counter>,
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Metrics {
        let mut families = Families {
            loads: LoadMetrics::default(),
            requests: requests::Requests::default(),
            connections: connections::Connections::default(),
            findings: findings::Findings::default(),
            calls: calls::Calls::default(),
            sides: sides::Sides::default(),
            lookups: lookups::Lookups::default(),
            usage_lost: Family::default(),
            registry: Registry::with_prefix(metric::PREFIX),
        };
        families.register();
        Metrics(Arc::new(families))
    }

    /// The metrics of one operation of one dialect.
    pub fn operation(&self, dialect: &str, operation: &str) -> OperationMetrics {
        self.operation_with_losses(dialect, operation, &Arc::default())
    }

    /// The same, with the names of the dialect's declared losses, by number.
    pub fn operation_with_losses(
        &self,
        dialect: &str,
        operation: &str,
        losses: &Arc<[Arc<str>]>,
    ) -> OperationMetrics {
        OperationMetrics::of(&self.0, dialect, operation, losses)
    }

    /// The metrics of one canonical operation the backend is asked for.
    pub fn upstream(&self, operation: &str) -> UpstreamMetrics {
        self.0.calls.upstream(operation)
    }

    /// The metrics of one resolver.
    pub fn resolver(&self, resolver: &str) -> ResolverMetrics {
        self.0.lookups.resolver(resolver)
    }

    /// Counts an answer that is a problem; `dialect` is empty when none was selected.
    pub fn refusal(&self, dialect: &str, code: &'static str, blame: &'static str) {
        self.0.findings.refusal(dialect, code, blame);
    }

    /// Requests that were not counted among those that say who uses what.
    pub fn usage_lost(&self, reason: UsageLost) -> Counter {
        self.0.usage_lost.get_or_create(&LostLabels { reason: reason.name() }).clone()
    }

    /// Requests accepted and not yet answered.
    pub fn requests_in_flight(&self) -> Gauge {
        self.0.requests.in_flight.clone()
    }

    /// Connections of clients.
    pub fn connections_open(&self) -> Gauge {
        self.0.connections.open.clone()
    }

    /// Connections that were closed at once because their address has too many.
    pub fn connections_refused(&self) -> Counter {
        self.0.connections.refused()
    }

    /// Connections of HTTP/2 that were closed because of too many frames that ask for nothing.
    pub fn connection_floods(&self) -> Counter {
        self.0.connections.floods.clone()
    }

    /// Bytes that requests hold of which the body is on its way.
    pub fn arriving_bytes(&self) -> Gauge {
        self.0.connections.arriving_bytes.clone()
    }

    /// Requests that were given up before their body was there, so that others have room.
    pub fn arrivals_given_up(&self) -> Counter {
        self.0.connections.arrivals_given_up.clone()
    }

    /// Bytes of answers that clients have not taken.
    pub fn untaken_bytes(&self) -> Gauge {
        self.0.connections.untaken_bytes.clone()
    }

    /// Answers that were given up so that others have room.
    pub fn answers_given_up(&self) -> Counter {
        self.0.connections.answers_given_up.clone()
    }

    /// Counts a TLS handshake of a client.
    pub fn shook_hands(&self, outcome: HandshakeOutcome) {
        self.0.connections.shook_hands(outcome);
    }

    /// Connections to the backend, breakers and retries.
    pub fn backend(&self) -> BackendMetrics {
        self.0.calls.backend.clone()
    }

    /// Connections to old upstreams, breakers and retries.
    pub fn legacy(&self) -> BackendMetrics {
        self.0.sides.legacy.clone()
    }

    /// The metrics of the old upstream of a dialect, if it has one.
    pub fn legacy_upstream(&self, dialect: &str) -> LegacyMetrics {
        self.0.sides.legacy_upstream(dialect)
    }

    /// Counts one that is not what the mapping takes it for: the `request`, or its `answer`.
    pub fn legacy_misfit(&self, dialect: &str, operation: &str, of: &'static str) {
        self.0.sides.legacy_misfit(dialect, operation, of);
    }

    /// Counts that the old side was asked twice.
    pub fn shadow_noise(&self, dialect: &str, operation: &str, is_noisy: bool, places: Vec<String>) {
        self.0.sides.shadow.noise(dialect, operation, is_noisy, places);
    }

    /// Counts that two answers were compared, and keeps where.
    pub fn compared(&self, of: (&str, &str), places: &Arc<dyn Places>) {
        self.0.sides.shadow.compared(of, places);
    }

    /// Counts a place where the sides differ, and keeps it for a while.
    pub fn differs(&self, different: &Different) {
        self.0.sides.shadow.differs(different, SystemTime::now());
    }

    /// The newest differences, as JSON.
    pub fn differences(&self) -> String {
        self.0.sides.shadow.json()
    }

    /// What was loaded, and when.
    pub fn loads(&self) -> LoadMetrics {
        self.0.loads.clone()
    }

    /// Everything in the `OpenMetrics` text format.
    pub fn render(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.0.registry).expect("writing to a string cannot fail");
        page
    }
}

/// Why nobody counted what a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageLost {
    /// There was no room: what was counted before was still being taken in.
    NoRoom,
    /// Another process has taken the file over.
    NotOwner,
}

impl UsageLost {
    /// The word for it in the metric.
    fn name(self) -> &'static str {
        match self {
            UsageLost::NoRoom => "no_room",
            UsageLost::NotOwner => "not_owner",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LostLabels {
    reason: &'static str,
}

impl Families {
    /// In the order of the page.
    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register(metric::BUILD, "Which version runs", build);
        self.loads.register(registry);
        self.requests.register(registry);
        self.connections.register(registry);
        self.findings.register(registry);
        self.calls.register(registry);
        self.sides.register(registry);
        self.lookups.register(registry);
        registry.register(
            metric::USAGE_LOST,
            "Requests of which nobody counted what they use, for want of room or of the file",
            self.usage_lost.clone(),
        );
    }
}

#[cfg(test)]
fn has_line(metrics: &Metrics, line: &str) -> bool {
    metrics.render().lines().any(|written| written == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_and_handles_count_into_the_same_page() {
        let metrics = Metrics::new();
        metrics.clone().requests_in_flight().inc();
        metrics.backend().connections.inc();
        metrics.refusal("acme", "not-found", "downstream");
        metrics.operation("acme", "invite").ignored(3);
        let refusal = r#"gateway_refusals_total{dialect="acme",code="not-found",blame="downstream"} 1"#;
        let ignored = r#"gateway_ignored_fields_total{dialect="acme",operation="invite"} 3"#;
        for line in ["gateway_requests_in_flight 1", "gateway_upstream_connections_total 1", refusal, ignored]
        {
            assert!(has_line(&metrics, line), "{line}\n{}", metrics.render());
        }
    }

    #[test]
    fn the_page_says_which_version_runs_and_ends_as_the_format_asks() {
        let page = Metrics::new().render();
        let build = format!("gateway_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        assert!(page.contains(&build), "{page}");
        assert!(page.ends_with("# EOF\n"));
    }
}

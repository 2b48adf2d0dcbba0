//! What is counted and measured, in the form Prometheus scrapes.
//!
//! Labels are few and come from closed sets: names out of mapping files, codes, outcomes. Nothing a client writes ever
//! becomes one. A handle for an operation, a call or a resolver is fetched once, at boot; counting through it is an
//! atomic addition.

use std::{
    array,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::{
    once,
    telemetry::{
        backend::BackendMetrics,
        loads::LoadMetrics,
        names::metric,
        outcome::{HandshakeOutcome, ResolverOutcome, UpstreamOutcome},
        shadow::{Different, Endings, ShadowMetrics, ShadowOutcome},
    },
};

/// Every metric of the process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

/// Upper bounds in seconds: from a cached answer on a fast machine to the deadline of a request.
const DURATION_BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Debug)]
struct Families {
    requests: Family<RequestLabels, Counter>,
    durations: Family<OperationLabels, Histogram, fn() -> Histogram>,
    ignored_fields: Family<OperationLabels, Counter>,
    kept_fields: Family<OperationLabels, Counter>,
    omitted_items: Family<OperationLabels, Counter>,
    answer_misfits: Family<OperationLabels, Counter>,
    retiring_requests: Family<OperationLabels, Counter>,
    declared_losses: Family<LossLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    upstream_calls: Family<CallLabels, Counter>,
    backend: BackendMetrics,
    legacy: BackendMetrics,
    legacy_calls: Family<LegacyLabels, Counter>,
    legacy_misfits: Family<MisfitLabels, Counter>,
    mode_requests: Family<ModeLabels, Counter>,
    shadow: ShadowMetrics,
    resolver_lookups: Family<LookupLabels, Counter>,
    requests_in_flight: Gauge,
    connections_open: Gauge,
    connections_refused: Family<ReasonLabels, Counter>,
    tls_handshakes: Family<HandshakeLabels, Counter>,
    loads: LoadMetrics,
    usage_lost: Counter,
    registry: Registry,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    dialect: Arc<str>,
    operation: Arc<str>,
    status: u16,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    dialect: Arc<str>,
    operation: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LossLabels {
    dialect: Arc<str>,
    operation: Arc<str>,
    field: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    dialect: Arc<str>,
    code: &'static str,
    blame: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    operation: Arc<str>,
    outcome: &'static str,
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
struct ModeLabels {
    dialect: Arc<str>,
    operation: Arc<str>,
    mode: &'static str,
    side: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LookupLabels {
    resolver: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    outcome: &'static str,
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
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            ignored_fields: Family::default(),
            kept_fields: Family::default(),
            omitted_items: Family::default(),
            answer_misfits: Family::default(),
            retiring_requests: Family::default(),
            declared_losses: Family::default(),
            refusals: Family::default(),
            upstream_calls: Family::default(),
            backend: BackendMetrics::default(),
            legacy: BackendMetrics::default(),
            legacy_calls: Family::default(),
            legacy_misfits: Family::default(),
            mode_requests: Family::default(),
            shadow: ShadowMetrics::default(),
            resolver_lookups: Family::default(),
            requests_in_flight: Gauge::default(),
            connections_open: Gauge::default(),
            connections_refused: Family::default(),
            tls_handshakes: Family::default(),
            loads: LoadMetrics::default(),
            usage_lost: Counter::default(),
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
        let labels = OperationLabels { dialect: dialect.into(), operation: operation.into() };
        OperationMetrics(Arc::new(Operation {
            shadows: self.0.shadow.endings(&labels.dialect, &labels.operation),
            duration: self.0.durations.get_or_create_owned(&labels),
            ignored_fields: self.0.ignored_fields.get_or_create_owned(&labels),
            kept_fields: self.0.kept_fields.get_or_create_owned(&labels),
            omitted_items: self.0.omitted_items.get_or_create_owned(&labels),
            answer_misfits: self.0.answer_misfits.get_or_create_owned(&labels),
            retiring: OnceLock::new(),
            retiring_requests: self.0.retiring_requests.clone(),
            successes: array::from_fn(|_| OnceLock::new()),
            requests: self.0.requests.clone(),
            refused: RwLock::default(),
            refusals: self.0.refusals.clone(),
            lost: losses.iter().map(|_| OnceLock::new()).collect(),
            losses: Arc::clone(losses),
            declared_losses: self.0.declared_losses.clone(),
            mode_requests: self.0.mode_requests.clone(),
            labels,
        }))
    }

    /// The metrics of one canonical operation the backend is asked for.
    pub fn upstream(&self, operation: &str) -> UpstreamMetrics {
        let operation: Arc<str> = operation.into();
        UpstreamMetrics(UpstreamOutcome::ALL.map(|outcome| {
            let labels = CallLabels { operation: Arc::clone(&operation), outcome: outcome.name() };
            self.0.upstream_calls.get_or_create_owned(&labels)
        }))
    }

    /// The metrics of one resolver.
    pub fn resolver(&self, resolver: &str) -> ResolverMetrics {
        let resolver: Arc<str> = resolver.into();
        ResolverMetrics(ResolverOutcome::ALL.map(|outcome| {
            let labels = LookupLabels { resolver: Arc::clone(&resolver), outcome: outcome.name() };
            self.0.resolver_lookups.get_or_create_owned(&labels)
        }))
    }

    /// Counts an answer that is a problem; `dialect` is empty when none was selected.
    pub fn refusal(&self, dialect: &str, code: &'static str, blame: &'static str) {
        self.0.refusals.get_or_create(&RefusalLabels { dialect: dialect.into(), code, blame }).inc();
    }

    /// Requests that were not counted among those that say who uses what.
    pub fn usage_lost(&self) -> Counter {
        self.0.usage_lost.clone()
    }

    /// Requests accepted and not yet answered.
    pub fn requests_in_flight(&self) -> Gauge {
        self.0.requests_in_flight.clone()
    }

    /// Connections of clients.
    pub fn connections_open(&self) -> Gauge {
        self.0.connections_open.clone()
    }

    /// Connections that were closed at once because their address has too many.
    pub fn connections_refused(&self) -> Counter {
        self.0.connections_refused.get_or_create_owned(&ReasonLabels { reason: "address" })
    }

    /// Counts a TLS handshake of a client.
    pub fn shook_hands(&self, outcome: HandshakeOutcome) {
        self.0.tls_handshakes.get_or_create(&HandshakeLabels { outcome: outcome.name() }).inc();
    }

    /// Connections to the backend, breakers and retries.
    pub fn backend(&self) -> BackendMetrics {
        self.0.backend.clone()
    }

    /// Connections to old upstreams, breakers and retries.
    pub fn legacy(&self) -> BackendMetrics {
        self.0.legacy.clone()
    }

    /// The metrics of the old upstream of a dialect, if it has one.
    pub fn legacy_upstream(&self, dialect: &str) -> LegacyMetrics {
        let (dialect, calls) = (dialect.into(), self.0.legacy_calls.clone());
        LegacyMetrics { dialect, calls, counters: [const { OnceLock::new() }; UpstreamOutcome::ALL.len()] }
    }

    /// Counts one that is not what the mapping takes it for: the `request`, or its `answer`.
    pub fn legacy_misfit(&self, dialect: &str, operation: &str, of: &'static str) {
        let labels = MisfitLabels { dialect: dialect.into(), operation: operation.into(), of };
        self.0.legacy_misfits.get_or_create_owned(&labels).inc();
    }

    /// Counts that the old side was asked twice.
    pub fn shadow_noise(&self, dialect: &str, operation: &str, is_noisy: bool, places: Vec<String>) {
        self.0.shadow.noise(dialect, operation, is_noisy, places);
    }

    /// Counts a place where the sides differ, and keeps it for a while.
    pub fn differs(&self, different: &Different) {
        self.0.shadow.differs(different, SystemTime::now());
    }

    /// The newest differences, as JSON.
    pub fn differences(&self) -> String {
        self.0.shadow.json()
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

impl Families {
    fn register(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register(metric::BUILD, "Which version runs", build);
        self.loads.register(registry);
        registry.register(
            metric::REQUESTS,
            "Requests of a known operation that were answered",
            self.requests.clone(),
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
            self.requests_in_flight.clone(),
        );
        registry.register(metric::CONNECTIONS_OPEN, "Connections of clients", self.connections_open.clone());
        // From the beginning, so that the first is a step and not a new series.
        for outcome in HandshakeOutcome::ALL {
            drop(self.tls_handshakes.get_or_create(&HandshakeLabels { outcome: outcome.name() }));
        }
        drop(self.connections_refused.get_or_create(&ReasonLabels { reason: "address" }));
        registry.register(
            metric::CONNECTIONS_REFUSED,
            "Connections of clients that were closed before anything was read",
            self.connections_refused.clone(),
        );
        registry.register(
            metric::TLS_HANDSHAKES,
            "TLS handshakes of clients, by whether they showed a certificate",
            self.tls_handshakes.clone(),
        );
        registry.register(metric::REFUSALS, "Answers that are a problem", self.refusals.clone());
        registry.register(
            metric::IGNORED_FIELDS,
            "Fields clients sent that nobody reads",
            self.ignored_fields.clone(),
        );
        registry.register(
            metric::KEPT_FIELDS,
            "Fields left out of updates because the client wrote what it was told",
            self.kept_fields.clone(),
        );
        registry.register(
            metric::OMITTED_ITEMS,
            "Items of lists that have no words in the dialect and were left out",
            self.omitted_items.clone(),
        );
        registry.register(
            metric::ANSWER_MISFITS,
            "Answers of the backend that are not what the canonical API promises",
            self.answer_misfits.clone(),
        );
        registry.register(
            metric::RETIRING_REQUESTS,
            "Requests that used something that retires",
            self.retiring_requests.clone(),
        );
        registry.register(
            metric::DECLARED_LOSSES,
            "Fields and words that were lost as the mapping declares",
            self.declared_losses.clone(),
        );
        registry.register(metric::UPSTREAM_CALLS, "Calls to the backend", self.upstream_calls.clone());
        self.backend.register(registry);
        self.shadow.register(registry);
        self.legacy.register(registry.sub_registry_with_prefix("legacy"));
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
        registry.register(metric::RESOLVER_LOOKUPS, "External ids looked up", self.resolver_lookups.clone());
        registry.register(
            metric::USAGE_LOST,
            "Requests of which nobody counted what they use, for want of room",
            self.usage_lost.clone(),
        );
    }
}

/// The metrics of one operation of one dialect; clones share them.
#[derive(Clone, Debug)]
pub struct OperationMetrics(Arc<Operation>);

#[derive(Debug)]
struct Operation {
    labels: OperationLabels,
    duration: Histogram,
    ignored_fields: Counter,
    kept_fields: Counter,
    omitted_items: Counter,
    answer_misfits: Counter,
    /// Filled in when it occurs: most operations do not retire.
    retiring: OnceLock<Counter>,
    retiring_requests: Family<OperationLabels, Counter>,
    mode_requests: Family<ModeLabels, Counter>,
    shadows: Endings,
    /// The counters of 200 to 299 without a code, filled in as they occur: the path nearly every request takes.
    successes: [OnceLock<Counter>; 100],
    requests: Family<RequestLabels, Counter>,
    /// The counters of what was refused, filled in as it occurs. There are few, and what is refused has to be cheap: to find both by
    /// their labels was a thirtieth of it.
    refused: RwLock<Vec<Refused>>,
    refusals: Family<RefusalLabels, Counter>,
    /// The names of the declared losses, and their counters, filled in as they occur.
    losses: Arc<[Arc<str>]>,
    lost: Box<[OnceLock<Counter>]>,
    declared_losses: Family<LossLabels, Counter>,
}

/// The counters of requests that are refused alike.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    blame: &'static str,
    requests: Counter,
    refusals: Counter,
}

impl OperationMetrics {
    /// Counts one answered request; `code` is the problem's code, empty for none.
    pub fn answered(&self, status: StatusCode, code: &'static str, duration: Duration) {
        self.0.duration.observe(duration.as_secs_f64());
        let success = status.as_u16().checked_sub(200).and_then(|at| self.0.successes.get(usize::from(at)));
        match success {
            Some(counter) if code.is_empty() => counter.get_or_init(|| self.0.counter(status, code)).inc(),
            Some(_) | None => self.0.counter(status, code).inc(),
        };
    }

    /// Counts one refused request, also among the refusals.
    pub fn refused(&self, status: StatusCode, code: &'static str, blame: &'static str, duration: Duration) {
        self.0.duration.observe(duration.as_secs_f64());
        let count = |known: &[Refused]| {
            let is_so = |one: &&Refused| (one.status, one.code, one.blame) == (status, code, blame);
            known.iter().find(is_so).map(|one| (one.requests.inc(), one.refusals.inc())).is_some()
        };
        // A panic while the lock was held cannot have left anything half done, so poison is ignored.
        if count(&self.0.refused.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let dialect = Arc::clone(&self.0.labels.dialect);
        let refusals = self.0.refusals.get_or_create_owned(&RefusalLabels { dialect, code, blame });
        let requests = self.0.counter(status, code);
        let mut known = self.0.refused.write().unwrap_or_else(PoisonError::into_inner);
        known.push(Refused { status, code, blame, requests, refusals });
        count(&known[known.len() - 1..]);
    }

    /// Counts fields that the client sent and nobody reads.
    pub fn ignored(&self, fields: u64) {
        self.0.ignored_fields.inc_by(fields);
    }

    /// Counts fields that were left out of updates.
    pub fn kept(&self, fields: u64) {
        self.0.kept_fields.inc_by(fields);
    }

    /// Counts a request of a dialect with a mode, by who answered.
    pub fn answered_by(&self, mode: &'static str, side: &'static str) {
        let OperationLabels { dialect, operation } = self.0.labels.clone();
        self.0.mode_requests.get_or_create(&ModeLabels { dialect, operation, mode, side }).inc();
    }

    /// Counts what came of asking the other side, too.
    pub fn shadow(&self, outcome: ShadowOutcome) {
        self.0.shadows.count(outcome);
    }

    /// Counts a request that used something that retires.
    pub fn retiring(&self) {
        let counter = || self.0.retiring_requests.get_or_create_owned(&self.0.labels);
        self.0.retiring.get_or_init(counter).inc();
    }

    /// Counts a declared loss, by its number.
    pub fn lost(&self, loss: usize, times: u64) {
        let (Some(counter), Some(field)) = (self.0.lost.get(loss), self.0.losses.get(loss)) else { return };
        let counter = counter.get_or_init(|| {
            let OperationLabels { dialect, operation } = self.0.labels.clone();
            let labels = LossLabels { dialect, operation, field: Arc::clone(field) };
            self.0.declared_losses.get_or_create_owned(&labels)
        });
        counter.inc_by(times);
    }

    /// Counts items that were left out of a list.
    pub fn omitted(&self, items: u64) {
        self.0.omitted_items.inc_by(items);
    }

    /// Counts answers of the backend that are not what the canonical API promises.
    pub fn misfits(&self, answers: u64) {
        self.0.answer_misfits.inc_by(answers);
    }
}

impl Operation {
    fn counter(&self, status: StatusCode, code: &'static str) -> Counter {
        let OperationLabels { dialect, operation } = self.labels.clone();
        self.requests.get_or_create_owned(&RequestLabels {
            dialect,
            operation,
            status: status.as_u16(),
            code,
        })
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

/// The metrics of the old upstream of one dialect.
#[derive(Debug)]
pub struct LegacyMetrics {
    dialect: Arc<str>,
    calls: Family<LegacyLabels, Counter>,
    /// By outcome, filled in as they occur: most dialects have no old upstream.
    counters: [OnceLock<Counter>; UpstreamOutcome::ALL.len()],
}

impl LegacyMetrics {
    /// Counts a request that was handed on.
    pub fn ended(&self, outcome: UpstreamOutcome) {
        let counter = once::made(&self.counters[outcome as usize], || {
            let labels = LegacyLabels { dialect: Arc::clone(&self.dialect), outcome: outcome.name() };
            self.calls.get_or_create_owned(&labels)
        });
        counter.inc();
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

    fn has_line(metrics: &Metrics, line: &str) -> bool {
        metrics.render().lines().any(|written| written == line)
    }

    #[test]
    fn requests_are_counted_by_operation_status_and_code() {
        let metrics = Metrics::new();
        let operation = metrics.operation("acme", "list_members");
        let soon = Duration::from_millis(2);
        operation.answered(StatusCode::OK, "", soon);
        operation.answered(StatusCode::OK, "", soon);
        operation.answered(StatusCode::TOO_MANY_REQUESTS, "rate-limited", soon);
        let labels = r#"dialect="acme",operation="list_members""#;
        let ok = format!(r#"gateway_requests_total{{{labels},status="200",code=""}} 2"#);
        let limited = format!(r#"gateway_requests_total{{{labels},status="429",code="rate-limited"}} 1"#);
        let within = format!(r#"gateway_request_duration_seconds_bucket{{le="0.0025",{labels}}} 3"#);
        for line in [ok, limited, within] {
            assert!(has_line(&metrics, &line), "{line}\n{}", metrics.render());
        }
    }

    #[test]
    fn what_is_refused_is_counted_among_the_requests_and_among_the_refusals() {
        let metrics = Metrics::new();
        let operation = metrics.operation("acme", "invite");
        for (status, code, blame) in [
            (429, "rate-limited", "downstream"),
            (429, "rate-limited", "upstream"),
            (422, "invalid-request", "downstream"),
            (429, "rate-limited", "downstream"),
            (400, "rate-limited", "downstream"),
        ] {
            operation.refused(StatusCode::from_u16(status).unwrap(), code, blame, Duration::ZERO);
        }
        metrics.refusal("acme", "rate-limited", "downstream");
        let refusals = "gateway_refusals_total{dialect=\"acme\"";
        let requests = "gateway_requests_total{dialect=\"acme\",operation=\"invite\"";
        for line in [
            format!(r#"{refusals},code="rate-limited",blame="downstream"}} 4"#),
            format!(r#"{refusals},code="rate-limited",blame="upstream"}} 1"#),
            format!(r#"{refusals},code="invalid-request",blame="downstream"}} 1"#),
            format!(r#"{requests},status="429",code="rate-limited"}} 3"#),
            format!(r#"{requests},status="400",code="rate-limited"}} 1"#),
            r#"gateway_request_duration_seconds_count{dialect="acme",operation="invite"} 5"#.to_owned(),
        ] {
            assert!(has_line(&metrics, &line), "{line}\n{}", metrics.render());
        }
    }

    #[test]
    fn a_2xx_with_a_code_is_not_mixed_up_with_one_without() {
        let metrics = Metrics::new();
        let operation = metrics.operation("acme", "invite");
        operation.answered(StatusCode::ACCEPTED, "", Duration::ZERO);
        operation.answered(StatusCode::ACCEPTED, "partly-failed", Duration::ZERO);
        let page = metrics.render();
        assert!(page.contains(r#"status="202",code=""} 1"#), "{page}");
        assert!(page.contains(r#"status="202",code="partly-failed"} 1"#), "{page}");
    }

    #[test]
    fn declared_losses_are_counted_by_name_from_when_they_are_met() {
        let metrics = Metrics::new();
        let losses: Arc<[Arc<str>]> = ["member.zone".into(), "role.reviewer".into()].into();
        let operation = metrics.operation_with_losses("acme", "list", &losses);
        assert!(!metrics.render().contains("gateway_declared_losses_total{"));
        operation.lost(1, 2);
        operation.lost(1, 1);
        operation.lost(7, 1);
        let line =
            r#"gateway_declared_losses_total{dialect="acme",operation="list",field="role.reviewer"} 3"#;
        assert!(has_line(&metrics, line), "{}", metrics.render());
        assert!(!metrics.render().contains("member.zone"), "what never happened is no line");
    }

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

    #[test]
    fn lookups_are_counted_by_outcome() {
        let metrics = Metrics::new();
        let resolver = metrics.resolver("organization");
        resolver.looked_up(ResolverOutcome::Hit);
        let hit = r#"gateway_resolver_lookups_total{resolver="organization",outcome="hit"} 1"#;
        assert!(has_line(&metrics, hit), "{}", metrics.render());
    }

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

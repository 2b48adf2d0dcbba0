//! What is counted of one operation of one dialect. Its counters are fetched once, or when they occur.

use std::array;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

use super::Families;
use super::findings::{LossLabels, RefusalLabels};
use super::requests::{OperationLabels, RequestLabels};
use super::sides::ModeLabels;
use crate::telemetry::shadow::{Endings, ShadowOutcome};

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
    /// The counters of what was refused, filled in as it occurs. There are few, and what is refused has to be cheap: to find
    /// both by their labels was a thirtieth of it.
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
    /// Those of an operation, with the names of the dialect's declared losses, by number.
    pub(super) fn of(
        families: &Families,
        dialect: &str,
        operation: &str,
        losses: &Arc<[Arc<str>]>,
    ) -> OperationMetrics {
        let Families { requests, findings, sides, .. } = families;
        let labels = OperationLabels { dialect: dialect.into(), operation: operation.into() };
        OperationMetrics(Arc::new(Operation {
            shadows: sides.shadow.endings(&labels.dialect, &labels.operation),
            duration: requests.durations.get_or_create_owned(&labels),
            ignored_fields: findings.ignored_fields.get_or_create_owned(&labels),
            kept_fields: findings.kept_fields.get_or_create_owned(&labels),
            omitted_items: findings.omitted_items.get_or_create_owned(&labels),
            answer_misfits: findings.answer_misfits.get_or_create_owned(&labels),
            retiring: OnceLock::new(),
            retiring_requests: findings.retiring_requests.clone(),
            successes: array::from_fn(|_| OnceLock::new()),
            requests: requests.answered.clone(),
            refused: RwLock::default(),
            refusals: findings.refusals.clone(),
            lost: losses.iter().map(|_| OnceLock::new()).collect(),
            losses: Arc::clone(losses),
            declared_losses: findings.declared_losses.clone(),
            mode_requests: sides.mode_requests.clone(),
            labels,
        }))
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::{Metrics, has_line};

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
}

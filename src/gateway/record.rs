//! One event for each request, whatever became of it. A request whose operation is known and that was answered is
//! counted besides; one that was refused before is counted among the refusals, and one whose client went away is not. What
//! a request used is noted in any case, where it is.
//!
//! What clients wrote never gets here: names come from mappings, and neither codes nor causes repeat a value.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::mode::Chosen;
use super::{Exchange, Gateway};
use crate::dialect::{ByName, Registry};
use crate::problem::{Blame, Problem};
use crate::telemetry::names::field;
use crate::telemetry::{
    LegacyMetrics, Metrics, OperationMetrics, RequestId, ResolverMetrics, ResolverOutcome, ShadowOutcome,
    UpstreamMetrics, UpstreamOutcome,
};
use crate::translate::misfit::Misfit;

/// The metrics of everything the registry serves, fetched once.
#[derive(Debug)]
pub(super) struct Meters {
    metrics: Metrics,
    /// By dialect, then by operation.
    operations: ByName<ByName<OperationMetrics>>,
    upstream: ByName<UpstreamMetrics>,
    resolvers: ByName<ResolverMetrics>,
    /// By dialect.
    legacy: ByName<LegacyMetrics>,
}

impl Meters {
    pub(super) fn new(registry: &Registry, metrics: Metrics) -> Meters {
        let dialects = registry.dialects();
        let operations = dialects.iter().map(|dialect| {
            let losses: Arc<[Arc<str>]> = dialect.losses.iter().map(|name| name.as_str().into()).collect();
            let operations = dialect.operations.iter().map(|operation| {
                (
                    operation.name.clone(),
                    metrics.operation_with_losses(&dialect.name, &operation.name, &losses),
                )
            });
            (dialect.name.clone(), operations.collect())
        });
        let operations = operations.collect();
        let upstream = registry.api().operations.iter();
        let upstream =
            upstream.map(|operation| (operation.name.clone(), metrics.upstream(&operation.name))).collect();
        let resolvers = dialects.iter().flat_map(|dialect| &dialect.resolvers);
        let resolvers =
            resolvers.map(|resolver| (resolver.name.clone(), metrics.resolver(&resolver.name))).collect();
        let legacy =
            dialects.iter().map(|one| (one.name.clone(), metrics.legacy_upstream(&one.name))).collect();
        Meters { metrics, operations, upstream, resolvers, legacy }
    }

    /// Counts a call to the backend.
    pub(super) fn called(&self, operation: &str, outcome: UpstreamOutcome) {
        if let Some(metrics) = self.upstream.get(operation) {
            metrics.ended(outcome);
        }
    }

    /// What is counted that has no handle.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Counts a request that was handed on to an old upstream.
    pub(super) fn passed(&self, dialect: &str, outcome: UpstreamOutcome) {
        if let Some(metrics) = self.legacy.get(dialect) {
            metrics.ended(outcome);
        }
    }

    /// Counts one that is not what the mapping takes it for, or whose answer is not.
    pub(super) fn passed_misfit(&self, dialect: &str, operation: &str, of: &'static str) {
        self.metrics.legacy_misfit(dialect, operation, of);
    }

    /// Counts what came of asking the other side, too.
    pub(super) fn shadow(&self, (dialect, operation): (&str, &str), outcome: ShadowOutcome) {
        if let Some(metrics) = self.operations.get(dialect).and_then(|dialect| dialect.get(operation)) {
            metrics.shadow(outcome);
        }
    }

    /// Counts a lookup.
    pub(super) fn looked_up(&self, resolver: &str, outcome: ResolverOutcome) {
        if let Some(metrics) = self.resolvers.get(resolver) {
            metrics.looked_up(outcome);
        }
    }

    fn operation(&self, exchange: &Exchange) -> Option<&OperationMetrics> {
        let (dialect, operation) = (exchange.dialect.as_ref()?, exchange.operation.as_ref()?);
        self.operations.get(&dialect.name)?.get(&operation.name)
    }
}

/// A request being answered. It is recorded at its end, or when it is dropped before: its client went away, or its time
/// was over.
#[derive(Debug)]
pub(super) struct Record<'a> {
    gateway: &'a Gateway,
    pub(super) exchange: Exchange,
    begun: Instant,
    has_ended: bool,
}

impl<'a> Record<'a> {
    pub(super) fn begin(gateway: &'a Gateway, exchange: Exchange) -> Record<'a> {
        Record { gateway, exchange, begun: Instant::now(), has_ended: false }
    }

    /// The request was answered with `status`, for the reason of `problem` if it was refused.
    pub(super) fn end(mut self, status: StatusCode, problem: Option<&Problem>) {
        self.has_ended = true;
        let (exchange, elapsed) = (&self.exchange, self.begun.elapsed());
        self.gateway.count(exchange, Some(status));
        self.gateway.count_losses(exchange);
        let meters = &self.gateway.shared.meters;
        let label = problem.map_or("", Problem::label);
        let metrics = meters.operation(exchange);
        match (metrics, problem) {
            (Some(metrics), Some(problem)) => metrics.refused(status, label, problem.blame.name(), elapsed),
            (Some(metrics), None) => metrics.answered(status, label, elapsed),
            (None, Some(problem)) => {
                let dialect = exchange.dialect.as_ref().map_or("", |dialect| &dialect.name);
                meters.metrics.refusal(dialect, label, problem.blame.name());
            }
            (None, None) => {}
        }
        if let Some(metrics) = metrics {
            if let Some(Chosen { mode, side }) = exchange.mode {
                metrics.answered_by(mode.name(), side.name());
            }
            if exchange.ignored > 0 {
                metrics.ignored(exchange.ignored);
            }
            if exchange.omitted > 0 {
                metrics.omitted(exchange.omitted);
            }
            if !exchange.misfits.is_empty() {
                metrics.misfits(exchange.misfits.len() as u64);
            }
            if exchange.retires() {
                metrics.retiring();
            }
            let kept = exchange.kept.load(Ordering::Relaxed);
            if kept > 0 {
                metrics.kept(kept);
            }
            for (loss, count) in exchange.lost.met() {
                metrics.lost(loss, count.into());
            }
        }
        self.log(Some(status), problem, elapsed);
    }

    /// The one event: a warning if the backend failed, or we did.
    fn log(&self, status: Option<StatusCode>, problem: Option<&Problem>, elapsed: Duration) {
        let exchange = &self.exchange;
        let latency_us = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
        // The level of an event is a constant, and the fields are to be the same.
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    { field::REQUEST_ID } = exchange.request_id.as_ref().map(RequestId::as_str),
                    { field::CLIENT_ADDRESS } = exchange.called.client.map(tracing::field::display),
                    { field::DIALECT } = exchange.dialect.as_ref().map(|dialect| dialect.name.as_str()),
                    { field::OPERATION } =
                        exchange.operation.as_ref().map(|operation| operation.name.as_str()),
                    { field::MODE } = exchange.mode.map(|chosen| chosen.mode.name()),
                    { field::SIDE } = exchange.mode.map(|chosen| chosen.side.name()),
                    { field::STATUS } = status.map(|status| status.as_u16()),
                    { field::CODE } = problem.map(|problem| &*problem.code),
                    { field::BLAME } = problem.map(|problem| problem.blame.name()),
                    { field::CAUSE } = problem.and_then(|problem| problem.cause.as_deref()),
                    { field::ANSWER_MISFIT } = exchange.misfits.first().map(Misfit::text),
                    { field::KEPT_FIELDS } = exchange.kept.load(Ordering::Relaxed),
                    { field::RETIRING } = exchange.retires().then_some(true),
                    { field::UPSTREAM_CALLS } = exchange.calls.load(Ordering::Relaxed),
                    { field::LATENCY_MS } = f64::from(latency_us) / 1000.0,
                    "request"
                )
            };
        }
        match problem.map(|problem| problem.blame) {
            Some(Blame::Internal | Blame::Upstream) => tell!(warn),
            Some(Blame::Downstream) | None => tell!(info),
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.gateway.count(&self.exchange, None);
            self.log(None, None, self.begun.elapsed());
        }
    }
}

//! What was found in requests and answers: problems, fields that nobody reads or that are left out, and what is lost.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

use super::requests::OperationLabels;
use crate::telemetry::names::metric;

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) refusals: Family<RefusalLabels, Counter>,
    pub(super) ignored_fields: Family<OperationLabels, Counter>,
    pub(super) kept_fields: Family<OperationLabels, Counter>,
    pub(super) omitted_items: Family<OperationLabels, Counter>,
    pub(super) answer_misfits: Family<OperationLabels, Counter>,
    pub(super) retiring_requests: Family<OperationLabels, Counter>,
    pub(super) declared_losses: Family<LossLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct RefusalLabels {
    pub(super) dialect: Arc<str>,
    pub(super) code: &'static str,
    pub(super) blame: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct LossLabels {
    pub(super) dialect: Arc<str>,
    pub(super) operation: Arc<str>,
    pub(super) field: Arc<str>,
}

impl Findings {
    pub(super) fn refusal(&self, dialect: &str, code: &'static str, blame: &'static str) {
        self.refusals.get_or_create(&RefusalLabels { dialect: dialect.into(), code, blame }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
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
    }
}

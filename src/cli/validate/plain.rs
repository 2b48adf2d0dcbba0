//! Single bodies of an operation that was named.

use std::sync::Arc;

use http::StatusCode;

use super::{
    Side,
    fault::Fault,
    judge::{Judge, error_of, misfits, unlimited},
};
use crate::{
    canonical::api::Api,
    cli::{
        Failure,
        files::Loaded,
        names::{self, Unknown},
        traffic::ask::{Asked, Misasked},
    },
    dialect::{
        Operation,
        operation::{AnswerPlan, RequestBody},
    },
    json::{Limits, Value},
    mapping::CANONICAL,
    schema::{Schema, Store},
};

/// What single bodies have to be.
#[derive(Debug)]
pub(super) struct Plain {
    /// One of these: one for a request, one for each kind of answer that has a body.
    schemas: Vec<Arc<Schema>>,
    is_answer: bool,
    /// Of answers, the statuses of which there is a schema.
    statuses: Vec<StatusCode>,
    pub(super) is_canonical: bool,
}

impl Plain {
    /// None if no operation was named: bodies come with their exchanges then.
    pub(super) fn new(
        asked: &Asked,
        loaded: &Loaded,
        side: Option<Side>,
        status: Option<StatusCode>,
    ) -> Result<Option<Plain>, Failure> {
        let is_answer = side == Some(Side::Answer);
        if status.is_some() && !is_answer {
            return Err(Misasked::StatusOfNothing.into());
        }
        let Loaded { registry, schemas, .. } = loaded;
        let is_canonical =
            asked.dialect.as_deref() == Some(CANONICAL) && registry.dialect(CANONICAL).is_none();
        let (Some(dialect), Some(name)) = (&asked.dialect, &asked.operation) else {
            return match (is_canonical, status) {
                (true, _) => Err(Misasked::CanonicalTraffic.into()),
                (false, Some(_)) => Err(Misasked::StatusOfNothing.into()),
                (false, None) => Ok(None),
            };
        };
        let (found, statuses) = if is_canonical {
            (of_canonical(registry.api(), schemas, name, is_answer, status)?, Vec::new())
        } else {
            let dialect = names::dialect(registry, dialect)?;
            let operation = names::operation(dialect, name)?;
            let is_error = status.is_some_and(|status| status.is_client_error() || status.is_server_error());
            let found = if is_answer { of_answers(operation, status) } else { of_request(operation) };
            // What no operation answers of its own is an error in the words of all of them.
            let of_errors =
                if is_answer && is_error && found.is_empty() { error_of(schemas, dialect) } else { None };
            (found.into_iter().chain(of_errors).collect(), statuses(operation))
        };
        Ok(Some(Plain { schemas: found, is_answer, statuses, is_canonical }))
    }

    /// Whether there is anything that a body could be; why not, otherwise.
    pub(super) fn check(&self, operation: &str, side: Option<Side>) -> Result<(), Failure> {
        let operation = operation.to_owned();
        match (self.schemas.is_empty(), self.is_answer) {
            _ if side == Some(Side::Both) => Err(Misasked::TwoSides.into()),
            (false, _) => Ok(()),
            (true, true) => Err(Failure::NoAnswerSchema { operation, statuses: self.statuses.clone() }),
            (true, false) => Err(Failure::NoRequestSchema { operation }),
        }
    }

    /// What a body may cost.
    pub(super) fn limits(&self, judge: &Judge<'_>) -> Limits {
        if self.is_answer { unlimited() } else { judge.limits() }
    }

    pub(super) fn misfits(&self, root: Value<'_>) -> Vec<Fault> {
        let schemas: Vec<_> = self.schemas.iter().collect();
        misfits(&schemas, root, "the document", |range| range)
    }
}

fn of_request(operation: &Operation) -> Vec<Arc<Schema>> {
    match &operation.body {
        RequestBody::None => Vec::new(),
        RequestBody::Each { schema, .. } | RequestBody::One { schema } => vec![Arc::clone(schema)],
    }
}

fn of_answers(operation: &Operation, status: Option<StatusCode>) -> Vec<Arc<Schema>> {
    let is_meant = |of: StatusCode| status.is_none_or(|status| status == of);
    match &operation.answer {
        AnswerPlan::Collect(collect) => {
            let statuses = [Some(collect.all), Some(collect.some), collect.none];
            let is_meant = statuses.into_iter().flatten().any(is_meant);
            collect.schema.iter().filter(|_| is_meant).cloned().collect()
        }
        AnswerPlan::One(answers) => {
            let answers = answers.iter().filter(|answer| is_meant(answer.status));
            answers.filter_map(|answer| answer.schema.clone()).collect()
        }
    }
}

/// The statuses that an operation answers with a body.
fn statuses(operation: &Operation) -> Vec<StatusCode> {
    match &operation.answer {
        AnswerPlan::Collect(collect) => {
            let statuses = [Some(collect.all), Some(collect.some), collect.none];
            statuses.into_iter().flatten().filter(|_| collect.schema.is_some()).collect()
        }
        AnswerPlan::One(answers) => {
            answers.iter().filter(|answer| answer.schema.is_some()).map(|answer| answer.status).collect()
        }
    }
}

fn of_canonical(
    api: &Api,
    schemas: &Store,
    name: &str,
    is_answer: bool,
    status: Option<StatusCode>,
) -> Result<Vec<Arc<Schema>>, Unknown> {
    let known = api.operations.iter().map(|operation| operation.name.as_str());
    let operation = api
        .operation(name)
        .ok_or_else(|| Unknown::new(format!("`{CANONICAL}` has no operation"), name, known))?;
    let names: Vec<_> = if is_answer {
        let is_meant = |of: StatusCode| status.is_none_or(|status| status == of);
        let answers = operation.answers.iter().filter(|(of, _)| is_meant(*of));
        answers.filter_map(|(_, schema)| schema.as_deref()).collect()
    } else {
        operation.body.as_deref().into_iter().collect()
    };
    Ok(names.into_iter().filter_map(|name| schemas.schema(CANONICAL, name).cloned()).collect())
}

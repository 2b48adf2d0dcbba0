//! What the old side answered to a change: whether its clients will be answered so after the move.
//!
//! The canonical side is not asked, so there is no other answer to compare it with. But the mapping says which successes the
//! operation has. A status that is none of these, or a body that is none, is a difference by itself, whatever came of the
//! change.

use http::StatusCode;

use super::ask::{Answered, is_readable};
use super::{Shadow, TOLD_MAX};
use crate::dialect::Operation;
use crate::dialect::operation::AnswerPlan;
use crate::gateway::mode::Change;
use crate::json::Document;
use crate::schema::Schema;
use crate::translate::compare::{Difference, Differences, Mask, What};

/// Where that is told.
const STATUS: &str = "answer/status";
const BODY: &str = "answer/body";

/// How many violations of a schema are looked through for one that counts.
const VIOLATIONS_MAX: usize = 64;

impl Shadow {
    /// Where a success is none that the mapping says the operation has.
    pub(super) fn misfits(
        &self,
        operation: &Operation,
        change: &Change,
        first: &Answered,
        body: Option<&Document>,
    ) -> Differences {
        let mut found = Differences::default();
        let Some(masks) = self.plan.masks() else { return found };
        if !is_known(operation, first.status) {
            let sides =
                [Mask::status(first.status), the_only(operation).map_or_else(Mask::unknown, Mask::status)];
            found.add(Difference { place: STATUS.to_owned(), what: What::Value, sides }, TOLD_MAX);
        } else if first.is_plain && !self.is_body_known(operation, change, first.status, body) {
            let is = match body {
                None if !first.body.is_empty() => masks.text(&String::from_utf8_lossy(&first.body)),
                body => masks.of(body.map(Document::root)),
            };
            let sides = [is, Mask::unknown()];
            found.add(Difference { place: BODY.to_owned(), what: What::Kind, sides }, TOLD_MAX);
        }
        found
    }

    /// Whether a body can be read, or is what the dialect documents: not all of that has canonical words. What was done to many
    /// is told in so many ways that only its form says anything.
    fn is_body_known(
        &self,
        operation: &Operation,
        change: &Change,
        status: StatusCode,
        body: Option<&Document>,
    ) -> bool {
        match &operation.answer {
            AnswerPlan::One(plans) => {
                let mut schemas = plans
                    .iter()
                    .filter(|plan| plan.status == status)
                    .filter_map(|plan| plan.schema.as_deref());
                is_readable(&change.reader, &self.again, status, body)
                    || schemas.any(|schema| fits(schema, body))
            }
            AnswerPlan::Collect(collect) => collect.schema.as_deref().is_none_or(|schema| fits(schema, body)),
        }
    }
}

/// Whether a body is what a schema asks for. Members that it does not name are told where they stand.
fn fits(schema: &Schema, body: Option<&Document>) -> bool {
    let is_member_without_name =
        |keyword| matches!(keyword, "additionalProperties" | "unevaluatedProperties");
    body.is_some_and(|body| {
        let violations = schema.violations(body.root(), VIOLATIONS_MAX);
        violations.iter().all(|violation| is_member_without_name(violation.keyword))
    })
}

/// The statuses of an operation's successes.
fn statuses(operation: &Operation) -> Vec<StatusCode> {
    match &operation.answer {
        AnswerPlan::One(plans) => plans.iter().map(|plan| plan.status).collect(),
        AnswerPlan::Collect(collect) => {
            [Some(collect.all), Some(collect.some), collect.none].into_iter().flatten().collect()
        }
    }
}

/// Whether a success has that status, or a refusal that is told as one.
fn is_known(operation: &Operation, status: StatusCode) -> bool {
    statuses(operation).contains(&status) || operation.settled.iter().any(|settled| settled.status == status)
}

/// The status of its successes, if all have the same.
fn the_only(operation: &Operation) -> Option<StatusCode> {
    let all = statuses(operation);
    let first = *all.first()?;
    all.iter().all(|status| *status == first).then_some(first)
}

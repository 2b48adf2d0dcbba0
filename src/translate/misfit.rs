//! Whether the backend's answers are what the canonical API promises, looked at before they are lowered.
//!
//! Only successes are looked at, and of those only the ones a client is told something of: a refusal is never made a
//! worse one, however odd its body, and what nobody reads need not fit. What an answer is lowered to is not looked at
//! again. That it fits the dialect's schema is proved when the mapping is loaded; at run time it would cost as much as
//! all of the lowering, and could only turn an answer that the client may well have read into one it cannot.

use super::Request;
use super::answer::{Answer, after_success};
use super::lift::Lifted;
use super::lower::Lowered;
use crate::dialect::operation::{AnswerBody, AnswerPlan};
use crate::dialect::{Dialect, Operation};
use crate::json::{Document, Limits};
use crate::problem::{Problem, Segment, place};
use crate::schema::{Schema, Shape};

/// What becomes of an answer that is not what the canonical API promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerCheck {
    /// It is a 502, or a 500 if it is that to a change, which was made.
    #[default]
    Enforce,
    /// Nobody looks.
    Off,
    /// It is told as well as it can be, and counted.
    Report,
}

impl AnswerCheck {
    /// The ways to check with their names in settings.
    pub const NAMES: [(&str, AnswerCheck); 3] =
        [("enforce", AnswerCheck::Enforce), ("report", AnswerCheck::Report), ("off", AnswerCheck::Off)];
}

/// How answers are checked, dialect by dialect.
#[derive(Clone, Debug, Default)]
pub struct AnswerChecks {
    /// For dialects of which nothing else is said.
    pub usual: AnswerCheck,
    /// For single dialects, by name.
    pub dialects: Vec<(String, AnswerCheck)>,
}

impl AnswerChecks {
    /// How the answers of a dialect are checked. A generation of which nothing is said is treated as what it extends.
    pub fn of(&self, dialect: &Dialect) -> AnswerCheck {
        let mut names = std::iter::once(&dialect.name).chain(&dialect.extends);
        let said = names.find_map(|name| self.dialects.iter().find(|(said, _)| said == name));
        said.map_or(self.usual, |(_, check)| *check)
    }
}

/// Looks whether an answer that was lowered is one of the dialect, where the canonical one may not have told everything:
/// what a backend leaves out because its own API does not say it, a client of another would miss.
///
/// # Errors
///
/// 501 if it is not; 500 if what was asked for has been done by now.
pub fn untold(
    request: &Request,
    lifted: &Lifted,
    answers: &[Result<Answer, Box<Problem>>],
    lowered: &Lowered,
) -> Result<(), Box<Problem>> {
    let schema = match &request.operation.answer {
        AnswerPlan::One(plans) => {
            answers.first().and_then(|answer| answer.as_ref().ok()).and_then(|answer| {
                plans.iter().find(|plan| plan.from == answer.status).and_then(|plan| plan.schema.as_ref())
            })
        }
        AnswerPlan::Collect(collect) => collect.schema.as_ref(),
    };
    let (Some(schema), Some(body)) = (schema, &lowered.body) else { return Ok(()) };
    let limits = Limits { bytes_max: body.len(), nodes_max: usize::MAX, ..Limits::default() };
    let document = Document::parse(body.clone(), &limits);
    let document = document.map_err(|error| Problem::internal(format!("an answer is no JSON: {error}")))?;
    let Some(first) = schema.violations(document.root(), 1).into_iter().next() else { return Ok(()) };
    let place = masked(schema.shape(), &first.path);
    let reason = format!("the backend's API does not tell all of the answer: `{place}` {}", first.message);
    let is_done = lifted.calls.iter().any(|call| !call.operation.is_safe());
    Err(Box::new(if is_done { Problem::done_and_unread(reason) } else { Problem::inexpressible(reason) }))
}

/// How an answer differs from what the canonical API promises. Nothing of what was answered is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The canonical schema, the first place, and what was expected there.
    text: String,
}

impl Misfit {
    /// In words, such as ``the answer does not fit `canonical/member`: `/role` must be a string``.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Looks at the answers to a request's calls, in the order of the calls, and gives those that do not fit. If it is
/// enforced, a misfit becomes the problem it is.
pub fn check(
    how: AnswerCheck,
    operation: &Operation,
    lifted: &Lifted,
    answers: &mut [Result<Answer, Box<Problem>>],
) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    // Nothing is told of the answer to a call that only judges the caller.
    if how == AnswerCheck::Off || lifted.is_probe {
        return misfits;
    }
    for (outcome, call) in answers.iter_mut().zip(&lifted.calls) {
        let Ok(answer) = outcome else { continue };
        let first = call.operation.answers.first().map(|(status, _)| *status);
        let schema = match &operation.answer {
            AnswerPlan::One(plans) => plans.iter().find(|plan| plan.from == answer.status).and_then(|plan| {
                let is_told = plan.location.is_some()
                    || matches!(plan.body, AnswerBody::Items { .. } | AnswerBody::Lens(_));
                plan.canonical.as_deref().filter(|_| is_told)
            }),
            AnswerPlan::Collect(collect) => {
                collect.canonical.as_deref().filter(|_| first.is_none_or(|status| status == answer.status))
            }
        };
        let Some(misfit) = schema.zip(answer.body.as_ref()).and_then(|(schema, body)| misfit(schema, body))
        else {
            continue;
        };
        if how == AnswerCheck::Enforce {
            let problem = Problem::bad_gateway("invalid-answer", misfit.text.clone());
            *outcome = Err(Box::new(after_success(call, problem)));
        }
        misfits.push(misfit);
    }
    misfits
}

fn misfit(schema: &Schema, body: &Document) -> Option<Misfit> {
    if schema.is_valid(body.root()) {
        return None;
    }
    let violations = schema.violations(body.root(), 1);
    let first = violations
        .first()
        .map(|violation| format!(": `{}` {}", masked(schema.shape(), &violation.path), violation.message));
    Some(Misfit { text: format!("the answer does not fit `{schema}`{}", first.unwrap_or_default()) })
}

/// A place as a JSON Pointer, with `*` for every name that no schema declares: the names of a map may be anything, an
/// address of somebody among them.
fn masked(shape: Shape<'_>, path: &[Segment]) -> String {
    let mut shape = Some(shape);
    let segments = path.iter().map(|segment| {
        let inner = shape.take();
        match segment {
            Segment::Index(_) => {
                shape = inner.and_then(|shape| shape.items());
                segment.clone()
            }
            Segment::Name(name) => {
                shape = inner.and_then(|shape| shape.property(name));
                if shape.is_some() { segment.clone() } else { Segment::Name("*".to_owned()) }
            }
        }
    });
    place::pointer(&segments.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::diag::Sources;
    use crate::json::{Document, Limits};
    use crate::schema::{Schema, SchemaFile, Store};

    fn said(schema: &str, body: &str) -> Option<String> {
        let source = Sources::default().add("thing.json", schema);
        let file =
            SchemaFile { source, folder: "canonical".into(), name: "thing".into(), text: schema.into() };
        let (store, found) = Store::load(vec![file]);
        assert_eq!(found, []);
        let schema: Arc<Schema> = Arc::clone(store.schema("canonical", "thing").unwrap());
        let body = Document::parse(body.into(), &Limits::default()).unwrap();
        super::misfit(&schema, &body).map(|misfit| misfit.text().to_owned())
    }

    #[test]
    fn the_place_is_said_and_the_value_is_not() {
        let schema = r#"{"properties":{"users":{"items":{"properties":{"role":{"enum":["a","b"]}}}}}}"#;
        assert_eq!(said(schema, r#"{"users":[{"role":"a"}]}"#), None);
        assert_eq!(
            said(schema, r#"{"users":[{"role":"a"},{"role":"hunter2"}]}"#).unwrap(),
            "the answer does not fit `canonical/thing`: `/users/1/role` must be one of `a`, `b`"
        );
    }

    #[test]
    fn names_that_the_backend_chose_are_masked() {
        let map = r#"{"properties":{"labels":{"additionalProperties":{"type":"string"}}}}"#;
        let said_of_map = said(map, r#"{"labels":{"ada@example.com":1}}"#).unwrap();
        assert!(said_of_map.ends_with("`/labels/*` must be a string"), "{said_of_map}");
        let closed = r#"{"properties":{"id":{}},"additionalProperties":false}"#;
        let said_of_closed = said(closed, r#"{"ada@example.com":{"id":1}}"#).unwrap();
        assert!(said_of_closed.ends_with("`/*` is not a known property"), "{said_of_closed}");
    }
}

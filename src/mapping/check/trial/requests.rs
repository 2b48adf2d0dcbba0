//! Requests: what a dialect's schemas allow becomes calls the canonical API takes.

use std::sync::Arc;

use http::Method;

use super::Trial;
use super::finding::{Finding, field_at, named, nearest, shown};
use super::guides::Sent;
use super::world::World;
use crate::canonical::api::Call;
use crate::diag::{Span, code};
use crate::dialect::Operation;
use crate::dialect::operation::RequestBody;
use crate::json::Document;
use crate::lens::{Direction, Resolutions};
use crate::mapping::CANONICAL;
use crate::problem::{Place, Problem, Root, Segment};
use crate::schema::instances::parsed;
use crate::translate::lift::{Lifted, lift};
use crate::translate::{Request, Step as Progress};

mod made;

/// How many violations of one call are looked at.
const VIOLATIONS_MAX: usize = 8;

/// Bytes of a body that is remembered. Longer ones are so for a text that is too long somewhere else.
const SENT_MAX: usize = 1 << 14;

/// How often something is looked up for one request: what is found may have to be looked up in turn.
pub(super) const ROUNDS_MAX: usize = 6;

/// A request that became calls, with the look-ups it took.
pub(super) struct Tried<'t> {
    pub(super) request: Request,
    pub(super) lifted: Lifted,
    pub(super) world: World<'t>,
}

impl<'t> Trial<'t> {
    /// Tries the requests of an operation; those that became calls.
    pub(super) fn try_requests(&mut self, operation: &Arc<Operation>) -> Vec<Tried<'t>> {
        let requests = self.requests(operation);
        if requests.is_empty() {
            let name = &operation.name;
            let message = format!("no request could be made for operation `{name}`");
            let help = "its schemas may contradict each other, or say more than instances are made from";
            self.findings.warn(code::M0405, self.operation_span(name), message, help);
        }
        let mut tried: Vec<Tried<'t>> = Vec::new();
        for mut request in requests {
            self.instances += 1;
            request.choose_case();
            let mut world = World::new(self.columns);
            let Some(lifted) = self.lifted(&request, &mut world) else { continue };
            for call in &lifted.calls {
                self.call(&request, call);
            }
            self.request_returns(&request, &world);
            tried.push(Tried { request, lifted, world });
        }
        tried
    }

    /// Tries the answers to what became calls.
    pub(super) fn try_answers(&mut self, operation: &Arc<Operation>, tried: &[Tried<'t>]) {
        for operation in std::iter::once(operation).chain(operation.cases.iter().map(|case| &case.operation))
        {
            let own: Vec<_> =
                tried.iter().filter(|tried| Arc::ptr_eq(&tried.request.operation, operation)).collect();
            self.answers(operation, &own);
        }
    }

    /// What a request becomes; tells why it becomes nothing.
    fn lifted(&mut self, request: &Request, world: &mut World<'_>) -> Option<Lifted> {
        let mut resolutions = Resolutions::default();
        for _ in 0..ROUNDS_MAX {
            match lift(self.api, request, &resolutions) {
                Ok(Progress::Done(lifted)) => return Some(lifted),
                Ok(Progress::Needs(needs)) => {
                    for need in needs {
                        let found = world.answer(&need);
                        resolutions.insert(need, found);
                    }
                }
                Err(problem) => {
                    self.refused(request, &problem);
                    return None;
                }
            }
        }
        None
    }

    fn refused(&mut self, request: &Request, problem: &Problem) {
        let operation = &request.operation;
        if problem.violations.is_empty() {
            let message = format!("operation `{}` refuses a request that its schemas allow", operation.name);
            let span = self.operation_span(&operation.name);
            self.findings.tell(Finding {
                code: code::M0307,
                span,
                rule: &problem.code,
                message,
                label: problem.detail.to_string(),
                help: HELP_REFUSED.to_owned(),
                instance: format!("the path parameters {:?}", request.path),
            });
        }
        for violation in &problem.violations {
            let place = within_item(operation, &violation.place);
            let field = field_at(&operation.request, Direction::Lift, &place);
            let span = field.and_then(|at| at.field.origin);
            let root = request.body.as_ref().map(Document::root).filter(|_| place.root == Root::Body);
            let value = root.map(|root| nearest(root, &violation.place.segments));
            let given = request
                .query
                .iter()
                .find(|(name, _)| place.root == Root::Query && **name == *violation.place.dotted());
            let instance = given.map_or_else(|| shown(value), |(_, text)| format!("`{text}`"));
            self.findings.tell(Finding {
                code: code::M0307,
                span: span.unwrap_or_else(|| self.operation_span(&operation.name)),
                rule: &violation.kind,
                message: format!(
                    "{} of operation `{}` is refused, although its schema allows it",
                    named(&place.segments),
                    operation.name
                ),
                label: violation.message.clone(),
                help: HELP_REFUSED.to_owned(),
                instance,
            });
        }
    }

    /// A call is one the canonical API takes. What it writes is noted.
    fn call(&mut self, request: &Request, call: &Call) {
        let operation = &request.operation;
        let span = self.operation_span(&operation.name);
        if call.target().is_none() {
            self.findings.tell(Finding {
                code: code::M0404,
                span,
                rule: "target",
                message: format!(
                    "operation `{}` cannot fill the path of `{}`",
                    operation.name, call.operation.name
                ),
                label: "a parameter is missing, or moves the path".to_owned(),
                help: "give the parameter an op that always gives a value, such as an id or a look-up"
                    .to_owned(),
                instance: format!("{:?}", call.path),
            });
        }
        let schema = call.operation.body.as_deref().and_then(|name| self.schemas.schema(CANONICAL, name));
        let (Some(schema), Some(body)) = (schema, call.body.clone().and_then(parsed)) else { return };
        if schema.is_valid(body.root()) {
            let record = self.api.record(&call.operation).filter(|_| body.text().len() <= SENT_MAX);
            if let Some(record) = record {
                let is_patch = call.operation.method == Method::PATCH;
                self.own.entry(record.to_owned()).or_default().push(Sent { body, is_patch });
            }
            return;
        }
        for violation in schema.violations(body.root(), VIOLATIONS_MAX) {
            let place = Place::body(violation.path.clone());
            let field = field_at(&operation.request, Direction::Lower, &place);
            self.findings.tell(Finding {
                code: code::M0402,
                span: field.and_then(|at| at.field.origin).unwrap_or(span),
                rule: violation.keyword,
                message: format!(
                    "operation `{}` sends what `{}` does not take: {} {}",
                    operation.name,
                    call.operation.name,
                    named(&violation.path),
                    violation.message
                ),
                label: "sent by this".to_owned(),
                help: format!(
                    "let the dialect's schema allow no more than `schemas/{CANONICAL}/{}.json` does, or map it otherwise",
                    schema.name()
                ),
                instance: shown(Some(nearest(body.root(), &violation.path))),
            });
        }
    }

    /// Where an operation is declared.
    pub(super) fn operation_span(&self, name: &str) -> Span {
        let parts = &self.file.operations;
        let part = parts.iter().find(|part| part.name.value == name).or_else(|| parts.first());
        part.map_or_else(|| Span::new(self.file.source, 0..0), |part| part.name.span)
    }
}

const HELP_REFUSED: &str = "let the dialect's schema say what is allowed here, so that it is refused before anything is done, or map it";

/// The place within an item of a bulk request.
fn within_item(operation: &Operation, place: &Place) -> Place {
    let RequestBody::Each { over, .. } = &operation.body else { return place.clone() };
    if place.root != Root::Body {
        return place.clone();
    }
    match place.segments.strip_prefix(over.segments().as_slice()) {
        Some([Segment::Index(_), rest @ ..] | rest) => Place::body(rest.to_vec()),
        None => Place { root: Root::Outer, segments: place.segments.clone() },
    }
}

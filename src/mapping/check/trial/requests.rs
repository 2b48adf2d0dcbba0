//! Requests: what a dialect's schemas allow becomes calls the canonical API takes.

use std::borrow::Cow;
use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Scheme};

use super::finding::{Finding, field_at, named, nearest, shown};
use super::world::World;
use super::{Trial, guides};
use crate::canonical::api::Call;
use crate::diag::{Span, code};
use crate::dialect::operation::RequestBody;
use crate::dialect::page::{PageSlot, Wanted};
use crate::dialect::url::Url;
use crate::dialect::{Operation, Page, Selected};
use crate::json::{Document, Limits, Value};
use crate::lens::op::Op;
use crate::lens::op::table::Table;
use crate::lens::path::Address;
use crate::lens::{Direction, Parameters, Resolutions};
use crate::mapping::CANONICAL;
use crate::problem::{Place, Problem, Root, Segment};
use crate::schema::instances::random::Random;
use crate::schema::instances::{Guide, Instances, Step, Values};
use crate::translate::lift::{Lifted, lift};
use crate::translate::{Request, Step as Progress};

/// How many violations of one call are looked at.
const VIOLATIONS_MAX: usize = 8;

/// How often something is looked up for one request: what is found may have to be looked up in turn.
pub(super) const ROUNDS_MAX: usize = 6;

/// A request that became calls, with the look-ups it took.
pub(super) struct Tried<'t> {
    pub(super) request: Request,
    pub(super) lifted: Lifted,
    pub(super) world: World<'t>,
}

impl<'t> Trial<'t> {
    /// Tries an operation: its requests, and the answers to those that became calls.
    pub(super) fn operation(&mut self, operation: &Arc<Operation>) {
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
        for operation in std::iter::once(operation).chain(operation.cases.iter().map(|case| &case.operation))
        {
            let own: Vec<_> =
                tried.iter().filter(|tried| Arc::ptr_eq(&tried.request.operation, operation)).collect();
            self.answers(operation, &own);
        }
    }

    /// Requests that satisfy the schemas of an operation.
    fn requests(&mut self, operation: &Arc<Operation>) -> Vec<Request> {
        let bodies = self.bodies(operation);
        let queries = self.queries(operation);
        let body_count = bodies.as_ref().map_or(1, Vec::len);
        let count =
            if body_count == 0 || queries.is_empty() { 0 } else { body_count.max(queries.len()).max(2) };
        let mut bodies = bodies.unwrap_or_default().into_iter();
        let texts: Vec<String> =
            bodies.as_slice().iter().map(|body: &Document| body.text().to_owned()).collect();
        let mut requests = Vec::new();
        for number in 0..count {
            // Where there are more queries than bodies, the bodies are sent again.
            let again = || {
                let text = texts.get(number % texts.len().max(1))?;
                Document::parse(text.clone().into_bytes(), &Limits::default()).ok()
            };
            let body = bodies.next().or_else(again);
            let path = operation
                .parameters()
                .map(|name| (name.into(), self.parameter(operation, Root::Path, name, number)));
            let selected = Selected {
                dialect: Arc::clone(self.dialect),
                operation: Arc::clone(operation),
                mount: 0,
                path: path.collect(),
            };
            let origin = Some((Scheme::HTTPS, Authority::from_static("client.example")));
            let url = Url { origin, ..Url::of(PathAndQuery::from_static("/things")) };
            let Ok(request) = Request::new(selected, url, body) else { continue };
            requests.push(Request { query: queries[number % queries.len()].clone(), ..request });
        }
        requests
    }

    /// Bodies of an operation; none if it takes none.
    fn bodies(&mut self, operation: &Operation) -> Option<Vec<Document>> {
        let takes = operation.calls.body.as_deref().and_then(|name| self.schemas.schema(CANONICAL, name));
        let long = self.long(takes.map(Arc::as_ref));
        let (schema, below) = match &operation.body {
            RequestBody::None => return None,
            RequestBody::One { schema } => (schema, vec![Vec::new()]),
            RequestBody::Each { schema, over, one, .. } => {
                let list: Vec<Step> = over.path.iter().map(|name| Step::Member(name.clone())).collect();
                let items = list.iter().cloned().chain([Step::Items]).collect();
                (schema, if *one { vec![items, list] } else { vec![items] })
            }
        };
        let own = below
            .iter()
            .flat_map(|below| guides::of(&operation.request, Direction::Lift, below, self.columns))
            .collect::<Vec<_>>();
        let made = |guides: &[Guide]| {
            let instances = Instances::up_to(schema, guides, long);
            let others = instances.others(self.trials.seed, self.trials.others);
            instances.systematic().chain(others).collect::<Vec<_>>()
        };
        let guided = made(&own);
        // Where no id of the mapping satisfies the schema, what does will be refused, and that is told.
        Some(if guided.is_empty() { made(&[]) } else { guided })
    }

    /// Queries of an operation: what its schema allows, or what its fields read.
    fn queries(&self, operation: &Operation) -> Vec<Parameters> {
        let Some(shape) = &operation.parameters else {
            let mapped = operation.request.fields().iter().filter_map(|field| field.left.as_ref());
            let names = mapped.filter(|at| at.root == Root::Query).filter_map(|at| at.path.first());
            let names: Vec<_> = names.collect();
            let given = |number| {
                names
                    .iter()
                    .map(move |name| ((*name).clone(), self.parameter(operation, Root::Query, name, number)))
            };
            let most = if names.is_empty() { 0 } else { 4 };
            return std::iter::once(Vec::new())
                .chain((0..most).map(|number| given(number).collect()))
                .collect();
        };
        let mut own: Vec<Guide> = Vec::new();
        for field in operation.request.fields() {
            let Some(at) = field.left.as_ref().filter(|at| at.root == Root::Query) else { continue };
            if let Some(values) = self.spelt(&field.op) {
                let at = at.path.iter().map(|name| Step::Member(name.clone())).collect();
                let values = Values::Only(values.into_iter().map(serde_json::Value::from).collect());
                own.push(Guide { at, values });
            }
        }
        own.extend(operation.page.as_deref().map(starts));
        let instances = Instances::of(shape.schema(), &own);
        let documents = instances.systematic().chain(instances.others(self.trials.seed, self.trials.others));
        let query = |document: Document| {
            let members = document.root().members();
            members.map(|(name, value)| (name.as_str().as_ref().into(), text(value))).collect()
        };
        documents.map(query).collect()
    }

    /// A parameter that means something to the field it is for.
    fn parameter(&self, operation: &Operation, root: Root, name: &str, number: usize) -> String {
        let is_own = |at: &Address| at.root == root && at.path.concat() == name;
        let field = operation.request.fields().iter().find(|field| field.left.as_ref().is_some_and(is_own));
        let values = field.and_then(|field| self.meant(&field.op)).unwrap_or_else(|| vec!["x-1".to_owned()]);
        values.get(number % values.len().max(1)).cloned().unwrap_or_default()
    }

    /// The texts a parameter with this op may be, if not any.
    fn spelt(&self, op: &Op) -> Option<Vec<String>> {
        match op {
            Op::Id(id) => Some(guides::spellings(&id.dialect, &mut Random::new(1))),
            Op::Resolve(resolve) => Some(self.columns.keys(&resolve.0, 1)),
            Op::Row(row) => Some(self.columns.keys(&row.resolver, 1)),
            Op::Fixed(fixed) => Some(vec![text(fixed.0.value())]),
            _ => None,
        }
    }

    /// The same of a parameter that no schema speaks of, so that only its op says what it may be.
    fn meant(&self, op: &Op) -> Option<Vec<String>> {
        let words = |table: &Table| Some(table.rows.iter().map(|row| row.word.text().into_owned()).collect());
        match op {
            Op::Filter(filter) => words(&filter.0),
            Op::Table(table) => words(table),
            Op::Prefix(prefix) => {
                let ids = prefix.id.as_ref().map(|id| guides::spellings(&id.dialect, &mut Random::new(1)));
                let rest = ids.unwrap_or_else(|| vec!["x-1".to_owned()]);
                Some(rest.iter().map(|rest| format!("{}{rest}", prefix.before)).collect())
            }
            op => self.spelt(op),
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
            let place = self.within_item(operation, &violation.place);
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

    /// The place within an item of a bulk request.
    fn within_item(&self, operation: &Operation, place: &Place) -> Place {
        let RequestBody::Each { over, .. } = &operation.body else { return place.clone() };
        if place.root != Root::Body {
            return place.clone();
        }
        match place.segments.strip_prefix(over.segments().as_slice()) {
            Some([Segment::Index(_), rest @ ..] | rest) => Place::body(rest.to_vec()),
            None => Place { root: Root::Outer, segments: place.segments.clone() },
        }
    }

    /// A call is one the canonical API takes.
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
        let (Some(schema), Some(body)) = (schema, call.body.clone()) else { return };
        let Ok(body) = Document::parse(body, &Limits::default()) else { return };
        if schema.is_valid(body.root()) {
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

/// A value as a parameter spells it.
fn text(value: Value<'_>) -> String {
    value.as_str().map_or_else(|| value.raw().to_owned(), Cow::into_owned)
}

/// Where a page may start: what a client can only have from an earlier page.
fn starts(page: &Page) -> Guide {
    let wanted = Wanted { limit: 10, offset: 0 };
    let url = Url::of(PathAndQuery::from_static("/"));
    let next = page.show(PageSlot::Next, wanted, 10, 30, &url);
    let next = next.and_then(|json| serde_json::from_str(&json).ok());
    Guide {
        at: vec![Step::Member(page.start.as_str().into())],
        values: Values::Only(next.into_iter().chain([1.into(), 2.into()]).collect()),
    }
}

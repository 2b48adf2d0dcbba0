//! Whether an exchange keeps to what the dialect promises: the request to what it takes, the answer to what it gives.

use std::{ops::Range, sync::Arc};

use http::StatusCode;

use super::fault::{Fault, VIOLATIONS_MAX, of_problem};
use crate::{
    canonical::api::Api,
    cli::traffic::{Body, Exchange, Recorded, extent},
    diag::code,
    dialect::{
        Dialect, Operation, Selected,
        operation::{AnswerBody, AnswerPlan, RequestBody},
        url::Url,
    },
    gateway,
    json::{Document, Limits, Value},
    lens::Resolutions,
    problem::Problem,
    schema::{Schema, Store},
    translate::{self, Request, lift::lift},
};

/// The name of the schema of a dialect's error bodies.
const ERROR: &str = "error";

/// Statuses by which an API says that it does not understand a request. What the proxy refuses as well is no news.
const NOT_UNDERSTOOD: [u16; 6] = [400, 404, 405, 413, 415, 422];

/// Whether a recorded answer says that its request was not understood.
pub(super) fn was_refused(exchange: &Exchange<'_>) -> bool {
    exchange.status.is_some_and(|(status, _)| NOT_UNDERSTOOD.contains(&status))
}

/// Whether a recorded answer sends the client elsewhere.
pub(super) fn was_redirected(exchange: &Exchange<'_>) -> bool {
    exchange.status.is_some_and(|(status, _)| (300..400).contains(&status))
}

/// What there is to judge by.
pub(super) struct Judge<'j> {
    pub(super) api: &'j Api,
    pub(super) schemas: &'j Store,
    pub(super) body: &'j gateway::Config,
}

/// What became of a request.
pub(super) struct Asked {
    /// What is wrong with it; none if that could not be told, because not all of it was recorded.
    pub(super) faults: Option<Vec<Fault>>,
    /// The operation, or its cases as far as they are possible.
    pub(super) operations: Vec<Arc<Operation>>,
}

impl Judge<'_> {
    /// Looks at the request as the proxy would.
    pub(super) fn request(&self, selected: Selected, url: Url, exchange: &Exchange<'_>) -> Asked {
        let operation = Arc::clone(&selected.operation);
        let cases = operation.cases.iter().map(|case| Arc::clone(&case.operation));
        let all = std::iter::once(Arc::clone(&operation)).chain(cases).collect();
        let whole = extent(exchange.url);

        let takes_body = !matches!(operation.body, RequestBody::None);
        let (document, body) = match exchange.request {
            _ if !takes_body => (None, None),
            Recorded::Unknown => return Asked { faults: None, operations: all },
            Recorded::Nothing => {
                let fault = Fault::new(code::V0102, "the request has no body", extent(exchange.method));
                return Asked { faults: Some(vec![fault.label("needs one")]), operations: all };
            }
            Recorded::Body(body) => match read(body, &self.limits()) {
                Ok(document) => (Some(document), Some(body)),
                Err(fault) => return Asked { faults: Some(vec![fault]), operations: all },
            },
        };
        let mut request = match Request::new(selected, url, document) {
            Ok(request) => request,
            Err(problem) => {
                let faults = of_problem(code::V0104, &problem, &whole, None);
                return Asked { faults: Some(faults), operations: all };
            }
        };
        let mut faults = of_request(&request, body, &whole);
        request.choose_case();
        if faults.is_empty() {
            let root = request.body.as_ref().map(Document::root);
            if let Err(problem) = self.lifted(&request) {
                faults = of_problem(code::V0104, &problem, &whole, root.zip(body));
            }
        }
        Asked { faults: Some(faults), operations: vec![request.operation] }
    }

    /// Whether the request becomes calls. Where an id would have to be looked up, nothing is said against it.
    fn lifted(&self, request: &Request) -> Result<(), Box<Problem>> {
        translate::fan_out(request, self.body.fan_out_max)?;
        // With an id map every id that has no computed form may be one that was imported.
        let known = Resolutions::with_id_map();
        lift(self.api, request, &known).map(drop)
    }

    /// Looks at the answer; none if there is nothing to judge, or nothing to judge by.
    pub(super) fn answer(
        &self,
        dialect: &Dialect,
        operations: &[Arc<Operation>],
        exchange: &Exchange<'_>,
    ) -> Option<Vec<Fault>> {
        let (number, at) = exchange.status?;
        let status = StatusCode::from_u16(number).ok()?;
        let promised = Promised::of(operations, status);
        let schemas = match promised {
            Some(Promised { schemas, .. }) if !schemas.is_empty() => schemas,
            Some(Promised { has_body: false, .. }) => return nothing(exchange),
            Some(_) => return None,
            None if number >= 400 => vec![error_of(self.schemas, dialect)?],
            // Redirects and the like are between a client and the servers in front of the API.
            None if !status.is_success() => return None,
            None => {
                let name = operations.first().map_or("", |operation| operation.name.as_str());
                let message = format!("`{name}` has no answer with the status {number}");
                return Some(vec![Fault::new(code::V0105, message, extent(at)).label("status")]);
            }
        };
        let body = match exchange.answer {
            Recorded::Unknown => return None,
            Recorded::Body(body) if !body.is_null() || schemas.iter().any(|schema| takes_null(schema)) => {
                body
            }
            Recorded::Body(_) | Recorded::Nothing => {
                let message = format!("the answer {number} has no body");
                return Some(vec![Fault::new(code::V0102, message, extent(at)).label("needs one")]);
            }
        };
        let schemas: Vec<_> = schemas.iter().collect();
        Some(match read(body, &unlimited()) {
            Ok(document) => misfits(&schemas, document.root(), "the body", |range| body.place(range)),
            Err(fault) => vec![fault],
        })
    }

    /// What a request may cost: as much as on the wire.
    pub(super) fn limits(&self) -> Limits {
        Limits { bytes_max: self.body.bytes_max, depth_max: self.body.depth_max, ..Limits::default() }
    }
}

/// The schema of a dialect's errors: its own, or that of what it is a generation of.
pub(super) fn error_of(schemas: &Store, dialect: &Dialect) -> Option<Arc<Schema>> {
    let mut folders = std::iter::once(&dialect.name).chain(&dialect.extends);
    folders.find_map(|folder| schemas.schema(folder, ERROR)).cloned()
}

/// What the schemas of query and body have against the request.
fn of_request(request: &Request, body: Option<Body<'_>>, url: &Range<usize>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(shape) = &request.operation.parameters {
        let violations = shape.violations(&request.query, VIOLATIONS_MAX);
        if !violations.is_empty() {
            faults.extend(of_problem(code::V0102, &Problem::invalid(violations), url, None));
        }
    }
    let (RequestBody::One { schema } | RequestBody::Each { schema, .. }) = &request.operation.body else {
        return faults;
    };
    if let (Some(document), Some(body)) = (&request.body, body) {
        faults.extend(misfits(&[schema], document.root(), "the body", |range| body.place(range)));
    }
    faults
}

fn read(body: Body<'_>, limits: &Limits) -> Result<Document, Fault> {
    let Some(bytes) = body.bytes() else {
        return Err(Fault::new(code::V0106, "the body is no base64", body.place(0..0)));
    };
    Document::parse(bytes, limits).map_err(|error| Fault::unread(error, |range| body.place(range)))
}

/// What an answer may cost: whatever its file is worth.
pub(super) fn unlimited() -> Limits {
    Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, ..Limits::default() }
}

/// What keeps a document from fitting: nothing if it fits one of the schemas, else what the one it comes closest to
/// has against it.
pub(super) fn misfits(
    schemas: &[&Arc<Schema>],
    root: Value<'_>,
    noun: &str,
    locate: impl Fn(Range<usize>) -> Range<usize>,
) -> Vec<Fault> {
    let violations = schemas.iter().map(|schema| schema.every_violation(root, VIOLATIONS_MAX));
    let closest = violations.min_by_key(Vec::len).unwrap_or_default();
    closest.iter().map(|violation| Fault::violation(violation, root, noun, &locate)).collect()
}

fn takes_null(schema: &Schema) -> bool {
    schema.shape().nullable()
}

/// An answer that has no body must not have one.
fn nothing(exchange: &Exchange<'_>) -> Option<Vec<Fault>> {
    match exchange.answer {
        Recorded::Unknown => None,
        Recorded::Nothing => Some(Vec::new()),
        Recorded::Body(body) if body.is_null() => Some(Vec::new()),
        Recorded::Body(body) => {
            let message = "the answer has a body, where there is none";
            Some(vec![Fault::new(code::V0102, message, body.place(0..0))])
        }
    }
}

/// What operations promise of an answer with a status.
struct Promised {
    /// The body fits one of these.
    schemas: Vec<Arc<Schema>>,
    has_body: bool,
}

impl Promised {
    /// None if they never give that status.
    fn of(operations: &[Arc<Operation>], status: StatusCode) -> Option<Promised> {
        let mut found: Option<Promised> = None;
        let mut add = |schema: Option<&Arc<Schema>>, has_body: bool| {
            let promised = found.get_or_insert(Promised { schemas: Vec::new(), has_body: false });
            promised.schemas.extend(schema.filter(|_| has_body).cloned());
            promised.has_body |= has_body;
        };
        for operation in operations {
            match &operation.answer {
                AnswerPlan::One(answers) => {
                    for answer in answers.iter().filter(|answer| answer.status == status) {
                        add(answer.schema.as_ref(), !matches!(answer.body, AnswerBody::Empty));
                    }
                }
                AnswerPlan::Collect(collect) => {
                    if [Some(collect.all), Some(collect.some), collect.none].contains(&Some(status)) {
                        add(collect.schema.as_ref(), true);
                    }
                }
            }
            if operation.settled.iter().any(|settled| settled.status == status) {
                add(None, false);
            }
        }
        found
    }
}

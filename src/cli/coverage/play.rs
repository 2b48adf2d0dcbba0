//! Recorded exchanges, translated again, so that the translation tells which lines it uses.

use std::{borrow::Cow, cell::RefCell, sync::Arc, time::SystemTime};

use http::StatusCode;

use crate::{
    canonical::api,
    cli::traffic::{Call, Exchange, Recorded},
    dialect::{Operation, Registry, Resolver, Selected, operation::RequestBody, url::Url},
    json::{Document, Kind, Limits, Value},
    lens::{Direction, Found, Lookup, Need, Resolutions},
    problem::Problem,
    translate::{
        self, Request, Step,
        answer::{Answer, answered},
        coverage::Coverage,
        explain::Narrator,
        gather,
        lift::{Lifted, lift},
        lower::lower,
    },
};

/// How often lookups may lead to further ones.
const ROUNDS_MAX: usize = 4;

/// Plays exchanges.
pub(super) struct Player<'p> {
    pub(super) registry: &'p Registry,
    pub(super) fan_out_max: usize,
}

/// What the backend is known to have answered to one request.
struct Backend<'b>(RefCell<Vec<Option<&'b Call<'b>>>>);

impl Player<'_> {
    /// Translates an exchange and counts the lines that were used.
    pub(super) fn play(
        &self,
        selected: Selected,
        url: Url,
        exchange: &Exchange<'_>,
        coverage: &mut Coverage,
    ) {
        let narrator = Narrator::listening();
        let dialect = Arc::clone(&selected.dialect);
        narrator.tell(|story| story.selected(&dialect, &selected.operation));
        let body = match (&selected.operation.body, exchange.request) {
            (RequestBody::None, _) | (_, Recorded::Nothing | Recorded::Unknown) => None,
            (_, Recorded::Body(body)) => body.bytes().and_then(document),
        };
        let mut operation = Arc::clone(&selected.operation);
        let outcome = match Request::new(selected, url, body) {
            Ok(request) => {
                let mut request = request.told_to(narrator.clone());
                let outcome = self.translated(&mut request, exchange);
                operation = request.operation;
                outcome
            }
            Err(problem) => Err(problem),
        };
        if let Err(problem) = outcome {
            let rendered = dialect.errors.render(&problem, &operation.folds, SystemTime::now());
            narrator.tell(|story| story.refused(&problem, Some(&dialect), &dialect.errors, &rendered));
        }
        if let Some(explanation) = narrator.take() {
            coverage.hear(&explanation);
        }
        let status = exchange.status.and_then(|(status, _)| StatusCode::from_u16(status).ok());
        if let Some(status) = status.filter(|_| exchange.calls.is_none()) {
            let body = match exchange.answer {
                Recorded::Body(body) => body.bytes().and_then(document),
                Recorded::Nothing | Recorded::Unknown => None,
            };
            coverage.see(&dialect, &operation, status, body.as_ref().map(Document::root));
        }
    }

    fn translated(&self, request: &mut Request, exchange: &Exchange<'_>) -> Result<(), Box<Problem>> {
        let api = self.registry.api();
        translate::check(request)?;
        request.choose_case();
        translate::fan_out(request, self.fan_out_max)?;
        let request = &*request;
        let calls = exchange.calls.as_deref().unwrap_or_default();
        let mut known = Resolutions::default();
        let lifted = complete(request, calls, &mut known, |known| lift(api, request, known))?;
        let Some(lifted) = lifted.filter(|_| exchange.calls.is_some()) else { return Ok(()) };
        let backend = Backend(RefCell::new(calls.iter().map(Some).collect()));
        let Some(answers) = self.answers(request, &lifted, &backend) else { return Ok(()) };
        complete(request, calls, &mut known, |known| lower(api, request, &lifted, &answers, known))?;
        Ok(())
    }

    /// The answer to each call, with places as the client names them; none if one of them was not written down.
    fn answers(
        &self,
        request: &Request,
        lifted: &Lifted,
        backend: &Backend<'_>,
    ) -> Option<Vec<Result<Answer, Box<Problem>>>> {
        let calls = lifted.calls.iter().enumerate();
        let answers = calls.map(|(index, call)| {
            let answer = self.answer(call, &request.operation, backend)?;
            Some(answer.map_err(|problem| request.told(*problem, index)))
        });
        answers.collect()
    }

    /// What a call comes to: of a list that is gathered all of it, and what its answer is read with.
    fn answer(
        &self,
        call: &api::Call,
        operation: &Operation,
        backend: &Backend<'_>,
    ) -> Option<Result<Answer, Box<Problem>>> {
        let first = match backend.answer(call)? {
            Ok(first) => first,
            Err(problem) => return Some(Err(problem)),
        };
        if let Some(reads) = operation.reads(first.status) {
            let (reads, path) = (Arc::clone(reads), call.path.clone());
            let read = api::Call { operation: reads, path, query: Vec::new(), body: None };
            let status = first.status;
            return Some(backend.answer(&read)?.map(|read| Answer { status, ..read }));
        }
        let Some(most) = operation.gather else { return Some(Ok(first)) };
        let names = &self.registry.api().page;
        let mut list = gather::Gathered::new(names, call, most);
        let mut page = first;
        loop {
            match list.take(page) {
                Ok(None) => return Some(list.joined()),
                Err(problem) => return Some(Err(problem)),
                Ok(Some(next)) => match backend.answer(&next)? {
                    Ok(next) => page = next,
                    Err(problem) => return Some(Err(problem)),
                },
            }
        }
    }
}

impl Backend<'_> {
    /// The first answer to that call which was not given yet: to the same line, or else to the same path.
    fn answer(&self, call: &api::Call) -> Option<Result<Answer, Box<Problem>>> {
        let line = format!("{} {}", call.operation.method, call.target()?);
        let path = |line: &str| line.split('?').next().unwrap_or_default().to_owned();
        let mut left = self.0.borrow_mut();
        let position = |is_it: &dyn Fn(&str) -> bool| {
            left.iter().position(|call| call.is_some_and(|call| is_it(&call.line)))
        };
        let found =
            position(&|known| known == line).or_else(|| position(&|known| path(known) == path(&line)))?;
        let given = left[found].take()?;
        let body = given.body.map_or_else(Vec::new, |body| body.raw().as_bytes().to_vec());
        Some(answered(call, StatusCode::from_u16(given.status).ok()?, None, body))
    }
}

/// Runs a step until it needs nothing more. Without calls nothing is known, and none is what comes of it.
fn complete<T>(
    request: &Request,
    calls: &[Call<'_>],
    known: &mut Resolutions,
    mut step: impl FnMut(&Resolutions) -> Result<Step<T>, Box<Problem>>,
) -> Result<Option<T>, Box<Problem>> {
    for _round in 0..=ROUNDS_MAX {
        let needs = match step(known)? {
            Step::Done(done) => return Ok(Some(done)),
            Step::Needs(needs) => needs,
        };
        if calls.is_empty() {
            return Ok(None);
        }
        for need in needs {
            let resolver = match need.of {
                Lookup::Resolver(index) => request.dialect.resolvers.get(index),
                Lookup::Imported(_) => None,
            };
            let found = resolver.and_then(|resolver| find(resolver, &need, calls));
            known.insert(need, found.map_or(Found::Missing, Found::Value));
        }
    }
    Ok(None)
}

/// The other half of a pair, in whichever answer of the backend it stands.
fn find(resolver: &Resolver, need: &Need, calls: &[Call<'_>]) -> Option<String> {
    let (own, other) = match need.direction {
        Direction::Lift => (&resolver.left, &resolver.right),
        Direction::Lower => (&resolver.right, &resolver.left),
    };
    let lists = calls.iter().filter_map(|call| call.body?.member(&resolver.rows));
    let mut rows = lists.flat_map(Value::elements);
    rows.find_map(|row| text(row, own).filter(|text| *text == need.key).and_then(|_| text(row, other)))
}

/// A field of a row, with dots between the names of nested ones.
fn text(row: Value<'_>, field: &str) -> Option<String> {
    let value = field.split('.').try_fold(row, Value::member)?;
    if value.kind() == Kind::Integer {
        return Some(value.raw().to_owned());
    }
    value.as_str().map(Cow::into_owned)
}

fn document(bytes: Vec<u8>) -> Option<Document> {
    let limits = Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, ..Limits::default() };
    Document::parse(bytes, &limits).ok()
}

//! `translate`: the canonical calls a request becomes, or the answer its client gets, without a network.
//!
//! It is the same engine that serves, so what is printed is what would be sent. Only what cannot be known without
//! asking the backend has to be said: what resolvers would find, and what each call would be answered.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use http::uri::Scheme;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

mod asked;
mod current;
mod resolution;
mod shown;

pub(super) use self::asked::{Misasked, status};

use self::{
    asked::Asked,
    resolution::Resolution,
    shown::{Shown, tree},
};
use super::{
    Failure, Outcome,
    console::{Console, Format},
    document,
    files::Files,
    names,
};
use crate::{
    canonical::api::{Api, Call},
    diag::Sources,
    dialect::{Selected, operation::RequestBody, url::Url},
    gateway::{self, AnswerCheck},
    ids::embedded::Store,
    json::{Document, Limits},
    lens::Resolutions,
    problem::Problem,
    translate::{
        self, Request,
        answer::{Answer, answered},
        explain::Narrator,
        lift::{Lifted, lift},
        lower::{Lowered, lower},
        misfit,
    },
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The dialect
    dialect: String,
    /// Method and address, as in 'POST /v1/things?limit=2'
    request: String,
    /// The request's JSON body; `-` is standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The backend's answer to each call, in order; then the client's answer is shown instead of the calls
    #[arg(long = "answer", value_name = "FILE")]
    answers: Vec<PathBuf>,
    /// The record that an update may leave in part as it is, as the backend has it: once for each call that would read
    /// one first
    #[arg(long = "current", value_name = "FILE", conflicts_with = "answers")]
    records: Vec<PathBuf>,
    /// Status of each answer; without it, the first success status of the call
    #[arg(long, value_parser = status, requires = "answers")]
    status: Option<StatusCode>,
    /// What a resolver would find: its name, what is looked up, as this command asks for it, and what is found, which is
    /// empty if that is nothing
    #[arg(long = "resolve", value_name = "NAME:LEFT=RIGHT")]
    resolutions: Vec<Resolution>,
    /// Tell what was done, step by step, with the line of the mapping that says so; values are masked
    #[arg(long)]
    explain: bool,
    /// How to print the explanation: as a table before the result, or as a member of it
    #[arg(long, value_enum, default_value_t, requires = "explain")]
    format: Format,
}

/// What is known besides the request.
struct Known<'k> {
    ids: Option<&'k Store>,
    /// What the backend is said to have answered.
    answers: Vec<Vec<u8>>,
    /// What the records are that updates are compared with.
    records: Vec<Document>,
    /// How many calls one request may become.
    fan_out_max: usize,
    /// What becomes of answers that are not what the canonical API promises.
    check: AnswerCheck,
    /// Who is told what is done.
    narrator: &'k Narrator,
}

/// Why there are no calls, or no answer.
enum Stop {
    Failure(Failure),
    Refused(Box<Problem>),
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let dialect = names::dialect(&loaded.registry, &arguments.dialect)?;
    resolution::check(dialect, &arguments.resolutions)?;
    let asked = Asked::parse(&arguments.request)?;
    let files = arguments.body.iter().chain(&arguments.answers).chain(&arguments.records);
    let mut documents = document::read_all(files)?;
    let records = documents.split_off(documents.len() - arguments.records.len());
    let answers = documents.split_off(documents.len() - arguments.answers.len());

    // No header chooses another generation: the one that was named is meant.
    let target = asked.target(&dialect.name);
    let (path, headers) = (format!("/{}{}", dialect.name, target.path()), HeaderMap::new());
    let narrator = if arguments.explain { Narrator::listening() } else { Narrator::default() };
    let told =
        Shown { dialect, narrator: &narrator, format: arguments.format, lines: loaded.registry.lines() };
    let selected = match loaded.registry.select(&asked.method, None, &path, &headers) {
        Ok(selected) => selected,
        Err(unselected) => return told.refused(&unselected.problem, &[], console),
    };
    let operation = Arc::clone(&selected.operation);
    narrator.tell(|story| story.selected(&selected.dialect, &operation));
    let body = match (&operation.body, arguments.body.as_ref().zip(documents.pop())) {
        (RequestBody::None, None) => None,
        (RequestBody::None, Some((path, _))) => {
            console.note(&format!("`{}` takes no body: `{}` is not read", operation.name, path.display()))?;
            None
        }
        (RequestBody::Each { .. } | RequestBody::One { .. }, None) => {
            return Err(Misasked::BodyMissing { operation: operation.name.clone() }.into());
        }
        (RequestBody::Each { .. } | RequestBody::One { .. }, Some((path, bytes))) => {
            let mut sources = Sources::default();
            match document::parse(path, bytes, &limits(&loaded.config.body), &mut sources) {
                Ok((_, document)) => Some(document),
                Err(found) => {
                    console.diagnostics(&[found], &sources, Format::Text)?;
                    return Ok(Outcome::Findings);
                }
            }
        }
    };

    let (bounds, mut sources) = (limits(&loaded.config.body), Sources::default());
    let records = match current::parse(&arguments.records, records, &bounds, &mut sources) {
        Ok(records) => records,
        Err(found) => {
            console.diagnostics(&[*found], &sources, Format::Text)?;
            return Ok(Outcome::Findings);
        }
    };
    let ids = loaded.config.ids.store.as_deref().map(Store::open_existing).transpose()?;
    let url = Url {
        // Where a dialect has hosts, the first of them is where its clients would be.
        origin: dialect.hosts.first().and_then(|host| Some((Scheme::HTTPS, host.parse().ok()?))),
        ..Url::of(target)
    };
    let fan_out_max = loaded.config.body.fan_out_max;
    let check = loaded.config.answers.of(dialect);
    let known = Known { ids: ids.as_ref(), answers, records, fan_out_max, check, narrator: &narrator };
    match translated(loaded.registry.api(), selected, url, body, known, arguments) {
        Ok(result) => {
            let is_open = current::is_open(&result);
            told.print(result, console)?;
            if is_open {
                console.note("what is left out depends on the record: say it with `--current FILE`")?;
            }
            Ok(Outcome::Clean)
        }
        Err(Stop::Failure(failure)) => Err(failure),
        Err(Stop::Refused(problem)) => told.refused(&problem, &operation.folds, console),
    }
}

/// What a body may cost: as much as on the wire.
fn limits(config: &gateway::Config) -> Limits {
    Limits { bytes_max: config.bytes_max, depth_max: config.depth_max, ..Limits::default() }
}

/// The calls, or with `answers` what the client is answered.
fn translated(
    api: &Api,
    selected: Selected,
    url: Url,
    body: Option<Document>,
    known: Known<'_>,
    arguments: &Arguments,
) -> Result<Value, Stop> {
    let Known { ids, answers, records, fan_out_max, check, narrator } = known;
    let mut request = Request::new(selected, url, body)?.told_to(narrator.clone());
    translate::check(&request)?;
    request.choose_case();
    translate::fan_out(&request, fan_out_max)?;

    let mut known = if ids.is_some() { Resolutions::with_id_map() } else { Resolutions::default() };
    let resolutions = &arguments.resolutions;
    let lifted =
        resolution::complete(&request, ids, resolutions, &mut known, |known| lift(api, &request, known))?;
    if answers.is_empty() {
        let mut more = known.clone();
        let calls_shown = current::calls(&request, &lifted, &known, &records, |index, record| {
            resolution::complete(&request, ids, resolutions, &mut more, |known| {
                translate::keep::changed(&request, &lifted, index, record.root(), known)
            })
        })?;
        return Ok(calls(&lifted, calls_shown));
    }
    let mut answers = answers_to(&lifted, &request, answers, arguments.status)?;
    let misfits = misfit::check(check, &request.operation, &lifted, &mut answers);
    request.narrator.tell(|story| story.answers_checked(check, &misfits));
    let lowered = resolution::complete(&request, ids, resolutions, &mut known, |known| {
        lower(api, &request, &lifted, &answers, known)
    })?;
    Ok(answer(&lowered))
}

fn calls(lifted: &Lifted, calls: Vec<Value>) -> Value {
    let mut shown = Map::from_iter([("calls".to_owned(), calls.into())]);
    if lifted.ignored > 0 {
        shown.insert("ignored_fields".to_owned(), lifted.ignored.into());
    }
    shown.into()
}

fn call(call: &Call) -> Result<Value, Box<Problem>> {
    let target = call.target().ok_or_else(|| Problem::not_found("no such resource"))?;
    let mut shown = json!({
        "operation": call.operation.name,
        "method": call.operation.method.as_str(),
        "target": target,
    });
    if let Some(body) = &call.body {
        shown["body"] = tree(body);
    }
    Ok(shown)
}

/// What the backend is said to have answered, one answer for each call.
fn answers_to(
    lifted: &Lifted,
    request: &Request,
    answers: Vec<Vec<u8>>,
    status: Option<StatusCode>,
) -> Result<Vec<Result<Answer, Box<Problem>>>, Misasked> {
    let (calls, given) = (lifted.calls.len(), answers.len());
    if calls != given {
        return Err(Misasked::Answers { calls, given });
    }
    let answer = |(index, body): (usize, Vec<u8>)| {
        let success =
            lifted.calls[index].operation.answers.first().map_or(StatusCode::OK, |(status, _)| *status);
        let status = status.unwrap_or(success);
        let called = &lifted.calls[index].operation;
        request.narrator.tell(|story| story.called(&called.name, &called.to_string(), status.as_str()));
        answered(&lifted.calls[index], status, None, body).map_err(|problem| request.told(*problem, index))
    };
    Ok(answers.into_iter().enumerate().map(answer).collect())
}

fn answer(lowered: &Lowered) -> Value {
    let mut shown = json!({ "status": lowered.status.as_u16() });
    if let Some(location) = &lowered.location {
        shown["location"] = location.as_str().into();
    }
    if let Some(body) = &lowered.body {
        shown["body"] = tree(body);
    }
    shown
}

impl From<Box<Problem>> for Stop {
    fn from(problem: Box<Problem>) -> Stop {
        Stop::Refused(problem)
    }
}

impl From<Misasked> for Stop {
    fn from(misasked: Misasked) -> Stop {
        Stop::Failure(misasked.into())
    }
}

#[cfg(test)]
mod explained;
#[cfg(test)]
mod tests;

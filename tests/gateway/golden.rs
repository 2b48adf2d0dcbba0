//! Runs `tests/golden/<dialect>/<operation>/<case>.json`: one request of a client, the canonical calls it becomes with
//! the backend's answers, and the answer of the dialect. The README there says how a case is written.
//!
//! Whatever a case says, a call carries the client's credential as a bearer token and nothing else of its headers, an
//! answer has no header that is not on a list, and every body fits its schema on both sides.

pub(crate) mod case;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use interlingua::{
    canonical::api::{self, PathPart},
    dialect::{Operation, operation::AnswerPlan},
    json::{Document, Limits},
    schema::Schema,
};
use serde_json::Value;

use self::case::{Case, Exchange};
use crate::support::{
    self, Dialects,
    backend::{Backend, nobody},
    client::Told,
    json::differences,
};

/// Requests beyond the quota until which a refusal has to come: a slow machine earns a few back meanwhile.
const EARNED_BACK: usize = 50;

#[tokio::test]
async fn every_exchange_is_what_the_documentation_says() {
    let dialects = support::shipped();
    let mut failures = Vec::new();
    for case in case::all() {
        let differences = run(dialects, &case).await;
        if !differences.is_empty() {
            failures.push(format!("{}\n    {}", case.name(), differences.join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_operation_is_shown_to_succeed() {
    let cases = case::all();
    for dialect in support::shipped().registry.dialects() {
        for operation in &dialect.operations {
            let is_shown = |case: &Case| {
                let is_own = case.dialect == dialect.name || dialect.extends.contains(&case.dialect);
                is_own && case.operation == operation.name && case.response.status < 400
            };
            assert!(cases.iter().any(is_shown), "{dialect} {}", operation.name);
        }
    }
}

#[test]
fn every_generation_is_shown_to_differ() {
    let cases = case::all();
    for dialect in support::shipped().registry.dialects() {
        let is_shown = |case: &Case| case.dialect == dialect.name && case.response.status < 400;
        assert!(cases.iter().any(is_shown), "{dialect}");
    }
}

#[test]
fn every_dialect_is_shown_to_refuse_in_its_own_words() {
    let cases = case::all();
    for dialect in support::shipped().registry.dialects() {
        let is_own = |case: &&Case| case.dialect == dialect.name || dialect.extends.contains(&case.dialect);
        let own = cases.iter().filter(is_own);
        let told: BTreeSet<u16> = own.map(|case| case.response.status).collect();
        for status in [400, 401, 404, 405, 413, 415] {
            assert!(told.contains(&status), "{dialect} shows no {status}");
        }
    }
}

/// Plays one case and says what was otherwise.
pub(crate) async fn run(dialects: &Dialects, case: &Case) -> Vec<String> {
    let backend = Backend::start(case.calls.iter().map(Exchange::line).collect()).await;
    let base = if case.has_backend() { backend.base() } else { nobody().await };
    let is_silent = case.calls.iter().any(Exchange::is_silent);
    let patience = if is_silent { Duration::from_millis(50) } else { Duration::from_secs(20) };
    let gateway = support::gateway(dialects, base, patience);

    let request = case.request.ask();
    let mut told = request.of(&gateway).await;
    if let Some(quota) = case.quota {
        // The one above was the first of them.
        for asked in 1..quota + EARNED_BACK {
            told = request.of(&gateway).await;
            if told.status == StatusCode::TOO_MANY_REQUESTS && asked >= quota {
                break;
            }
        }
    }

    let mut found = response_differences(case, &told);
    found.extend(told.stray_headers().iter().map(|name| format!("the answer has a header `{name}`")));
    found.extend(call_differences(case, &backend));
    found.extend(schema_differences(dialects, case, &told));
    found
}

fn response_differences(case: &Case, told: &Told) -> Vec<String> {
    let mut found = Vec::new();
    if told.status != case.response.status {
        found.push(format!("status: expected {}, found {}", case.response.status, told.status));
    }
    for (name, expected) in &case.response.headers {
        match told.headers.get(name).and_then(|value| value.to_str().ok()) {
            None => found.push(format!("header `{name}` is missing")),
            Some(value) => {
                let differences = differences(&expected.as_str().into(), &value.into());
                found.extend(differences.iter().map(|difference| format!("header `{name}`{difference}")));
            }
        }
    }
    match (&case.response.body, told.json()) {
        (None, None) => {}
        (Some(expected), Some(body)) => found.extend(differences(expected, &body)),
        (None, Some(body)) => found.push(format!("body: none expected, found {body}")),
        (Some(expected), None) => found.push(format!("body: expected {expected}, found none")),
    }
    if !found.is_empty() {
        found.push(format!("answered {} {}", told.status, String::from_utf8_lossy(&told.body)));
    }
    found
}

fn call_differences(case: &Case, backend: &Backend) -> Vec<String> {
    let heard = backend.heard();
    let told = |line: &str, body: &Option<Value>| match body {
        Some(body) => format!("{line} {body}"),
        None => line.to_owned(),
    };
    let mut found: Vec<String> = backend
        .unplayed()
        .iter()
        .map(|line| format!("not called: {}", told(&line.call, &line.body)))
        .collect();
    if heard.len() != case.calls.len() {
        let calls = heard.iter().map(|call| told(&call.line, &call.body));
        let calls = calls.collect::<Vec<_>>().join(", ");
        found.push(format!("{} calls expected, {} came: {calls}", case.calls.len(), heard.len()));
    }
    for call in &heard {
        found.extend(call.stray_headers().iter().map(|name| format!("{}: has a header `{name}`", call.line)));
        if call.header("authorization") != case.bearer().as_deref() {
            found.push(format!("{}: carries another credential", call.line));
        }
        let expected = case.calls.iter().find(|expected| expected.expect.line == call.line);
        let condition = expected.and_then(|expected| expected.expect.if_match.as_deref());
        if call.header("if-match") != condition {
            found.push(format!("{}: is sent if {:?}", call.line, call.header("if-match")));
        }
    }
    found
}

/// Canonical documents are those of the canonical schemas, and what a client is told is that of its dialect's.
fn schema_differences(dialects: &Dialects, case: &Case, told: &Told) -> Vec<String> {
    let mut found = Vec::new();
    for call in &case.calls {
        let Some((status, body)) = call.promised() else { continue };
        let name = if status < 400 {
            answer_schema(dialects, &call.expect.line, status)
        } else {
            Some("problem".to_owned())
        };
        let schema = name.and_then(|name| dialects.schemas.schema("canonical", &name));
        match schema {
            Some(schema) => found.extend(violations("the backend's answer", schema, body.as_bytes())),
            None if body.is_empty() => {}
            None => found.push(format!("{}: there is no schema for {status}", call.expect.line)),
        }
    }
    let dialect = dialects.registry.dialect(&case.dialect).expect("a folder is named after a dialect");
    let operation = dialect.operations.iter().find(|operation| operation.name == case.operation);
    let operation =
        operation.unwrap_or_else(|| panic!("{}: a folder is named after an operation", case.name()));
    let schema = if told.status.as_u16() < 400 {
        told_schema(operation, told.status)
    } else {
        // A generation has the schemas of what it extends, but for those it has itself.
        let mut folders = std::iter::once(&dialect.name).chain(&dialect.extends);
        folders.find_map(|folder| dialects.schemas.schema(folder, "error")).map(|schema| &**schema)
    };
    match schema {
        Some(schema) => found.extend(violations("the answer", schema, &told.body)),
        None if told.body.is_empty() => {}
        None => found.push(format!("there is no schema for {}", told.status)),
    }
    found
}

fn told_schema(operation: &Operation, status: StatusCode) -> Option<&Schema> {
    match &operation.answer {
        AnswerPlan::One(answers) => answers.iter().find(|answer| answer.status == status)?.schema.as_deref(),
        AnswerPlan::Collect(collect) => collect.schema.as_deref(),
    }
}

/// The name of the schema of what the canonical API answers to that call.
fn answer_schema(dialects: &Dialects, line: &str, status: u16) -> Option<String> {
    let (method, target) = line.split_once(' ')?;
    let path = target.split('?').next()?;
    let api = dialects.registry.api();
    let is_meant = |operation: &&Arc<api::Operation>| {
        Method::from_bytes(method.as_bytes()).is_ok_and(|method| method == operation.method)
            && is_path(&operation.path, path)
    };
    let operation = api.operations.iter().find(is_meant)?;
    operation.answer(StatusCode::from_u16(status).ok()?)?.map(str::to_owned)
}

fn is_path(parts: &[PathPart], path: &str) -> bool {
    let template: String = parts.iter().map(PathPart::to_string).collect();
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let is_same = |(part, segment): (&&str, &&str)| part == segment || part.starts_with('{');
    template.len() == path.len() && template.iter().zip(&path).all(is_same)
}

fn violations(what: &str, schema: &Schema, body: &[u8]) -> Vec<String> {
    match Document::parse(body.to_vec(), &Limits::default()) {
        Ok(document) => {
            let violations = schema.violations(document.root(), 3);
            violations
                .iter()
                .map(|one| format!("{what} breaks its schema: {:?} {}", one.path, one.message))
                .collect()
        }
        Err(error) => vec![format!("{what} is no JSON: {error}")],
    }
}

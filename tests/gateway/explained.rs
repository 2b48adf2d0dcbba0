//! The laws of explanations, over every golden case: a request that is explained is answered to the byte as one that is
//! not, everything that goes out is accounted for by exactly one step, and nothing of what came in is shown.

mod accounts;
mod live;
mod masks;
mod readme;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};
use interlingua::{
    diag::Lines,
    gateway::explain::{Explainer, X_EXPLAIN},
    telemetry::{Explanations, RequestId},
};
use serde_json::Value;

use crate::{
    golden::case::{self, Case, Exchange},
    support::{
        self,
        backend::{self, Backend, nobody},
        client::{Ask, Told},
    },
};

const KEY: &[u8] = b"a key that is long enough for a test";
const LOSSES: &str = "x-interlingua-losses";

/// What one case gave: the client's answer and the calls.
struct Played {
    told: Told,
    heard: Vec<backend::Call>,
}

#[tokio::test]
async fn every_golden_case_is_explained_and_answered_as_ever() {
    let mut failures = Vec::new();
    let mut steps = 0;
    for case in case::all() {
        let (plain, _) = play(&case, false).await;
        let (explained, explanation) = play(&case, true).await;
        let explanation = explanation.expect("it asked for an explanation");
        steps += explanation["sections"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| accounts::steps(one).len())
            .sum::<usize>();
        let mut found = differences(&plain, &explained);
        found.extend(accounts::faults(&explanation, &explained.heard, &explained.told));
        found.extend(masks::leaks(&case, &explained.heard, &explanation));
        if !found.is_empty() {
            let first = if failures.is_empty() { format!("\n{explanation:#}") } else { String::new() };
            failures.push(format!("{}\n    {}{first}", case.name(), found.join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
    assert!(steps > 5_000, "{steps} steps are too few to have been all");
}

/// Plays a case once, and gives its explanation if it asks for one.
async fn play(case: &Case, asks_why: bool) -> (Played, Option<Value>) {
    let backend = Backend::start(case.calls.iter().map(Exchange::line).collect()).await;
    let base = if case.has_backend() { backend.base() } else { nobody().await };
    let is_silent = case.calls.iter().any(Exchange::is_silent);
    let patience = if is_silent { Duration::from_millis(50) } else { Duration::from_secs(20) };
    let explainer = Explainer::new(KEY).unwrap();
    let kept = explainer.kept();
    let token = explainer.token(SystemTime::now() + Duration::from_hours(1));
    let gateway =
        support::gateway_with(support::shipped(), base, patience, |shared| shared.with_explainer(explainer));

    let mut request = case.request.ask().request();
    let id = HeaderValue::from_static("this-request");
    request.extensions_mut().insert(RequestId::accept(&id).unwrap());
    if asks_why {
        request.headers_mut().insert(X_EXPLAIN, HeaderValue::try_from(token).unwrap());
    }
    let told = Ask::send(request, &gateway).await;
    let explanation = explanation(&kept);
    assert_eq!(explanation.is_some(), asks_why, "{}", case.name());
    (Played { told, heard: backend.heard() }, explanation)
}

fn explanation(kept: &Explanations) -> Option<Value> {
    kept.find("this-request").map(|json| serde_json::from_slice(&json).unwrap())
}

/// What is otherwise when a request is explained.
fn differences(plain: &Played, explained: &Played) -> Vec<String> {
    let mut found = Vec::new();
    if plain.told.status != explained.told.status {
        found.push(format!("{} became {}", plain.told.status, explained.told.status));
    }
    if without_moments(&plain.told.body) != without_moments(&explained.told.body) {
        found.push("the body is another".to_owned());
    }
    if headers(&plain.told.headers) != headers(&explained.told.headers) {
        found.push("the headers are others".to_owned());
    }
    let calls = |played: &Played| {
        let mut calls: Vec<_> = played
            .heard
            .iter()
            .map(|call| (call.line.clone(), call.body.as_ref().map(Value::to_string)))
            .collect();
        calls.sort();
        calls
    };
    if calls(plain) != calls(explained) {
        found.push("the calls are others".to_owned());
    }
    let strays = explained.heard.iter().flat_map(backend::Call::stray_headers);
    found.extend(strays.map(|name| format!("the backend saw `{name}`")));
    found
}

/// The headers that do not say what time it is, nor what this is about.
fn headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let is_timeless = |name: &str| name != LOSSES && !name.contains("reset") && name != "ratelimit";
    let headers = headers.iter().filter(|(name, _)| is_timeless(name.as_str()));
    headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// A body with zeros for the digits of moments: errors may say when they happened.
fn without_moments(body: &[u8]) -> String {
    const FORM: &[u8; 20] = b"0000-00-00T00:00:00Z";
    let is_of_form = |moment: &[u8]| {
        let mut pairs = moment.iter().zip(FORM);
        pairs.all(|(found, form)| if *form == b'0' { found.is_ascii_digit() } else { found == form })
    };
    let mut out = body.to_vec();
    for at in 0..body.len() {
        if body.get(at..at + FORM.len()).is_some_and(is_of_form) {
            out[at..at + FORM.len()].copy_from_slice(FORM);
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn every_line_that_is_named_is_one_of_the_mapping() {
    let lines: &Lines = support::shipped().registry.lines();
    let dialects = support::shipped().registry.dialects();
    let mut named = 0;
    for dialect in dialects {
        for operation in &dialect.operations {
            for field in operation.request.fields() {
                let Some(origin) = field.origin else { continue };
                let line = lines.name(origin).expect("the file is known");
                let (path, number) = line.split_once(".toml:").unwrap();
                let text =
                    std::fs::read_to_string(format!("{}/{path}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
                let line = text.lines().nth(number.parse::<usize>().unwrap() - 1).unwrap();
                let name = field.left.as_ref().or(field.right.as_ref()).unwrap().path.join(".");
                assert!(
                    line.contains(&name) || !line.contains('='),
                    "{path} {number}: {line} is not about {name}"
                );
                named += 1;
            }
        }
    }
    assert!(named > 200, "{named}");
}

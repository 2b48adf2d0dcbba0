//! Says what is wrong with what came of a case.

use serde_json::Value;

use super::{
    backend::Call,
    case::{Case, key},
    client::Answer,
    request::Rules,
};

/// The first few, and not all of them.
fn shown(texts: &[String]) -> String {
    let first = texts.iter().take(3).map(|text| text.chars().take(600).collect::<String>());
    first.map(|text| format!("{text:?}")).collect::<Vec<_>>().join("\n      ")
}

/// What is wrong with what the backend heard.
pub(super) fn what_was_heard(case: &Case, calls: &[Call], rules: Rules, faults: &mut Vec<String>) {
    let texts: Vec<_> = calls.iter().map(Call::text).collect();
    let shown = shown(&texts);
    if !case.calls.is_empty() && !case.calls.contains(&calls.len()) {
        faults.push(format!("the backend heard {} calls, not {:?}: {shown}", calls.len(), case.calls));
    }
    for wanted in &case.has {
        if !calls.is_empty() && !texts.iter().any(|text| text.contains(wanted)) {
            faults.push(format!("no call has {wanted:?}: {shown}"));
        }
    }
    for unwanted in &case.hasnt {
        if texts.iter().any(|text| text.contains(unwanted)) {
            faults.push(format!("a call has {unwanted:?}: {shown}"));
        }
    }
    let Some(heard) = case.heard.as_ref().filter(|_| rules == Rules::Program) else { return };
    let mut found: Vec<_> = calls.iter().map(|call| (call.line.clone(), json(&call.body))).collect();
    for wanted in heard {
        let parts: Vec<_> = wanted.splitn(3, ' ').collect();
        let line = parts.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        let body = parts.get(2).and_then(|body| json(body.as_bytes()));
        match found.iter().position(|one| *one == (line.clone(), body.clone())) {
            Some(at) => drop(found.remove(at)),
            None => faults.push(format!("nobody called `{wanted}`: {shown}")),
        }
    }
}

fn json(body: &[u8]) -> Option<Value> {
    if body.is_empty() { None } else { Some(serde_json::from_slice(body).expect("calls are JSON")) }
}

/// Headers that an answer of the program may have.
const ANSWERED: [&str; 15] = [
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "location",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "www-authenticate",
    "x-interlingua-losses",
    "x-request-id",
];

/// What is wrong with what the client was told.
pub(super) fn what_was_told(case: &Case, answers: &[Answer], rules: Rules, faults: &mut Vec<String>) {
    let texts: Vec<_> = answers.iter().map(Answer::text).collect();
    let shown = shown(&texts);
    if rules == Rules::Plain {
        return;
    }
    for wanted in &case.says {
        if !texts.iter().any(|text| text.contains(wanted)) {
            faults.push(format!("no answer says {wanted:?}: {shown}"));
        }
    }
    let key = key(case.number);
    for unwanted in case.silent_of.iter().chain([&key]) {
        if texts.iter().any(|text| text.contains(unwanted)) {
            faults.push(format!("an answer says {unwanted:?}: {shown}"));
        }
    }
    for (name, _) in answers.iter().flat_map(Answer::headers) {
        let name = name.to_ascii_lowercase();
        if !ANSWERED.contains(&name.as_str()) && !name.starts_with("x-ratelimit-") {
            faults.push(format!("an answer has the header `{name}`"));
        }
    }
}

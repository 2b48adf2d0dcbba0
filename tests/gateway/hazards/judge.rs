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

/// What is wrong where requests are handed on as they are; whether what became of them is something else than the case says
/// of the canonical side. Whatever that is, nobody is asked more often than there were answers, nothing is asked for what
/// was refused, and what is refused is told in the dialect's words.
pub(super) fn what_was_passed(
    case: &Case,
    outcomes: &[String],
    answers: &[Answer],
    calls: &[Call],
    faults: &mut Vec<String>,
) -> bool {
    let texts: Vec<_> = calls.iter().map(Call::text).collect();
    let shown = shown(&texts);
    // Each call of the canonical side is one more that one request may become there, and here it is one.
    let most = case.calls.iter().copied().max().unwrap_or(usize::MAX);
    let least = case.calls.iter().copied().min().unwrap_or(0).min(1);
    let is_as_usual = case.status.of_any_success().allow(outcomes) && (least..=most).contains(&calls.len());
    // What a backend says decides how often it is asked, but a request that is refused or answered is sent no second time.
    let answered = outcomes.len().max(1);
    let most = if case.backend.is_empty() { answered } else { answered.max(most) };
    if !is_as_usual && calls.len() > most {
        faults.push(format!("{} calls for `{}`: {shown}", calls.len(), outcomes.join(" ")));
    }
    if calls.is_empty() {
        what_was_told(case, answers, Rules::Program, faults);
    }
    let key = key(case.number);
    for answer in answers.iter().filter(|answer| answer.text().contains(&key)) {
        faults.push(format!("an answer says {key:?}: {}", answer.text()));
    }
    !is_as_usual
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
    if rules == Rules::Passing {
        // The old upstream's headers are its own.
        return;
    }
    for (name, _) in answers.iter().flat_map(Answer::headers) {
        let name = name.to_ascii_lowercase();
        if !ANSWERED.contains(&name.as_str()) && !name.starts_with("x-ratelimit-") {
            faults.push(format!("an answer has the header `{name}`"));
        }
    }
}

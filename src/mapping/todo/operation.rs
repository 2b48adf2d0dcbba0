//! Operations: which call each becomes, and what of its request fills that.

use std::sync::Arc;

use super::{Around, Todos, closest, is_open, near};
use crate::canonical::api::{self, PathPart};
use crate::diag::alike::alike;
use crate::mapping::file::{FieldPart, MappingFile, OperationPart, Text};

pub(super) fn take(todos: &mut Todos, file: &mut MappingFile, around: &Around<'_>) {
    for part in &mut file.operations {
        operation(todos, part, around);
        for case in &mut part.cases {
            operation(todos, &mut case.operation, around);
            part.is_whole &= case.operation.is_whole;
        }
    }
    // What is not known to be a call cannot be compiled at all.
    let is_placed = |part: &OperationPart| {
        let is_open = |part: &OperationPart| is_open(&part.calls) || is_some_open(part.body.as_ref());
        !is_open(part) && !part.cases.iter().any(|case| is_open(&case.operation))
    };
    file.operations.retain(is_placed);
}

fn operation(todos: &mut Todos, part: &mut OperationPart, around: &Around<'_>) {
    let api = &around.canonical.api;
    let near = near::operations(api, part);
    let name = part.name.value.clone();
    if is_open(&part.calls) {
        let message = format!("operation `{name}` is not placed yet");
        todos.tell(&part.calls, message, "which canonical operation it becomes", &near);
    }
    let calls = if is_open(&part.calls) { near.first().cloned() } else { Some(part.calls.value.clone()) };
    let calls = calls.and_then(|calls| api.operation(&calls).map(Arc::clone));
    for field in &mut part.path {
        let known = calls.iter().flat_map(|calls| parameters(calls)).collect();
        parameter(todos, field, &name, ("path parameter", known));
    }
    for field in &mut part.query {
        // What pages a list is no filter of it.
        let is_filter = |name: &String| *name != api.page.limit && *name != api.page.offset;
        let known = calls.iter().flat_map(|calls| calls.query.iter().filter(|name| is_filter(name)).cloned());
        let known = known.collect();
        parameter(todos, field, &name, ("query parameter", known));
    }
    let placed = part.path.iter().chain(&part.query).all(|field| field.op.is_some());
    part.is_whole &= placed;

    if let Some(body) = part.body.as_ref().filter(|body| is_open(body)) {
        let message = format!("the body of operation `{name}` has no lens yet");
        let help = "what is no object with members needs `each`, or cannot be said in a mapping".to_owned();
        todos.tell_with(body, message, "how it is read", Some(help));
    }
    let answers = std::mem::take(&mut part.answers);
    for (status, answer) in answers {
        let named = [&answer.body, &answer.items, &answer.schema, &answer.reads];
        let open = named.into_iter().flatten().find(|text| is_open(text)).cloned();
        if is_open(&status) {
            let known = calls.iter().flat_map(|calls| &calls.answers);
            let known: Vec<_> = known.map(|(status, _)| status.as_str().to_owned()).collect();
            let message = format!("an answer of operation `{name}` is not placed yet");
            todos.tell(&status, message, "to which canonical status it belongs", &known);
        }
        if let Some(open) = &open {
            let message = format!("an answer of operation `{name}` has no lens yet");
            let help =
                "what is no object with members is a `constant`, or cannot be said in a mapping".to_owned();
            todos.tell_with(open, message, "how it is told", Some(help));
        }
        if open.is_some() || is_open(&status) {
            part.is_whole = false;
        } else {
            part.answers.push((status, answer));
        }
    }
}

/// The parameters of a call's path.
fn parameters(calls: &api::Operation) -> Vec<String> {
    let named = calls.path.iter().filter_map(|part| match part {
        PathPart::Literal(_) => None,
        PathPart::Parameter(name) => Some(name.clone()),
    });
    named.collect()
}

/// Tells a parameter that fills nothing yet. All that could be are told: there are few.
fn parameter(todos: &mut Todos, field: &mut FieldPart, operation: &str, (sort, known): (&str, Vec<String>)) {
    let Some(at) = field.at.clone().filter(is_open) else { return };
    let own = &field.left.value;
    let mut known = known;
    known.sort_by_key(|name| std::cmp::Reverse(alike(own, name)));
    let otherwise = match sort {
        "query parameter" => Some("if nothing here needs it, say why under `[operation.ignores]`".to_owned()),
        _ => None,
    };
    let help = match (closest(&known), otherwise) {
        (Some(closest), Some(otherwise)) => Some(format!("{closest}; {otherwise}")),
        (closest, otherwise) => closest.or(otherwise),
    };
    let message = format!("{sort} `{own}` of operation `{operation}` is not placed yet");
    todos.tell_with(&at, message, "what it fills", help);
    (field.at, field.op) = (None, None);
}

/// Whether a text that may be missing is open.
pub(super) fn is_some_open(text: Option<&Text>) -> bool {
    text.is_some_and(is_open)
}

//! Who asks for a change gets one, and who only asks changes nothing.
//!
//! A GET is repeated by browsers, prefetched, followed by whoever checks links, and asked twice by us: to compare two sides, or
//! after a connection broke. Old APIs with a GET that changes something exist, and a mapping may say so, with the reason: then
//! it is asked once, as any change. The other way round a client hears that something was done, and nothing was.

use crate::canonical::api;
use crate::diag::{Diagnostic, code};
use crate::mapping::canonical::request_line;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OperationPart, Reason, Text};

/// Reports operations that change something unasked, and such as change nothing where that is what they are asked for.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let api = &compiler.canonical.api;
    let found: Vec<_> = compiler.file.operations.iter().flat_map(|whole| of(whole, api)).collect();
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn of(whole: &OperationPart, api: &api::Api) -> Vec<Diagnostic> {
    let calls = |name: &Text| api.operation(&name.value);
    let names = || std::iter::once(&whole.calls).chain(whole.cases.iter().map(|case| &case.operation.calls));
    let Some((method, _)) = request_line(&whole.request.value) else { return Vec::new() };
    // What is not known is reported elsewhere.
    let Some(own) = calls(&whole.calls).filter(|_| names().all(|name| calls(name).is_some())) else {
        return Vec::new();
    };
    let is_change = |name: &&Text| calls(name).is_some_and(|called| !called.is_safe());
    let change = names().find(is_change);
    let needless = |why: String| {
        let at = whole.changes.as_ref()?;
        let message = format!("`changes` says why a request changes something, and none has to: {why}");
        let found = Diagnostic::error(code::M0106, message);
        Some(found.at(at.span(), "nobody needs it").help("take this away"))
    };
    if method.is_safe() {
        let Some(change) = change else {
            return Vec::from_iter(needless(format!("`{}` only reads", whole.calls.value)));
        };
        return vec![
            whole.changes.as_ref().map_or_else(|| unasked(whole, change), |reason| declared(whole, reason)),
        ];
    }
    let mut found = Vec::from_iter(needless(format!("{method} is what changes are asked for with")));
    if own.is_safe() {
        found.extend(change.is_none().then(|| nothing_done(whole)).flatten());
    } else {
        let cases = whole.cases.iter().map(|case| &case.operation.calls);
        found.extend(cases.filter(|name| !is_change(name)).map(|name| nothing_done_in(whole, name)));
    }
    found
}

/// A GET that changes something.
fn unasked(whole: &OperationPart, change: &Text) -> Diagnostic {
    let message =
        format!("`{}` asks for nothing to be changed, and `{}` does", whole.request.value, change.value);
    Diagnostic::error(code::M0312, message)
        .at(change.span, "this call changes something")
        .also(whole.request.span, "asked by a method that is safe")
        .help("call what only reads, or say `changes = \"reason\"`: then it is asked once, as any change")
}

/// The same, as its mapping means it.
fn declared(whole: &OperationPart, reason: &Reason) -> Diagnostic {
    let message = format!("`{}` changes something: {}", whole.request.value, reason.text());
    Diagnostic::notice(code::M0313, message).at(reason.span(), "the reason")
}

/// A change that in one case only looks.
fn nothing_done_in(whole: &OperationPart, case: &Text) -> Diagnostic {
    let message = format!("a change is asked for, and `{}` changes nothing", case.value);
    let found = Diagnostic::error(code::M0311, message).at(case.span, "this call only looks");
    found
        .also(whole.calls.span, "in other cases, this one changes something")
        .help("call what makes the change, or let the dialect's schema not allow these values")
}

/// A change that only looks, if that is what it is: a POST that tells what it found is a search.
fn nothing_done(whole: &OperationPart) -> Option<Diagnostic> {
    let tells = |operation: &OperationPart| {
        operation.collect.is_some()
            || operation.answers.iter().any(|(_, answer)| answer.body.is_some() || answer.items.is_some())
    };
    let is_search = whole.request.value.starts_with("POST ")
        && std::iter::once(whole).chain(whole.cases.iter().map(|case| &case.operation)).any(tells);
    if is_search {
        return None;
    }
    let message =
        format!("`{}` asks for a change, and `{}` changes nothing", whole.request.value, whole.calls.value);
    let found = Diagnostic::warning(code::M0311, message).at(whole.calls.span, "this call only looks");
    Some(found.also(whole.request.span, "clients hear that it was done").help("call what changes it"))
}

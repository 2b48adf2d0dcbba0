//! Errors are what the dialect's schema of them says.
//!
//! A template has few slots and a schema few rules, so that a handful of problems goes through all there is: one of each
//! status the proxy or the backend may tell, one that may be tried again, and one with places.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use crate::diag::{Diagnostic, Spanned, code};
use crate::dialect::ErrorShape;
use crate::json::{Document, Limits};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{EachPart, ErrorsPart, TemplatePart};
use crate::problem::{ErrorStatus, Place, Problem, Root, Violation};
use crate::schema::Violation as Misfit;

/// The name of the schema that error bodies have to satisfy.
const SCHEMA: &str = "error";

/// Reports each rule of the schema that an error breaks, once.
pub(in crate::mapping) fn check(compiler: &mut Compiler<'_>, shape: &ErrorShape) {
    let Some(part) = &compiler.file.errors else { return };
    let folders = std::iter::once(compiler.name).chain(compiler.extends.iter().map(String::as_str));
    let mut declared = folders.filter(|folder| compiler.schemas.is_declared(folder, SCHEMA));
    let Some(schema) = declared.next().and_then(|folder| compiler.schemas.schema(folder, SCHEMA)) else {
        return;
    };
    let mut told: Vec<(bool, String, &str)> = Vec::new();
    let mut found = Vec::new();
    let is_bulk = compiler.file.operations.iter().any(|part| part.each.as_ref().is_some_and(is_whole));
    for problem in problems(is_bulk) {
        let rendered = shape.render(&problem, &[], SystemTime::UNIX_EPOCH);
        let Ok(document) = Document::parse(rendered.body, &Limits::default()) else { continue };
        let has_places = !problem.violations.is_empty() && shape.invalid.is_some();
        for misfit in schema.violations(document.root(), usize::MAX) {
            let key = (has_places, misfit.pointer(), misfit.keyword);
            if !told.contains(&key) {
                told.push(key);
                found.push(misfits(part, has_places, rendered.status, &misfit));
            }
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn misfits(part: &ErrorsPart, has_places: bool, status: StatusCode, misfit: &Misfit) -> Diagnostic {
    let template = if has_places { &part.invalid } else { &part.plain };
    let pointer = misfit.pointer();
    let place = if pointer.is_empty() { "its body".to_owned() } else { format!("`{pointer}`") };
    let message =
        format!("an error told as {} does not fit its schema: {place} {}", status.as_u16(), misfit.message);
    let filled = template.as_ref().and_then(|template| filling(template, &pointer));
    let at = filled.map_or(part.header, |name| name.span);
    let name = if has_places { "invalid" } else { "plain" };
    let way_out = if misfit.keyword == "additionalProperties" {
        format!("take it out of `[errors.{name}]`, or let the schema know it")
    } else {
        format!(
            "fill it under `[errors.{name}]` with a slot that holds what the schema asks for, or correct the schema"
        )
    };
    Diagnostic::error(code::M0407, message).at(at, format!("against `{SCHEMA}.json`")).help(way_out)
}

/// The place of the template that lies on the way to what is wrong.
fn filling<'p>(template: &'p TemplatePart, pointer: &str) -> Option<&'p Spanned<String>> {
    let names = template.iter().map(|(name, _)| name);
    names.filter(|name| !name.value.is_empty()).find(|name| {
        let path = format!("/{}", name.value.replace('.', "/"));
        pointer == path || pointer.starts_with(&format!("{path}/"))
    })
}

/// Whether the items are the body, so that errors about them may be a list.
fn is_whole(each: &EachPart) -> bool {
    each.over.value.is_empty()
}

fn problems(is_bulk: bool) -> Vec<Problem> {
    let statuses = [400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 426, 429, 500, 502, 503, 504];
    let statuses = statuses.into_iter().filter_map(|status| StatusCode::from_u16(status).ok());
    let backend = |violations: Vec<Violation>| {
        move |status| Problem::from_backend(status, "code".to_owned(), "a sentence", violations.clone())
    };
    let mut problems: Vec<_> = statuses.filter_map(ErrorStatus::new).map(backend(Vec::new())).collect();
    problems.push(Problem::rate_limited(Duration::from_secs(1)));
    let places = [Place::from_pointer("/names/0"), Some(Place::parameter(Root::Query, "limit"))];
    let wrong = |place| Violation { place, kind: "type".into(), message: "must be a string".to_owned() };
    problems.push(Problem::invalid(places.into_iter().flatten().map(wrong).collect()));
    let of_item = Place::from_pointer("/1/name").filter(|_| is_bulk).map(wrong);
    problems.extend(of_item.map(|violation| Problem::invalid(vec![violation])));
    problems
}

//! Errors: out of the dialect's envelope, with places as the canonical API names them.

use std::time::Duration;

use http::StatusCode;

use super::Heard;
use crate::dialect::Operation;
use crate::dialect::errors::{self, Complaint, ErrorShape};
use crate::dialect::operation::RequestBody;
use crate::problem::{ErrorStatus, INVALID, Place, Problem, Root, Segment, Violation};
use crate::translate::answer::{
    BACKEND_ERROR, IS_REFUSED, REFUSED, is_code, is_of_the_request, reason, sentence,
};

/// What an error answer means.
pub(super) fn problem(shape: &ErrorShape, operation: &Operation, heard: &Heard<'_>) -> Problem {
    let said = heard.body.map(|body| shape.read(body)).unwrap_or_default();
    let statuses = shape.unfold(heard.status, &operation.folds);
    Problem {
        retry_after: heard.retry_after.or_else(|| after(&said)),
        ..made(operation, &statuses, &said, true)
    }
}

/// What the error of one item of a bulk answer means.
pub(super) fn of_item(operation: &Operation, said: &errors::Heard<'_>) -> Problem {
    // An item's error shows no status. What it complains of is its own.
    let usual =
        if said.complaints.is_empty() { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    Problem { retry_after: after(said), ..made(operation, &[usual], said, false) }
}

/// A refusal of which no more is known than its status.
pub(super) fn plain(status: ErrorStatus) -> Problem {
    let code = code_of(status.get());
    Problem::from_backend(status, code.to_owned(), reason(status), Vec::new())
}

fn made(operation: &Operation, statuses: &[StatusCode], said: &errors::Heard<'_>, is_whole: bool) -> Problem {
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    let complains = !said.complaints.is_empty() && statuses.contains(&invalid);
    let status = if complains { invalid } else { statuses[0] };
    let status = ErrorStatus::new(status).unwrap_or(ErrorStatus::INTERNAL);
    let code = said.code.as_deref().filter(|code| is_code(code));
    let code = code.unwrap_or_else(|| code_of(status.get())).to_owned();
    // What a failing server says about itself is for its owners, not for its clients' clients.
    if status.get().is_server_error() {
        return Problem::from_backend(status, code, reason(status), Vec::new());
    }
    let violations: Vec<_> =
        said.complaints.iter().map(|complaint| violation(operation, complaint, is_whole)).collect();
    let detail = match said.message.as_deref().and_then(sentence) {
        _ if !violations.is_empty() && is_of_the_request(status) => INVALID.to_owned(),
        Some(detail) => detail,
        None => reason(status).to_owned(),
    };
    Problem::from_backend(status, code, detail, violations)
}

fn after(said: &errors::Heard<'_>) -> Option<Duration> {
    said.retry_after.map(Duration::from_secs)
}

fn violation(operation: &Operation, complaint: &Complaint, is_whole: bool) -> Violation {
    let candidates = complaint.places.iter().filter(|place| is_whole || place.root == Root::Body);
    let found = candidates.filter(|place| !place.segments.is_empty()).find_map(|place| {
        let rest = if is_whole { within(operation, place) } else { place.clone() };
        let around = || {
            let outer = Place { root: Root::Outer, segments: place.segments.clone() };
            operation.request.forwards(&outer, None).filter(|_| place.root == Root::Body)
        };
        operation.request.forwards(&rest, None).or_else(around)
    });
    let told = complaint.message.clone().unwrap_or_else(|| IS_REFUSED.to_owned());
    let message = match (&found, complaint.places.first()) {
        // A guess that led nowhere: the word was the first of the sentence.
        (None, Some(word)) if complaint.is_guess => format!("{} {told}", word.dotted()).trim().to_owned(),
        _ => told,
    };
    Violation {
        place: found.unwrap_or_else(|| Place::body(Vec::new())),
        kind: complaint
            .kind
            .clone()
            .filter(|kind| is_code(kind))
            .unwrap_or_else(|| REFUSED.to_owned())
            .into(),
        message: sentence(&message).unwrap_or_else(|| IS_REFUSED.to_owned()),
    }
}

/// A place of a bulk request, as it is within its item.
fn within(operation: &Operation, place: &Place) -> Place {
    let RequestBody::Each { over, .. } = &operation.body else { return place.clone() };
    match place.segments.strip_prefix(over.segments().as_slice()).filter(|_| place.root == Root::Body) {
        Some([Segment::Index(_), rest @ ..]) => Place::body(rest.to_vec()),
        Some(_) | None => place.clone(),
    }
}

/// The machine word of a refusal that has none of its own.
fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "bad-request",
        StatusCode::UNAUTHORIZED => "unauthenticated",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::CONFLICT => "conflict",
        StatusCode::UNPROCESSABLE_ENTITY => "invalid-request",
        StatusCode::TOO_MANY_REQUESTS => "rate-limited",
        _ => BACKEND_ERROR,
    }
}

//! From a dialect's request to canonical calls.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::explain::Explanation;
use super::{Request, Step, VIOLATIONS_MAX, absolute, gather};
use crate::canonical::api::{Api, Call};
use crate::dialect::Operation;
use crate::dialect::operation::RequestBody;
use crate::dialect::page::Wanted;
use crate::json::{Document, Writer};
use crate::lens::{Direction, Input, Need, Refusal, Resolutions, Run, Tally};
use crate::problem::{Place, Problem, Root, Violation};

/// What a request became.
#[derive(Debug)]
pub struct Lifted {
    /// The calls, one for each item of the request.
    pub calls: Vec<Call>,
    /// Whether the only call is there to judge the caller of a bulk request without items.
    pub is_probe: bool,
    /// The page the client wants.
    pub page: Option<Wanted>,
    /// How many members of the body nothing was made of.
    pub ignored: u64,
    /// Which declared losses were met.
    pub lost: Tally,
}

/// Lifts a request, with what has been looked up already.
///
/// # Errors
///
/// 404 if the path names something that does not exist; 422, with the places in the client's own names, for
/// everything that has no canonical form.
pub fn lift(api: &Api, request: &Request, resolutions: &Resolutions) -> Result<Step<Lifted>, Box<Problem>> {
    let operation = &request.operation;
    let page = match &operation.page {
        Some(page) => {
            Some(page.wanted(&request.query).map_err(|violation| Problem::invalid(vec![violation]))?)
        }
        None => operation.gather.map(|most| Wanted { limit: gather::first_limit(most), offset: 0 }),
    };
    let outer = request.body.as_ref().filter(|_| operation.is_bulk()).map(Document::root);
    let mut needs: BTreeSet<Need> = BTreeSet::new();
    let mut refusals = Vec::new();
    let mut lifted = Lifted { calls: Vec::new(), is_probe: false, page, ignored: 0, lost: Tally::default() };
    let items = request.items();
    let probe = match &operation.body {
        RequestBody::Each { otherwise: Some(probe), .. } if items.left() == 0 => Some(probe),
        _ => None,
    };
    lifted.is_probe = probe.is_some();
    lifted.calls.reserve_exact(items.left().max(1));
    request.narrator.tell(Explanation::lifts);
    let mut run = Run::new(Direction::Lift, resolutions);
    // A probe is made of no item, in place of all.
    let nothing = lifted.is_probe.then_some((None, None));
    for (body, place) in items.map(|(body, place)| (body, Some(place))).chain(nothing) {
        match place {
            Some(place) => place.become_segments(run.place()),
            None => run.place().clear(),
        }
        if request.narrator.is_heard() {
            run.trace(Vec::new(), Vec::new());
        }
        let input = Input { body, outer, path: &request.path, query: &request.query };
        // What it is put into grows seldom: the canonical form of a request is about as long as the dialect's.
        let room = body.map_or(0, |body| body.raw().len()) + 64;
        let output = operation.request.run(input, &mut run, Writer::with_capacity(room));
        needs.extend(run.take_needs());
        let calls = probe.unwrap_or(&operation.calls);
        request.narrator.tell(|story| {
            story.lifted(request, &calls.name, run.take_told(), page.map(|page| (page, &api.page)));
        });
        refusals.append(&mut run.take_refusals());
        let mut query = output.query;
        if let Some(Wanted { limit, offset }) = page {
            query.push((api.page.limit.as_str().into(), limit.to_string()));
            query.push((api.page.offset.as_str().into(), offset.to_string()));
        }
        let body = calls.body.is_some().then(|| body_of(output.body));
        lifted.calls.push(Call { operation: Arc::clone(calls), path: output.path, query, body });
    }
    lifted.ignored = run.ignored();
    lifted.lost = run.take_lost();
    if let (RequestBody::Each { over, .. }, Some(outer)) = (&operation.body, outer) {
        request.narrator.tell(|story| story.unread_around(operation.request.unread_around(outer), over));
    }
    if !refusals.is_empty() {
        return Err(Box::new(refused(operation, refusals)));
    }
    Ok(if needs.is_empty() { Step::Done(lifted) } else { Step::Needs(needs.into_iter().collect()) })
}

/// A body no field writes to is still the object the backend expects.
pub(super) fn body_of(body: Writer) -> Vec<u8> {
    if body.is_empty() { b"{}".to_vec() } else { body.into_vec() }
}

/// What the client is told: that there is no such thing if the path names none, whatever else is wrong, else all that is. Not
/// to find what the operation is about may be an answer in the dialect; not to find what that lies in is none.
fn refused(operation: &Operation, refusals: Vec<Refusal>) -> Problem {
    let mut missing = refusals.iter().filter(|one| one.missing && one.place.root == Root::Path);
    if let Some(first) = missing.next() {
        let is_subject =
            operation.subject().is_some_and(|name| first.place == Place::parameter(Root::Path, name));
        return if is_subject {
            Problem::no_such_resource()
        } else {
            Problem::not_found("there is no such resource")
        };
    }
    let mut violations: Vec<Violation> = Vec::new();
    for Refusal { place, kind, message, .. } in refusals {
        // The run knows where the item lies; what is left is to say body for what lies around the items.
        let violation = Violation { place: absolute(place, &[]), kind: kind.into(), message };
        // A parameter that all items share is refused once for each of them, and told once.
        if violations.len() < VIOLATIONS_MAX && !violations.contains(&violation) {
            violations.push(violation);
        }
    }
    Problem::invalid(violations)
}

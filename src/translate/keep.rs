//! Updates that say again what the client was told: they change nothing, also where two canonical values are told alike.
//!
//! Where an update may have to keep a field, the record is read first: [`look`] says how. With what was read,
//! [`changed`] leaves out of the call what the client has not changed. What is left is sent even if it is nothing: the
//! backend still has to judge the caller.

use std::sync::Arc;

use super::lift::{Lifted, body_of};
use super::{Request, Step};
use crate::canonical::api::Call;
use crate::json::{Document, Value, Writer};
use crate::lens::keep::Update;
use crate::lens::{Direction, Input, Resolutions, Run};
use crate::problem::Problem;

/// What has to be read before a call can be made.
#[derive(Debug)]
pub struct Look<'r> {
    /// The call that reads it.
    pub call: Call,
    /// The dialect's places of the fields that may have to be kept.
    pub fields: Vec<&'r [String]>,
}

/// A call without what the client did not change.
#[derive(Debug)]
pub struct Changed {
    /// The call.
    pub call: Call,
    /// How many fields were left out of it.
    pub kept: u64,
}

/// What has to be read before the call of that index is made; none if it writes nothing that is told ambiguously.
pub fn look<'r>(
    request: &'r Request,
    lifted: &Lifted,
    index: usize,
    known: &Resolutions,
) -> Option<Look<'r>> {
    let guard = request.operation.guard.as_ref().filter(|_| !lifted.is_probe)?;
    let call = lifted.calls.get(index)?;
    let item = item(request, index)?;
    let fields = guard.keep.written(&update(request, item, call, known));
    if fields.is_empty() {
        return None;
    }
    let names: Vec<_> = guard.reads.parameters().collect();
    let path = call.path.iter().filter(|(name, _)| names.contains(&&**name)).cloned().collect();
    let call = Call { operation: Arc::clone(&guard.reads), path, query: Vec::new(), body: None };
    Some(Look { call, fields })
}

/// The call of that index without what is as `record` already.
///
/// # Errors
///
/// 500 if what was lifted once cannot be lifted again.
pub fn changed(
    request: &Request,
    lifted: &Lifted,
    index: usize,
    record: Value<'_>,
    known: &Resolutions,
) -> Result<Step<Changed>, Box<Problem>> {
    let call = &lifted.calls[index];
    let parts = request.operation.guard.as_ref().zip(item(request, index));
    let Some((guard, item)) = parts else { return Ok(Step::Done(Changed { call: call.clone(), kept: 0 })) };
    let update = update(request, item, call, known);
    let kept = match guard.keep.kept(&update, record) {
        Ok(kept) => kept,
        Err(needs) => return Ok(Step::Needs(needs)),
    };
    let fields: Vec<usize> = kept.iter().flat_map(|kept| kept.fields).copied().collect();
    request.narrator.tell(|story| {
        let all = request.operation.request.fields();
        story.kept(index, &fields.iter().filter_map(|field| all.get(*field)).collect::<Vec<_>>());
    });
    if fields.is_empty() {
        return Ok(Step::Done(Changed { call: call.clone(), kept: 0 }));
    }
    let mut run = Run::new(Direction::Lift, known);
    let output = request.operation.request.without(&fields).run(update.sent, &mut run, Writer::new());
    if !(run.needs().is_empty() && run.refusals().is_empty()) {
        return Err(Box::new(Problem::internal("a part of a request cannot be lifted, and all of it could")));
    }
    let call = Call { body: Some(body_of(output.body)), ..call.clone() };
    Ok(Step::Done(Changed { call, kept: kept.len() as u64 }))
}

/// The part of the body that a call was made of.
fn item(request: &Request, index: usize) -> Option<Value<'_>> {
    request.items().nth(index)?.0
}

fn update<'a>(request: &'a Request, item: Value<'a>, call: &'a Call, known: &'a Resolutions) -> Update<'a> {
    let outer = request.body.as_ref().filter(|_| request.operation.is_bulk()).map(Document::root);
    let sent = Input { body: Some(item), outer, path: &request.path, query: &request.query };
    Update { sent, path: &call.path, known }
}

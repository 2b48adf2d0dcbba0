//! Part of phase 6: an update leaves alone what its client did not change.
//!
//! The record is read, and what the client wrote as it was told is left out of the update. That is sent on condition
//! that the record is still the one that was read (RFC 9110, section 13.1.1); if somebody else was faster, everything is
//! looked at anew. Nothing of this happens unless something was written that is told ambiguously.

use http::{HeaderValue, StatusCode};

use super::fetch::{Caller, With, without_places};
use super::lift::Lifted;
use super::resolve::{ROUNDS_MAX, resolve};
use crate::json::Document;
use crate::problem::Problem;
use crate::translate::Step;
use crate::translate::answer::Answer;
use crate::translate::keep::{Changed, Look, changed};

/// How often a record is looked at again that others change meanwhile.
const LOOKS_AGAIN_MAX: usize = 3;

/// Makes the call of that index without what is as it should be already.
pub(super) async fn answer(
    caller: &Caller<'_>,
    lifted: &Lifted<'_>,
    index: usize,
    look: &Look<'_>,
) -> Result<Answer, Box<Problem>> {
    let caller = &caller.reading_first();
    for _look in 0..=LOOKS_AGAIN_MAX {
        // A refusal to show the record is one to change it, but for places: they are those of another request.
        let (record, tag) = caller.send_with(&look.call, With::default()).await.map_err(without_places)?;
        let record =
            record.body.ok_or_else(|| Problem::bad_gateway("invalid-answer", "a record has no body"))?;
        let Changed { call, kept } = without_kept(caller, lifted, index, &record).await?;
        // Where nothing is left out, the client's word counts, whatever was there before.
        let only_if = tag.as_ref().filter(|tag| kept > 0 && is_strong(tag));
        let key = lifted.key.as_ref().map(|key| {
            let body = call.body.as_deref().unwrap_or_default();
            key.of_update(caller.principal(), &call.operation.name, index, only_if, body)
        });
        let with = With { only_if, key: key.as_ref(), is_reduced: kept > 0 };
        match caller.answer(&call, &lifted.request.operation, with).await {
            Err(problem) if only_if.is_some() && is_too_late(&problem) => {}
            outcome => {
                caller.count_kept(kept);
                return outcome;
            }
        }
    }
    Err(Box::new(Problem::busy_record()))
}

async fn without_kept(
    caller: &Caller<'_>,
    lifted: &Lifted<'_>,
    index: usize,
    record: &Document,
) -> Result<Changed, Box<Problem>> {
    let mut known = lifted.resolutions.clone();
    for _round in 0..=ROUNDS_MAX {
        match changed(lifted.request, &lifted.canonical, index, record.root(), &known)? {
            Step::Done(changed) => return Ok(changed),
            Step::Needs(needs) => resolve(caller, &lifted.request.dialect, needs, &mut known).await?,
        }
    }
    Err(Box::new(Problem::internal("the record needs more rounds of lookups than any mapping should")))
}

fn is_too_late(problem: &Problem) -> bool {
    problem.status.get() == StatusCode::PRECONDITION_FAILED
}

/// Weak tags never match: `If-Match` compares strongly.
fn is_strong(tag: &HeaderValue) -> bool {
    tag.as_bytes().starts_with(b"\"")
}

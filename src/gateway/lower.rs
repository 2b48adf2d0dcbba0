//! Phase 7: the backend's answers become the dialect's one answer.

use super::fetch::{Fetched, after_a_change};
use super::lift::Lifted;
use super::resolve::{ROUNDS_MAX, resolve};
use super::{Caller, Exchange, Gateway};
use crate::problem::Problem;
use crate::translate::lower::Lowered;
use crate::translate::{self, Step, misfit};

/// Looks whether the answers are what the canonical API promises, and lowers them, looking up what the dialect's words for
/// them need.
pub(super) async fn lower(
    gateway: &Gateway,
    fetched: Fetched<'_>,
    exchange: &mut Exchange,
) -> Result<Lowered, Box<Problem>> {
    let Fetched { lifted: Lifted { request, credential, canonical, mut resolutions, key: _ }, mut answers } =
        fetched;
    let api = gateway.shared.registry.api();
    // A backend that speaks a dialect promises what that says: what is told of it is looked at when it is lowered.
    let reverse = gateway.shared.reverse.as_ref();
    let how = match reverse {
        Some(_) => misfit::AnswerCheck::Off,
        None => gateway.shared.answer_checks.of(&request.dialect),
    };
    exchange.misfits = misfit::check(how, &request.operation, &canonical, &mut answers);
    request.narrator.tell(|story| story.answers_checked(how, &exchange.misfits));
    let mut outcomes = canonical.calls.iter().zip(&answers);
    let was_changed = outcomes.any(|(call, answer)| !call.operation.is_safe() && answer.is_ok());
    let unread = |problem| if was_changed { after_a_change(problem) } else { problem };
    for _round in 0..=ROUNDS_MAX {
        let step = translate::lower::lower(api, request, &canonical, &answers, &resolutions);
        match step? {
            Step::Done(lowered) => {
                if reverse.is_some() {
                    misfit::untold(request, &canonical, &answers, &lowered)?;
                }
                return Ok(lowered);
            }
            Step::Needs(needs) => {
                let caller = Caller::new(gateway, credential, exchange);
                let caller = if was_changed { caller.following() } else { caller };
                // In a box, as all that few requests do: they all would carry the room for it.
                let resolved = Box::pin(resolve(&caller, &request.dialect, needs, &mut resolutions)).await;
                resolved.map_err(|problem| unread(credential.hears(problem, request)))?;
            }
        }
    }
    let cause = "the answer needs more rounds of lookups than any mapping should";
    Err(unread(Box::new(Problem::internal(cause))))
}

//! Phase 5: the dialect's request becomes canonical calls, with everything looked up that they need.

use super::admit::Credential;
use super::check::Checked;
use super::decode::Decoded;
use super::key::Key;
use super::resolve::{ROUNDS_MAX, resolve};
use super::{Caller, Exchange, Gateway, reverse};
use crate::lens::Resolutions;
use crate::problem::Problem;
use crate::translate::{self, Step};

/// A request in canonical form.
#[derive(Debug)]
pub(super) struct Lifted<'a> {
    pub(super) request: &'a translate::Request,
    pub(super) credential: &'a Credential,
    pub(super) key: Option<&'a Key>,
    pub(super) canonical: translate::lift::Lifted,
    /// What was looked up; the way back needs much of it again.
    pub(super) resolutions: Resolutions,
}

/// Lifts the request. All of its calls are made here, or none: the first is sent when the last is known to be sound.
pub(super) async fn lift<'a>(
    gateway: &Gateway,
    checked: &'a Checked,
    exchange: &mut Exchange,
) -> Result<Lifted<'a>, Box<Problem>> {
    let Decoded { request, credential, key } = checked.decoded();
    let shared = &*gateway.shared;
    if let Some(reverse) = &shared.reverse {
        reverse::refuse(&shared.registry, reverse, request)?;
    }
    if let Some(items) = translate::fan_out(request, shared.config.fan_out_max)? {
        shared.quotas.charge_rest(&request.dialect.name, credential.principal(), items, exchange)?;
    }

    let mut resolutions = shared.resolutions();
    for _round in 0..=ROUNDS_MAX {
        match translate::lift::lift(shared.registry.api(), request, &resolutions)? {
            Step::Done(canonical) => {
                exchange.ignored = canonical.ignored;
                exchange.lost.merge(&canonical.lost);
                let key = key.as_deref();
                return Ok(Lifted { request, credential, key, canonical, resolutions });
            }
            Step::Needs(needs) => {
                let caller = Caller::new(gateway, credential, exchange);
                // In a box, as all that few requests do: they all would carry the room for it.
                let resolved = Box::pin(resolve(&caller, &request.dialect, needs, &mut resolutions)).await;
                resolved.map_err(|problem| credential.hears(problem, request))?;
            }
        }
    }
    Err(Box::new(Problem::internal("the request needs more rounds of lookups than any mapping should")))
}

//! Phase 5: the dialect's request becomes canonical calls, with everything looked up that they need.

use super::admit::Credential;
use super::check::Checked;
use super::decode::Decoded;
use super::resolve::{ROUNDS_MAX, resolve};
use super::{Caller, Exchange, Gateway};
use crate::dialect::operation::RequestBody;
use crate::lens::Resolutions;
use crate::problem::{Place, Problem, Violation};
use crate::translate::{self, Step};

/// A request in canonical form.
#[derive(Debug)]
pub(super) struct Lifted {
    pub(super) request: translate::Request,
    pub(super) credential: Credential,
    pub(super) canonical: translate::lift::Lifted,
    /// What was looked up; the way back needs much of it again.
    pub(super) resolutions: Resolutions,
}

/// Lifts the request. All of its calls are made here, or none: the first is sent when the last is known to be sound.
pub(super) async fn lift(
    gateway: &Gateway,
    checked: Checked,
    exchange: &mut Exchange,
) -> Result<Lifted, Box<Problem>> {
    let Decoded { request, credential } = checked.into_inner();
    let shared = &*gateway.shared;
    if let RequestBody::Each { over, limit, .. } = &request.operation.body {
        let items = request.items().len();
        within_fan_out(items, (*limit).min(shared.config.fan_out_max), || Place::body(over.segments()))?;
        shared.quotas.charge_rest(&request.dialect.name, credential.principal(), items, exchange)?;
    }

    let mut resolutions = shared.resolutions();
    for _round in 0..=ROUNDS_MAX {
        match translate::lift::lift(shared.registry.api(), &request, &resolutions)? {
            Step::Done(canonical) => {
                exchange.ignored = canonical.ignored;
                return Ok(Lifted { request, credential, canonical, resolutions });
            }
            Step::Needs(needs) => {
                let caller = Caller::new(gateway, &credential, exchange);
                resolve(&caller, &request.dialect, needs, &mut resolutions).await?;
            }
        }
    }
    Err(Box::new(Problem::internal("the request needs more rounds of lookups than any mapping should")))
}

/// Refuses a request of more items than may become calls.
fn within_fan_out(items: usize, most: usize, place: impl Fn() -> Place) -> Result<(), Box<Problem>> {
    if items <= most {
        return Ok(());
    }
    let noun = if most == 1 { "item" } else { "items" };
    let message = format!("must have at most {most} {noun}");
    Err(Box::new(Problem::invalid(vec![Violation { place: place(), kind: "maxItems".into(), message }])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Segment;

    #[test]
    fn a_request_may_have_as_many_items_as_the_limit_and_not_one_more() {
        let place = || Place::body(vec![Segment::Name("emails".to_owned())]);
        assert!(within_fan_out(100, 100, place).is_ok());
        let problem = within_fan_out(101, 100, place).unwrap_err();
        assert_eq!(problem.status.get(), 422);
        let [violation] = problem.violations.as_slice() else { panic!("one violation") };
        assert_eq!((violation.place.pointer().as_str(), violation.kind.as_ref()), ("/emails", "maxItems"));
    }
}

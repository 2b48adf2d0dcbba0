//! The answers to many calls, gathered into one.

use std::sync::Arc;

use http::StatusCode;

use super::is_declared;
use crate::dialect::Operation;
use crate::dialect::operation::{Collect, Gather};
use crate::lens::Lens;
use crate::mapping::check::trial::Trial;
use crate::mapping::check::trial::requests::Tried;
use crate::problem::{ErrorStatus, Place, Problem, Segment, Violation};
use crate::schema::instances::parsed;
use crate::translate;
use crate::translate::answer::Answer;

/// How many calls a bulk request may have become for its answers to be tried.
const CALLS_MAX: usize = 4;

impl<'t> Trial<'t> {
    /// Tries the answers to many calls.
    pub(super) fn collected(&mut self, operation: &Arc<Operation>, collect: &Collect, tried: &[&Tried<'t>]) {
        let Some(canonical) = collect.canonical.as_deref() else { return };
        let lenses: Vec<_> = collect.fields.iter().filter_map(|(_, gather)| lens_of(gather)).collect();
        let with_places: Vec<_> = lenses.iter().map(|lens| (*lens, Vec::new())).collect();
        let texts: Vec<String> = self
            .documents(operation, canonical, &with_places, &[], collect.schema.as_deref())
            .iter()
            .map(|document| document.text().to_owned())
            .collect();
        let bounded: Vec<_> = tried.iter().filter(|tried| tried.lifted.calls.len() <= CALLS_MAX).collect();
        let (Some(status), false) =
            (operation.calls.answers.first().map(|(status, _)| *status), bounded.is_empty())
        else {
            return;
        };
        for number in 0..texts.len() {
            self.instances += 1;
            // Each time one more is refused, and then none again.
            let tried = bounded[number % bounded.len()];
            let calls = tried.lifted.calls.len();
            let refused = number % (calls + 1);
            let answers: Vec<_> = (0..calls)
                .map(|call| {
                    if call < refused {
                        return Err(refusal(tried, call, number));
                    }
                    let text = texts[(number + call) % texts.len()].clone();
                    Ok(Answer { status, body: parsed(text.into_bytes()) })
                })
                .collect();
            match self.lowered(tried, &answers) {
                Ok(Some(lowered)) => {
                    self.fits(operation, &lenses, collect.schema.as_deref(), &lowered, &texts[number]);
                }
                Ok(None) => {}
                Err(problem) if is_declared(&problem) || refused > 0 => {}
                Err(problem) => {
                    let values: Vec<_> = answers
                        .iter()
                        .filter_map(|answer| Some(answer.as_ref().ok()?.body.as_ref()?.root()))
                        .collect();
                    for lens in &lenses {
                        self.untold(operation, lens, &values, tried, &problem);
                    }
                }
            }
        }
    }
}

fn lens_of(gather: &Gather) -> Option<&Arc<Lens>> {
    match gather {
        Gather::Lens(lens) => Some(lens),
        Gather::Value { id, .. } => id.as_ref(),
        Gather::Count | Gather::Failed(_) => None,
    }
}

/// What the backend may refuse a call with: by place, or without one.
fn refusal(tried: &Tried<'_>, call: usize, number: usize) -> Box<Problem> {
    let status = |code: StatusCode| ErrorStatus::new(code).unwrap_or(ErrorStatus::INTERNAL);
    if number.is_multiple_of(2) {
        let conflict = status(StatusCode::CONFLICT);
        return Box::new(Problem::from_backend(
            conflict,
            "conflict".to_owned(),
            "is there already",
            Vec::new(),
        ));
    }
    let body = tried.lifted.calls[call].body.clone().unwrap_or_default();
    let document = parsed(body);
    let member = document.as_ref().and_then(|document| document.root().members().next());
    let segments = member.map(|(name, _)| Segment::Name(name.as_str().into_owned())).into_iter().collect();
    let violation =
        Violation { place: Place::body(segments), kind: "refused".into(), message: "is refused".to_owned() };
    let problem = Problem::from_backend(
        status(StatusCode::UNPROCESSABLE_ENTITY),
        "invalid".to_owned(),
        "",
        vec![violation],
    );
    let (sent, at) = tried.request.item(call);
    Box::new(translate::told(problem, &tried.request.operation, &at, sent))
}

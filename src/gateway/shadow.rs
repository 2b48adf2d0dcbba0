//! Beside the phases: one side answers, and the other is asked the same, so that the two can be compared.
//!
//! Both answers are the dialect's, and both are read in canonical words; what differs there differs in meaning. The client
//! never waits for it and never sees anything of it: what is asked besides has connections, a breaker, time and room of its
//! own, and under load it is dropped and counted.
//!
//! Only what is safe is asked twice. What changes something is done by the side that answers, once; where that is the old
//! one, it is looked at whether the canonical side could have taken it, and the old side is asked afterwards whether it did
//! what the canonical call asks for.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::admit::Admitted;
use super::mode::{Passage, Plan, Side, Writing};
use super::select::Selected;
use super::{Exchange, Gateway, decode};
use crate::problem::{Blame, Problem};
use crate::telemetry::{Different, ShadowOutcome};
use crate::time::Deadline;
use crate::translate::compare::Differences;

mod ask;
mod effect;
mod queue;
mod reads;

use self::ask::{Again, Answered, asked};
use self::queue::{Means, ended};

pub(super) use self::queue::Shadows;

/// How long one may take, from when the client was answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer that is compared: reading two of them must not keep clients waiting.
const ANSWER_MAX: usize = 256 * 1024;

/// How many differences of one comparison are told one by one.
const TOLD_MAX: usize = 32;

/// Has a request answered by its side, and the other asked afterwards.
pub(super) async fn answer<B: Body<Data = Bytes>>(
    gateway: &Gateway,
    plan: &Arc<Plan>,
    side: Side,
    admitted: Admitted<B>,
    exchange: &mut Exchange,
) -> Result<Response<Full<Bytes>>, Box<Problem>> {
    let Admitted { selected: Selected { target, url, head, body }, credential } = admitted;
    let body = decode::bytes(&gateway.shared.config, pin!(body)).await?;
    let again = Again { target, url, head, body, credential };
    let writing = plan.begin_write(&again.target);
    let begun = Instant::now();
    let outcome = asked(gateway, plan, side, again.admitted(), exchange).await;
    let passage = writing.map(Writing::end);
    let first = match &outcome {
        Ok(response) => Some((
            response.status(),
            response.headers().contains_key(CONTENT_ENCODING),
            response.body().clone(),
        )),
        // What the proxy itself could not do says nothing of either side.
        Err(problem) if problem.blame == Blame::Downstream => {
            let response = gateway.refuse(problem, exchange);
            Some((response.status(), false, response.into_body()))
        }
        Err(_) => None,
    };
    if let (Some(shadows), Some((status, is_encoded, body))) = (&gateway.shadows, first) {
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let is_plain =
            !is_encoded && status != StatusCode::NOT_MODIFIED && status != StatusCode::PARTIAL_CONTENT;
        let first = Answered { status, body, is_plain };
        let room = shadows.room_for(again.body.len() + first.body.len());
        let gateway = Gateway { shadows: None, ..gateway.clone() };
        let (plan, of, due) = (Arc::clone(plan), exchange.copy(), Deadline::after(PATIENCE));
        let has_room = room.is_some();
        let shadow = Shadow { gateway, plan, side, again, first, begun, passage, of, due, _room: room };
        if shadow.first.body.len() > ANSWER_MAX {
            shadow.count(ShadowOutcome::TooLarge);
        } else if !has_room {
            shadow.count(ShadowOutcome::Dropped);
        } else if let Err(shadow) = shadows.leave(shadow) {
            shadow.count(ShadowOutcome::Dropped);
        }
    }
    outcome
}

/// What is done beside one request.
struct Shadow {
    gateway: Gateway,
    plan: Arc<Plan>,
    /// The side that answered the client.
    side: Side,
    again: Again,
    first: Answered,
    /// When that side was asked.
    begun: Instant,
    /// When it was, among the changes of others; of a change.
    passage: Option<Passage>,
    /// Whose request it is, for what is asked again.
    of: Exchange,
    /// When it is too late.
    due: Deadline,
    /// What it takes of the room for all.
    _room: Option<OwnedSemaphorePermit>,
}

/// Shows nothing of the request.
impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("side", &self.side).finish_non_exhaustive()
    }
}

impl Shadow {
    fn count(&self, outcome: ShadowOutcome) {
        let (dialect, operation) = self.names();
        self.gateway.shared.meters.metrics().shadow(dialect, operation, outcome);
        self.gateway.count_compared((dialect, operation), outcome);
    }

    fn names(&self) -> (&str, &str) {
        (&self.again.target.dialect.name, &self.again.target.operation.name)
    }

    async fn ask_and_count(self, means: &Means) {
        let outcome = ended(self.due, self.run(means)).await;
        self.count(outcome);
    }

    /// What came of it, or why there is nothing to compare.
    async fn run(&self, means: &Means) -> Result<ShadowOutcome, ShadowOutcome> {
        if self.again.head.method.is_safe() {
            self.read_both(means).await
        } else {
            self.look_after(means).await
        }
    }

    fn tell(&self, differences: &Differences) {
        let (dialect, operation) = self.names();
        let metrics = self.gateway.shared.meters.metrics();
        for difference in &differences.found {
            self.gateway.count_difference((dialect, operation), &difference.place);
            metrics.differs(&Different {
                request: self.of.request_id.clone(),
                dialect: dialect.into(),
                operation: operation.into(),
                place: difference.place.clone(),
                what: difference.what.name(),
                old: difference.sides[0].to_string(),
                new: difference.sides[1].to_string(),
            });
        }
    }
}

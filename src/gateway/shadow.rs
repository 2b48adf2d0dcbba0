//! Beside the phases: one side answers, and the other is asked the same, so that the two can be compared.
//!
//! Both answers are the dialect's, and both are read in canonical words; what differs there differs in meaning. The client
//! never waits for it and never sees anything of it: whoever answers only leaves what there is to compare, and somebody else
//! does all of it ([`ShadowWork`]), with connections, breakers, lookups, time and room of its own. What finds no room is dropped
//! and counted.
//!
//! Only what is safe is asked twice. What changes something is done by the side that answers, once; where that is the old
//! one, it is looked at whether the canonical side could have taken it, and the old side is asked afterwards whether it did
//! what the canonical call asks for.
//!
//! What the side that answers is asked besides is asked in the client's name, and spends what that may ask. So there is only a
//! little of it, by the principal's own calls, and none while the side has little left for it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Response};
use http_body::Body;
use http_body_util::Full;
use tokio::time::Instant;

use super::admit::Admitted;
use super::mode::{Left, Passage, Plan, Side, Writing};
use super::select::Selected;
use super::{BoxError, Exchange, Gateway, decode};
use crate::dialect;
use crate::limit::Principal;
use crate::problem::Problem;
use crate::telemetry::{Different, ShadowOutcome};
use crate::time::Deadline;
use crate::translate::compare::Differences;
use crate::translate::reverse::told::SHOWN;

mod answer;
mod ask;
mod effect;
mod queue;
mod reads;

use self::ask::{Again, First, Said, asked, left};
use self::queue::{Room, ended};

#[cfg(test)]
pub(super) use self::queue::WAITING_MAX;
pub use self::queue::{ShadowWork, Shadows};

/// Where a gateway leaves what is to be compared.
#[derive(Clone, Debug)]
pub struct Aside {
    /// Where it waits.
    pub shadows: Shadows,
    /// The gateway that asks the other side. Nobody is answered by it.
    pub asks: Arc<Gateway>,
}

/// How long one may take, from when the client was answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer that is compared: reading two of them must not keep all others waiting.
const ANSWER_MAX: usize = 256 * 1024;

/// How many differences of one comparison are told one by one.
const TOLD_MAX: usize = 32;

/// Has a request answered by its side, and the other asked afterwards.
pub(super) async fn answer<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    gateway: &Gateway,
    plan: &Arc<Plan>,
    side: Side,
    admitted: Admitted<B>,
    exchange: &mut Exchange,
) -> Result<Response<Full<Bytes>>, Box<Problem>> {
    let Admitted { selected, credential } = admitted;
    let Selected { target, url, mut head, body } = *selected;
    let body = decode::bytes(&gateway.shared.config, pin!(body)).await?;
    // All that is asked of them is known by now, and to copy them costs more than the headers.
    head.extensions = Extensions::default();
    let again = Again { target, url, head, body, credential };
    let writing = gateway.modes.begin_write(&again.target);
    let look = plan.begin_look().filter(|_| again.target.operation.is_safe());
    let begun = Instant::now();
    let outcome = asked(gateway, plan, side, again.admitted(), exchange).await;
    let since = writing.map(Writing::end).or(look);
    let Some(Aside { shadows, asks }) = &gateway.aside else { return outcome };
    let left = left(side, &outcome);
    let is_noted = plan.note_at_once((again.credential.principal(), side), left);
    if First::says_something(side, &outcome) {
        // Room first: where there is none, which is where the processor is short, nothing is copied for it.
        match First::bytes(&outcome) {
            bytes @ ..=ANSWER_MAX => match shadows.place(again.bytes() + bytes) {
                Some(place) => place.leave(|room| Shadow {
                    asks: Arc::clone(asks),
                    plan: Arc::clone(plan),
                    side,
                    again,
                    first: First::of(&outcome),
                    begun,
                    since,
                    unnoted: (!is_noted).then_some(left),
                    asks_besides: AtomicBool::new(false),
                    of: exchange.copy(),
                    due: Deadline::after(PATIENCE),
                    _room: room,
                }),
                None => count(gateway, again.names(), ShadowOutcome::Dropped),
            },
            _ => count(gateway, again.names(), ShadowOutcome::TooLarge),
        }
    }
    outcome
}

/// Counts what came of one: whoever answers clients what it leaves nowhere, and whoever compares all else.
fn count(gateway: &Gateway, of: (&str, &str), outcome: ShadowOutcome) {
    gateway.shared.meters.shadow(of, outcome);
    gateway.count_compared(of, outcome);
}

/// Counts a request that the other side cannot be asked.
pub(super) fn leave_out(gateway: &Gateway, target: &dialect::Selected, outcome: ShadowOutcome) {
    if gateway.aside.is_some() {
        count(gateway, (&target.dialect.name, &target.operation.name), outcome);
    }
}

/// What is done beside one request.
struct Shadow {
    asks: Arc<Gateway>,
    plan: Arc<Plan>,
    /// The side that answered the client.
    side: Side,
    again: Again,
    first: First,
    /// When that side was asked.
    begun: Instant,
    /// Since when, among the changes of others, the record has to be unchanged: since this change, or since it was read first.
    since: Option<Passage>,
    /// What the client's answer tells of what is left for it, where that could not be noted at once.
    unnoted: Option<Left>,
    /// Whether anything has been asked besides of the side that answered.
    asks_besides: AtomicBool,
    /// Whose request it is, for what is asked again.
    of: Exchange,
    /// When it is too late.
    due: Deadline,
    /// What it takes of the room for all.
    _room: Room,
}

/// Shows nothing of the request.
impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("side", &self.side).finish_non_exhaustive()
    }
}

impl Shadow {
    async fn ask_and_count(self) {
        let outcome = ended(self.due, self.run()).await;
        let covers = self.plan.covers(self.again.names().1).filter(|_| outcome.has_compared());
        if let Some(covers) = covers {
            self.asks.shared.meters.metrics().compared(self.again.names(), covers);
        }
        count(&self.asks, self.again.names(), outcome);
    }

    /// What came of it, or why there is nothing to compare.
    async fn run(&self) -> Result<ShadowOutcome, ShadowOutcome> {
        if let Some(left) = self.unnoted {
            self.plan.note(self.who(), left);
        }
        let first = self.answered_first().await;
        if self.again.target.operation.is_safe() {
            return self.read_both(first?).await;
        }
        match first {
            Ok(Said::Told(first)) => self.look_after(&first).await,
            Ok(Said::Failed(_)) | Err(_) => Ok(ShadowOutcome::Untried),
        }
    }

    /// Whose account is charged for what is asked besides.
    fn who(&self) -> (Principal, Side) {
        (self.again.credential.principal(), self.side)
    }

    /// Has the client's account pay for one more call to the side that answered.
    fn pay(&self) -> Result<(), ShadowOutcome> {
        let begins = !self.asks_besides.load(Ordering::Relaxed);
        if !self.plan.may_ask_besides(self.who(), begins) {
            return Err(ShadowOutcome::Spared);
        }
        self.asks_besides.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn tell(&self, differences: &Differences) {
        let (dialect, operation) = self.again.names();
        let metrics = self.asks.shared.meters.metrics();
        for difference in &differences.found {
            self.asks.count_difference((dialect, operation), &difference.place);
            metrics.differs(&Different {
                request: self.of.request_id.clone(),
                dialect: dialect.into(),
                operation: operation.into(),
                place: difference.place.clone(),
                is_shown: difference.place.starts_with(SHOWN),
                what: difference.what.name(),
                old: difference.sides[0].to_string(),
                new: difference.sides[1].to_string(),
            });
        }
    }
}

//! Beside the phases: one side answers, and the other is asked the same, so that the two can be compared.
//!
//! Both answers are the dialect's, and both are read in canonical words; what differs there differs in meaning. The client
//! never waits for it and never sees anything of it: what is asked besides has connections, a breaker, time and room of its
//! own, and under load it is dropped and counted.
//!
//! Only what is safe is asked twice. What changes something is done by the side that answers; where that is the old one, it
//! is looked at whether the canonical side could have taken it, and nothing is sent.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_ENCODING, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::timeout_at;

use super::admit::{Admitted, Credential};
use super::mode::{Legacies, Plan, Side};
use super::select::Selected;
use super::{Exchange, Gateway, decode, legacy};
use crate::dialect;
use crate::dialect::operation::AnswerPlan;
use crate::dialect::url::Url;
use crate::json::{Document, Limits};
use crate::lens::Resolutions;
use crate::problem::{Blame, Problem, Segment};
use crate::schema::Schema;
use crate::telemetry::{Different, ShadowOutcome};
use crate::time::Deadline;
use crate::translate::compare::{self, By, Differences, Pairs};
use crate::translate::reverse::told::{Asked, Heard, Outcome, Reader, Telling};
use crate::translate::{self, Step};
use crate::upstream::Upstream;

/// How many are asked at once, in each worker.
const CONCURRENT_MAX: usize = 4;

/// How many wait for their turn besides. One more is dropped.
const WAITING_MAX: usize = 64;

/// How long one may take, from when the client was answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer that is compared: reading two of them must not keep clients waiting.
const ANSWER_MAX: usize = 256 * 1024;

/// Bytes of requests and answers that wait, or are under way.
const BYTES_MAX: usize = 16 << 20;

/// How many differences of one comparison are told one by one.
const TOLD_MAX: usize = 32;

/// Where a worker leaves what is to be asked of the other side.
#[derive(Debug)]
pub(super) struct Shadows {
    queue: mpsc::Sender<Shadow>,
    /// Room for what it holds, in bytes.
    room: Arc<Semaphore>,
    work: Mutex<Option<(mpsc::Receiver<Shadow>, Means)>>,
}

/// What there is to ask with.
#[derive(Debug)]
struct Means {
    upstream: Upstream,
    legacies: Arc<Legacies>,
}

/// A request, as far as it is needed to ask it again.
struct Again {
    target: dialect::Selected,
    url: Url,
    head: Parts,
    body: Bytes,
    credential: Credential,
}

/// What one side answered, in the words of the dialect.
struct Answered {
    status: StatusCode,
    body: Bytes,
    /// Whether it is all of what was asked for, and can be read.
    is_plain: bool,
}

impl Shadows {
    /// Nothing is asked yet, and no connection open.
    pub(super) fn new(upstream: &Upstream, legacies: &Legacies) -> Shadows {
        let (queue, heard) = mpsc::channel(WAITING_MAX);
        let legacies = Arc::new(legacies.siblings(&Legacies::default()));
        let means = Means { upstream: upstream.sibling(), legacies };
        Shadows { queue, room: Arc::new(Semaphore::new(BYTES_MAX)), work: Mutex::new(Some((heard, means))) }
    }

    /// Asks what is left here, until nobody can leave anything more; for whoever takes it first.
    pub(super) fn work(&self) -> Option<impl Future<Output = ()> + use<>> {
        let (heard, means) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(async move {
            let next = async |mut heard: mpsc::Receiver<Shadow>| Some((heard.recv().await?, heard));
            let all = pin!(stream::unfold(heard, next));
            all.for_each_concurrent(CONCURRENT_MAX, |shadow| shadow.ask_and_count(&means)).await;
        })
    }
}

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
    let outcome = asked(gateway, plan, side, again.admitted(), exchange).await;
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
        let bytes = again.body.len() + first.body.len();
        let room = u32::try_from(bytes).ok();
        let room = room.and_then(|bytes| Arc::clone(&shadows.room).try_acquire_many_owned(bytes).ok());
        let gateway = Gateway { shadows: None, ..gateway.clone() };
        let (plan, of, due) = (Arc::clone(plan), exchange.copy(), Deadline::after(PATIENCE));
        let has_room = room.is_some();
        let shadow = Shadow { gateway, plan, side, again, first, of, due, _room: room };
        if shadow.first.body.len() > ANSWER_MAX {
            shadow.count(ShadowOutcome::TooLarge);
        } else if !has_room {
            shadow.count(ShadowOutcome::Dropped);
        } else if let Err(TrySendError::Full(shadow) | TrySendError::Closed(shadow)) =
            shadows.queue.try_send(shadow)
        {
            shadow.count(ShadowOutcome::Dropped);
        }
    }
    outcome
}

/// Asks one side.
async fn asked<B: Body<Data = Bytes>>(
    gateway: &Gateway,
    plan: &Plan,
    side: Side,
    admitted: Admitted<B>,
    exchange: &mut Exchange,
) -> Result<Response<Full<Bytes>>, Box<Problem>> {
    match side {
        Side::Canonical => Box::pin(gateway.translate(admitted, exchange)).await,
        Side::Legacy => Box::pin(legacy::pass(gateway, plan, admitted, exchange)).await,
    }
}

/// What is done beside one request.
struct Shadow {
    gateway: Gateway,
    plan: Arc<Plan>,
    /// The side that answered the client.
    side: Side,
    again: Again,
    first: Answered,
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
        if !self.again.head.method.is_safe() {
            return Ok(self.try_dry());
        }
        let operation = self.names().1;
        let reader = self.plan.reader(operation).ok_or(ShadowOutcome::Unreadable)?;
        // The first answer may be one that cannot be read as it was asked for.
        let first = if self.first.is_plain {
            self.told(reader, &self.first).await?
        } else {
            self.ask(means, reader, self.side).await?
        };
        let second = self.ask(means, reader, self.side.other()).await?;
        let [old, new] = match self.side {
            Side::Legacy => [&first, &second],
            Side::Canonical => [&second, &first],
        };
        let mut found = self.compare(reader, [old, new]).await;
        let is_sample = self.plan.is_to_be_asked_twice(operation);
        if found.is_empty() && !is_sample {
            return Ok(ShadowOutcome::Same);
        }
        // Somebody may have changed it between the two answers. What counts is what differs again.
        let old_again = self.ask(means, reader, Side::Legacy).await?;
        self.learn(&self.compare(reader, [old, &old_again]).await);
        if found.is_empty() {
            return Ok(ShadowOutcome::Same);
        }
        let new_again = self.ask(means, reader, Side::Canonical).await?;
        let again = self.compare(reader, [&old_again, &new_again]).await;
        found.confirm(&again);
        if found.is_empty() {
            return Ok(ShadowOutcome::Unsteady);
        }
        let differences = self.plan.without_noise(operation, found);
        if differences.is_empty() {
            return Ok(ShadowOutcome::Noise);
        }
        self.tell(&differences);
        Ok(ShadowOutcome::Different)
    }

    /// Learns where the old side differs from itself.
    fn learn(&self, between: &Differences) {
        let (dialect, operation) = self.names();
        let noise = self.plan.learn(operation, between);
        let metrics = self.gateway.shared.meters.metrics();
        metrics.shadow_noise(dialect, operation, !between.is_empty(), noise);
    }

    /// Whether the canonical side could take what the old one did.
    fn try_dry(&self) -> ShadowOutcome {
        if self.side == Side::Canonical || !self.first.status.is_success() {
            return ShadowOutcome::Untried;
        }
        let Again { target, url, body, .. } = &self.again;
        let fits = legacy::request_fits(&self.gateway.shared, target.clone(), url.clone(), body);
        if fits { ShadowOutcome::DryFits } else { ShadowOutcome::DryRefused }
    }

    /// Asks a side, with what there is for that: what it says, in canonical words.
    async fn ask(&self, means: &Means, reader: &Reader, side: Side) -> Result<Outcome, ShadowOutcome> {
        let answered = self.answered(means, side).await.ok_or(ShadowOutcome::Unanswered)?;
        self.told(reader, &answered).await
    }

    async fn answered(&self, means: &Means, side: Side) -> Option<Answered> {
        let gateway = Gateway {
            upstream: means.upstream.clone(),
            legacies: Arc::clone(&means.legacies),
            ..self.gateway.clone()
        };
        let mut exchange = self.of.copy();
        exchange.deadline = self.due;
        let mut admitted = self.again.admitted();
        for name in [http::header::ACCEPT_ENCODING, IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE] {
            admitted.selected.head.headers.remove(name);
        }
        let response = match asked(&gateway, &self.plan, side, admitted, &mut exchange).await {
            Ok(response) => response,
            Err(problem) if problem.blame == Blame::Downstream => gateway.refuse(&problem, &exchange),
            Err(_) => return None,
        };
        let (head, body) = response.into_parts();
        let is_plain = !head.headers.contains_key(CONTENT_ENCODING);
        let body = body.collect().await.ok()?.to_bytes();
        is_plain.then_some(Answered { status: head.status, body, is_plain })
    }

    /// What an answer says, in canonical words. Clients may have their turn before.
    async fn told(&self, reader: &Reader, answer: &Answered) -> Result<Outcome, ShadowOutcome> {
        if answer.body.len() > ANSWER_MAX {
            return Err(ShadowOutcome::TooLarge);
        }
        yield_now().await;
        self.read(reader, answer).ok_or(ShadowOutcome::Unreadable)
    }

    fn read(&self, reader: &Reader, answer: &Answered) -> Option<Outcome> {
        let depth_max = self.gateway.shared.config.depth_max;
        let limits = Limits { bytes_max: ANSWER_MAX, depth_max, ..Limits::default() };
        let document = Document::parse(answer.body.to_vec(), &limits).ok();
        let Again { target, url, .. } = &self.again;
        let request = translate::Request::new(target.clone(), url.clone(), None).ok();
        let page = target.operation.page.as_ref().zip(request.as_ref());
        let page = page.and_then(|(page, request)| page.wanted(&request.query).ok());
        let asked = Asked { page, ..Asked::default() };
        let heard =
            Heard { status: answer.status, retry_after: None, body: document.as_ref().map(Document::root) };
        match reader.told(&asked, &heard, &Resolutions::default()) {
            Ok(Step::Done(told)) => told.outcomes.into_iter().next().flatten(),
            Ok(Step::Needs(_)) | Err(_) => None,
        }
    }

    async fn compare(&self, reader: &Reader, sides: [&Outcome; 2]) -> Differences {
        yield_now().await;
        let Some(masks) = self.plan.masks() else { return Differences::default() };
        let status = sides[0].as_ref().map_or(StatusCode::OK, |answer| answer.status);
        let tells = |place: &[Segment]| reader.tells(status, place) != Telling::Nothing;
        let schema = self.schema(status);
        let by = By { schema, tells: &tells, masks, most: TOLD_MAX };
        compare::outcomes(sides, &by, &mut Pairs::default())
    }

    /// What the canonical body of that status looks like.
    fn schema(&self, status: StatusCode) -> Option<&Schema> {
        match &self.again.target.operation.answer {
            AnswerPlan::One(plans) => plans.iter().find(|plan| plan.from == status)?.canonical.as_deref(),
            AnswerPlan::Collect(_) => None,
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

/// How one comparison ended. Whatever the answers are, what breaks down over them is this one.
async fn ended(
    due: Deadline,
    run: impl Future<Output = Result<ShadowOutcome, ShadowOutcome>>,
) -> ShadowOutcome {
    match AssertUnwindSafe(timeout_at(due.instant(), run)).catch_unwind().await {
        Ok(Ok(Ok(outcome) | Err(outcome))) => outcome,
        Ok(Err(_elapsed)) => ShadowOutcome::Late,
        Err(_panicked) => ShadowOutcome::Broken,
    }
}

impl Again {
    fn admitted(&self) -> Admitted<Full<Bytes>> {
        let Again { target, url, head, body, credential } = self;
        let body = Full::new(body.clone());
        let selected = Selected { target: target.clone(), url: url.clone(), head: head.clone(), body };
        Admitted { selected, credential: credential.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_breaks_down_is_one_comparison() {
        let due = Deadline::after(PATIENCE);
        let broken = ended(due, async { panic!("an answer nobody thought of") }).await;
        assert_eq!(broken, ShadowOutcome::Broken);
        assert_eq!(ended(due, async { Ok(ShadowOutcome::Same) }).await, ShadowOutcome::Same);
    }
}

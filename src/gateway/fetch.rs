//! Phase 6: the canonical calls are made, and answered or not.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};

use super::admit::{CARRIER, Credential};
use super::key::IDEMPOTENCY_KEY;
use super::lift::Lifted;
use super::{Exchange, Gateway, Lookups, Shared, keep, reverse};
use crate::canonical::api::Call;
use crate::causes::with_causes;
use crate::dialect::Operation;
use crate::limit::Principal;
use crate::problem::Problem;
use crate::telemetry::{RequestId, UpstreamOutcome, X_REQUEST_ID};
use crate::time::Deadline;
use crate::translate::explain::Narrator;
use crate::translate::{self, answer, gather};
use crate::upstream::{self, Stage, UpstreamError};

/// Calls one request has under way at the same time.
pub(super) const CONCURRENT_MAX: usize = 8;

/// How many of the largest answers one request may have, together: several are kept until all are there. A list of 20,000 rows
/// of 500 bytes that is looked through, and what is asked for besides, are less than two of 8 MiB.
const ANSWERS_MAX: u64 = 2;

pub(super) static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request with what the backend made of each of its calls, in their order.
#[derive(Debug)]
pub(super) struct Fetched<'a> {
    pub(super) lifted: Lifted<'a>,
    pub(super) answers: Vec<Result<answer::Answer, Box<Problem>>>,
}

/// Makes all calls. What the backend refuses is told in the dialect's places right away: of a bulk request, the refused
/// item's.
pub(super) async fn fetch<'a>(gateway: &Gateway, lifted: Lifted<'a>, exchange: &Exchange) -> Fetched<'a> {
    let caller = Caller::new(gateway, lifted.credential, exchange);
    let request = lifted.request;
    let call = async |index: usize, call: &Call| {
        let answer = if let Some(look) =
            translate::keep::look(request, &lifted.canonical, index, &lifted.resolutions)
        {
            // In a box, as all that few requests do: they all would carry the room for it.
            Box::pin(keep::answer(&caller, &lifted, index, &look)).await
        } else {
            let key = key_of(&lifted, index, call);
            caller.answer(call, &request.operation, With { key: key.as_ref(), ..With::default() }).await
        };
        answer.map_err(|problem| request.told(*problem, index))
    };
    let answers = match lifted.canonical.calls.as_slice() {
        // Most requests are one call, and need nobody to keep several apart.
        [alone] => vec![call(0, alone).await],
        calls => Box::pin(side_by_side(calls, call)).await,
    };
    Fetched { lifted, answers }
}

/// Makes many calls, some at the same time, and gives what came of them in their order. There is one future for each that
/// may be under way, which takes up one call after another: one for each call would have to be made room for each time.
async fn side_by_side<C, A>(calls: &[C], make: impl AsyncFn(usize, &C) -> A) -> Vec<A> {
    // Futures of a gateway may move between threads, so that a `Cell` would not do.
    let next = AtomicUsize::new(0);
    let lane = async || {
        let mut own = Vec::with_capacity(calls.len().div_ceil(CONCURRENT_MAX));
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(call) = calls.get(index) else { return own };
            own.push((index, make(index, call).await));
        }
    };
    let lanes: FuturesUnordered<_> = (0..CONCURRENT_MAX.min(calls.len())).map(|_| lane()).collect();
    let mut answers: Vec<Option<A>> = calls.iter().map(|_| None).collect();
    for (index, answer) in lanes.collect::<Vec<_>>().await.into_iter().flatten() {
        answers[index] = Some(answer);
    }
    answers.into_iter().map(|answer| answer.expect("each call is taken up")).collect()
}

/// The client's key, as the call of that index has it.
fn key_of(lifted: &Lifted<'_>, index: usize, call: &Call) -> Option<HeaderValue> {
    let key = lifted.key.as_ref()?;
    if lifted.canonical.calls.len() == 1 {
        return Some(key.header().clone());
    }
    Some(key.of_item(lifted.credential.principal(), &call.operation.name, index))
}

/// What a call has besides what it says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct With<'a> {
    /// The entity tag of the record that it is about, and of no other: `If-Match`.
    pub(super) only_if: Option<&'a HeaderValue>,
    /// `Idempotency-Key`, for a call that changes something.
    pub(super) key: Option<&'a HeaderValue>,
    /// Whether what its client wrote was left out of it, being what is there already.
    pub(super) is_reduced: bool,
}

/// Calls the backend on behalf of one request.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    gateway: &'a Gateway,
    credential: &'a Credential,
    exchange: &'a Exchange,
    /// Whether what was asked for has been done, and is only to be told: whatever the breaker says, it may be read.
    follows: bool,
}

impl<'a> Caller<'a> {
    pub(super) fn new(
        gateway: &'a Gateway,
        credential: &'a Credential,
        exchange: &'a Exchange,
    ) -> Caller<'a> {
        Caller { gateway, credential, exchange, follows: false }
    }

    /// One that reads how to tell what the backend has done.
    pub(super) fn following(self) -> Caller<'a> {
        Caller { follows: true, ..self }
    }

    pub(super) fn shared(&self) -> &'a Shared {
        &self.gateway.shared
    }

    pub(super) fn lookups(&self) -> &'a Lookups {
        &self.gateway.lookups
    }

    pub(super) fn principal(&self) -> Principal {
        self.credential.principal()
    }

    /// Whose share of the connections its calls take.
    pub(super) fn share(&self) -> u8 {
        share_of(self.principal())
    }

    pub(super) fn credential(&self) -> &'a Credential {
        self.credential
    }

    pub(super) fn request_id(&self) -> Option<&'a RequestId> {
        self.exchange.request_id.as_ref()
    }

    /// Whether what was asked for has been done, and is only to be told.
    pub(super) fn follows(&self) -> bool {
        self.follows
    }

    pub(super) fn count_kept(&self, fields: u64) {
        self.exchange.kept.fetch_add(fields, Ordering::Relaxed);
    }

    /// Who is told what is done.
    pub(super) fn narrator(&self) -> &'a Narrator {
        &self.exchange.narrator
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.exchange.deadline
    }

    /// Whether the request has had all the time, calls or answers that one may have: what fails for that reason need not fail
    /// for another.
    pub(super) fn is_spent(&self) -> bool {
        let Exchange { deadline, calls, answered, .. } = self.exchange;
        deadline.has_passed()
            || calls.load(Ordering::Relaxed) >= self.shared().config.calls_max as u64
            || answered.load(Ordering::Relaxed) > self.answers_bytes_max()
    }

    /// How many bytes all answers to the calls of the request may have.
    fn answers_bytes_max(&self) -> u64 {
        ANSWERS_MAX * self.gateway.upstream.answer_bytes_max() as u64
    }

    /// Makes a call; of a list that is gathered as many calls as it takes, and the one that its answer is read with.
    pub(super) async fn answer(
        &self,
        call: &Call,
        operation: &Operation,
        with: With<'_>,
    ) -> Result<answer::Answer, Box<Problem>> {
        let (first, _) = self.send_with(call, with).await?;
        if let Some(reads) = operation.reads(first.status) {
            let path = call.path.clone();
            let read = Call { operation: Arc::clone(reads), path, query: Vec::new(), body: None };
            let body = Box::pin(self.following().send(&read)).await.map_err(after_a_change)?.body;
            return Ok(answer::Answer { status: first.status, body });
        }
        let Some(most) = operation.gather else { return Ok(first) };
        let names = &self.shared().registry.api().page;
        let mut list = gather::Gathered::new(names, call, most);
        let mut page = first;
        while let Some(next) = list.take(page)? {
            page = Box::pin(self.send(&next)).await?;
        }
        list.joined()
    }

    /// Makes one call. An error the backend answers is a problem, and so is an answer that is none.
    pub(super) async fn send(&self, call: &Call) -> Result<answer::Answer, Box<Problem>> {
        self.send_with(call, With::default()).await.map(|(answer, _)| answer)
    }

    /// Makes one call, and gives the entity tag of the answer, if it has one.
    pub(super) async fn send_with(
        &self,
        call: &Call,
        With { only_if, key, is_reduced }: With<'_>,
    ) -> Result<(answer::Answer, Option<HeaderValue>), Box<Problem>> {
        if let Some(reverse) = &self.shared().reverse {
            // In a box: every call would carry the room for it.
            let answer = Box::pin(reverse::send(self, reverse, call, key, is_reduced)).await;
            return answer.map(|answer| (answer, None));
        }
        // A parameter that would change the meaning of the path names nothing that exists.
        let target = call.target().ok_or_else(|| Problem::not_found("no such resource"))?;
        let key = key.filter(|_| !call.operation.is_safe());
        // Nothing of the client's is passed on but who it is, how it calls the request, and as which it knows it again.
        let credential = self.credential.authorization();
        let request_id = self.exchange.request_id.as_ref().map(RequestId::to_header);
        let request = upstream::Request {
            method: &call.operation.method,
            target: &target,
            headers: &[
                (CARRIER, Some(&credential)),
                (ACCEPT, Some(&JSON)),
                (CONTENT_TYPE, call.body.as_ref().map(|_| &JSON)),
                (IF_MATCH, only_if),
                (IDEMPOTENCY_KEY, key),
                (X_REQUEST_ID, request_id.as_ref()),
            ],
            body: call.body.as_deref().unwrap_or_default(),
            safe: call.operation.is_safe(),
            is_keyed: key.is_some(),
            follows: self.follows,
            share: Some(self.share()),
            passes: false,
        };
        let upstream::Answer { status, etag, retry_after, headers: _, body } =
            self.transmit(call, request).await?;
        let answer = answer::answered(status, retry_after.as_ref().and_then(seconds), body)?;
        Ok((answer, etag))
    }

    /// Sends what a call became, and gives what was answered, whatever its status.
    pub(super) async fn transmit(
        &self,
        call: &Call,
        request: upstream::Request<'_>,
    ) -> Result<upstream::Answer, Box<Problem>> {
        if self.exchange.deadline.has_passed() {
            return Err(Box::new(Problem::gateway_timeout("no time was left for the call")));
        }
        let calls_max = self.shared().config.calls_max;
        if !self.exchange.take_call(calls_max) {
            return Err(Box::new(Problem::too_many_calls(calls_max)));
        }
        let written = (!call.operation.is_safe()).then(|| Written { call, lookups: self.lookups() });
        let outcome = self.gateway.upstream.send(request, self.exchange.deadline).await;
        drop(written);
        if let Ok(answer) = &outcome {
            self.exchange.is_answered(answer.status);
        }
        self.shared().meters.called(&call.operation.name, counted(&outcome));
        self.narrator().tell(|story| {
            let outcome = outcome.as_ref().map_or("no answer", |answer| answer.status.as_str());
            story.called(&call.operation.name, &call.operation.to_string(), outcome);
        });
        let answer = outcome.map_err(|error| Box::new(unanswered(&error)))?;
        self.take_answer(&answer).map_err(|problem| {
            let was_changed = !call.operation.is_safe() && answer.status.is_success();
            if was_changed { after_a_change(problem) } else { problem }
        })?;
        Ok(answer)
    }

    /// Takes the bytes of an answer from those that the request may have.
    fn take_answer(&self, answer: &upstream::Answer) -> Result<(), Box<Problem>> {
        let bytes = answer.body.len() as u64;
        let before = self.exchange.answered.fetch_add(bytes, Ordering::Relaxed);
        let limit = self.answers_bytes_max();
        if before + bytes <= limit {
            return Ok(());
        }
        let cause = format!("the backend's answers to one request are together larger than {limit} bytes");
        Err(Box::new(Problem::bad_gateway("answer-too-large", cause)))
    }
}

/// Which share of the connections to a backend a principal has. It is a digest of a credential: who wants that of somebody
/// else would have to know theirs.
pub(super) fn share_of(principal: Principal) -> u8 {
    principal.as_bytes()[0]
}

/// A call that may change something, for as long as it is under way. However that ends, also without an answer and when the
/// client has left, it may have been done: what was looked up before is not believed any more.
struct Written<'a> {
    call: &'a Call,
    lookups: &'a Lookups,
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        self.lookups.resolvers.wrote(self.call);
    }
}

pub(super) fn counted(outcome: &Result<upstream::Answer, UpstreamError>) -> UpstreamOutcome {
    match outcome {
        Ok(_) => UpstreamOutcome::Answered,
        // What we wrote ourselves is no target: nobody was asked.
        Err(UpstreamError::Broken(_) | UpstreamError::Target) => UpstreamOutcome::Broken,
        Err(UpstreamError::Overloaded) => UpstreamOutcome::Overloaded,
        Err(UpstreamError::Refused { .. }) => UpstreamOutcome::Refused,
        Err(UpstreamError::TimedOut { .. }) => UpstreamOutcome::TimedOut,
        Err(UpstreamError::TooLarge { .. }) => UpstreamOutcome::TooLarge,
        Err(UpstreamError::Unreachable(_)) => UpstreamOutcome::Unreachable,
    }
}

/// What the backend found wrong with a call that is none of the client's, such as a lookup, stands nowhere in the
/// client's request.
pub(super) fn without_places(mut problem: Box<Problem>) -> Box<Problem> {
    problem.violations.clear();
    problem
}

/// What a client is told of a call without an answer.
pub(super) fn unanswered(error: &UpstreamError) -> Problem {
    let cause = with_causes(error);
    match error {
        UpstreamError::Broken(_) => Problem::bad_gateway("malformed-answer", cause),
        UpstreamError::Overloaded => Problem::unavailable("upstream-overloaded", cause),
        UpstreamError::Refused { retry_after } => {
            let retry_after = Some(*retry_after);
            Problem { retry_after, ..Problem::unavailable("upstream-breaker-open", cause) }
        }
        UpstreamError::Target => Problem::internal(cause),
        UpstreamError::TimedOut { stage: Stage::Body | Stage::Head } => Problem::gateway_timeout(cause),
        UpstreamError::TooLarge { .. } => Problem::bad_gateway("answer-too-large", cause),
        // Nothing was sent.
        UpstreamError::TimedOut { stage: Stage::Connect } | UpstreamError::Unreachable(_) => {
            Problem::unavailable("upstream-unreachable", cause)
        }
    }
}

/// Whether a problem is what a client is told where no backend answered, or none was asked.
pub(super) fn is_no_answer(problem: &Problem) -> bool {
    let Cow::Borrowed(code) = problem.code else { return false };
    matches!(
        code,
        "upstream-breaker-open" | "upstream-overloaded" | "upstream-timeout" | "upstream-unreachable"
    )
}

/// Whether it is certain of the call of which a client is told so that nothing of it was written, whenever it was tried.
pub(super) fn is_unsent(problem: &Problem) -> bool {
    let Cow::Borrowed(code) = problem.code else { return false };
    matches!(code, "upstream-breaker-open" | "upstream-overloaded" | "upstream-unreachable")
}

/// What a client is told when what it asked for was done, and what it has to be told of it could not be read, whatever
/// kept it from being read: nothing that has it ask again, for that would do it again, nor that it was refused.
///
/// For whoever knows that a change was made. A lookup does not: others wait for the same, who have changed nothing.
pub(super) fn after_a_change(mut problem: Box<Problem>) -> Box<Problem> {
    let cause = problem.cause.take().unwrap_or_else(|| match problem.code {
        // Our own words about mappings: they have nobody's data in them.
        Cow::Borrowed(_) => problem.detail.to_string(),
        // What the backend says of a refusal goes into no log.
        Cow::Owned(_) => format!("the backend answered {}", problem.status.get().as_u16()),
    });
    *problem = Problem::done_and_unread(cause);
    problem
}

/// The longest that a client is told to wait. Who believes more is gone for good, for what may have been a mistake, and some
/// count on to what overflows.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// How long the backend wants to be left alone, within [`WAIT_MAX`]. Only the form in seconds is read: the other needs its clock.
pub(super) fn seconds(retry_after: &HeaderValue) -> Option<Duration> {
    let written = retry_after.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    // What is all digits and does not fit is too large.
    let seconds = written.parse().unwrap_or(u64::MAX);
    (!written.is_empty()).then(|| Duration::from_secs(seconds).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;

    use tokio::time::sleep;

    use super::*;
    use crate::problem::Blame;

    #[tokio::test(start_paused = true)]
    async fn answers_are_in_the_order_of_calls_of_which_a_few_are_under_way_at_once() {
        let waits: Vec<u64> = (0..20).map(|call| (call * 7) % 20).collect();
        let (under_way, most) = (Cell::new(0), Cell::new(0));
        let answers = side_by_side(&waits, async |index, wait: &u64| {
            under_way.set(under_way.get() + 1);
            most.set(most.get().max(under_way.get()));
            sleep(Duration::from_millis(*wait)).await;
            under_way.set(under_way.get() - 1);
            (index, *wait)
        })
        .await;
        assert_eq!(answers, waits.into_iter().enumerate().collect::<Vec<_>>());
        assert_eq!(most.get(), CONCURRENT_MAX);
    }

    #[test]
    fn what_failed_decides_the_status() {
        let unreachable = UpstreamError::Unreachable(io::ErrorKind::ConnectionRefused.into());
        for (error, status, code) in [
            (unreachable, 503, "upstream-unreachable"),
            (UpstreamError::Overloaded, 503, "upstream-overloaded"),
            (UpstreamError::Refused { retry_after: Duration::ZERO }, 503, "upstream-breaker-open"),
            (UpstreamError::TimedOut { stage: Stage::Connect }, 503, "upstream-unreachable"),
            (UpstreamError::TimedOut { stage: Stage::Head }, 504, "upstream-timeout"),
            (UpstreamError::TimedOut { stage: Stage::Body }, 504, "upstream-timeout"),
            (UpstreamError::Broken(upstream::Broken::Encoded), 502, "malformed-answer"),
            (UpstreamError::TooLarge { limit: 1 }, 502, "answer-too-large"),
            (UpstreamError::Target, 500, "internal-error"),
        ] {
            let problem = unanswered(&error);
            assert_eq!((problem.status.get().as_u16(), problem.code.as_ref()), (status, code));
            assert_ne!(problem.blame, Blame::Downstream);
        }
    }

    #[test]
    fn the_cause_of_a_failure_is_told_to_its_root() {
        let error = UpstreamError::Unreachable(io::Error::other("no route"));
        assert_eq!(unanswered(&error).cause.unwrap(), "cannot connect to the backend: no route");
    }

    #[test]
    fn only_seconds_are_read_from_retry_after() {
        let read = |value| seconds(&HeaderValue::from_static(value));
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        for none in ["", "-7", "+7", "7.5", "7 s", "0x7"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }

    #[test]
    fn nobody_is_told_to_wait_for_longer_than_a_day() {
        for (told, seconds_told) in [
            ("0", 0),
            ("86400", 86_400),
            ("86401", 86_400),
            ("9223372036854775808", 86_400),
            ("18446744073709551615", 86_400),
            ("18446744073709551616", 86_400),
        ] {
            let told = seconds(&HeaderValue::from_static(told));
            assert_eq!(told, Some(Duration::from_secs(seconds_told)));
        }
    }
}

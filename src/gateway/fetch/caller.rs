//! Calls of the backend on behalf of one request, within the time, the calls and the bytes that it may have.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{ACCEPT, CONTENT_TYPE, IF_MATCH};
use http::{HeaderValue, StatusCode};

use super::foreign::foreign;
use super::retry_after::seconds;
use super::unanswered::{
    Counting, Made, after_a_change, counted, of_a_change, unanswered, unanswered_change,
};
use crate::canonical::api::Call;
use crate::dialect::Operation;
use crate::gateway::admit::{CARRIER, Credential};
use crate::gateway::key::IDEMPOTENCY_KEY;
use crate::gateway::{Exchange, Gateway, Lookups, Shared, reverse};
use crate::limit::Principal;
use crate::problem::Problem;
use crate::telemetry::{RequestId, UpstreamOutcome, X_REQUEST_ID};
use crate::time::Deadline;
use crate::translate::explain::Narrator;
use crate::translate::{answer, gather};
use crate::upstream::{self, Keys};

/// How many of the largest answers one request may have, together: several are kept until all are there. A list of 20,000 rows
/// of 500 bytes that is looked through, and what is asked for besides, are less than two of 8 MiB.
const ANSWERS_MAX: u64 = 2;

pub(in crate::gateway) static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Calls the backend on behalf of one request.
#[derive(Clone, Copy)]
pub(in crate::gateway) struct Caller<'a> {
    gateway: &'a Gateway,
    credential: &'a Credential,
    exchange: &'a Exchange,
    /// Whether what was asked for has been done, and is only to be told: whatever the breaker says, it may be read.
    follows: bool,
    /// Whether its calls may be others when the same request is sent again, so that no key says which they were.
    reads_first: bool,
}

impl<'a> Caller<'a> {
    pub(in crate::gateway) fn new(
        gateway: &'a Gateway,
        credential: &'a Credential,
        exchange: &'a Exchange,
    ) -> Caller<'a> {
        Caller { gateway, credential, exchange, follows: false, reads_first: false }
    }

    /// One that reads how to tell what the backend has done.
    pub(in crate::gateway) fn following(self) -> Caller<'a> {
        Caller { follows: true, ..self }
    }

    /// One that makes calls of what it has read before.
    pub(in crate::gateway) fn reading_first(self) -> Caller<'a> {
        Caller { reads_first: true, ..self }
    }

    pub(in crate::gateway) fn shared(&self) -> &'a Shared {
        &self.gateway.shared
    }

    pub(in crate::gateway) fn lookups(&self) -> &'a Lookups {
        &self.gateway.lookups
    }

    pub(in crate::gateway) fn principal(&self) -> Principal {
        self.credential.principal()
    }

    /// Whose share of the connections its calls take.
    pub(in crate::gateway) fn share(&self) -> u8 {
        share_of(self.principal())
    }

    pub(in crate::gateway) fn credential(&self) -> &'a Credential {
        self.credential
    }

    pub(in crate::gateway) fn request_id(&self) -> Option<&'a RequestId> {
        self.exchange.request_id.as_ref()
    }

    /// Whether what was asked for has been done, and is only to be told.
    pub(in crate::gateway) fn follows(&self) -> bool {
        self.follows
    }

    pub(in crate::gateway) fn count_kept(&self, fields: u64) {
        self.exchange.kept.fetch_add(fields, Ordering::Relaxed);
    }

    /// Who is told what is done.
    pub(in crate::gateway) fn narrator(&self) -> &'a Narrator {
        &self.exchange.narrator
    }

    pub(in crate::gateway) fn deadline(&self) -> Deadline {
        self.exchange.deadline
    }

    /// Whether the request has had all the time, calls or answers that one may have: what fails for that reason need not fail
    /// for another.
    pub(in crate::gateway) fn is_spent(&self) -> bool {
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
    pub(in crate::gateway) async fn answer(
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
    pub(in crate::gateway) async fn send(&self, call: &Call) -> Result<answer::Answer, Box<Problem>> {
        self.send_with(call, With::default()).await.map(|(answer, _)| answer)
    }

    /// Makes one call, and gives the entity tag of the answer, if it has one.
    pub(in crate::gateway) async fn send_with(
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
        let upstream::Answer { status, etag, retry_after, body, .. } =
            self.transmit(call, request, Made::by).await?;
        let answer = answer::answered(call, status, retry_after.as_ref().and_then(seconds), body);
        Ok((answer.map_err(|problem| self.of_answer(problem, call, Made::by(status), key.is_some()))?, etag))
    }

    /// What a problem with the answer to a call is to its client, who may have asked for a change.
    pub(in crate::gateway) fn of_answer(
        &self,
        mut problem: Box<Problem>,
        call: &Call,
        made: Made,
        is_keyed: bool,
    ) -> Box<Problem> {
        if !call.operation.is_safe() {
            *problem = of_a_change(*problem, made, self.is_known_again(is_keyed));
        }
        problem
    }

    /// Whether the backend knows a call again by its key that is made of the same request once more.
    fn is_known_again(&self, is_keyed: bool) -> bool {
        is_keyed && !self.reads_first && self.gateway.upstream.keys() == Keys::Honoured
    }

    /// Sends what a call became, and gives what was answered, whatever its status. `said` is what a status says of a change, if
    /// the call asks for one.
    pub(in crate::gateway) async fn transmit(
        &self,
        call: &Call,
        request: upstream::Request<'_>,
        said: impl Fn(StatusCode) -> Made,
    ) -> Result<upstream::Answer, Box<Problem>> {
        if self.exchange.deadline.has_passed() {
            return Err(Box::new(Problem::not_begun()));
        }
        let calls_max = self.shared().config.calls_max;
        if !self.exchange.take_call(calls_max) {
            return Err(Box::new(Problem::too_many_calls(calls_max)));
        }
        let (is_safe, is_keyed) = (call.operation.is_safe(), request.is_keyed);
        let written = (!is_safe).then(|| Written { call, lookups: self.lookups() });
        let meters = &self.shared().meters;
        let counting = Counting::begin(|outcome| meters.called(&call.operation.name, outcome));
        let outcome = self.gateway.upstream.send(request, self.exchange.deadline).await;
        drop(written);
        // A backend that speaks a dialect may call its bodies what that says.
        let own = self.shared().reverse.as_ref().map(|reverse| &reverse.dialect().errors.content_type);
        let foreign = outcome.as_ref().ok().and_then(|answer| foreign(answer, own));
        if let (Ok(answer), None) = (&outcome, &foreign) {
            self.exchange.is_answered(answer.status);
        }
        counting.end(if foreign.is_some() { UpstreamOutcome::Foreign } else { counted(&outcome) });
        self.narrator().tell(|story| {
            let outcome = outcome.as_ref().map_or("no answer", |answer| answer.status.as_str());
            story.called(&call.operation.name, &call.operation.to_string(), outcome);
        });
        let answer = outcome.map_err(|error| {
            let is_known_again = self.is_known_again(is_keyed);
            let of_change = || unanswered_change(&error, &said, is_known_again);
            Box::new(if is_safe { unanswered(&error) } else { of_change() })
        })?;
        // What refuses in the place of the backend may have let the call through, and kept its answer back.
        let is_believed = foreign.is_none() || answer.status.is_success();
        let made = if is_believed { said(answer.status) } else { Made::Unknown };
        let taken = foreign.map_or_else(|| self.take_answer(&answer), |problem| Err(Box::new(problem)));
        taken.map_err(|problem| self.of_answer(problem, call, made, is_keyed))?;
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

/// What a call has besides what it says.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::gateway) struct With<'a> {
    /// The entity tag of the record that it is about, and of no other: `If-Match`.
    pub(in crate::gateway) only_if: Option<&'a HeaderValue>,
    /// `Idempotency-Key`, for a call that changes something.
    pub(in crate::gateway) key: Option<&'a HeaderValue>,
    /// Whether what its client wrote was left out of it, being what is there already.
    pub(in crate::gateway) is_reduced: bool,
}

/// Which share of the connections to a backend a principal has. It is a digest of a credential: who wants that of somebody
/// else would have to know theirs.
pub(in crate::gateway) fn share_of(principal: Principal) -> u8 {
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

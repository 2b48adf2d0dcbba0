//! One call, from the breaker's permission to the last byte of its answer; and once more, where that may help and nothing
//! speaks against it.

use http::StatusCode;
use tokio::time::{sleep, timeout_at};

use crate::{
    time::Deadline,
    upstream::{
        Answer, Keys, Request, Stage, Upstream, UpstreamError,
        connection::Connection,
        health, retry,
        wire::{Failure, is_target},
    },
};

impl Upstream {
    /// Sends one call and reads its whole answer, whatever its status; if need be and nothing speaks against it, again.
    ///
    /// Dropping the future closes the connection the call was on.
    pub async fn send(&self, call: Request<'_>, deadline: Deadline) -> Result<Answer, UpstreamError> {
        if !is_target(call.target) {
            return Err(UpstreamError::Target);
        }
        self.health.budget().earn();
        let whole = Deadline::after(self.config.timeout);
        let deadline = deadline.min(whole);
        let mut attempt = Attempt {
            is_repeatable: call.safe || call.is_keyed && self.config.idempotency_keys == Keys::Honoured,
            deadline,
            is_patient: health::is_patient(self.config.timeout, whole, deadline),
            retries: 0,
        };
        let mut before = None;
        loop {
            let outcome = self.attempt(&call, &mut attempt).await;
            if !self.is_worth_another(&outcome, &attempt) {
                return better(before, outcome, call.safe).map_err(Failure::into_error);
            }
            attempt.retries += 1;
            // Both in boxes: every call would carry the room for what few need.
            before = Some(Box::new(outcome));
            Box::pin(sleep(retry::PAUSE)).await;
        }
    }

    /// Whether to make a call once more that ended so; takes what that costs from the budget.
    fn is_worth_another(&self, outcome: &Result<Answer, Failure>, attempt: &Attempt) -> bool {
        retry::may_help(outcome, attempt.is_repeatable)
            && attempt.retries < self.config.retry.retries_max
            && attempt.deadline.remaining() > retry::PAUSE
            && self.health.may_retry()
    }

    /// Makes a call once, if the breaker lets it through.
    async fn attempt(&self, call: &Request<'_>, attempt: &mut Attempt) -> Result<Answer, Failure> {
        let permit = self.health.admit().map_err(Failure::Final)?;
        let outcome = match self.pool.slot(attempt.deadline, self.config.connect_timeout).await {
            Ok(_slot) => {
                let mut stage = Stage::Connect;
                let deadline = attempt.deadline.instant();
                let outcome = timeout_at(deadline, self.call(call, attempt, &mut stage)).await;
                outcome.unwrap_or(Err(Failure::Final(UpstreamError::TimedOut { stage })))
            }
            Err(error) => Err(Failure::Final(error)),
        };
        permit.end(health::verdict(&outcome, attempt.is_patient));
        outcome
    }

    /// One call, on whichever connection takes it.
    async fn call(
        &self,
        call: &Request<'_>,
        attempt: &mut Attempt,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        while let Some(connection) = self.pool.take() {
            self.metrics.reuses.inc();
            match self.exchange(connection, call, stage).await {
                // Nothing of it was written: any call may try the next connection.
                Err(Failure::Unsent(_)) => {}
                // The backend closed the connection as we wrote, most likely; only what may be repeated is. That costs
                // nothing of the budget: a connection that is used again is one on which a call ended well.
                Err(Failure::Unanswered(_)) if attempt.is_repeatable => {
                    attempt.retries += 1;
                    self.metrics.retries.inc();
                    break;
                }
                outcome => return outcome,
            }
        }
        *stage = Stage::Connect;
        let connection = self.connect(attempt.deadline).await.map_err(Failure::Final)?;
        self.exchange(connection, call, stage).await
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, UpstreamError> {
        let deadline = deadline.within(self.config.connect_timeout);
        let transport = timeout_at(deadline.instant(), self.target.connect())
            .await
            .map_err(|_elapsed| UpstreamError::TimedOut { stage: Stage::Connect })?
            .map_err(UpstreamError::Unreachable)?;
        self.metrics.connections.inc();
        Ok(Connection::new(transport))
    }

    /// One call on one connection, which goes back to the pool if it can be used again.
    async fn exchange(
        &self,
        mut connection: Connection,
        call: &Request<'_>,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        let limit = self.config.answer_bytes_max;
        let answer = connection.exchange(&self.target.template, call, limit, stage).await?;
        if connection.is_reusable() {
            self.pool.put(connection);
        }
        Ok(answer)
    }
}

/// A call under way.
#[derive(Debug)]
struct Attempt {
    /// Whether it does nothing twice when it is sent twice.
    is_repeatable: bool,
    deadline: Deadline,
    /// Whether the backend is to blame if it is late.
    is_patient: bool,
    /// How often it was sent again.
    retries: u32,
}

/// Which of two outcomes is told.
fn better(
    before: Option<Box<Result<Answer, Failure>>>,
    outcome: Result<Answer, Failure>,
    is_safe: bool,
) -> Result<Answer, Failure> {
    let Some(before) = before else { return outcome };
    match &outcome {
        // It was not made a second time after all.
        Err(Failure::Final(UpstreamError::Refused { .. } | UpstreamError::Overloaded)) => *before,
        // The first may still be under way, and be what the second is in conflict with: nobody knows what became of it.
        Ok(answer) if !is_safe && answer.status == StatusCode::CONFLICT => *before,
        _ => outcome,
    }
}

//! One call, from the breaker's permission to the last byte of its answer; and once more, where that may help and nothing
//! speaks against it.

use std::{pin::pin, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode};
use tokio::time::{sleep, timeout_at};

use crate::{
    time::Deadline,
    upstream::{
        Answer, Keys, Request, Stage, Upstream, UpstreamError,
        breaker::Verdict,
        connection::Connection,
        health, retry,
        under_way::UnderWay,
        wire::{Failure, is_target},
    },
};

/// As much as servers take of a head, most of them.
const HEAD_USUAL: usize = 4 * 1024;

/// The same of a body.
const BODY_USUAL: usize = 64 * 1024;

/// Whoever closes a connection that was idle for too long has done so before the call is there. One that is closed later was
/// given up with the call, or because of it.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What became of a call, once.
type Outcome = Result<Answer, Failure>;

impl Upstream {
    /// Sends one call and reads its whole answer, whatever its status; if need be and nothing speaks against it, again.
    ///
    /// Dropping the future gives the call up. If the backend has all of it, and no head of an answer has come, it keeps its
    /// place among the connections until that is read or its time is up, and the connection is used again; else that is closed.
    pub async fn send(&self, call: Request<'_>, deadline: Deadline) -> Result<Answer, UpstreamError> {
        if !is_target(call.target) {
            return Err(UpstreamError::Target);
        }
        let mut course = Course {
            is_repeatable: call.safe || call.is_keyed && self.config.idempotency_keys == Keys::Honoured,
            deadline: deadline.min(Deadline::after(self.config.timeout)),
            retries: 0,
            was_kept: false,
        };
        let mut before = None;
        loop {
            let outcome = told(before, self.attempt(&call, &mut course).await, call.safe);
            if !self.is_worth_another(&outcome, &course) {
                return outcome.map_err(Failure::into_error);
            }
            course.retries += 1;
            // Both in boxes: every call would carry the room for what few need.
            before = Some(Box::new(outcome));
            if !course.was_kept {
                Box::pin(sleep(retry::PAUSE)).await;
            }
        }
    }

    /// Whether to make a call once more that ended so; takes what that costs from the budget.
    fn is_worth_another(&self, outcome: &Outcome, course: &Course) -> bool {
        retry::may_help(outcome, course.is_repeatable)
            && course.retries < self.config.retry.retries_max
            && course.deadline.remaining() > retry::PAUSE + health::patience(self.config.timeout)
            && self.health.is_closed()
            // A kept connection that is closed as it is used again, at once and without a byte, says nothing about the backend:
            // it was idle for too long, most likely. That costs nothing.
            && self.health.may_retry(course.was_kept)
    }

    /// Makes a call once, if the breaker lets it through. First it waits for its turn: one that tries whether the backend is back
    /// must not keep all others out while it waits.
    async fn attempt(&self, call: &Request<'_>, course: &mut Course) -> Outcome {
        course.was_kept = false;
        self.health.check(call.follows).map_err(Failure::Final)?;
        let slot =
            self.pool.slot(call.share, course.deadline, self.config.connect_timeout, call.follows).await;
        let mut slot = slot.map_err(Failure::Final)?;
        let permit = self.health.admit(call.follows).map_err(Failure::Final)?;
        slot.begin();
        if course.retries == 0 {
            self.health.budget().earn();
        }
        let is_patient = course.deadline.remaining() >= health::patience(self.config.timeout);
        let mut stage = Stage::Connect;
        let deadline = course.deadline.instant();
        let mut under_way = UnderWay::new(self, slot, permit, deadline, is_patient);
        let outcome = {
            // It stays where it is: to hand it on would copy all of it.
            let made = pin!(self.call(call, course, &mut under_way, &mut stage));
            timeout_at(deadline, made).await
        };
        let outcome = outcome.unwrap_or(Err(Failure::Final(UpstreamError::TimedOut { stage })));
        let verdict = health::verdict(&outcome, is_patient);
        // It may be what the client wrote that has broken the connection; that there was none is not.
        let is_of_the_call =
            matches!(outcome, Err(Failure::Unanswered { .. } | Failure::Final(UpstreamError::Broken(_))));
        let is_nobodys = course.was_kept || is_of_the_call && call.is_large();
        under_way.end(if is_nobodys { Verdict::Neither } else { verdict });
        match (outcome, stage) {
            // Whatever becomes of the rest, the backend has said what became of the call.
            (Err(Failure::Final(error)), Stage::Body(status)) => {
                Err(Failure::Final(UpstreamError::Unread { status, source: Box::new(error) }))
            }
            (outcome, _) => outcome,
        }
    }

    /// One call, on whichever connection takes it.
    async fn call(
        &self,
        call: &Request<'_>,
        course: &mut Course,
        under_way: &mut UnderWay<'_>,
        stage: &mut Stage,
    ) -> Outcome {
        while let Some((connection, taken)) = self.pool.take() {
            self.metrics.reuses.inc();
            match under_way.exchange(connection, call, stage).await {
                // Nothing of it was written: any call may try the next connection.
                Err(Failure::Unsent(_)) => {}
                outcome => {
                    course.was_kept = matches!(outcome, Err(Failure::Unanswered { was_silent: true, .. }))
                        && taken.elapsed() < AT_ONCE;
                    return outcome;
                }
            }
        }
        *stage = Stage::Connect;
        // In a box, as all that few calls do: they all would carry the room for it.
        let connection = Box::pin(self.connect(course.deadline)).await.map_err(Failure::Final)?;
        under_way.exchange(connection, call, stage).await
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, UpstreamError> {
        let deadline = deadline.within(self.config.connect_timeout);
        let transport = timeout_at(deadline.instant(), self.target.connect(deadline))
            .await
            .map_err(|_elapsed| UpstreamError::TimedOut { stage: Stage::Connect })?
            .map_err(UpstreamError::Unreachable)?;
        self.metrics.connections.inc();
        Ok(Connection::new(transport))
    }
}

impl Request<'_> {
    /// Whether a client wrote so much of it that many servers break over that alone: one client could have the backend left
    /// alone by all.
    fn is_large(&self) -> bool {
        let line = |(name, value): &(HeaderName, Option<&HeaderValue>)| {
            value.map_or(0, |value| name.as_str().len() + value.len() + 4)
        };
        self.body.len() > BODY_USUAL
            || self.target.len() + self.headers.iter().map(line).sum::<usize>() > HEAD_USUAL
    }
}

/// A call, with all that is done about it.
#[derive(Debug)]
struct Course {
    /// Whether it does nothing twice when it is sent twice.
    is_repeatable: bool,
    deadline: Deadline,
    /// How often it was made again.
    retries: u32,
    /// Whether it was last written to a kept connection that closed at once, without a byte.
    was_kept: bool,
}

/// Which of two outcomes is told, where there was one before. Of a call that changes something, whoever made it has to
/// hear of the one that may have done it: `before` stays, if the later one says nothing of what became of it.
fn told(before: Option<Box<Outcome>>, outcome: Outcome, is_safe: bool) -> Outcome {
    let Some(before) = before else { return outcome };
    let was_not_made =
        matches!(outcome, Err(Failure::Final(UpstreamError::Refused { .. } | UpstreamError::Overloaded)));
    // A conflict may be one with the first, which is still under way.
    let is_silent = match &outcome {
        Ok(answer) => retry::is_away(answer.status) || answer.status == StatusCode::CONFLICT,
        Err(Failure::Final(UpstreamError::Unread { status, .. })) => !status.is_success(),
        Err(_) => true,
    };
    let keeps = was_not_made || !is_safe && is_silent && may_be_done(&before);
    if keeps { *before } else { outcome }
}

/// Whether the backend may have done what a call asked for that ended so, and has not said it did.
fn may_be_done(outcome: &Outcome) -> bool {
    match outcome {
        Ok(answer) => retry::is_away(answer.status),
        Err(Failure::Unanswered { .. }) => true,
        Err(Failure::Unsent(_)) => false,
        Err(Failure::Final(error)) => match error {
            UpstreamError::Broken(_) | UpstreamError::TooLarge { .. } | UpstreamError::Unread { .. } => true,
            UpstreamError::TimedOut { stage } => *stage != Stage::Connect,
            UpstreamError::Overloaded
            | UpstreamError::Refused { .. }
            | UpstreamError::Target
            | UpstreamError::Unreachable(_) => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::upstream::{Fault, Media};

    /// How a call ended, in a word.
    fn outcome(word: &str) -> Outcome {
        let error = match word {
            "lost" => return Err(Failure::Unanswered { fault: Fault::Closed, was_silent: true }),
            "unsent" => return Err(Failure::Unsent(Fault::Closed)),
            "no connection" => UpstreamError::Unreachable(io::ErrorKind::ConnectionRefused.into()),
            "no slot" => UpstreamError::Overloaded,
            "left alone" => UpstreamError::Refused { retry_after: Duration::ZERO },
            "late to connect" => UpstreamError::TimedOut { stage: Stage::Connect },
            "late" => UpstreamError::TimedOut { stage: Stage::Head },
            "made, unread" => {
                let source = Box::new(UpstreamError::TooLarge { limit: 1 });
                UpstreamError::Unread { status: StatusCode::CREATED, source }
            }
            status => {
                let status = status.parse().unwrap();
                let (media, etag, retry_after) = (Media::Unsaid, None, None);
                return Ok(Answer { status, media, etag, retry_after, headers: None, body: Vec::new() });
            }
        };
        Err(Failure::Final(error))
    }

    #[test]
    fn what_may_have_been_done_is_told_before_what_says_nothing_of_it() {
        // The two outcomes, and which of them is told of a change and of a call that only reads.
        for (first, second, of_change, of_read) in [
            ("lost", "200", 2, 2),
            ("lost", "404", 2, 2),
            ("lost", "500", 2, 2),
            ("lost", "lost", 1, 2),
            ("lost", "no connection", 1, 2),
            ("lost", "unsent", 1, 2),
            ("lost", "late to connect", 1, 2),
            ("lost", "late", 1, 2),
            ("lost", "made, unread", 2, 2),
            ("lost", "503", 1, 2),
            ("lost", "409", 1, 2),
            ("lost", "left alone", 1, 1),
            ("lost", "no slot", 1, 1),
            ("503", "no connection", 1, 2),
            ("503", "409", 1, 2),
            ("503", "200", 2, 2),
            ("no connection", "409", 2, 2),
            ("no connection", "lost", 2, 2),
            ("no connection", "503", 2, 2),
            ("no connection", "left alone", 1, 1),
            ("unsent", "409", 2, 2),
        ] {
            for (is_safe, expected) in [(false, of_change), (true, of_read)] {
                let text = |outcome: &Outcome| format!("{outcome:?}");
                let told = told(Some(Box::new(outcome(first))), outcome(second), is_safe);
                let wanted = outcome(if expected == 1 { first } else { second });
                assert_eq!(text(&told), text(&wanted), "{first}, {second}, only reads: {is_safe}");
            }
        }
    }
}

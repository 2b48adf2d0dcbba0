//! What a call without a good answer means: to the client, whom a problem is told, and to those who count.

use std::borrow::Cow;

use http::StatusCode;

use crate::causes::with_causes;
use crate::problem::{NOT_BEGUN, Problem};
use crate::telemetry::UpstreamOutcome;
use crate::upstream::{self, Stage, UpstreamError};

/// What a client is told of a call without an answer.
pub(in crate::gateway) fn unanswered(error: &UpstreamError) -> Problem {
    let cause = with_causes(error);
    match error.root() {
        UpstreamError::Broken(_) | UpstreamError::Unread { .. } => {
            Problem::bad_gateway("malformed-answer", cause)
        }
        UpstreamError::Overloaded => Problem::unavailable("upstream-overloaded", cause),
        UpstreamError::Refused { retry_after } => {
            let retry_after = Some(*retry_after);
            Problem { retry_after, ..Problem::unavailable("upstream-breaker-open", cause) }
        }
        UpstreamError::Target => Problem::internal(cause),
        UpstreamError::TimedOut { stage: Stage::Body(_) | Stage::Head } => Problem::gateway_timeout(cause),
        UpstreamError::TooLarge { .. } => Problem::bad_gateway("answer-too-large", cause),
        // Nothing was sent.
        UpstreamError::TimedOut { stage: Stage::Connect } | UpstreamError::Unreachable(_) => {
            Problem::unavailable("upstream-unreachable", cause)
        }
    }
}

/// Whether a change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Made {
    Yes,
    No,
    Unknown,
}

impl Made {
    /// What a status says of it. What something in front of the backend says in its place, and what is neither a success nor a
    /// refusal, says nothing. A proxy answers 503 also where the backend had the request already and then hung up.
    pub(in crate::gateway) fn by(status: StatusCode) -> Made {
        if status.is_success() {
            Made::Yes
        } else if status.is_client_error() {
            Made::No
        } else {
            Made::Unknown
        }
    }
}

/// What a client is told who asked for a change by a call without an answer. `said` is what the head of one says, if it came.
/// `is_known_again` if the backend would know the call again, and not do it twice.
pub(in crate::gateway) fn unanswered_change(
    error: &UpstreamError,
    said: impl Fn(StatusCode) -> Made,
    is_known_again: bool,
) -> Problem {
    let problem = unanswered(error);
    let made = match error {
        UpstreamError::Unread { status, .. } => said(*status),
        _ if is_unsent(&problem) => Made::No,
        _ => Made::Unknown,
    };
    of_a_change(problem, made, is_known_again)
}

/// What a problem with a call that changes something is to whoever asked for the change.
pub(in crate::gateway) fn of_a_change(problem: Problem, made: Made, is_known_again: bool) -> Problem {
    let told = problem.status.get();
    // Whoever is told another status is not told to come back, or is told by somebody who knows: who says when to come back
    // has not begun.
    let is_told_as_failed = match told {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => true,
        StatusCode::SERVICE_UNAVAILABLE => problem.retry_after.is_none(),
        _ => false,
    };
    match made {
        Made::Yes => problem.after_a_change(),
        Made::Unknown if is_told_as_failed && !is_known_again => problem.in_doubt(),
        Made::No | Made::Unknown => problem,
    }
}

/// Whether a problem is what a client is told where no backend answered, or none was asked.
pub(in crate::gateway) fn is_no_answer(problem: &Problem) -> bool {
    let Cow::Borrowed(code) = problem.code else { return false };
    is_unsent(problem) || code == "upstream-timeout"
}

/// Whether it is certain of the call of which a client is told so that nothing of it was written, whenever it was tried.
pub(in crate::gateway) fn is_unsent(problem: &Problem) -> bool {
    let Cow::Borrowed(code) = problem.code else { return false };
    matches!(code, NOT_BEGUN | "upstream-breaker-open" | "upstream-overloaded" | "upstream-unreachable")
}

/// The [same](Problem::after_a_change) of a problem in its box.
///
/// For whoever knows that a change was made. A lookup does not: others wait for the same, who have changed nothing.
pub(in crate::gateway) fn after_a_change(mut problem: Box<Problem>) -> Box<Problem> {
    *problem = problem.after_a_change();
    problem
}

/// What the backend found wrong with a call that is none of the client's, such as a lookup, stands nowhere in the
/// client's request.
pub(in crate::gateway) fn without_places(mut problem: Box<Problem>) -> Box<Problem> {
    problem.violations.clear();
    problem
}

pub(in crate::gateway) fn counted(outcome: &Result<upstream::Answer, UpstreamError>) -> UpstreamOutcome {
    match outcome.as_ref().map_err(UpstreamError::root) {
        Ok(_) => UpstreamOutcome::Answered,
        // What we wrote ourselves is no target: nobody was asked.
        Err(UpstreamError::Broken(_) | UpstreamError::Target | UpstreamError::Unread { .. }) => {
            UpstreamOutcome::Broken
        }
        Err(UpstreamError::Overloaded) => UpstreamOutcome::Overloaded,
        Err(UpstreamError::Refused { .. }) => UpstreamOutcome::Refused,
        Err(UpstreamError::TimedOut { .. }) => UpstreamOutcome::TimedOut,
        Err(UpstreamError::TooLarge { .. }) => UpstreamOutcome::TooLarge,
        Err(UpstreamError::Unreachable(_)) => UpstreamOutcome::Unreachable,
    }
}

/// Counts a call once, however it ends. One that is dropped before was given up, for whoever asked has left, or a look-up beside it
/// has failed; the backend may have its work with it all the same.
pub(in crate::gateway) struct Counting<C: Fn(UpstreamOutcome)> {
    count: C,
    outcome: UpstreamOutcome,
}

impl<C: Fn(UpstreamOutcome)> Counting<C> {
    pub(in crate::gateway) fn begin(count: C) -> Counting<C> {
        Counting { count, outcome: UpstreamOutcome::Left }
    }

    pub(in crate::gateway) fn end(mut self, outcome: UpstreamOutcome) {
        self.outcome = outcome;
    }
}

impl<C: Fn(UpstreamOutcome)> Drop for Counting<C> {
    fn drop(&mut self) {
        (self.count)(self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::problem::Blame;

    #[test]
    fn what_failed_decides_the_status() {
        let unreachable = UpstreamError::Unreachable(io::ErrorKind::ConnectionRefused.into());
        for (error, status, code) in [
            (unreachable, 503, "upstream-unreachable"),
            (UpstreamError::Overloaded, 503, "upstream-overloaded"),
            (UpstreamError::Refused { retry_after: Duration::ZERO }, 503, "upstream-breaker-open"),
            (UpstreamError::TimedOut { stage: Stage::Connect }, 503, "upstream-unreachable"),
            (UpstreamError::TimedOut { stage: Stage::Head }, 504, "upstream-timeout"),
            (UpstreamError::TimedOut { stage: Stage::Body(StatusCode::OK) }, 504, "upstream-timeout"),
            (UpstreamError::Broken(upstream::Broken::Encoded), 502, "malformed-answer"),
            (UpstreamError::TooLarge { limit: 1 }, 502, "answer-too-large"),
            (UpstreamError::Target, 500, "internal-error"),
        ] {
            let problem = unanswered(&error);
            assert_eq!((problem.status.get().as_u16(), problem.code.as_ref()), (status, code));
            assert_ne!(problem.blame, Blame::Downstream);
        }
    }

    fn unread(status: u16, error: UpstreamError) -> UpstreamError {
        UpstreamError::Unread { status: StatusCode::from_u16(status).unwrap(), source: Box::new(error) }
    }

    #[test]
    fn a_change_was_made_was_not_or_nobody_knows() {
        let broken = || UpstreamError::Broken(upstream::Broken::Encoded);
        let late = || UpstreamError::TimedOut { stage: Stage::Head };
        // The status told of it, and whether nobody knows: where no key says again which call it is, and where one does.
        for (error, status, without_key, with_key) in [
            (broken(), 502, true, false),
            (late(), 504, true, false),
            (UpstreamError::TooLarge { limit: 1 }, 502, true, false),
            (UpstreamError::TimedOut { stage: Stage::Connect }, 503, false, false),
            (UpstreamError::Overloaded, 503, false, false),
            (UpstreamError::Target, 500, false, false),
            (unread(201, broken()), 500, false, false),
            (unread(201, UpstreamError::TooLarge { limit: 1 }), 500, false, false),
            (
                unread(202, UpstreamError::TimedOut { stage: Stage::Body(StatusCode::ACCEPTED) }),
                500,
                false,
                false,
            ),
            (unread(302, broken()), 502, true, false),
            (unread(404, broken()), 502, false, false),
            (unread(500, broken()), 502, true, false),
            (unread(503, broken()), 502, true, false),
            (unread(504, broken()), 502, true, false),
        ] {
            for (is_known_again, in_doubt) in [(false, without_key), (true, with_key)] {
                let problem = unanswered_change(&error, Made::by, is_known_again);
                assert_eq!(problem.status.get(), status, "{error:?}");
                assert_eq!(problem.is_in_doubt, in_doubt, "{error:?}, known again: {is_known_again}");
                assert_eq!(problem.is_of_a_change_made(), status == 500 && problem.code == "done-and-unread");
                assert_eq!(problem.detail.contains("nobody knows"), in_doubt, "{}", problem.detail);
            }
        }
    }

    #[test]
    fn what_the_backend_says_in_its_own_place_is_no_word_of_a_change() {
        let refused = |status: u16| {
            let status = crate::problem::ErrorStatus::new(StatusCode::from_u16(status).unwrap()).unwrap();
            let problem = Problem::from_backend(status, "busy".to_owned(), "Busy", Vec::new());
            Problem { retry_after: Some(Duration::from_secs(7)), ..problem }
        };
        for (status, in_doubt) in
            [(409, false), (429, false), (500, false), (502, true), (503, false), (504, true)]
        {
            let made = Made::by(StatusCode::from_u16(status).unwrap());
            let problem = of_a_change(refused(status), made, false);
            assert_eq!(
                (problem.is_in_doubt, problem.retry_after.is_none()),
                (in_doubt, in_doubt),
                "{status}"
            );
            assert!(!of_a_change(refused(status), made, true).is_in_doubt);
        }
        let bare = Problem { retry_after: None, ..refused(503) };
        let made = Made::by(StatusCode::SERVICE_UNAVAILABLE);
        let told = of_a_change(bare, made, false);
        assert!(told.is_in_doubt && told.status.get() == 502, "a proxy says so of what it had handed on");
    }

    #[test]
    fn the_cause_of_a_failure_is_told_to_its_root() {
        let error = UpstreamError::Unreachable(io::Error::other("no route"));
        assert_eq!(unanswered(&error).cause.unwrap(), "cannot connect to the backend: no route");
    }
}

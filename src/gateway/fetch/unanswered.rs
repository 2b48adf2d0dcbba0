//! What a call without a good answer means: to the client, whom a problem is told, and to those who count.

use std::borrow::Cow;

use crate::causes::with_causes;
use crate::problem::Problem;
use crate::telemetry::UpstreamOutcome;
use crate::upstream::{self, Stage, UpstreamError};

/// What a client is told of a call without an answer.
pub(in crate::gateway) fn unanswered(error: &UpstreamError) -> Problem {
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
pub(in crate::gateway) fn is_no_answer(problem: &Problem) -> bool {
    let Cow::Borrowed(code) = problem.code else { return false };
    matches!(
        code,
        "upstream-breaker-open" | "upstream-overloaded" | "upstream-timeout" | "upstream-unreachable"
    )
}

/// Whether it is certain of the call of which a client is told so that nothing of it was written, whenever it was tried.
pub(in crate::gateway) fn is_unsent(problem: &Problem) -> bool {
    let Cow::Borrowed(code) = problem.code else { return false };
    matches!(code, "upstream-breaker-open" | "upstream-overloaded" | "upstream-unreachable")
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
}

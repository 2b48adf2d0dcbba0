//! When a call is made once more, and how many of them may be.
//!
//! A call is only ever repeated where that cannot do anything twice, and where it may end otherwise the second time: the
//! connection was refused, or closed before an answer came, or something in front of the backend said that the backend is
//! not there (502, 503, 504). One that took too long is not: whoever asked has waited long enough, and so has the backend.
//!
//! A backend in trouble must not be asked twice as often for that. So retries are paid for from a budget, which calls fill.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::upstream::{Answer, UpstreamError, wire::Failure};

/// What may be repeated, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How often one call may be made again; none never is.
    pub retries_max: u32,
    /// How many retries a hundred calls pay for.
    pub share_percent: u32,
    /// How many a second brings besides, so that those who seldom call are not left without.
    pub floor_per_second: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config { retries_max: 1, share_percent: 20, floor_per_second: 1 }
    }
}

/// How long to wait before a call is made again: enough for a connection to be accepted by whoever takes over, and too
/// little for a client to notice.
pub(super) const PAUSE: Duration = Duration::from_millis(25);

/// No more is saved than so many calls pay for: what a quiet hour brings must not be spent in a second.
const SAVED_CALLS_MAX: u32 = 100;

/// What the seconds bring is saved for so long.
const SAVED_TIME_MAX: Duration = Duration::from_secs(1);

/// What a retry costs, in what a call brings for each percent of the share.
const PRICE: u32 = 100;

/// Whether a call that ended so may end otherwise another time, without anything being done twice.
pub(super) fn may_help(outcome: &Result<Answer, Failure>, is_repeatable: bool) -> bool {
    match outcome {
        // Nothing of it was written.
        Err(Failure::Unsent(_) | Failure::Final(UpstreamError::Unreachable(_))) => true,
        Err(Failure::Unanswered { .. }) => is_repeatable,
        Err(Failure::Final(_)) => false,
        Ok(answer) => is_repeatable && is_away(answer.status) && is_at_once(answer.retry_after.as_ref()),
    }
}

/// Whether somebody says that the backend is not there.
pub(super) fn is_away(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// A backend that says when to come back is not asked before. The client is told, and may.
fn is_at_once(retry_after: Option<&HeaderValue>) -> bool {
    retry_after.is_none_or(|value| value == "0")
}

/// What retries are paid from; one for each worker. May be shared between threads, but is made for one.
#[derive(Debug)]
pub(super) struct Budget {
    config: Config,
    /// What calls brought and retries have not spent.
    earned: AtomicU32,
    given: Mutex<Given>,
}

/// What time brought.
#[derive(Debug)]
struct Given {
    saved: Duration,
    seen_last: Instant,
}

impl Budget {
    /// One that nobody has paid into; the first second has been given.
    pub(super) fn new(config: Config, now: Instant) -> Budget {
        let given = Mutex::new(Given { saved: SAVED_TIME_MAX, seen_last: now });
        Budget { config, earned: AtomicU32::new(0), given }
    }

    /// A call is made.
    pub(super) fn earn(&self) {
        let share = self.config.share_percent;
        let earned = self.earned.load(Ordering::Relaxed).saturating_add(share);
        self.earned.store(earned.min(share.saturating_mul(SAVED_CALLS_MAX)), Ordering::Relaxed);
    }

    /// Whether there is enough for a retry; then it is spent.
    pub(super) fn spend(&self, now: Instant) -> bool {
        let earned = self.earned.load(Ordering::Relaxed);
        if let Some(left) = earned.checked_sub(PRICE) {
            self.earned.store(left, Ordering::Relaxed);
            return true;
        }
        if self.config.floor_per_second == 0 {
            return false;
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.saved = (given.saved + now.saturating_duration_since(given.seen_last)).min(SAVED_TIME_MAX);
        given.seen_last = given.seen_last.max(now);
        let left = given.saved.checked_sub(SAVED_TIME_MAX / self.config.floor_per_second);
        given.saved = left.unwrap_or(given.saved);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::*;
    use crate::upstream::{Broken, Fault, Media, Stage};

    fn answered(status: u16, retry_after: Option<&'static str>) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        let retry_after = retry_after.map(HeaderValue::from_static);
        Answer { status, media: Media::Unsaid, etag: None, retry_after, headers: None, body: Vec::new() }
    }

    fn ended(error: UpstreamError) -> Result<Answer, Failure> {
        Err(Failure::Final(error))
    }

    #[test]
    fn only_what_may_end_otherwise_and_does_nothing_twice_is_repeated() {
        let refused = || ended(UpstreamError::Unreachable(io::ErrorKind::ConnectionRefused.into()));
        // Whether it helps a call that changes something, and one that may be repeated.
        for (outcome, of_any, of_repeatable) in [
            (refused(), true, true),
            (Err(Failure::Unsent(Fault::Closed)), true, true),
            (Err(Failure::Unanswered { fault: Fault::Closed, was_silent: true }), false, true),
            (Err(Failure::Unanswered { fault: Fault::Closed, was_silent: false }), false, true),
            (Ok(answered(502, None)), false, true),
            (Ok(answered(503, None)), false, true),
            (Ok(answered(503, Some("0"))), false, true),
            (Ok(answered(504, None)), false, true),
            (Ok(answered(503, Some("1"))), false, false),
            (Ok(answered(503, Some("Wed, 21 Oct 2015 07:28:00 GMT"))), false, false),
            (Ok(answered(500, None)), false, false),
            (Ok(answered(429, None)), false, false),
            (Ok(answered(404, None)), false, false),
            (Ok(answered(200, None)), false, false),
            (ended(UpstreamError::TimedOut { stage: Stage::Connect }), false, false),
            (ended(UpstreamError::TimedOut { stage: Stage::Head }), false, false),
            (ended(UpstreamError::Overloaded), false, false),
            (ended(UpstreamError::TooLarge { limit: 1 }), false, false),
            (ended(UpstreamError::Broken(Broken::Encoded)), false, false),
        ] {
            assert_eq!(may_help(&outcome, false), of_any, "{outcome:?}");
            assert_eq!(may_help(&outcome, true), of_repeatable, "{outcome:?}");
        }
    }

    #[test]
    fn a_call_that_comes_alone_may_be_repeated() {
        let now = Instant::now();
        let budget = Budget::new(Config::default(), now);
        budget.earn();
        assert!(budget.spend(now));
        assert!(!budget.spend(now));
        assert!(budget.spend(now + Duration::from_secs(1)));
    }

    #[test]
    fn what_is_saved_is_bounded() {
        let now = Instant::now();
        let budget = Budget::new(Config { floor_per_second: 0, ..Config::default() }, now);
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!((0..100_000).filter(|_| budget.spend(now)).count(), 20);
    }

    proptest! {
        #[test]
        fn there_are_never_more_retries_than_were_paid_for(
            share in 0..=100_u32,
            floor in 0..=20_u32,
            steps in prop::collection::vec((0..50_u32, 0..50_u32, 0..500_u64), 0..50),
        ) {
            let begun = Instant::now();
            let config = Config { retries_max: 1, share_percent: share, floor_per_second: floor };
            let budget = Budget::new(config, begun);
            let (mut now, mut calls, mut retries) = (begun, 0, 0);
            for (made, wanted, ms) in steps {
                (0..made).for_each(|_| budget.earn());
                calls += made;
                now += Duration::from_millis(ms);
                let granted = (0..wanted).filter(|_| budget.spend(now)).count();
                retries += u32::try_from(granted).unwrap();
                // Whatever was saved at the beginning is one second's worth.
                let ms = u32::try_from((now - begun).as_millis()).unwrap();
                prop_assert!(retries * PRICE * 10 <= calls * share * 10 + floor * (ms + 1000));
            }
        }
    }
}

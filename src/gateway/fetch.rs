//! Phase 6: the canonical calls are made, and answered or not.
//!
//! A [`Caller`] makes them, here and wherever something is looked up besides.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt};
use http::HeaderValue;

use super::lift::Lifted;
use super::{Exchange, Gateway, keep};
use crate::canonical::api::Call;
use crate::problem::Problem;
use crate::translate::{self, answer};

mod caller;
mod foreign;
mod retry_after;
mod unanswered;

pub(super) use self::caller::{Caller, JSON, With, share_of};
pub(super) use self::retry_after::seconds;
pub(super) use self::unanswered::{
    Counting, Made, after_a_change, counted, is_no_answer, is_unsent, unanswered, unanswered_change,
    without_places,
};

/// Calls one request has under way at the same time.
pub(super) const CONCURRENT_MAX: usize = 8;

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
        answer.map_err(|problem| {
            let problem = lifted.credential.hears(problem, request);
            request.told(*problem, index)
        })
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

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
}

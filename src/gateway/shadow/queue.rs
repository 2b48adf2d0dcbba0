//! What waits to be asked of the other side: left by whoever answers clients, and taken by somebody else.
//!
//! Whoever leaves something never waits, and there is room for so many and for so many bytes. What has none is dropped.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::stream::{StreamExt, poll_fn};
use tokio::sync::mpsc;
use tokio::time::timeout_at;

use super::Shadow;
use crate::telemetry::ShadowOutcome;
use crate::time::Deadline;

/// How many are asked at once.
const CONCURRENT_MAX: usize = 8;

/// How many wait for their turn besides. One more is dropped.
pub(in crate::gateway) const WAITING_MAX: usize = 256;

/// Bytes of requests and answers that wait, or are under way.
const BYTES_MAX: usize = 16 << 20;

/// What one takes of them besides what was counted.
const BYTES_MIN: usize = 1024;

/// Where gateways leave what is to be asked of the other side; clones leave it in one place.
#[derive(Clone, Debug)]
pub struct Shadows {
    queue: mpsc::Sender<Shadow>,
    /// How many bytes are taken.
    taken: Arc<AtomicUsize>,
}

/// What was left to be asked of the other side. What waits when this is dropped is given up, and what is left afterwards is
/// dropped and counted.
#[derive(Debug)]
#[must_use = "nothing is asked of the other side until this runs"]
pub struct ShadowWork {
    heard: mpsc::Receiver<Shadow>,
}

impl Shadows {
    /// A place to leave it, and what is left there.
    pub fn new() -> (Shadows, ShadowWork) {
        let (queue, heard) = mpsc::channel(WAITING_MAX);
        (Shadows { queue, taken: Arc::default() }, ShadowWork { heard })
    }

    /// A place for one of so many bytes; none if too much is waiting, or nobody takes it.
    pub(super) fn place(&self, bytes: usize) -> Option<Place<'_>> {
        // The bytes first: to give them back takes no lock, and to give a place back would take that of the queue.
        let room = Room::take(&self.taken, bytes.saturating_add(BYTES_MIN))?;
        Some(Place { place: self.queue.try_reserve().ok()?, room })
    }
}

/// Bytes of the room for all, until this is dropped.
#[derive(Debug)]
pub(super) struct Room {
    of: Arc<AtomicUsize>,
    bytes: usize,
}

impl Room {
    /// None if there are not so many left.
    fn take(of: &Arc<AtomicUsize>, bytes: usize) -> Option<Room> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= BYTES_MAX);
        // Nothing else is published by the number.
        of.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Room { of: Arc::clone(of), bytes })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A place for one that is to be asked.
pub(super) struct Place<'s> {
    place: mpsc::Permit<'s, Shadow>,
    room: Room,
}

impl Place<'_> {
    /// Leaves it there, with what it takes of the room for all.
    pub(super) fn leave(self, make: impl FnOnce(Room) -> Shadow) {
        self.place.send(make(self.room));
    }
}

impl ShadowWork {
    /// Asks what is left, compares and counts it, until nobody can leave anything more and all of it has ended.
    ///
    /// Reading and comparing long answers holds the thread for milliseconds, so it is not to be one that clients wait for.
    pub async fn run(mut self) {
        let all = pin!(poll_fn(|cx| self.heard.poll_recv(cx)));
        all.for_each_concurrent(CONCURRENT_MAX, |shadow| unbroken(shadow.ask_and_count())).await;
    }
}

/// Sees to it that others go on where one breaks down outside of its comparison: while it is counted, or dropped. Where it did is
/// logged as every panic is.
async fn unbroken(one: impl Future<Output = ()>) {
    AssertUnwindSafe(one).catch_unwind().await.ok();
}

/// How one comparison ended. Whatever the answers are, what breaks down over them is this one.
pub(super) async fn ended(
    due: Deadline,
    run: impl Future<Output = Result<ShadowOutcome, ShadowOutcome>>,
) -> ShadowOutcome {
    // It waited for too long: not even the first call is worth making.
    if due.has_passed() {
        return ShadowOutcome::Late;
    }
    match AssertUnwindSafe(timeout_at(due.instant(), run)).catch_unwind().await {
        // Each call is given up when all of it is, and is heard of first.
        Ok(Ok(Err(ShadowOutcome::Unanswered | ShadowOutcome::EffectUnread))) if due.has_passed() => {
            ShadowOutcome::Late
        }
        Ok(Ok(Ok(outcome) | Err(outcome))) => outcome,
        Ok(Err(_elapsed)) => ShadowOutcome::Late,
        Err(_panicked) => ShadowOutcome::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::shadow::PATIENCE;

    #[test]
    fn bytes_are_taken_up_to_the_last_and_given_back() {
        let taken = Arc::default();
        let most = Room::take(&taken, BYTES_MAX - 1).unwrap();
        let last = Room::take(&taken, 1).unwrap();
        assert!(Room::take(&taken, 1).is_none());
        assert!(Room::take(&taken, usize::MAX).is_none());
        drop(last);
        assert!(Room::take(&taken, 2).is_none());
        drop(most);
        assert!(Room::take(&taken, BYTES_MAX).is_some());
    }

    #[tokio::test]
    async fn others_go_on_where_one_breaks_down() {
        let all = futures_util::stream::iter([true, false, true, false]);
        let ended = std::cell::Cell::new(0);
        let one = async |breaks_down: bool| {
            assert!(!breaks_down, "a count that nobody thought of");
            ended.set(ended.get() + 1);
        };
        all.for_each_concurrent(1, |breaks_down| unbroken(one(breaks_down))).await;
        assert_eq!(ended.get(), 2);
    }

    #[tokio::test]
    async fn what_breaks_down_is_one_comparison() {
        let due = Deadline::after(PATIENCE);
        let broken = ended(due, async { panic!("an answer nobody thought of") }).await;
        assert_eq!(broken, ShadowOutcome::Broken);
        assert_eq!(ended(due, async { Ok(ShadowOutcome::Same) }).await, ShadowOutcome::Same);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_given_no_more_time_has_not_failed_to_answer() {
        for silent in [ShadowOutcome::Unanswered, ShadowOutcome::EffectUnread] {
            let due = Deadline::after(PATIENCE);
            assert_eq!(ended(due, async { Err(silent) }).await, silent);
            let given_up = async {
                tokio::time::sleep_until(due.instant()).await;
                Err(silent)
            };
            assert_eq!(ended(due, given_up).await, ShadowOutcome::Late);
            assert_eq!(
                ended(due, async { panic!("asked though it is too late") }).await,
                ShadowOutcome::Late
            );
        }
    }
}

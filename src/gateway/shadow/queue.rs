//! What waits to be asked, in each worker: room for so much of it, and so many at a time.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use super::Shadow;
use crate::gateway::mode::Legacies;
use crate::telemetry::ShadowOutcome;
use crate::time::Deadline;
use crate::upstream::Upstream;

/// How many are asked at once, in each worker.
const CONCURRENT_MAX: usize = 4;

/// How many wait for their turn besides. One more is dropped.
const WAITING_MAX: usize = 64;

/// Bytes of requests and answers that wait, or are under way.
const BYTES_MAX: usize = 16 << 20;

/// Where a worker leaves what is to be asked of the other side.
#[derive(Debug)]
pub(in crate::gateway) struct Shadows {
    queue: mpsc::Sender<Shadow>,
    /// Room for what it holds, in bytes.
    room: Arc<Semaphore>,
    work: Mutex<Option<(mpsc::Receiver<Shadow>, Means)>>,
}

/// What there is to ask with.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) upstream: Upstream,
    pub(super) legacies: Arc<Legacies>,
}

impl Shadows {
    /// Nothing is asked yet, and no connection open.
    pub(in crate::gateway) fn new(upstream: &Upstream, legacies: &Legacies) -> Shadows {
        let (queue, heard) = mpsc::channel(WAITING_MAX);
        let legacies = Arc::new(legacies.siblings(&Legacies::default()));
        let means = Means { upstream: upstream.sibling(), legacies };
        Shadows { queue, room: Arc::new(Semaphore::new(BYTES_MAX)), work: Mutex::new(Some((heard, means))) }
    }

    /// Asks what is left here, until nobody can leave anything more; for whoever takes it first.
    pub(in crate::gateway) fn work(&self) -> Option<impl Future<Output = ()> + use<>> {
        let (heard, means) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(async move {
            let next = async |mut heard: mpsc::Receiver<Shadow>| Some((heard.recv().await?, heard));
            let all = pin!(stream::unfold(heard, next));
            all.for_each_concurrent(CONCURRENT_MAX, |shadow| shadow.ask_and_count(&means)).await;
        })
    }

    /// Room for so many bytes, if there is any left.
    pub(super) fn room_for(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.room).try_acquire_many_owned(bytes).ok()
    }

    /// Leaves something to be asked; gives it back if too much is waiting.
    pub(super) fn leave(&self, shadow: Shadow) -> Result<(), Box<Shadow>> {
        self.queue.try_send(shadow).map_err(|error| {
            let (TrySendError::Full(shadow) | TrySendError::Closed(shadow)) = error;
            Box::new(shadow)
        })
    }
}

/// How one comparison ended. Whatever the answers are, what breaks down over them is this one.
pub(super) async fn ended(
    due: Deadline,
    run: impl Future<Output = Result<ShadowOutcome, ShadowOutcome>>,
) -> ShadowOutcome {
    match AssertUnwindSafe(timeout_at(due.instant(), run)).catch_unwind().await {
        Ok(Ok(Ok(outcome) | Err(outcome))) => outcome,
        Ok(Err(_elapsed)) => ShadowOutcome::Late,
        Err(_panicked) => ShadowOutcome::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::shadow::PATIENCE;

    #[tokio::test]
    async fn what_breaks_down_is_one_comparison() {
        let due = Deadline::after(PATIENCE);
        let broken = ended(due, async { panic!("an answer nobody thought of") }).await;
        assert_eq!(broken, ShadowOutcome::Broken);
        assert_eq!(ended(due, async { Ok(ShadowOutcome::Same) }).await, ShadowOutcome::Same);
    }
}

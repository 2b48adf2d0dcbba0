//! The reading of files for a reload: one at a time, and given up when it takes too long.

use std::{panic::resume_unwind, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task,
    time::timeout,
};

use crate::boot::reload::Decision;

/// How long the files of a reload may take to be read and proved: thousands of times what they take, and still somebody waits.
pub(super) const READING_MAX: Duration = Duration::from_mins(1);

/// The reading of files, of which one at a time is under way. One that was given up goes on until its files can be read, and keeps
/// a thread. Those that come after it would mostly meet the same files, and keep one each. So they are refused until then, those
/// too that would meet others, as when the settings name another folder by now.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads(Arc<Mutex<()>>);

impl Reads {
    /// Begins one, which is under way until what is returned is dropped; none if there is one.
    pub(super) fn begin(&self) -> Option<OwnedMutexGuard<()>> {
        Arc::clone(&self.0).try_lock_owned().ok()
    }
}

/// What comes of a reload, if its files are read in time. One that takes longer is left to itself, so that whoever asked has an
/// answer, and nothing will come of it.
pub(super) async fn in_time<T>(mut reading: task::JoinHandle<T>, decision: &Decision) -> Option<T> {
    let read = match timeout(READING_MAX, &mut reading).await {
        Ok(read) => read,
        Err(_elapsed) if decision.claim() => return None,
        // It is being taken at this moment, which waits for no file.
        Err(_elapsed) => reading.await,
    };
    Some(read.unwrap_or_else(|broken| resume(broken)))
}

/// Goes on here with the panic of a task, or with one of our own if the task was cancelled.
pub(super) fn resume(broken: task::JoinError) -> ! {
    resume_unwind(broken.try_into_panic().unwrap_or_else(|_cancelled| Box::new("the reload was cancelled")))
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        pin::{Pin, pin},
        sync::mpsc,
        task::Poll,
    };

    use tokio::{task::spawn_blocking, time::advance};

    use super::*;

    /// A reading that lasts until it is let go, and what came of it.
    fn reading(decision: &Decision) -> (mpsc::Sender<()>, task::JoinHandle<bool>) {
        let (go, held) = mpsc::channel::<()>();
        let theirs = decision.clone();
        let read = move || {
            held.recv().unwrap_err();
            theirs.claim()
        };
        (go, spawn_blocking(read))
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_that_reads_for_too_long_is_given_up_and_takes_nothing_afterwards() {
        let decision = Decision::default();
        let (go, read) = reading(&decision);
        let mut waiting = pin!(in_time(read, &decision));
        assert!(poll_once(waiting.as_mut()).await.is_none());
        advance(READING_MAX).await;
        assert_eq!(waiting.await, None);
        assert!(!decision.claim(), "whoever read comes too late");
        drop(go);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_being_taken_when_its_time_is_over_is_waited_for() {
        let decision = Decision::default();
        let (go, read) = reading(&decision);
        assert!(decision.claim(), "as if it had just been read");
        let mut waiting = pin!(in_time(read, &decision));
        assert!(poll_once(waiting.as_mut()).await.is_none());
        advance(READING_MAX).await;
        assert!(poll_once(waiting.as_mut()).await.is_none());
        drop(go);
        assert_eq!(waiting.await, Some(false));
    }

    #[tokio::test(start_paused = true)]
    async fn no_reload_begins_while_one_that_was_given_up_reads_on() {
        let (reads, decision) = (Reads::default(), Decision::default());
        let (go, held) = mpsc::channel::<()>();
        let under_way = reads.begin().unwrap();
        let read = spawn_blocking(move || {
            let _under_way = under_way;
            held.recv().unwrap_err();
        });
        let mut waiting = pin!(in_time(read, &decision));
        assert!(poll_once(waiting.as_mut()).await.is_none());
        advance(READING_MAX).await;
        assert_eq!(waiting.await, None);
        assert!(reads.begin().is_none());
        drop(go);
        // It ends on a thread of its own.
        drop(Arc::clone(&reads.0).lock_owned().await);
        assert!(reads.begin().is_some());
    }

    async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}

//! Places for calls, and the row of those who wait for one.
//!
//! A row is there for a moment in which more calls come than there are places. Where they come faster than the backend takes
//! them it only makes all of them late: whoever is at its end waits in vain. So it is as long as those who stand in it will be
//! served soon, and who comes then is told so at once:
//!
//! ```text
//! the wait of one more  =  how long a place is held  ×  how many wait, and this one  /  how many places there are
//! ```
//!
//! How long a place is held is learnt from the calls that end. Where that is more quickly than calls end now, as when a backend
//! that was quick falls silent, it is no less than the time in which no place was taken or became free. So a thousand calls may
//! wait where each takes a millisecond, and no more than there are places where each takes as long as anybody is to wait.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::upstream::UpstreamError;

/// Which part of the time that a call may wait is the longest wait that is begun. Not all of it, for calls take longer than those
/// before them, and who is told in the end that there was no place has waited for nothing.
const BEGUN_PART: u32 = 4;

/// How many calls one request makes at once. They must not keep one another out, so with those that have a place as many may wait
/// whatever it takes.
const AT_ONCE: u32 = 8;

/// How much a call that ends says of how long places are held: this part, and all before it the rest.
const SAYS_PART: u32 = 8;

/// So many places.
#[derive(Debug)]
pub(super) struct Places {
    permits: Semaphore,
    count: u32,
    course: Mutex<Course>,
}

/// How it goes.
#[derive(Debug)]
struct Course {
    waiting: u32,
    /// How long a place is held, as far as that is known.
    held: Option<Duration>,
    /// When a place was last taken or became free.
    changed: Instant,
}

impl Places {
    pub(super) fn new(count: usize) -> Arc<Places> {
        let count = count.min(Semaphore::MAX_PERMITS);
        Arc::new(Places {
            permits: Semaphore::new(count),
            count: u32::try_from(count).unwrap_or(u32::MAX).max(1),
            course: Mutex::new(Course { waiting: 0, held: None, changed: Instant::now() }),
        })
    }

    /// A place, at once or as soon as there is one. Who would have to wait is refused at once if that will take longer than a
    /// part of `patience`, as far as is known, and else at `until`, which only who waits asks for. Without `patience` nobody is
    /// refused before that.
    pub(super) async fn take(
        self: &Arc<Self>,
        patience: Option<Duration>,
        until: &mut impl FnMut() -> Instant,
    ) -> Result<Place, UpstreamError> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(self.taken(permit));
        }
        let _waiting = self.join(patience).ok_or(UpstreamError::Overloaded)?;
        match timeout_at(until(), self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(self.taken(permit)),
            Ok(Err(_)) | Err(_) => Err(UpstreamError::Overloaded),
        }
    }

    /// The permit is the place's own from here on, which gives it back.
    fn taken(self: &Arc<Self>, permit: SemaphorePermit<'_>) -> Place {
        permit.forget();
        let since = Instant::now();
        self.course().changed = since;
        Place { places: Arc::clone(self), since, is_used: false }
    }

    /// A place in the row, if it is not too long.
    fn join(&self, patience: Option<Duration>) -> Option<Waiting<'_>> {
        let mut course = self.course();
        let now_silent = course.changed.elapsed();
        let held = course.held.map_or(now_silent, |held| held.max(now_silent));
        let wait = held.saturating_mul(course.waiting.saturating_add(1)) / self.count;
        let is_long = patience.is_some_and(|patience| wait > patience / BEGUN_PART);
        if is_long && course.waiting >= self.row_min() {
            return None;
        }
        course.waiting += 1;
        Some(Waiting(self))
    }

    /// How many wait whatever it takes.
    fn row_min(&self) -> u32 {
        AT_ONCE.saturating_sub(self.count).max(self.count.min(AT_ONCE))
    }

    /// A call that had a place since then has ended.
    fn was_held(&self, since: Instant) {
        let now = Instant::now();
        let held = now - since;
        let mut course = self.course();
        course.held =
            Some(course.held.map_or(held, |before| before / SAYS_PART * (SAYS_PART - 1) + held / SAYS_PART));
        course.changed = now;
    }

    /// A panic while the lock was held cannot have left anything half done, so poison is ignored.
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits, until this is dropped.
struct Waiting<'a>(&'a Places);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.course().waiting -= 1;
    }
}

/// One of the places, until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    since: Instant,
    is_used: bool,
}

impl Place {
    /// From now on it is held by a call. One that was given back before says nothing of how long calls take.
    pub(super) fn begin(&mut self) {
        self.is_used = true;
        self.since = Instant::now();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_used {
            self.places.was_held(self.since);
        }
        self.places.permits.add_permits(1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{FutureExt, join_all};
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    async fn take(places: &Arc<Places>) -> Result<Place, UpstreamError> {
        let until = Instant::now() + PATIENCE;
        let mut place = places.take(Some(PATIENCE), &mut || until).await?;
        place.begin();
        Ok(place)
    }

    /// Has every place been held for so long.
    async fn held(places: &Arc<Places>, time: Duration) {
        let all = join_all((0..places.count).map(|_| take(places))).await;
        advance(time).await;
        drop(all);
    }

    /// How many of a thousand who come now may wait; the others hear at once that they may not.
    fn wait(places: &Arc<Places>) -> usize {
        let mut all: Vec<_> = (0..1000).map(|_| Box::pin(take(places))).collect();
        let mut waiting = 0;
        for one in &mut all {
            match one.now_or_never() {
                None => waiting += 1,
                Some(told) => assert!(matches!(told, Err(UpstreamError::Overloaded))),
            }
        }
        waiting
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_wait_as_will_be_served_soon() {
        for (count, time, expected) in [
            (64, 1, 1000),
            (64, 50, 640),
            (64, 500, 64),
            (64, 1000, 32),
            (64, 10_000, 8),
            (8, 100, 40),
            (2, 500, 6),
            (2, 10_000, 6),
            (1, 500, 7),
        ] {
            let places = Places::new(count);
            held(&places, Duration::from_millis(time)).await;
            let _all = join_all((0..count).map(|_| take(&places))).await;
            assert_eq!(wait(&places), expected, "{count} places, each held for {time} ms");
            // Those have left by now, and do not stand before anybody.
            assert_eq!(wait(&places), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_where_nothing_is_known_and_a_silence_is_heeded_before_it_ends() {
        let places = Places::new(64);
        let _all = join_all((0..64).map(|_| take(&places))).await;
        assert_eq!(wait(&places), 1000, "they may be served in a moment");
        for (time, expected) in [(100, 320), (400, 64), (500, 32), (3000, 8)] {
            advance(Duration::from_millis(time)).await;
            assert_eq!(wait(&places), expected, "{time} ms later");
        }
        // The same of a backend that was quick.
        let places = Places::new(64);
        held(&places, Duration::from_millis(1)).await;
        let _all = join_all((0..64).map(|_| take(&places))).await;
        advance(Duration::from_secs(1)).await;
        assert_eq!(wait(&places), 32);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_served_in_turn_or_told_in_the_end() {
        let places = Places::new(1);
        let first = take(&places).await.unwrap();
        let (mut second, mut third) = (Box::pin(take(&places)), Box::pin(take(&places)));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        drop(first);
        let second = second.await.unwrap();
        assert!((&mut third).now_or_never().is_none());
        let begun = Instant::now();
        assert!(matches!(third.await, Err(UpstreamError::Overloaded)));
        assert_eq!(begun.elapsed(), PATIENCE);
        drop(second);
        take(&places).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_belongs_to_a_change_that_was_made_waits_in_any_case() {
        let places = Places::new(1);
        held(&places, Duration::from_secs(10)).await;
        let first = take(&places).await.unwrap();
        let mut all: Vec<_> = (0..7).map(|_| Box::pin(take(&places))).collect();
        assert!(all.iter_mut().all(|one| one.now_or_never().is_none()));
        let until = Instant::now() + PATIENCE;
        assert!(take(&places).now_or_never().is_some_and(|told| told.is_err()));
        let mut until = || until;
        let mut patient = Box::pin(places.take(None, &mut until));
        assert!((&mut patient).now_or_never().is_none());
        drop((all, first));
        patient.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_was_given_back_before_a_call_says_nothing() {
        let places = Places::new(64);
        held(&places, Duration::from_secs(1)).await;
        for _ in 0..100 {
            let until = Instant::now();
            drop(places.take(Some(PATIENCE), &mut || until).await.unwrap());
        }
        let _all = join_all((0..64).map(|_| take(&places))).await;
        assert_eq!(wait(&places), 32);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_learnt_is_forgotten_as_calls_end_otherwise() {
        let places = Places::new(4);
        held(&places, Duration::from_secs(10)).await;
        for _ in 0..20 {
            held(&places, Duration::from_millis(1)).await;
        }
        let _all = join_all((0..4).map(|_| take(&places))).await;
        assert_eq!(wait(&places), 1000);
    }
}

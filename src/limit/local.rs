//! Quotas of one process: one governor limiter per window, shared by all workers.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock, Reference},
    middleware::StateInformationMiddleware,
};

use crate::limit::{Decision, Principal, Standing, Window, store::Store};

/// Sweeping a full table takes milliseconds, so a flood must not make us do it all the time.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Counts principals in memory.
#[derive(Debug)]
pub struct Limiter<C: Clock = DefaultClock> {
    windows: Box<[Window]>,
    /// One for each window, in the same order.
    limiters: Box<[Arc<Counts<C>>]>,
    keys_max: usize,
    /// Raised by any of the stores when it is full.
    crowded: Arc<AtomicBool>,
    clock: C,
    start: C::Instant,
    /// When the last sweep was, in nanoseconds since `start`.
    swept_ns: AtomicU64,
}

/// What everybody has spent of one window.
type Counts<C> = RateLimiter<Principal, Store, C, StateInformationMiddleware>;

impl Limiter {
    /// A limiter that has seen nobody and keeps apart about `keys_max` principals; `None` without windows, for then
    /// there is nothing to limit.
    pub fn new(windows: &[Window], keys_max: usize) -> Option<Limiter> {
        Limiter::with_clock(windows, keys_max, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limiter<C> {
    /// The same, told the time by `clock`.
    pub fn with_clock(windows: &[Window], keys_max: usize, clock: C) -> Option<Limiter<C>> {
        if windows.is_empty() {
            return None;
        }
        let mut windows = Box::from(windows);
        <[Window]>::sort_by_key(&mut windows, |window| window.period);
        let crowded = Arc::default();
        let limiters =
            windows.iter().map(|window| Arc::new(counts(*window, keys_max, &crowded, &clock))).collect();
        let start = clock.now();
        Some(Limiter { windows, limiters, keys_max, crowded, clock, start, swept_ns: AtomicU64::new(0) })
    }

    /// The same, where windows that `before` has too go on counting from where they are, for both alike: whoever is
    /// still asked by the old one spends from the same budget. A table of another size begins anew.
    #[must_use]
    pub fn continuing(self, before: &Limiter<C>) -> Limiter<C> {
        if self.keys_max != before.keys_max {
            return self;
        }
        let known = |window: &Window| before.windows.iter().position(|other| other == window);
        // The kept tables raise the old flag when they are full, so the new ones have to raise it too.
        let crowded = Arc::clone(&before.crowded);
        let limiters = self.windows.iter().map(|window| match known(window) {
            Some(at) => Arc::clone(&before.limiters[at]),
            None => Arc::new(counts(*window, self.keys_max, &crowded, &self.clock)),
        });
        Limiter { limiters: limiters.collect(), crowded, ..self }
    }

    /// The windows, shortest first.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Takes `cells` from every window of `principal`, or says why not.
    pub fn admit(&self, principal: Principal, cells: NonZeroU32) -> Decision {
        self.admit_within(&self.windows, principal, cells).expect("a limiter has at least one window")
    }

    /// Asks the windows that are `asked` and are ours, and takes `cells` from every window. Those that are not asked
    /// refuse nothing, but they have been spent when they are. None if no window is asked.
    ///
    /// The shortest window is asked first. When a longer one refuses, the shorter ones have been charged all the same:
    /// governor cannot give cells back. That errs on the strict side, and only for someone who is refused anyway.
    pub fn admit_within(
        &self,
        asked: &[Window],
        principal: Principal,
        cells: NonZeroU32,
    ) -> Option<Decision> {
        let is_asked = |window: &Window| asked.contains(window);
        if self.windows.iter().any(|window| is_asked(window) && cells > window.count) {
            return Some(Decision::Impossible);
        }
        if self.crowded.load(Ordering::Relaxed) {
            self.sweep();
        }
        let mut tightest: Option<Standing> = None;
        for (window, limiter) in
            self.windows.iter().zip(&self.limiters).filter(|(window, _)| is_asked(window))
        {
            let standing = match limiter.check_key_n(&principal, cells) {
                Ok(Ok(snapshot)) => standing(*window, snapshot.remaining_burst_capacity()),
                Ok(Err(not_until)) => {
                    let wait = not_until.wait_time_from(self.clock.now());
                    return Some(refusal(*window, cells, wait));
                }
                Err(_more_than_the_burst) => return Some(Decision::Impossible),
            };
            if tightest.is_none_or(|tightest| standing.remaining < tightest.remaining) {
                tightest = Some(standing);
            }
        }
        for (window, limiter) in
            self.windows.iter().zip(&self.limiters).filter(|(window, _)| !is_asked(window))
        {
            let cells = cells.min(window.count);
            if let Ok(Err(not_until)) = limiter.check_key_n(&principal, cells) {
                // Less is left than that: all of it goes.
                let left = left(*window, cells, not_until.wait_time_from(self.clock.now()));
                let _spent = NonZeroU32::new(left).map(|left| limiter.check_key_n(&principal, left));
            }
        }
        tightest.map(Decision::Admitted)
    }

    /// Forgets whoever has grown back to a full quota, unless that was done a moment ago.
    fn sweep(&self) {
        let now_ns = self.clock.now().duration_since(self.start).as_u64();
        let swept_ns = self.swept_ns.load(Ordering::Relaxed);
        let is_due = u128::from(now_ns - swept_ns.min(now_ns)) >= SWEEP_INTERVAL.as_nanos();
        let is_ours =
            || self.swept_ns.compare_exchange(swept_ns, now_ns, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_due && is_ours() {
            self.crowded.store(false, Ordering::Relaxed);
            for limiter in &self.limiters {
                limiter.retain_recent();
            }
        }
    }
}

fn counts<C: Clock + Clone>(
    window: Window,
    keys_max: usize,
    crowded: &Arc<AtomicBool>,
    clock: &C,
) -> Counts<C> {
    RateLimiter::new(quota(window), Store::new(keys_max, Arc::clone(crowded)), clock.clone())
}

/// The whole window may be spent at once, and grows back evenly.
fn quota(window: Window) -> Quota {
    Quota::with_period(window.cell_interval())
        .expect("a window's cells are at least a nanosecond apart")
        .allow_burst(window.count)
}

/// GCRA regains cells one by one, so the window is whole again after as many intervals as cells are missing.
fn standing(window: Window, remaining: u32) -> Standing {
    let reset = window.cell_interval() * (window.count.get() - remaining.min(window.count.get()));
    Standing { window, remaining, reset }
}

/// After `wait` there are exactly `cells` to be had; counting back from there says how many there are now.
fn left(window: Window, cells: NonZeroU32, wait: Duration) -> u32 {
    let interval_ns = window.cell_interval().as_nanos();
    let missing = u32::try_from(wait.as_nanos().div_ceil(interval_ns)).unwrap_or(u32::MAX);
    cells.get().saturating_sub(missing)
}

fn refusal(window: Window, cells: NonZeroU32, wait: Duration) -> Decision {
    let standing = standing(window, left(window, cells, wait));
    Decision::Refused { standing, retry_after: wait }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::limit::ONE;

    fn limiter(windows: &[&str]) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let windows: Vec<Window> = windows.iter().map(|text| text.parse().unwrap()).collect();
        (Limiter::with_clock(&windows, 1000, clock.clone()).unwrap(), clock)
    }

    fn cells(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn admit_refuses_when_the_burst_is_spent_and_says_until_when() {
        let (limiter, clock) = limiter(&["3/minute"]);
        let caller = Principal::of(b"caller");
        for remaining in [2, 1, 0] {
            let Decision::Admitted(standing) = limiter.admit(caller, ONE) else { panic!("within the burst") };
            assert_eq!(standing.remaining, remaining);
            assert_eq!(standing.reset, Duration::from_secs(u64::from(3 - remaining) * 20));
        }
        let window = limiter.windows()[0];
        let spent = Standing { window, remaining: 0, reset: Duration::from_mins(1) };
        let retry_after = Duration::from_secs(20);
        assert_eq!(limiter.admit(caller, ONE), Decision::Refused { standing: spent, retry_after });

        clock.advance(retry_after);
        assert!(matches!(limiter.admit(caller, ONE), Decision::Admitted(_)));
    }

    #[test]
    fn principals_do_not_share_a_quota() {
        let (limiter, _) = limiter(&["1/minute"]);
        assert!(matches!(limiter.admit(Principal::of(b"one"), ONE), Decision::Admitted(_)));
        assert!(matches!(limiter.admit(Principal::of(b"two"), ONE), Decision::Admitted(_)));
        assert!(matches!(limiter.admit(Principal::of(b"one"), ONE), Decision::Refused { .. }));
    }

    #[test]
    fn the_standing_is_that_of_the_window_with_the_fewest_cells_left() {
        let (limiter, clock) = limiter(&["10/day", "4/second"]);
        let caller = Principal::of(b"caller");
        let Decision::Admitted(first) = limiter.admit(caller, ONE) else { panic!() };
        assert_eq!((first.window.to_string().as_str(), first.remaining), ("4/second", 3));
        for _ in 0..2 {
            clock.advance(Duration::from_secs(1));
            limiter.admit(caller, cells(3));
        }
        clock.advance(Duration::from_secs(1));
        let Decision::Admitted(last) = limiter.admit(caller, ONE) else { panic!() };
        assert_eq!((last.window.to_string().as_str(), last.remaining), ("10/day", 2));
    }

    #[test]
    fn more_cells_than_a_window_holds_are_impossible_not_refused() {
        let (limiter, _) = limiter(&["100/day", "5/minute"]);
        let caller = Principal::of(b"caller");
        assert_eq!(limiter.admit(caller, cells(6)), Decision::Impossible);
        let Decision::Admitted(standing) = limiter.admit(caller, cells(5)) else {
            panic!("nothing was spent")
        };
        assert_eq!(standing.remaining, 0);
    }

    #[test]
    fn a_refused_bulk_still_knows_what_a_smaller_one_could_have() {
        let (limiter, _) = limiter(&["10/minute"]);
        let caller = Principal::of(b"caller");
        limiter.admit(caller, cells(7));
        let Decision::Refused { standing, retry_after } = limiter.admit(caller, cells(5)) else { panic!() };
        assert_eq!(standing.remaining, 3);
        assert_eq!(retry_after, Duration::from_secs(12));
        assert!(matches!(limiter.admit(caller, cells(3)), Decision::Admitted(_)));
    }

    #[test]
    fn a_flood_of_newcomers_is_swept_out_once_they_are_whole_again() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(&["2/minute".parse().unwrap()], 64, clock.clone()).unwrap();
        for n in 0..1000_u32 {
            limiter.admit(Principal::of(&n.to_be_bytes()), ONE);
        }
        assert!(limiter.crowded.load(Ordering::Relaxed));
        clock.advance(Duration::from_mins(2));
        let late = Principal::of(b"late");
        assert!(matches!(limiter.admit(late, ONE), Decision::Admitted(standing) if standing.remaining == 1));
        assert!(!limiter.crowded.load(Ordering::Relaxed));
    }

    #[test]
    fn a_window_that_is_not_asked_is_spent_and_refuses_nothing() {
        let (limiter, _) = limiter(&["3/minute", "10/hour"]);
        let (caller, hourly) = (Principal::of(b"caller"), ["10/hour".parse().unwrap()]);
        // The third spends what is left of the minute, although that is less than it costs.
        for (cost, remaining) in [(2, 8), (2, 6), (5, 1)] {
            let decision = limiter.admit_within(&hourly, caller, cells(cost));
            assert!(
                matches!(decision, Some(Decision::Admitted(standing)) if standing.remaining == remaining)
            );
        }
        assert!(
            matches!(limiter.admit(caller, ONE), Decision::Refused { standing, .. } if standing.remaining == 0)
        );
        assert_eq!(limiter.admit_within(&[], caller, ONE), None);
    }

    #[test]
    fn a_limiter_that_continues_another_knows_what_was_spent_of_the_windows_they_share() {
        let caller = Principal::of(b"caller");
        let (before, clock) = limiter(&["3/minute", "10/hour"]);
        before.admit(caller, cells(2));
        let next = |windows: &[&str], keys_max| {
            let windows: Vec<Window> = windows.iter().map(|text| text.parse().unwrap()).collect();
            Limiter::with_clock(&windows, keys_max, clock.clone()).unwrap().continuing(&before)
        };
        let remaining = |limiter: &Limiter<FakeRelativeClock>| {
            let Decision::Admitted(standing) = limiter.admit(caller, ONE) else { panic!("refused") };
            (standing.window.to_string(), standing.remaining)
        };

        let same = next(&["10/hour", "3/minute"], 1000);
        assert_eq!(remaining(&same), ("3/minute".to_owned(), 0));
        assert!(matches!(before.admit(caller, ONE), Decision::Refused { .. }), "they share the budget");
        let other = next(&["4/minute", "10/hour"], 1000);
        assert_eq!(remaining(&other), ("4/minute".to_owned(), 3), "another window begins anew");
        let hourly: Window = "10/hour".parse().unwrap();
        let refused =
            Decision::Refused { standing: standing(hourly, 6), retry_after: Duration::from_mins(6) };
        assert_eq!(other.admit_within(&[hourly], caller, cells(7)), Some(refused));
        assert_eq!(remaining(&next(&["3/minute"], 64)), ("3/minute".to_owned(), 2), "so does another table");
    }

    #[test]
    fn no_windows_make_no_limiter() {
        assert!(Limiter::new(&[], 10).is_none());
    }

    proptest! {
        /// However the arrivals fall, no stretch as long as the window sees more than twice its count, and waiting as
        /// long as told always helps.
        #[test]
        fn a_window_never_overshoots_and_keeps_its_word(
            count in 1_u32..20,
            steps_ms in proptest::collection::vec(0_u64..500, 1..200),
        ) {
            let (limiter, clock) = limiter(&[&format!("{count}/second")]);
            let caller = Principal::of(b"caller");
            let (mut elapsed_ms, mut admitted_ms) = (0, Vec::new());
            for step_ms in steps_ms {
                clock.advance(Duration::from_millis(step_ms));
                elapsed_ms += step_ms;
                match limiter.admit(caller, ONE) {
                    Decision::Admitted(_) => admitted_ms.push(elapsed_ms),
                    Decision::Impossible => prop_assert!(false, "one cell always fits"),
                    Decision::Refused { retry_after, standing } => {
                        prop_assert_eq!(standing.remaining, 0);
                        prop_assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_secs(1));
                    }
                }
            }
            for (at, first) in admitted_ms.iter().enumerate() {
                let within = admitted_ms[at..].iter().take_while(|last| **last < first + 1000).count();
                prop_assert!(within <= 2 * count as usize, "{within} of {count}");
            }
            if let Decision::Refused { retry_after, .. } = limiter.admit(caller, ONE) {
                clock.advance(retry_after);
                prop_assert!(matches!(limiter.admit(caller, ONE), Decision::Admitted(_)));
            }
        }
    }
}

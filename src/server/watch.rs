//! What a connection is doing, as far as its deadlines are concerned.
//!
//! ```text
//!         first byte of a head               head complete
//!  Idle ───────────────────────► Head ───────────────────────► Busy
//!   ▲                                                            │
//!   └────────────────────── last answer taken ───────────────────┘
//! ```
//!
//! *Idle* may last the idle timeout, *Head* the header timeout, both in all: bytes that trickle in buy no time. *Busy*
//! has no deadline of its own: to be answered, each request has one, and what a client does not take is noted here as
//! [`Untaken`]. Of that the time is told in rounds, for a clock that is read with every write would cost those who take it all at
//! once: what nobody took anything of from the beginning of a round to its end has been there for at least a round, and for less
//! than two.
//!
//! HTTP/2 never enters *Head*: its bytes are frames of many requests, and its pings find out who stopped answering.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use tokio::time::Instant;

use crate::server::{
    Config,
    backlog::{Account, Backlog, Holder},
};

/// Watches one connection; clones share what they see.
#[derive(Clone, Debug)]
pub(super) struct Watch(Rc<Seen>);

#[derive(Debug)]
struct Seen {
    phase: Cell<Phase>,
    reads_heads: bool,
    /// Which round it is: the one or the other.
    round: Cell<usize>,
    /// How much is [`Untaken`], by the round in which the client last took something of it.
    untaken: [Cell<usize>; 2],
    /// Who waits for the connection to be idle.
    waiting: RefCell<Option<Waker>>,
    /// What it has of the backlog, where it has one answer at a time.
    account: Account,
    is_given_up: Cell<bool>,
    /// Who waits for that.
    giving_up: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Busy { requests: usize },
    Head { since: Instant },
    Idle { since: Instant },
}

impl Watch {
    /// An HTTP/1 connection, the first bytes of which are there.
    pub(super) fn http1(backlog: &Rc<Backlog>) -> Watch {
        Watch(Account::entered(Seen::new(Phase::Head { since: Instant::now() }, true, backlog)))
    }

    /// An HTTP/2 connection without requests.
    pub(super) fn http2(backlog: &Rc<Backlog>) -> Watch {
        // Each of its streams has an account of its own.
        Watch(Rc::new(Seen::new(Phase::Idle { since: Instant::now() }, false, backlog)))
    }

    /// What it has of the backlog.
    pub(super) fn account(&self) -> &Account {
        &self.0.account
    }

    /// Has the connection end, for others need the room that it has.
    pub(super) fn give_up(&self) {
        self.0.give_up();
    }

    /// Waits until that is so. One at a time may wait.
    pub(super) async fn given_up(&self) {
        poll_fn(|cx| {
            if self.0.is_given_up.get() {
                return Poll::Ready(());
            }
            self.0.giving_up.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Idle → Head, if this is where a head begins.
    pub(super) fn bytes_came(&self) {
        if self.0.reads_heads && self.is_idle() {
            self.0.phase.set(Phase::Head { since: Instant::now() });
        }
    }

    /// Anything → Busy, until the returned guard is dropped.
    pub(super) fn request(&self) -> RequestGuard {
        let others = match self.0.phase.get() {
            Phase::Busy { requests } => requests,
            Phase::Head { .. } | Phase::Idle { .. } => 0,
        };
        self.0.phase.set(Phase::Busy { requests: others + 1 });
        RequestGuard(self.clone())
    }

    /// Notes something that the client has to take.
    pub(super) fn untaken(&self) -> Untaken {
        let round = self.0.round.get();
        self.0.add(round);
        Untaken { request: self.request(), round }
    }

    /// Ends a round, and says whether there is anything of which the client took nothing in all of it.
    pub(super) fn end_round(&self) -> bool {
        let next = 1 - self.0.round.get();
        if self.0.untaken[next].get() > 0 {
            return true;
        }
        self.0.round.set(next);
        false
    }

    /// Whether all that was asked is answered, and nothing has been heard since.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.0.phase.get(), Phase::Idle { .. })
    }

    /// Waits until that is so. One at a time may wait.
    pub(super) async fn idle(&self) {
        poll_fn(|cx| {
            if self.is_idle() {
                return Poll::Ready(());
            }
            self.0.waiting.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// When to close the connection if nothing changes.
    pub(super) fn deadline(&self, config: &Config) -> Option<Instant> {
        match self.0.phase.get() {
            Phase::Busy { .. } => None,
            Phase::Head { since } => Some(since + config.header_timeout),
            Phase::Idle { since } => Some(since + config.idle_timeout),
        }
    }

    /// The same of one that is to end since `told`.
    pub(super) fn last_deadline(&self, told: Instant, config: &Config) -> Option<Instant> {
        match self.0.phase.get() {
            Phase::Busy { .. } => None,
            // Its time is not given to it once more.
            Phase::Head { since } => Some(since + config.header_timeout),
            Phase::Idle { since } => Some(since.max(told) + config.header_timeout),
        }
    }
}

impl Holder for Seen {
    fn account(&self) -> &Account {
        &self.account
    }

    fn give_up(&self) {
        self.is_given_up.set(true);
        if let Some(waker) = self.giving_up.take() {
            waker.wake();
        }
    }
}

impl Seen {
    fn new(phase: Phase, reads_heads: bool, backlog: &Rc<Backlog>) -> Seen {
        Seen {
            phase: Cell::new(phase),
            reads_heads,
            round: Cell::default(),
            untaken: Default::default(),
            waiting: RefCell::default(),
            account: Account::new(Rc::clone(backlog)),
            is_given_up: Cell::default(),
            giving_up: RefCell::default(),
        }
    }

    fn add(&self, round: usize) {
        self.untaken[round].set(self.untaken[round].get() + 1);
    }

    fn remove(&self, round: usize) {
        self.untaken[round].set(self.untaken[round].get() - 1);
    }
}

/// Held while a request is being answered, until the client has taken the answer.
#[derive(Debug)]
pub(super) struct RequestGuard(Watch);

impl Drop for RequestGuard {
    /// Busy → Idle, when this was the last.
    fn drop(&mut self) {
        let Seen { phase, waiting, .. } = &*self.0.0;
        match phase.get() {
            Phase::Busy { requests } if requests > 1 => phase.set(Phase::Busy { requests: requests - 1 }),
            Phase::Busy { .. } | Phase::Head { .. } | Phase::Idle { .. } => {
                phase.set(Phase::Idle { since: Instant::now() });
                if let Some(waker) = waiting.take() {
                    waker.wake();
                }
            }
        }
    }
}

/// Something that the client has not taken yet; the connection is busy meanwhile.
#[derive(Debug)]
pub(super) struct Untaken {
    request: RequestGuard,
    round: usize,
}

impl Untaken {
    /// It took a part of it.
    pub(super) fn was_taken_from(&mut self) {
        let seen = &*self.request.0.0;
        let now = seen.round.get();
        if self.round != now {
            seen.remove(self.round);
            seen.add(now);
            self.round = now;
        }
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        self.request.0.0.remove(self.round);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        task::{LocalSet, spawn_local, yield_now},
        time::{advance, timeout},
    };

    use super::*;
    use crate::telemetry::Metrics;

    fn backlog() -> Rc<Backlog> {
        Backlog::new(&Config::default(), &Metrics::new())
    }

    fn http1() -> Watch {
        Watch::http1(&backlog())
    }

    fn http2() -> Watch {
        Watch::http2(&backlog())
    }

    fn remaining(watch: &Watch) -> Option<Duration> {
        watch.deadline(&Config::default()).map(|deadline| deadline - Instant::now())
    }

    const IDLE: Option<Duration> = Some(Duration::from_mins(1));
    const HEAD: Option<Duration> = Some(Duration::from_secs(10));

    #[tokio::test(start_paused = true)]
    async fn trickling_bytes_do_not_extend_the_time_for_a_head() {
        let watch = http1();
        assert_eq!(remaining(&watch), HEAD);
        advance(Duration::from_secs(9)).await;
        watch.bytes_came();
        assert_eq!(remaining(&watch), Some(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_goes_from_idle_to_head_to_busy_and_back() {
        let watch = http1();
        let request = watch.request();
        assert_eq!(remaining(&watch), None);
        watch.bytes_came();
        assert_eq!(remaining(&watch), None, "a body, or the next request pipelined");
        drop(request);
        assert_eq!(remaining(&watch), IDLE);
        watch.bytes_came();
        assert_eq!(remaining(&watch), HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_busy_until_its_last_request_is_answered() {
        let watch = http2();
        let (first, second) = (watch.request(), watch.request());
        drop(first);
        assert_eq!(remaining(&watch), None);
        drop(second);
        assert_eq!(remaining(&watch), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_lies_there_for_a_whole_round_is_told_and_what_is_taken_from_is_not() {
        let watch = http2();
        let (mut one, other) = (watch.untaken(), watch.untaken());
        assert!(!watch.end_round(), "it came in this one");
        drop(other);
        for _ in 0..5 {
            one.was_taken_from();
            one.was_taken_from();
            assert!(!watch.end_round());
        }
        assert_eq!(remaining(&watch), None);
        assert!(watch.end_round());
        drop(one);
        assert!(!watch.end_round());
        assert_eq!(remaining(&watch), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_idle_connection_is_woken_by_the_last_answer() {
        let watch = http1();
        let (first, second) = (watch.request(), watch.untaken());
        let all = async {
            let waiting = spawn_local({
                let watch = watch.clone();
                async move { watch.idle().await }
            });
            yield_now().await;
            drop(first);
            yield_now().await;
            assert!(!waiting.is_finished());
            drop(second);
            timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap();
        };
        LocalSet::new().run_until(all).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_minds_a_connection_hears_that_it_has_to_give_way() {
        let watch = http1();
        let both = async {
            let waiting = spawn_local({
                let watch = watch.clone();
                async move { watch.given_up().await }
            });
            yield_now().await;
            assert!(!waiting.is_finished());
            watch.give_up();
            timeout(Duration::from_secs(1), waiting).await.unwrap().unwrap();
            watch.given_up().await;
        };
        LocalSet::new().run_until(both).await;
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_http_2_are_not_taken_for_a_head() {
        let watch = http2();
        watch.bytes_came();
        assert!(watch.is_idle());
    }
}

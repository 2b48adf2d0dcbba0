//! Answers that their clients have not taken: how many bytes they are, over all connections of a worker, and who has to give
//! way when they become too many.
//!
//! How many addresses there are is up to whoever attacks, so what each of them may have is no bound for all together. This is
//! one. Each worker has its own and counts without a lock: it could not end the connections of others anyway.
//!
//! ```text
//!            half                       all of it
//!  ──────────┬──────────────────────────┬─────────────────────────────────►
//!   counted  │ looked at now and then:  │ who has taken nothing for longest
//!            │ who takes something?     │ gives way; if nobody: 503
//! ```
//!
//! An answer that is taken at once costs some additions. Nobody reads a clock for it: that a client takes nothing is noticed
//! by looking twice. What counts is [`WORTH`] bytes between two looks, and a sixteenth of what there is to take, for a byte
//! now and then would cost an attacker nothing.
//!
//! Where nobody can give way, all are being read, and quickly; then it is new requests that are refused. An answer that is made
//! is never held back: the change of which it tells has been made.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::{
    server::{Config, tally::Tally},
    telemetry::Metrics,
};

/// What an answer takes besides its bytes: its head, its stream and who waits for it. An estimate; it is what bounds the number
/// of answers that are small.
pub(super) const BESIDES: usize = 1024;

/// How long a client has to have taken nothing to give way.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How many bytes are something: the size of a frame of HTTP/2, and that part of what the client has to take. Who has much of what
/// there is room for must not keep it for long.
const WORTH: usize = 16 * 1024;
const PORTION: usize = 16;

/// How often is looked at most while it is of no use, for a look is at all that there are.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The answers of one worker.
#[derive(Debug)]
pub(super) struct Backlog {
    most: usize,
    /// Handed over, not taken, and not given up.
    untaken: Tally,
    holders: RefCell<Holders>,
    looked: Cell<Option<Instant>>,
    /// Whether that found nobody else who could give way.
    was_in_vain: Cell<bool>,
    given_up: Counter,
}

/// A stream, or a connection that has one answer at a time.
pub(super) trait Holder {
    fn account(&self) -> &Account;

    /// Has it give up its answers: soon, for it is somebody else who is asked just now.
    fn give_up(&self);
}

/// What a holder has of the backlog.
#[derive(Debug)]
pub(super) struct Account {
    backlog: Rc<Backlog>,
    /// Where it is among all.
    place: Cell<Option<usize>>,
    bytes: Cell<usize>,
    /// What its client took since it was seen to take nothing.
    taken: Cell<usize>,
    /// The look from which on its client took nothing.
    stalled_since: Cell<Option<Instant>>,
    is_given_up: Cell<bool>,
}

/// All who may have something. Places are used again.
#[derive(Default)]
struct Holders {
    places: Vec<Option<Weak<dyn Holder>>>,
    free: Vec<usize>,
}

impl std::fmt::Debug for Holders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holders").field("places", &self.places.len()).finish_non_exhaustive()
    }
}

impl Backlog {
    pub(super) fn new(config: &Config, metrics: &Metrics) -> Rc<Backlog> {
        Rc::new(Backlog {
            most: config.untaken_bytes_max,
            untaken: Tally::new(config.untaken_bytes_max, metrics.untaken_bytes()),
            holders: RefCell::default(),
            looked: Cell::default(),
            was_in_vain: Cell::default(),
            given_up: metrics.answers_given_up(),
        })
    }

    /// Whether there is too much, and nobody who could give way.
    pub(super) fn is_full(&self) -> bool {
        self.make_room();
        self.untaken.bytes() > self.most
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.untaken.bytes()
    }

    /// Has those who have taken nothing for longest give way until there is some room again. Does nothing as long as there is
    /// enough.
    fn make_room(&self) {
        if self.untaken.bytes() <= self.most / 2 {
            return;
        }
        let now = Instant::now();
        let is_needed = self.untaken.bytes() > self.most;
        let was_just_now = self.looked.get().is_some_and(|looked| now - looked < BETWEEN_LOOKS);
        if was_just_now && (!is_needed || self.was_in_vain.get()) {
            return;
        }
        self.looked.set(Some(now));
        self.was_in_vain.set(false);
        let mut stalled = self.look(now);
        if !is_needed {
            return;
        }
        // A little more, so that there need not be another look for each answer.
        let enough = self.most - self.most / 8;
        stalled.sort_by_key(|(since, _)| *since);
        for (_, holder) in stalled {
            if self.untaken.bytes() <= enough {
                return;
            }
            let account = holder.account();
            account.is_given_up.set(true);
            self.untaken.take(account.bytes.get());
            self.given_up.inc();
            tracing::debug!("gave up an answer, for there are too many that nobody takes");
            holder.give_up();
        }
        self.was_in_vain.set(self.untaken.bytes() > enough);
    }

    /// Who has taken nothing for long enough. Of the others it is noted from when on they take nothing.
    fn look(&self, now: Instant) -> Vec<(Instant, Rc<dyn Holder>)> {
        let holders = self.holders.borrow();
        let all = holders.places.iter().flatten().filter_map(Weak::upgrade);
        all.filter_map(|holder| {
            let account = holder.account();
            if account.bytes.get() == 0 || account.is_given_up.get() {
                return None;
            }
            let Some(since) = account.stalled_since.get() else {
                account.taken.set(0);
                account.stalled_since.set(Some(now));
                return None;
            };
            (now - since >= PATIENCE).then_some((since, holder))
        })
        .collect()
    }
}

impl Account {
    pub(super) fn new(backlog: Rc<Backlog>) -> Account {
        let (place, bytes, taken, stalled_since, is_given_up) = Default::default();
        Account { backlog, place, bytes, taken, stalled_since, is_given_up }
    }

    /// The holder, from now on among those who are looked at.
    pub(super) fn entered<H: Holder + 'static>(holder: H) -> Rc<H> {
        let holder = Rc::new(holder);
        let weak: Weak<H> = Rc::downgrade(&holder);
        let account = holder.account();
        let place = account.backlog.holders.borrow_mut().enter(weak);
        account.place.set(Some(place));
        holder
    }

    /// An answer of that many bytes is to be taken.
    pub(super) fn hand_over(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes);
        if !self.is_given_up.get() {
            self.backlog.untaken.add(bytes);
            self.backlog.make_room();
        }
    }

    /// The client took so much of it.
    pub(super) fn was_taken_from(&self, bytes: usize) {
        let taken = self.taken.get() + bytes;
        self.taken.set(taken);
        if taken >= WORTH.max(self.bytes.get() / PORTION) {
            self.stalled_since.set(None);
        }
    }

    /// Nothing is left of one of that many bytes.
    pub(super) fn is_rid_of(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() - bytes);
        if !self.is_given_up.get() {
            self.backlog.untaken.take(bytes);
        }
        if self.bytes.get() == 0 {
            self.stalled_since.set(None);
        }
    }

    /// Whether it has to give up.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.get()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(place) = self.place.get() {
            self.backlog.holders.borrow_mut().leave(place);
        }
    }
}

impl Holders {
    fn enter(&mut self, holder: Weak<dyn Holder>) -> usize {
        if let Some(place) = self.free.pop() {
            self.places[place] = Some(holder);
            return place;
        }
        self.places.push(Some(holder));
        self.places.len() - 1
    }

    fn leave(&mut self, place: usize) {
        self.places[place] = None;
        self.free.push(place);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const PART: Duration = Duration::from_millis(600);

    /// Somebody with one answer, who gives it up when told to.
    struct Client(Account);

    impl Holder for Client {
        fn account(&self) -> &Account {
            &self.0
        }

        fn give_up(&self) {
            self.0.is_rid_of(self.0.bytes.get());
        }
    }

    struct World {
        backlog: Rc<Backlog>,
        metrics: Metrics,
    }

    fn world(most: usize) -> World {
        let metrics = Metrics::new();
        let backlog = Backlog::new(&Config { untaken_bytes_max: most, ..Config::default() }, &metrics);
        World { backlog, metrics }
    }

    impl World {
        fn client(&self, bytes: usize) -> Rc<Client> {
            let client = Account::entered(Client(Account::new(Rc::clone(&self.backlog))));
            client.0.hand_over(bytes);
            client
        }

        fn has(&self, line: &str) -> bool {
            self.metrics.render().lines().any(|one| one == line)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_taken_nothing_for_longest_gives_way_first_and_no_more_than_have_to() {
        let world = world(1_000_000);
        let first = world.client(300_000);
        let second = world.client(300_000);
        // Seen twice: the first when there was more than half, and the second a part of the patience later.
        advance(PART).await;
        let third = world.client(300_000);
        advance(PART).await;
        let fourth = world.client(300_000);
        assert!(first.0.is_given_up() && second.0.is_given_up(), "both were there at the first look");
        assert!(!third.0.is_given_up() && !fourth.0.is_given_up());
        assert_eq!(world.backlog.bytes(), 600_000);
        assert!(!world.backlog.is_full());
        assert!(world.has("gateway_answers_given_up_total 2"), "{}", world.metrics.render());
    }

    #[tokio::test(start_paused = true)]
    async fn who_came_last_gives_way_last_wherever_it_is_among_them() {
        let world = world(1_000_000);
        let gone = world.client(0);
        let (first, second) = (world.client(400_000), world.client(200_000));
        drop(gone);
        advance(2 * PART).await;
        let third = world.client(200_000);
        assert_eq!(third.0.place.get(), Some(0));
        advance(2 * PART).await;
        // All three have taken nothing for long enough.
        let fourth = world.client(300_000);
        let given_up = [first, second, third, fourth].map(|one| one.0.is_given_up());
        assert_eq!(given_up, [true, false, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_something_does_not_give_way_and_a_byte_is_nothing() {
        let world = world(1_000_000);
        let [reads, trickles] = [500_000, 400_000].map(|bytes| world.client(bytes));
        for _ in 0..10 {
            advance(PART).await;
            reads.0.was_taken_from(WORTH);
            trickles.0.was_taken_from(1);
            assert!(!world.backlog.is_full());
        }
        // Though somebody looked just now.
        let third = world.client(200_000);
        assert!(trickles.0.is_given_up());
        assert!(!reads.0.is_given_up() && !third.0.is_given_up());
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_of_them_are_being_read_it_is_full_until_one_is_read() {
        let world = world(1_000_000);
        let (one, other) = (world.client(600_000), world.client(600_000));
        for _ in 0..10 {
            assert!(world.backlog.is_full());
            advance(PART).await;
            for client in [&one, &other] {
                client.0.was_taken_from(600_000 / PORTION);
            }
        }
        one.0.is_rid_of(600_000);
        assert!(!world.backlog.is_full());
        assert!(world.has("gateway_answers_given_up_total 0"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_much_of_it_and_reads_little_gives_way() {
        let world = world(1_000_000);
        let (one, other) = (world.client(600_000), world.client(600_000));
        for _ in 0..10 {
            world.backlog.is_full();
            advance(PATIENCE).await;
            one.0.was_taken_from(WORTH);
            other.0.was_taken_from(600_000 / PORTION);
        }
        assert!(one.0.is_given_up() && !other.0.is_given_up());
    }

    #[tokio::test(start_paused = true)]
    async fn the_gauge_is_told_roughly_and_in_the_end_exactly() {
        let world = world(64_000);
        let small = world.client(999);
        assert!(world.has("gateway_untaken_bytes 0"));
        let large = world.client(1);
        assert!(world.has("gateway_untaken_bytes 1000"));
        large.0.is_rid_of(1);
        small.0.is_rid_of(999);
        drop((small, large));
        let World { backlog, metrics } = world;
        drop(backlog);
        assert!(metrics.render().contains("gateway_untaken_bytes 0\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_used_again() {
        let world = world(1_000_000);
        for _ in 0..10 {
            let clients = [(); 3].map(|()| world.client(1));
            for client in &clients {
                client.0.is_rid_of(1);
            }
        }
        assert_eq!(world.backlog.holders.borrow().places.len(), 3);
        assert_eq!(world.backlog.bytes(), 0);
    }
}

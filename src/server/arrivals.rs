//! Requests of which the body is on its way: what they hold, over all connections of a worker, and which of them has to give way
//! when that becomes too much.
//!
//! Such a request is none in flight (`stack/shed.rs`): whoever sends no bodies must not keep out those who do. That leaves
//! nothing to bound how many there are but what each address may have, and how many addresses there are is up to whoever attacks.
//! So they have a bound of their own, in bytes: what has come of their bodies, and something for each besides. Each worker has
//! its own and counts without a lock, as it does with the [`backlog`](super::backlog) of answers.
//!
//! Nobody who comes is refused for those who wait. The address that holds most gives way, with the request that has waited
//! longest; then whoever holds most of what is left, until there is some room. So who sends little, from an address of its own, is
//! the last to notice. One that is alone never gives way, or a body larger than all the room could not be sent at all. What hops
//! bring of whom they do not say whose it is, and ask for themselves, is taken for that of one address more.
//!
//! A small body mostly comes with its head. Nobody waits for it, and it is not counted here.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    rc::{Rc, Weak},
    task::Waker,
};

use prometheus_client::metrics::counter::Counter as Total;

use crate::{
    server::{Config, in_flight::Counter, load::Place, tally::Tally},
    telemetry::Metrics,
};

/// What a request takes besides its body: a head, of which HTTP/2 lets there be 16 KiB for each stream, and who waits. An
/// estimate; it is what bounds how many there are that send nothing.
pub(super) const BESIDES: usize = 24 * 1024;

/// The requests of one worker.
#[derive(Debug)]
pub(super) struct Arrivals {
    most: usize,
    /// What those hold that are waited for, and were not given up. All are told of that one more is waited for, or one less, but
    /// roughly of each piece of a body.
    arriving: Tally,
    /// By number: the first has waited longest.
    waiting: RefCell<BTreeMap<u64, Weak<Arrival>>>,
    next: Cell<u64>,
    given_up: Total,
}

/// One request, from its head to the end of its body.
#[derive(Debug)]
pub(super) struct Arrival {
    arrivals: Rc<Arrivals>,
    /// That among the requests in flight, which it needs once its body is there.
    place: Place,
    /// Whose it is, where it is somebody's.
    whose: Cell<Option<Counter>>,
    /// Its number, once somebody had to wait for it.
    number: Cell<Option<u64>>,
    /// What has come of its body.
    came: Cell<usize>,
    is_awaited: Cell<bool>,
    is_given_up: Cell<bool>,
    /// Who waits for it.
    waiting: RefCell<Option<Waker>>,
}

impl Arrivals {
    pub(super) fn new(config: &Config, metrics: &Metrics) -> Rc<Arrivals> {
        Rc::new(Arrivals {
            most: config.arriving_bytes_max,
            arriving: Tally::new(config.arriving_bytes_max, metrics.arriving_bytes()),
            waiting: RefCell::default(),
            next: Cell::default(),
            given_up: metrics.arrivals_given_up(),
        })
    }

    fn add(&self, bytes: usize) {
        self.arriving.add(bytes);
        if self.arriving.bytes() > self.most {
            self.make_room();
        }
    }

    /// Has those give way who hold most, until there is a little more room than needed: else there would have to be another look
    /// at all of them for each that comes.
    fn make_room(&self) {
        let enough = self.most - self.most / 8;
        let mut left = 0_usize;
        let mut of_each: HashMap<Option<Counter>, VecDeque<Rc<Arrival>>> = HashMap::new();
        for arrival in self.waiting.borrow().values().filter_map(Weak::upgrade) {
            if !arrival.is_given_up.get() {
                left += 1;
                of_each.entry(arrival.whose.get()).or_default().push_back(arrival);
            }
        }
        let mut groups: Vec<_> = of_each.into_values().collect();
        let holds = |group: &VecDeque<Rc<Arrival>>| group.iter().map(|one| one.holds()).sum::<usize>();
        // Of two that hold the same, the one that has waited longest.
        let rank = |group: &VecDeque<Rc<Arrival>>| Some(Reverse(group.front()?.number.get()?));
        let mut most: BinaryHeap<_> =
            groups.iter().enumerate().map(|(at, group)| (holds(group), rank(group), at)).collect();
        while self.arriving.bytes() > enough && left > 1 {
            let Some((held, _, at)) = most.pop() else { return };
            let Some(arrival) = groups[at].pop_front() else { continue };
            let held = held - arrival.holds();
            arrival.give_up();
            left -= 1;
            most.push((held, rank(&groups[at]), at));
        }
    }
}

impl Arrival {
    /// Of nobody, until somebody says whose it is.
    pub(super) fn new(arrivals: &Rc<Arrivals>, place: Place) -> Rc<Arrival> {
        let (whose, number, came, is_awaited, is_given_up, waiting) = Default::default();
        Rc::new(Arrival {
            arrivals: Rc::clone(arrivals),
            place,
            whose,
            number,
            came,
            is_awaited,
            is_given_up,
            waiting,
        })
    }

    pub(super) fn is_of(&self, whose: Option<Counter>) {
        self.whose.set(whose);
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether its request waits for more of its body, and for nothing else.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited.get()
    }

    /// Whether it has to give up.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.get()
    }

    /// There is nothing more of it yet. Whoever waits is woken if it has to give up.
    pub(super) fn wait(self: &Rc<Self>, waker: &Waker) {
        self.is_awaited.set(true);
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *waiting = Some(waker.clone());
        }
        drop(waiting);
        if self.number.get().is_none() {
            let number = self.arrivals.next.get();
            self.arrivals.next.set(number + 1);
            self.number.set(Some(number));
            self.arrivals.waiting.borrow_mut().insert(number, Rc::downgrade(self));
            self.arrivals.add(self.holds());
            self.arrivals.arriving.tell();
        }
    }

    /// So many bytes of it came.
    pub(super) fn came(&self, bytes: usize) {
        self.is_awaited.set(false);
        self.came.set(self.came.get() + bytes);
        if self.is_counted() {
            self.arrivals.add(bytes);
        }
    }

    /// All of it is there, or nobody wants the rest.
    pub(super) fn end(&self) {
        self.is_awaited.set(false);
        if self.is_counted() {
            self.arrivals.arriving.take(self.holds());
            self.arrivals.arriving.tell();
        }
        if let Some(number) = self.number.take() {
            self.arrivals.waiting.borrow_mut().remove(&number);
        }
    }

    fn is_counted(&self) -> bool {
        self.number.get().is_some() && !self.is_given_up.get()
    }

    fn holds(&self) -> usize {
        self.came.get() + BESIDES
    }

    fn give_up(&self) {
        self.arrivals.arriving.take(self.holds());
        self.arrivals.arriving.tell();
        self.is_given_up.set(true);
        self.arrivals.given_up.inc();
        tracing::debug!("gave up a request whose body did not come, for there are too many");
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
        task::Wake,
    };

    use super::*;
    use prometheus_client::metrics::gauge::Gauge;

    use crate::server::{
        in_flight::{InFlight, Turnstile},
        load::Load,
    };

    struct World {
        arrivals: Rc<Arrivals>,
        metrics: Metrics,
        turnstile: Rc<Turnstile>,
    }

    /// Room for so many that have sent nothing.
    fn world(most: usize) -> World {
        let metrics = Metrics::new();
        let config = Config { arriving_bytes_max: most * BESIDES, ..Config::default() };
        let arrivals = Arrivals::new(&config, &metrics);
        World { arrivals, metrics, turnstile: Turnstile::new(Arc::new(InFlight::new(&config))) }
    }

    impl World {
        fn arrival(&self, host: u8) -> Rc<Arrival> {
            let load = Rc::new(Load::new(Gauge::default(), 1));
            let arrival = Arrival::new(&self.arrivals, Place::new(&load));
            arrival.is_of(Some(self.turnstile.counter([192, 0, 2, host].into())));
            arrival
        }

        fn waiting(&self, host: u8) -> Rc<Arrival> {
            let arrival = self.arrival(host);
            arrival.wait(Waker::noop());
            arrival
        }

        fn has(&self, line: &str) -> bool {
            self.metrics.render().lines().any(|one| one == line)
        }
    }

    fn given_up(arrivals: &[Rc<Arrival>]) -> Vec<bool> {
        arrivals.iter().map(|one| one.is_given_up()).collect()
    }

    #[test]
    fn the_address_that_holds_most_gives_way_with_what_has_waited_longest() {
        let world = world(8);
        let innocent = world.waiting(1);
        let attacker: Vec<_> = (0..5).map(|_| world.waiting(2)).collect();
        let other: Vec<_> = (0..2).map(|_| world.waiting(3)).collect();
        assert_eq!(world.arrivals.arriving.bytes(), 8 * BESIDES);
        let newcomer = world.waiting(4);
        // Down to seven eighths: two of the nine.
        assert_eq!(given_up(&attacker), [true, true, false, false, false]);
        assert!(!innocent.is_given_up() && !newcomer.is_given_up());
        assert_eq!(given_up(&other), [false; 2]);
        assert_eq!(world.arrivals.arriving.bytes(), 7 * BESIDES);
        assert!(world.has("gateway_arrivals_given_up_total 2"), "{}", world.metrics.render());
        assert!(world.has(&format!("gateway_arriving_bytes {}", 7 * BESIDES)));
    }

    #[test]
    fn an_address_that_was_relieved_is_not_asked_again_before_one_that_holds_more() {
        let world = world(16);
        let first: Vec<_> = (0..8).map(|_| world.waiting(1)).collect();
        let second: Vec<_> = (0..8).map(|_| world.waiting(2)).collect();
        let newcomer = world.waiting(3);
        // Three have to go. Where both hold the same, the one that came first.
        assert_eq!(given_up(&first).iter().filter(|is| **is).count(), 2);
        assert_eq!(given_up(&second).iter().filter(|is| **is).count(), 1);
        assert!(first[0].is_given_up() && second[0].is_given_up() && !newcomer.is_given_up());
    }

    #[test]
    fn bytes_count_and_not_only_how_many_there_are() {
        let world = world(8);
        let many: Vec<_> = (0..4).map(|_| world.waiting(1)).collect();
        let large = world.waiting(2);
        large.came(3 * BESIDES);
        assert_eq!(world.arrivals.arriving.bytes(), 8 * BESIDES);
        // Both hold the same; the first has waited longer. Then the other holds more.
        large.came(1);
        assert!(!many[0].is_given_up() && large.is_given_up());
        assert_eq!(world.arrivals.arriving.bytes(), 4 * BESIDES);
    }

    #[test]
    fn one_alone_never_gives_way_however_large() {
        let world = world(1);
        let alone = world.waiting(1);
        alone.came(100 * BESIDES);
        assert!(!alone.is_given_up());
        let newcomer = world.waiting(2);
        assert!(alone.is_given_up() && !newcomer.is_given_up());
    }

    #[test]
    fn what_came_at_once_is_not_counted_and_what_ended_leaves_nothing() {
        let world = world(8);
        let at_once = world.arrival(1);
        at_once.came(1000);
        at_once.end();
        assert_eq!(world.arrivals.arriving.bytes(), 0);
        let [ended, dropped, given_up] = [(); 3].map(|()| world.waiting(1));
        ended.came(10);
        ended.end();
        drop(dropped);
        given_up.give_up();
        given_up.came(10);
        given_up.end();
        assert_eq!(world.arrivals.arriving.bytes(), 0);
        assert!(world.arrivals.waiting.borrow().is_empty());
        assert!(world.has("gateway_arriving_bytes 0"));
    }

    #[test]
    fn it_is_awaited_only_while_nothing_comes() {
        let world = world(8);
        let arrival = world.arrival(1);
        assert!(!arrival.is_awaited());
        arrival.wait(Waker::noop());
        assert!(arrival.is_awaited());
        arrival.came(1);
        assert!(!arrival.is_awaited());
        arrival.wait(Waker::noop());
        arrival.end();
        assert!(!arrival.is_awaited());
    }

    #[test]
    fn who_waits_for_it_is_woken_when_it_has_to_give_up() {
        #[derive(Default)]
        struct Woken(AtomicBool);

        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Relaxed);
            }
        }

        let world = world(1);
        let (woken, arrival) = (Arc::new(Woken::default()), world.arrival(1));
        arrival.wait(&Waker::from(Arc::clone(&woken)));
        assert!(!woken.0.load(Relaxed));
        let _newcomer = world.waiting(2);
        assert!(arrival.is_given_up() && woken.0.load(Relaxed));
    }
}

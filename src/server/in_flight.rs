//! How many requests each address has in flight, over all workers and connections, and that none has too many.
//!
//! This is asked of every request, so nobody waits for a lock and nothing is looked up: there is a fixed number of
//! counters, and each address has one of them, by a hash that nobody outside can foresee. Two addresses may have the same
//! one, and then the same places; with so many counters that is as rare as it is harmless. An address is told apart from
//! others as connections are ([`addresses`](super::addresses)). An answer that its client has not taken counts as a request: it
//! is this by which nobody can have too many of them kept.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use crate::server::{Config, addresses::Prefixes};

/// A quarter of a mebibyte in all.
const COUNTERS: usize = 1 << 16;

/// The counters of all workers.
#[derive(Debug)]
pub(super) struct InFlight {
    most: u32,
    prefixes: Prefixes,
    hasher: RandomState,
    counters: Box<[AtomicU32]>,
}

/// Which counter is that of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Counter(usize);

/// Where the requests of one worker come in. They never leave it: hence `Rc`, around what the workers share, for counting
/// those who hold this must not make processors wait for one another.
#[derive(Debug)]
pub(super) struct Turnstile(Arc<InFlight>);

/// Held while a request is in flight, and until its client has taken the answer.
#[derive(Debug)]
pub(super) struct Place {
    turnstile: Rc<Turnstile>,
    counter: Counter,
}

impl InFlight {
    pub(super) fn new(config: &Config) -> InFlight {
        InFlight {
            most: u32::try_from(config.in_flight_per_address_max).unwrap_or(u32::MAX),
            prefixes: Prefixes::of(config),
            hasher: RandomState::new(),
            counters: (0..COUNTERS).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// The counter of whoever is behind that address.
    fn counter(&self, address: IpAddr) -> Counter {
        let hash = self.hasher.hash_one(self.prefixes.network(address)) % COUNTERS as u64;
        Counter(usize::try_from(hash).expect("there are not so many"))
    }
}

impl Turnstile {
    pub(super) fn new(in_flight: Arc<InFlight>) -> Rc<Turnstile> {
        Rc::new(Turnstile(in_flight))
    }

    /// The counter of whoever is behind that address.
    pub(super) fn counter(&self, address: IpAddr) -> Counter {
        self.0.counter(address)
    }

    /// Takes a place, unless all are taken.
    pub(super) fn enter(self: &Rc<Self>, counter: Counter) -> Option<Place> {
        let InFlight { most, counters, .. } = &*self.0;
        let one_more = |taken: u32| (taken < *most).then(|| taken + 1);
        counters[counter.0].fetch_update(Relaxed, Relaxed, one_more).ok()?;
        Some(Place { turnstile: Rc::clone(self), counter })
    }
}

impl Place {
    /// Whose it is.
    pub(super) fn counter(&self) -> Counter {
        self.counter
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.turnstile.0.counters[self.counter.0].fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn in_flight(most: usize) -> Arc<InFlight> {
        let config = Config { in_flight_per_address_max: most, ..Config::default() };
        Arc::new(InFlight::new(&config))
    }

    fn taken(in_flight: &InFlight) -> u32 {
        in_flight.counters.iter().map(|counter| counter.load(Relaxed)).sum()
    }

    #[test]
    fn an_address_of_ipv6_has_the_counter_of_its_network_and_others_have_others() {
        let in_flight = in_flight(1);
        let counter = |text: &str| in_flight.counter(text.parse().unwrap());
        assert_eq!(counter("192.0.2.1"), counter("::ffff:192.0.2.1"));
        assert_eq!(counter("2001:db8:0:1::1"), counter("2001:db8:0:ff:ffff::1"));
        let hosts = (0..=255).map(|host| counter(&format!("192.0.2.{host}")).0);
        let mut different: Vec<_> = hosts.collect();
        different.sort_unstable();
        different.dedup();
        assert!(different.len() > 200, "{} counters for 256 addresses", different.len());
    }

    #[test]
    fn of_all_who_come_at_once_exactly_as_many_find_a_place() {
        let (in_flight, start) = (in_flight(100), Barrier::new(8));
        let counter = in_flight.counter([192, 0, 2, 1].into());
        let found: usize = std::thread::scope(|scope| {
            let enter = || {
                let worker = Turnstile::new(Arc::clone(&in_flight));
                start.wait();
                let places: Vec<_> = (0..50).filter_map(|_| worker.enter(counter)).collect();
                start.wait();
                places.len()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(enter)).collect();
            threads.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(found, 100);
        assert_eq!(taken(&in_flight), 0, "each was given back");
    }
}

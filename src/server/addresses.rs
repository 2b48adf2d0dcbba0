//! How many connections each address has at this moment, over all workers, and that none has too many.
//!
//! Addresses are told apart by their first bits, for whoever has one address of IPv6 has the network around it. The table
//! holds those alone that have a connection, so nobody can fill it: it never has more entries than there are connections.
//! Counting takes a lock for a few instructions, one of many, when a connection comes and when it goes. Connections of
//! trusted hops are not counted.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::server::{Config, Network};

/// Parts of the table with a lock each: enough for workers to meet seldom.
const SHARDS: usize = 64;

/// The table.
#[derive(Debug)]
pub(super) struct Addresses {
    most: usize,
    prefixes: Prefixes,
    hasher: RandomState,
    shards: [Mutex<HashMap<Network, usize>>; SHARDS],
}

/// How many bits tell an address from others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefixes {
    ipv4: u8,
    ipv6: u8,
}

impl Prefixes {
    pub(super) fn of(config: &Config) -> Prefixes {
        Prefixes { ipv4: config.ipv4_prefix, ipv6: config.ipv6_prefix }
    }

    /// Who counts as one with that address. One of IPv4 is that however it is written.
    pub(super) fn network(self, address: IpAddr) -> Network {
        let address = address.to_canonical();
        Network::around(address, if address.is_ipv4() { self.ipv4 } else { self.ipv6 })
    }
}

/// One of the places of an address; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    addresses: Arc<Addresses>,
    network: Network,
}

impl Addresses {
    pub(super) fn new(config: &Config) -> Addresses {
        Addresses {
            most: config.connections_per_address_max,
            prefixes: Prefixes::of(config),
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Takes a place for whoever is behind that address, unless all are taken.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let network = self.prefixes.network(address);
        let mut shard = self.shard(network);
        let taken = shard.entry(network).or_default();
        if *taken >= self.most {
            return None;
        }
        *taken += 1;
        Some(Place { addresses: Arc::clone(self), network })
    }

    /// Nothing is done under the lock that could panic half-way, so poison is ignored.
    fn shard(&self, network: Network) -> MutexGuard<'_, HashMap<Network, usize>> {
        let at = self.hasher.hash_one(network) % SHARDS as u64;
        let at = usize::try_from(at).expect("there are not so many");
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shard = self.addresses.shard(self.network);
        if let Entry::Occupied(mut taken) = shard.entry(self.network) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, sync::Barrier};

    use proptest::prelude::*;

    use super::*;

    fn addresses(most: usize) -> Arc<Addresses> {
        let config = Config { connections_per_address_max: most, ..Config::default() };
        Arc::new(Addresses::new(&config))
    }

    fn entries(addresses: &Addresses) -> usize {
        addresses.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn an_address_is_counted_however_it_is_written_and_one_of_ipv6_with_its_network() {
        let addresses = addresses(1);
        for (one, other, are_one) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true),
            // One line has 256 networks of 64 bits.
            ("2001:db8:0:1::1", "2001:db8:0:ff::1", true),
            ("2001:db8:0:1::1", "2001:db8:0:100::1", false),
            ("::1", "192.0.2.1", false),
        ] {
            let first = addresses.enter(one.parse().unwrap()).unwrap();
            assert_eq!(addresses.enter(other.parse().unwrap()).is_none(), are_one, "{one} {other}");
            drop(first);
            assert!(addresses.enter(other.parse().unwrap()).is_some());
        }
        assert_eq!(entries(&addresses), 0);
    }

    #[test]
    fn of_all_who_come_at_once_exactly_as_many_find_a_place() {
        let (addresses, start) = (addresses(100), Barrier::new(8));
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let places: Vec<Place> = std::thread::scope(|scope| {
            let enter = || {
                start.wait();
                (0..50).filter_map(|_| addresses.enter(here)).collect::<Vec<_>>()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(enter)).collect();
            threads.into_iter().flat_map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(places.len(), 100);
        drop(places);
        assert_eq!(entries(&addresses), 0, "who has nothing is forgotten");
    }

    proptest! {
        #[test]
        fn it_counts_as_a_list_of_all_places_does(
            most in 1_usize..4,
            ipv4_prefix in 1_u8..=32,
            steps in prop::collection::vec((any::<bool>(), 0_u32..8, any::<prop::sample::Index>()), 0..60),
        ) {
            let config = Config { connections_per_address_max: most, ipv4_prefix, ..Config::default() };
            let addresses = Arc::new(Addresses::new(&config));
            let mut held: Vec<(u32, Place)> = Vec::new();
            for (enters, address, which) in steps {
                if enters {
                    let shift = 32 - u32::from(ipv4_prefix);
                    let others = held.iter().filter(|(other, _)| other >> shift == address >> shift).count();
                    let place = addresses.enter(Ipv4Addr::from_bits(address).into());
                    prop_assert_eq!(place.is_some(), others < most);
                    held.extend(place.map(|place| (address, place)));
                } else if !held.is_empty() {
                    held.swap_remove(which.index(held.len()));
                }
            }
            drop(held);
            prop_assert_eq!(entries(&addresses), 0);
        }
    }
}

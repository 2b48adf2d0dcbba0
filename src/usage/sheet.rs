//! What one worker counted since it was asked last: exactly, and no more than fits on a sheet.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::client::Client;
use super::heavy::Seen;
use crate::limit::Principal;

/// Seconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// Parts on a sheet, and clients; a full one is handed in.
const PARTS_MAX: usize = 2048;
pub(super) const CLIENTS_MAX: usize = 256;

/// A part of a dialect, and who uses it.
pub(super) type PartKey = (Principal, u32);

/// A client of a dialect, and who uses it.
pub(super) type ClientKey = (Principal, u32, Client);

/// What is counted on a sheet. It is hashed fast, with a key of its own: whoever chose credentials to collide all the same would
/// make a sheet slower by as much as fits on it.
type Rows<K> = HashMap<K, Seen, RandomState>;

/// What was counted on one day.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) day: u64,
    pub(super) parts: Rows<PartKey>,
    /// The number is that of the operation.
    pub(super) clients: Rows<ClientKey>,
    /// How many requests were not counted, because there was no room, and on which day the last of them.
    pub(super) lost: u64,
    pub(super) lost_on: u64,
}

impl Sheet {
    pub(super) fn new() -> Sheet {
        let parts = HashMap::with_capacity_and_hasher(PARTS_MAX, RandomState::default());
        let clients = HashMap::with_capacity_and_hasher(CLIENTS_MAX, RandomState::default());
        Sheet { day: 0, parts, clients, lost: 0, lost_on: 0 }
    }

    /// Takes everything off it.
    pub(super) fn clear(&mut self) {
        self.parts.clear();
        self.clients.clear();
        (self.lost, self.lost_on) = (0, 0);
    }

    /// Notes that a request was not counted.
    pub(super) fn lose(&mut self, now: u64) {
        self.lost += 1;
        self.lost_on = now / DAY;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether a request of that moment, with so many parts, still belongs on it.
    pub(super) fn has_room(&self, now: u64, parts: usize) -> bool {
        let fits = self.parts.len() + parts <= PARTS_MAX && self.clients.len() < CLIENTS_MAX;
        self.is_empty() || fits && self.day == now / DAY
    }

    /// Whoever is on it, some of them several times.
    pub(super) fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.clients.keys().map(|(whose, ..)| whose)
    }

    /// Counts a request. Says whether it is the first of its kind, so that it may be the first of a principal.
    pub(super) fn count(
        &mut self,
        whose: Principal,
        client: Client,
        parts: impl Iterator<Item = u32>,
        now: u64,
    ) -> bool {
        self.day = now / DAY;
        let clients = self.clients.len();
        for (at, part) in parts.enumerate() {
            let none = Seen { count: 0, first: now, last: now };
            see(self.parts.entry((whose, part)).or_insert(none), now);
            if at == 0 {
                see(self.clients.entry((whose, part, client)).or_insert(none), now);
            }
        }
        self.clients.len() > clients
    }
}

/// The clock may have been set back in between.
fn see(seen: &mut Seen, now: u64) {
    seen.count += 1;
    seen.first = seen.first.min(now);
    seen.last = seen.last.max(now);
}

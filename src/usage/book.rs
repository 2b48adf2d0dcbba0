//! What all workers counted, in tables of fixed size.
//!
//! A worker counts on a sheet of its own, exactly. Its lock is its own too: nobody else takes it but whoever takes in its
//! sheets, for as long as it takes to put another in the place of one. That is the clerk when a sheet is full or of yesterday,
//! and whoever writes everything down every few seconds. One of them, or whoever has names read anew, also makes another set of
//! who is known now and then, and looks who is on the sheets for it.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Config;
use super::desk::Desk;
use super::heavy::Heavy;
use super::known::Known;
use super::met::Pending;
use super::part::Parts;
use super::sheet::Sheet;
use super::tables::Tables;
use crate::limit::Principal;

/// Everything that was counted.
#[derive(Debug)]
pub struct Book {
    config: Config,
    parts: Parts,
    tables: Mutex<Tables>,
    desks: Mutex<Desks>,
    /// Held by whoever takes sheets in: as long as it is, none is away.
    taking: Mutex<()>,
    /// Who takes in full sheets; without one, workers do it themselves.
    clerk: OnceLock<Sender<Option<Arc<Desk>>>>,
    met: Pending,
    names: Mutex<BTreeMap<Principal, String>>,
    /// Held by whoever makes another set of who is known.
    renewing: Mutex<()>,
}

/// Where workers count, and whom they know: whoever is on a sheet, stands in the table of parts or has a name. Each desk has
/// the set, too; so no worker asks for this lock before it looks.
#[derive(Debug)]
struct Desks {
    all: Vec<Arc<Desk>>,
    known: Arc<Known>,
}

impl Book {
    pub(super) fn new(config: Config, parts: Parts, tables: Tables) -> Book {
        let met = Pending::new(&parts);
        let (tables, names) = (Mutex::new(tables), Mutex::new(super::names(config.names.clone())));
        let desks = Mutex::new(Desks { all: Vec::new(), known: Arc::new(Known::with_room(0)) });
        let (taking, clerk, renewing) = (Mutex::default(), OnceLock::new(), Mutex::default());
        let book = Book { config, parts, tables, desks, taking, clerk, met, names, renewing };
        book.renew_known(|_| true);
        book
    }

    /// A book that nothing was written into.
    pub fn empty(config: Config) -> Book {
        let (parts, clients) = (Heavy::new(config.entries), Heavy::new(config.client_entries()));
        let tables = Tables::of(parts, clients, &config);
        Book::new(config, Parts::default(), tables)
    }

    /// What it was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The parts, by number.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What was met and is not written down.
    pub(super) fn met(&self) -> &Pending {
        &self.met
    }

    /// Whom operators call how.
    pub fn names(&self) -> BTreeMap<Principal, String> {
        locked(&self.names).clone()
    }

    /// Calls principals otherwise from now on.
    pub fn rename(&self, names: BTreeMap<Principal, String>) {
        *locked(&self.names) = super::names(names);
        // Whoever has lost their name goes, too.
        self.renew_known(|_| true);
    }

    /// Makes another set of who is known, if that is due, and has every worker go by it.
    ///
    /// From the moment when the first set knows of it, both know whoever comes. Those who were there before are found on sheets or
    /// in the table: nobody takes a sheet from one to the other while the sheets are looked through, and the table comes after
    /// them.
    fn renew_known(&self, is_due: impl Fn(&Known) -> bool) {
        if !is_due(&locked(&self.desks).known) {
            return;
        }
        let _renewing = locked(&self.renewing);
        let names: Vec<_> = locked(&self.names).keys().copied().collect();
        let (before, room) = {
            let desks = locked(&self.desks);
            (Arc::clone(&desks.known), self.room_to_know(names.len(), desks.all.len()))
        };
        // Another may just have done it.
        if !is_due(&before) {
            return;
        }
        let known = before.next(|| Known::with_room(room));
        {
            let _taking = locked(&self.taking);
            let desks = locked(&self.desks).all.clone();
            for desk in &desks {
                desk.add_all_to(&known);
            }
        }
        // Full sheets need not wait for more than this.
        let standing: Vec<_> = locked(&self.tables).parts.uses().map(|row| row.key.0).collect();
        for who in standing.iter().chain(&names) {
            known.add(who);
        }
        let mut desks = locked(&self.desks);
        for desk in &desks.all {
            desk.go_by(&known);
        }
        desks.known = known;
        drop(desks);
        // Nobody waits while it is given back.
        drop(before);
    }

    /// For how many there is room in a set of who is known: all who can be there at once, and besides, for each desk, whoever can
    /// come before somebody sees that there is little room left.
    fn room_to_know(&self, names: usize, desks: usize) -> usize {
        let desks = if desks == 0 { 0 } else { desks.next_power_of_two() };
        self.config.entries + names + 2 * desks * Desk::PRINCIPALS_MAX
    }

    /// Has full sheets taken in by whoever hears of them there; none is its end.
    pub(super) fn employ(&self, clerk: Sender<Option<Arc<Desk>>>) {
        // There is one.
        self.clerk.set(clerk).ok();
    }

    /// A desk to count at.
    pub(super) fn desk(&self) -> Arc<Desk> {
        let (desk, count) = {
            let mut desks = locked(&self.desks);
            let desk = Arc::new(Desk::new(Arc::clone(&desks.known)));
            desks.all.push(Arc::clone(&desk));
            (desk, desks.all.len())
        };
        let room = self.room_to_know(locked(&self.names).len(), count);
        self.renew_known(|known| known.room() < room);
        desk
    }

    /// Has the full sheet of a desk taken in, by the clerk if there is one.
    pub(super) fn hand_in(&self, desk: &Arc<Desk>) {
        let told = self.clerk.get().map(|clerk| clerk.send(Some(Arc::clone(desk))));
        if !matches!(told, Some(Ok(()))) {
            self.take_full(desk);
        }
    }

    /// Takes in the full sheet of a desk.
    pub(super) fn take_full(&self, desk: &Desk) {
        {
            let _taking = locked(&self.taking);
            if let Some(mut sheet) = desk.lift_full() {
                self.take(&mut sheet);
                desk.put_back(sheet);
            }
        }
        self.renew_known(Known::is_almost_full);
    }

    /// Takes in every sheet. Everything that was counted before is in the tables then.
    pub(super) fn collect(&self) {
        let taking = locked(&self.taking);
        let desks = locked(&self.desks).all.clone();
        for desk in &desks {
            let is_left = desk.is_left();
            // First the full one if there is one, and then the open one.
            for _ in 0..2 {
                let Some(mut sheet) = desk.lift() else { break };
                self.take(&mut sheet);
                desk.put_back(sheet);
            }
            if is_left {
                locked(&self.desks).all.retain(|other| !Arc::ptr_eq(desk, other));
            }
        }
        drop(taking);
        // Sooner than the clerk would, who has sheets to take in meanwhile.
        self.renew_known(Known::is_filling);
    }

    /// The tables, of which nobody else takes or gives anything meanwhile.
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        locked(&self.tables)
    }

    /// Takes in what is on a sheet, which is empty then.
    fn take(&self, sheet: &mut Sheet) {
        let dialects = self.parts.counted_for();
        self.tables().take(sheet, &dialects);
    }
}

/// A panic while a lock was held can have left a count too small, and nothing else wrong.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What all workers counted, in tables of fixed size.
//!
//! A worker counts on a sheet of its own, exactly. Its lock is its own too: nobody else takes it but whoever takes in its
//! sheets, for as long as it takes to put another in the place of one. That is the clerk when a sheet is full or of yesterday,
//! and whoever writes everything down every few seconds.

use std::collections::BTreeMap;
use std::mem;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::Config;
use super::desk::Desk;
use super::heavy::{Heavy, Use};
use super::met::Pending;
use super::part::Parts;
use super::sheet::{ClientKey, PartKey, Sheet};
use super::summary::Summary;
use crate::limit::Principal;

/// What is counted of the days: how much of which dialect by whom.
pub(super) type DayKey = (Principal, u32);

/// Tables of so many days stay in memory when all is written down: today's, and that of yesterday or of another day that a
/// clock shows by mistake.
const DAYS_KEPT: usize = 2;

/// So many may be there until then.
const DAYS_MAX: usize = 2 * DAYS_KEPT;

/// Everything that was counted.
#[derive(Debug)]
pub struct Book {
    config: Config,
    parts: Parts,
    tables: Mutex<Tables>,
    desks: Mutex<Vec<Arc<Desk>>>,
    /// Held by whoever takes sheets in: as long as it is, none is away.
    taking: Mutex<()>,
    /// Who takes in full sheets; without one, workers do it themselves.
    clerk: OnceLock<Sender<Option<Arc<Desk>>>>,
    met: Pending,
    names: Mutex<BTreeMap<Principal, String>>,
    /// Who is known, in their order: whoever stands in the table, as far as it was looked at, or has a name. Workers read it, and
    /// wait for nobody but one who puts another in its place.
    known: RwLock<Box<[Principal]>>,
}

/// The tables.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) parts: Heavy<PartKey>,
    pub(super) clients: Heavy<ClientKey>,
    /// Whether all rows of the file are to be written anew, because they are in other places now.
    pub(super) parts_are_whole: bool,
    pub(super) clients_are_whole: bool,
    /// By day since 1970, those that were counted of late.
    days: BTreeMap<u64, Day>,
    /// How many sheets were taken in.
    turns: u64,
    /// How many requests were not counted.
    pub(super) lost: u64,
}

/// What was counted on a day.
#[derive(Debug)]
struct Day {
    table: Heavy<DayKey>,
    /// Whether what the file knows of the day is in it.
    is_joined: bool,
    is_whole: bool,
    /// The last turn in which something was counted.
    turn: u64,
    lost: u64,
}

/// What has to be written down.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) parts: Table<PartKey>,
    pub(super) clients: Table<ClientKey>,
    pub(super) days: Vec<(u64, Table<DayKey>)>,
    /// How many sheets had been taken in.
    pub(super) turns: u64,
}

/// What changed of a table, and what it says of itself.
#[derive(Debug)]
pub(super) struct Table<K> {
    pub(super) rows: Vec<(u32, Use<K>)>,
    pub(super) total: u64,
    pub(super) missed: u64,
    /// Whether the rows are all there are.
    pub(super) is_whole: bool,
    /// How many requests were not counted.
    pub(super) lost: u64,
}

impl Book {
    pub(super) fn new(config: Config, parts: Parts, tables: Tables) -> Book {
        let met = Pending::new(&parts);
        let (tables, names) = (Mutex::new(tables), Mutex::new(super::names(config.names.clone())));
        let (desks, taking, clerk) = (Mutex::default(), Mutex::default(), OnceLock::new());
        let book = Book { config, parts, tables, desks, taking, clerk, met, names, known: RwLock::default() };
        book.look_who_is_known();
        book
    }

    /// A book that nothing was written into.
    pub fn empty(config: Config) -> Book {
        let tables = Tables::of(Heavy::new(config.entries), Heavy::new(config.client_entries()));
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
        self.look_who_is_known();
    }

    /// Whether that principal stood in the table when it was looked at last, or has a name.
    pub(super) fn knows(&self, principal: &Principal) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.binary_search(principal).is_ok()
    }

    fn look_who_is_known(&self) {
        let named: Vec<_> = locked(&self.names).keys().copied().collect();
        let mut known = {
            let tables = locked(&self.tables);
            let mut known = Vec::with_capacity(tables.parts.len() + named.len());
            known.extend(tables.parts.uses().map(|row| row.key.0));
            known
        };
        known.extend(named);
        known.sort_unstable();
        known.dedup();
        let mut known: Box<[Principal]> = known.into();
        // What was known before is given back once nobody waits for it any more.
        mem::swap(&mut *self.known.write().unwrap_or_else(PoisonError::into_inner), &mut known);
    }

    /// Has full sheets taken in by whoever hears of them there; none is its end.
    pub(super) fn employ(&self, clerk: Sender<Option<Arc<Desk>>>) {
        // There is one.
        self.clerk.set(clerk).ok();
    }

    /// A desk to count at.
    pub(super) fn desk(&self) -> Arc<Desk> {
        let desk = Arc::new(Desk::new());
        locked(&self.desks).push(Arc::clone(&desk));
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
        let _taking = locked(&self.taking);
        if let Some(mut sheet) = desk.lift_full() {
            self.take(&mut sheet);
            desk.put_back(sheet);
        }
    }

    /// Takes in every sheet. Everything that was counted before is in the tables then.
    pub(super) fn collect(&self) {
        let taking = locked(&self.taking);
        let desks = locked(&self.desks).clone();
        for desk in &desks {
            let is_left = desk.is_left();
            // First the full one if there is one, and then the open one.
            for _ in 0..2 {
                let Some(mut sheet) = desk.lift() else { break };
                self.take(&mut sheet);
                desk.put_back(sheet);
            }
            if is_left {
                locked(&self.desks).retain(|other| !Arc::ptr_eq(desk, other));
            }
        }
        // Sheets that are full by now need not wait for that.
        drop(taking);
        self.look_who_is_known();
    }

    /// Has everything written down again, as if nothing had been.
    pub(super) fn change_all(&self) {
        let mut tables = locked(&self.tables);
        tables.parts.change_all();
        tables.clients.change_all();
        (tables.parts_are_whole, tables.clients_are_whole) = (true, true);
        for day in tables.days.values_mut() {
            day.table.change_all();
            // What the file knows of a day that was not joined is not known here.
            day.is_whole = day.is_joined;
        }
    }

    /// The days whose tables know nothing of what the file may have of them.
    pub(super) fn days_apart(&self) -> Vec<u64> {
        let tables = locked(&self.tables);
        tables.days.iter().filter(|(_, day)| !day.is_joined).map(|(day, _)| *day).collect()
    }

    /// Adds what the file knows of a day, if it knows anything.
    pub(super) fn join_day(&self, day: u64, known: Option<(Summary<DayKey>, u64)>) {
        let mut tables = locked(&self.tables);
        let Some(day) = tables.days.get_mut(&day) else { return };
        if let Some((mut all, lost)) = known {
            day.lost += lost;
            all.merge(&Summary::of(&day.table, |key| Some(*key)));
            let uses = all.uses().map(|(key, known)| known.of(*key)).collect();
            day.table = Heavy::restored(self.config.day_entries(), uses, all.total, all.missed);
            day.table.change_all();
            day.is_whole = true;
        }
        day.is_joined = true;
    }

    /// Leaves in memory only what may soon be counted again: the days of late, as far as the file has them, and what was
    /// counted after that turn.
    pub(super) fn keep_days(&self, known: &[u64], written: u64) {
        let mut tables = locked(&self.tables);
        let mut turns: Vec<_> = tables.days.values().map(|day| day.turn).collect();
        turns.sort_unstable_by_key(|turn| std::cmp::Reverse(*turn));
        let oldest = turns.get(DAYS_KEPT - 1).copied().unwrap_or_default();
        tables.days.retain(|of, day| day.turn > written || day.turn >= oldest && known.contains(of));
    }

    /// What changed since this was asked last.
    pub(super) fn changes(&self) -> Changes {
        let mut tables = locked(&self.tables);
        let Tables { parts, clients, parts_are_whole, clients_are_whole, days, turns, lost } = &mut *tables;
        let joined = days.iter_mut().filter(|(_, day)| day.is_joined);
        Changes {
            parts: Table::of(parts, parts_are_whole, *lost),
            clients: Table::of(clients, clients_are_whole, *lost),
            days: joined.map(|(of, day)| (*of, day.changes())).collect(),
            turns: *turns,
        }
    }

    /// Takes in what is on a sheet, which is empty then.
    fn take(&self, sheet: &mut Sheet) {
        let dialects = self.parts.counted_for();
        let mut tables = locked(&self.tables);
        let Tables { parts, clients, days, turns, lost, .. } = &mut *tables;
        *turns += 1;
        *lost += sheet.lost;
        let room = self.config.day_entries();
        // Those that were lost may be of the day of the others, or of any after it.
        if sheet.lost > 0 && sheet.lost_on != sheet.day {
            let day = day_of(days, sheet.lost_on, room);
            (day.lost, day.turn) = (day.lost + sheet.lost, *turns);
        }
        let day = day_of(days, sheet.day, room);
        (day.lost, day.turn) = (day.lost + sheet.lost, *turns);
        for ((whose, part), seen) in sheet.parts.drain() {
            parts.add_all((whose, part), seen);
            if let Some(Some(dialect)) = dialects.get(part as usize) {
                day.table.add_all((whose, *dialect), seen);
            }
        }
        for ((whose, part, client), seen) in sheet.clients.drain() {
            if let Some(Some(dialect)) = dialects.get(part as usize) {
                clients.add_all((whose, *dialect, client), seen);
            }
        }
        sheet.clear();
    }
}

impl Day {
    fn changes(&mut self) -> Table<DayKey> {
        Table::of(&mut self.table, &mut self.is_whole, self.lost)
    }
}

/// The table of a day. Where a clock shows one day after the other, what is too much is counted for the last of them.
fn day_of(days: &mut BTreeMap<u64, Day>, of: u64, room: usize) -> &mut Day {
    let last = days.iter().max_by_key(|(_, day)| day.turn).map(|(last, _)| *last);
    let is_full = days.len() >= DAYS_MAX && !days.contains_key(&of);
    let of = last.filter(|_| is_full).unwrap_or(of);
    let new = || Day { table: Heavy::new(room), is_joined: false, is_whole: false, turn: 0, lost: 0 };
    days.entry(of).or_insert_with(new)
}

impl Tables {
    pub(super) fn of(parts: Heavy<PartKey>, clients: Heavy<ClientKey>) -> Tables {
        let (parts_are_whole, clients_are_whole) = (false, false);
        Tables {
            parts,
            clients,
            parts_are_whole,
            clients_are_whole,
            days: BTreeMap::new(),
            turns: 0,
            lost: 0,
        }
    }
}

impl<K: Copy + Eq + std::hash::Hash> Table<K> {
    fn of(table: &mut Heavy<K>, is_whole: &mut bool, lost: u64) -> Table<K> {
        let is_whole = std::mem::take(is_whole);
        Table { rows: table.changes(), total: table.total(), missed: table.missed(), is_whole, lost }
    }
}

/// A panic while a lock was held can have left a count too small, and nothing else wrong.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

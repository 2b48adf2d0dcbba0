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
use super::heavy::{Heavy, Use};
use super::known::Known;
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
        let desks = Mutex::new(Desks { all: Vec::new(), known: Arc::new(Known::with_room(0)) });
        let (taking, clerk, renewing) = (Mutex::default(), OnceLock::new(), Mutex::default());
        let book = Book { config, parts, tables, desks, taking, clerk, met, names, renewing };
        book.renew_known(|_| true);
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
            desks.iter().for_each(|desk| desk.add_all_to(&known));
        }
        // Full sheets need not wait for more than this.
        let standing: Vec<_> = locked(&self.tables).parts.uses().map(|row| row.key.0).collect();
        standing.iter().chain(&names).for_each(|who| known.add(who));
        let mut desks = locked(&self.desks);
        desks.all.iter().for_each(|desk| desk.go_by(&known));
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

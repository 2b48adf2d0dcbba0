//! What all workers counted, in tables of fixed size.
//!
//! A worker counts on a `Sheet` of its own, exactly. Its lock is its own too: nobody else takes it but whoever collects the
//! sheets, every few seconds, for as long as it takes to put another in its place. A sheet that is full, or of yesterday, the
//! worker hands in itself.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use super::client::Client;
use super::heavy::{Heavy, Use};
use super::part::Parts;
use super::sheet::{ClientKey, PartKey, Sheet};
use super::summary::Summary;
use super::watch::{Used, Watch};
use super::{Config, Part, Who};
use crate::dialect::Registry;
use crate::limit::Principal;
use crate::time::unix_seconds;
use crate::translate::Request;

/// What is counted of the days: how much of which dialect by whom.
pub(super) type DayKey = (Who, u32);

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
    sheets: Mutex<Vec<Weak<Mutex<Sheet>>>>,
    names: Mutex<BTreeMap<Who, String>>,
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
}

impl Book {
    pub(super) fn new(config: Config, parts: Parts, tables: Tables) -> Book {
        let (sheets, names) = (Mutex::default(), Mutex::new(config.names.clone()));
        Book { config, parts, tables: Mutex::new(tables), sheets, names }
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

    /// Whom operators call how.
    pub fn names(&self) -> BTreeMap<Who, String> {
        locked(&self.names).clone()
    }

    /// Calls principals otherwise from now on.
    pub fn rename(&self, names: BTreeMap<Who, String>) {
        *locked(&self.names) = names;
    }

    /// Takes in every sheet.
    pub(super) fn collect(&self) {
        let mut sheets: Vec<_> = Vec::new();
        locked(&self.sheets).retain(|sheet| sheet.upgrade().map(|sheet| sheets.push(sheet)).is_some());
        for sheet in sheets {
            let mut taken = Sheet::new();
            std::mem::swap(&mut *locked(&sheet), &mut taken);
            self.take(&mut taken);
        }
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
    pub(super) fn join_day(&self, day: u64, known: Option<Summary<DayKey>>) {
        let mut tables = locked(&self.tables);
        let Some(day) = tables.days.get_mut(&day) else { return };
        if let Some(mut all) = known {
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
        let Tables { parts, clients, parts_are_whole, clients_are_whole, days, turns } = &mut *tables;
        let joined = days.iter_mut().filter(|(_, day)| day.is_joined);
        Changes {
            parts: Table::of(parts, parts_are_whole),
            clients: Table::of(clients, clients_are_whole),
            days: joined.map(|(of, day)| (*of, Table::of(&mut day.table, &mut day.is_whole))).collect(),
            turns: *turns,
        }
    }

    /// Takes in what is on a sheet, which is empty then.
    fn take(&self, sheet: &mut Sheet) {
        if sheet.is_empty() {
            return;
        }
        let dialects = self.parts.counted_for();
        let mut tables = locked(&self.tables);
        let Tables { parts, clients, days, turns, .. } = &mut *tables;
        *turns += 1;
        let day = day_of(days, sheet.day, self.config.day_entries());
        day.turn = *turns;
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
    }
}

/// The table of a day. Where a clock shows one day after the other, what is too much is counted for the last of them.
fn day_of(days: &mut BTreeMap<u64, Day>, of: u64, room: usize) -> &mut Day {
    let last = days.iter().max_by_key(|(_, day)| day.turn).map(|(last, _)| *last);
    let is_full = days.len() >= DAYS_MAX && !days.contains_key(&of);
    let of = last.filter(|_| is_full).unwrap_or(of);
    let new = || Day { table: Heavy::new(room), is_joined: false, is_whole: false, turn: 0 };
    days.entry(of).or_insert_with(new)
}

impl Tables {
    pub(super) fn of(parts: Heavy<PartKey>, clients: Heavy<ClientKey>) -> Tables {
        let (parts_are_whole, clients_are_whole) = (false, false);
        Tables { parts, clients, parts_are_whole, clients_are_whole, days: BTreeMap::new(), turns: 0 }
    }
}

impl<K: Copy + Eq + std::hash::Hash> Table<K> {
    fn of(table: &mut Heavy<K>, is_whole: &mut bool) -> Table<K> {
        let is_whole = std::mem::take(is_whole);
        Table { rows: table.changes(), total: table.total(), missed: table.missed(), is_whole }
    }
}

/// Counts for one worker.
pub struct Counter {
    book: Arc<Book>,
    sheet: Arc<Mutex<Sheet>>,
}

impl Counter {
    /// One that counts into that book.
    pub fn new(book: Arc<Book>) -> Counter {
        let sheet = Arc::new(Mutex::new(Sheet::new()));
        locked(&book.sheets).push(Arc::downgrade(&sheet));
        Counter { book, sheet }
    }

    /// Counts a request.
    pub fn count(&self, whose: Principal, client: Client, (watch, used): (&Watch, &Used), now: SystemTime) {
        self.count_all(whose, client, watch.numbers(used), now);
    }

    /// Counts a request that uses those parts, the first of which is its operation.
    pub fn count_parts(&self, whose: Principal, client: Client, parts: &[u32], now: SystemTime) {
        self.count_all(whose, client, parts.iter().copied(), now);
    }

    fn count_all(
        &self,
        whose: Principal,
        client: Client,
        parts: impl Iterator<Item = u32> + Clone,
        now: SystemTime,
    ) {
        let now = unix_seconds(now);
        let mut sheet = locked(&self.sheet);
        if !sheet.has_room(now, parts.clone().count()) {
            self.book.take(&mut sheet);
        }
        sheet.count(whose.into(), client, parts, now);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.book.take(&mut locked(&self.sheet));
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counter").finish_non_exhaustive()
    }
}

/// What can be used of all dialects there are.
#[derive(Debug)]
pub struct Watches {
    book: Arc<Book>,
    /// By dialect, then by operation.
    operations: HashMap<String, HashMap<String, Arc<Watch>>>,
}

impl Watches {
    /// Those of the registry, counted in that book.
    pub fn of(registry: &Registry, book: Arc<Book>) -> Watches {
        let number = |part: &Part| book.parts.number(part);
        let operations = registry.dialects().iter().map(|dialect| {
            let watches = dialect.operations.iter().map(|operation| {
                (operation.name.clone(), Arc::new(Watch::of(&dialect.name, operation, &number)))
            });
            (dialect.name.clone(), watches.collect())
        });
        Watches { operations: operations.collect(), book }
    }

    /// Where it is counted.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// That of an operation.
    pub fn operation(&self, dialect: &str, operation: &str) -> Option<&Arc<Watch>> {
        self.operations.get(dialect)?.get(operation)
    }

    /// Which parts a request uses.
    pub fn find(&self, request: &Request) -> Used {
        let watch = self.operation(&request.dialect.name, &request.operation.name);
        watch.map(|watch| watch.find(request)).unwrap_or_default()
    }
}

/// A panic while a lock was held can have left a count too small, and nothing else wrong.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

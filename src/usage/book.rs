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
use super::met::{Losses, Meter, Pending};
use super::part::Parts;
use super::sheet::{ClientKey, PartKey, Sheet};
use super::watch::{Used, Watch};
use super::{Config, Part, Who};
use crate::dialect::Registry;
use crate::lens::Tally;
use crate::limit::Principal;
use crate::time::unix_seconds;
use crate::translate::Request;

/// What is counted of the days: how much of which dialect by whom.
pub(super) type DayKey = (Who, u32);

/// Everything that was counted.
#[derive(Debug)]
pub struct Book {
    config: Config,
    parts: Parts,
    tables: Mutex<Tables>,
    sheets: Mutex<Vec<Weak<Mutex<Sheet>>>>,
    met: Pending,
    names: Mutex<BTreeMap<Who, String>>,
}

/// The tables.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) parts: Heavy<PartKey>,
    pub(super) clients: Heavy<ClientKey>,
    /// By day since 1970, those that may still change.
    pub(super) days: BTreeMap<u64, Heavy<DayKey>>,
}

/// What has to be written down.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) parts: Table<PartKey>,
    pub(super) clients: Table<ClientKey>,
    pub(super) days: Vec<(u64, Table<DayKey>)>,
}

/// What changed of a table, and what it says of itself.
#[derive(Debug)]
pub(super) struct Table<K> {
    pub(super) rows: Vec<(u32, Use<K>)>,
    pub(super) total: u64,
    pub(super) missed: u64,
}

impl Book {
    pub(super) fn new(config: Config, parts: Parts, tables: Tables) -> Book {
        let (sheets, names) = (Mutex::default(), Mutex::new(config.names.clone()));
        let met = Pending::new(&parts);
        Book { config, parts, tables: Mutex::new(tables), sheets, met, names }
    }

    /// A book that nothing was written into.
    pub fn empty(config: Config) -> Book {
        let tables = Tables::new(&config);
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
        tables.days.values_mut().for_each(Heavy::change_all);
    }

    /// What changed since this was asked last. Days that are over are forgotten here.
    pub(super) fn changes(&self) -> Changes {
        let mut tables = locked(&self.tables);
        let Tables { parts, clients, days } = &mut *tables;
        let changes = Changes {
            parts: Table::of(parts),
            clients: Table::of(clients),
            days: days.iter_mut().map(|(day, table)| (*day, Table::of(table))).collect(),
        };
        // A worker that slept over midnight may still hand in a sheet of the day before.
        while days.len() > 2 {
            days.pop_first();
        }
        changes
    }

    /// Takes in what is on a sheet, which is empty then.
    fn take(&self, sheet: &mut Sheet) {
        if sheet.is_empty() {
            return;
        }
        let dialects = self.parts.counted_for();
        let mut tables = locked(&self.tables);
        let Tables { parts, clients, days } = &mut *tables;
        let day = days.entry(sheet.day).or_insert_with(|| Heavy::new(self.config.day_entries()));
        for ((whose, part), seen) in sheet.parts.drain() {
            parts.add_all((whose, part), seen);
            if let Some(Some(dialect)) = dialects.get(part as usize) {
                day.add_all((whose, *dialect), seen);
            }
        }
        for ((whose, part, client), seen) in sheet.clients.drain() {
            if let Some(Some(dialect)) = dialects.get(part as usize) {
                clients.add_all((whose, *dialect, client), seen);
            }
        }
    }
}

impl Tables {
    pub(super) fn new(config: &Config) -> Tables {
        let (parts, clients) = (Heavy::new(config.entries), Heavy::new(config.client_entries()));
        Tables { parts, clients, days: BTreeMap::new() }
    }
}

impl<K: Copy + Eq + std::hash::Hash> Table<K> {
    fn of(table: &mut Heavy<K>) -> Table<K> {
        Table { rows: table.changes(), total: table.total(), missed: table.missed() }
    }
}

/// Counts for one worker.
pub struct Counter {
    book: Arc<Book>,
    sheet: Arc<Mutex<Sheet>>,
    meter: Meter,
}

impl Counter {
    /// One that counts into that book.
    pub fn new(book: Arc<Book>) -> Counter {
        let sheet = Arc::new(Mutex::new(Sheet::new()));
        locked(&book.sheets).push(Arc::downgrade(&sheet));
        let meter = Meter::new(Arc::clone(&book));
        Counter { book, sheet, meter }
    }

    /// Counts a request.
    pub fn count(&self, whose: Principal, client: Client, (watch, used): (&Watch, &Used), now: SystemTime) {
        self.count_all(whose, client, watch.numbers(used), now);
    }

    /// Counts a request that uses those parts, the first of which is its operation.
    pub fn count_parts(&self, whose: Principal, client: Client, parts: &[u32], now: SystemTime) {
        self.count_all(whose, client, parts.iter().copied(), now);
    }

    /// Counts the declared losses that a request of an operation met.
    pub fn count_lost(
        &self,
        watches: &Watches,
        (dialect, operation): (&str, &str),
        met: &Tally,
        now: SystemTime,
    ) {
        if let Some(losses) = watches.losses.get(dialect).and_then(|operations| operations.get(operation)) {
            self.meter.lost(losses, met, now);
        }
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
    /// By the same.
    losses: HashMap<String, HashMap<String, Losses>>,
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
        let operations = operations.collect();
        let losses = registry.dialects().iter();
        let losses = losses.map(|dialect| (dialect.name.clone(), Losses::of(dialect).collect()));
        Watches { operations, losses: losses.collect(), book }
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

//! The tables into which sheets are taken: how often which part was used by whom, by which programs, and how much on which day.
//!
//! Each is of a fixed size, and says what changed since it was last written down.

use std::collections::BTreeMap;

use super::Config;
use super::heavy::{Heavy, Use};
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
    /// How many principals are told apart on one.
    day_room: usize,
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

impl Tables {
    /// Those of the parts and the clients, and others as large as they are told for the days.
    pub(super) fn of(parts: Heavy<PartKey>, clients: Heavy<ClientKey>, config: &Config) -> Tables {
        let (parts_are_whole, clients_are_whole) = (false, false);
        let (days, day_room) = (BTreeMap::new(), config.day_entries());
        Tables { parts, clients, parts_are_whole, clients_are_whole, days, day_room, turns: 0, lost: 0 }
    }

    /// Has everything written down again, as if nothing had been.
    pub(super) fn change_all(&mut self) {
        self.parts.change_all();
        self.clients.change_all();
        (self.parts_are_whole, self.clients_are_whole) = (true, true);
        for day in self.days.values_mut() {
            day.table.change_all();
            // What the file knows of a day that was not joined is not known here.
            day.is_whole = day.is_joined;
        }
    }

    /// The days whose tables know nothing of what the file may have of them.
    pub(super) fn days_apart(&self) -> Vec<u64> {
        self.days.iter().filter(|(_, day)| !day.is_joined).map(|(day, _)| *day).collect()
    }

    /// Adds what the file knows of a day, if it knows anything.
    pub(super) fn join_day(&mut self, day: u64, known: Option<(Summary<DayKey>, u64)>) {
        let Some(day) = self.days.get_mut(&day) else { return };
        if let Some((mut all, lost)) = known {
            day.lost += lost;
            all.merge(&Summary::of(&day.table, |key| Some(*key)));
            let uses = all.uses().map(|(key, known)| known.of(*key)).collect();
            day.table = Heavy::restored(self.day_room, uses, all.total, all.missed);
            day.table.change_all();
            day.is_whole = true;
        }
        day.is_joined = true;
    }

    /// Leaves in memory only what may soon be counted again: the days of late, as far as the file has them, and what was
    /// counted after that turn.
    pub(super) fn keep_days(&mut self, known: &[u64], written: u64) {
        let mut turns: Vec<_> = self.days.values().map(|day| day.turn).collect();
        turns.sort_unstable_by_key(|turn| std::cmp::Reverse(*turn));
        let oldest = turns.get(DAYS_KEPT - 1).copied().unwrap_or_default();
        self.days.retain(|of, day| day.turn > written || day.turn >= oldest && known.contains(of));
    }

    /// What changed since this was asked last.
    pub(super) fn changes(&mut self) -> Changes {
        let Tables { parts, clients, parts_are_whole, clients_are_whole, days, turns, lost, .. } = self;
        let joined = days.iter_mut().filter(|(_, day)| day.is_joined);
        Changes {
            parts: Table::of(parts, parts_are_whole, *lost),
            clients: Table::of(clients, clients_are_whole, *lost),
            days: joined.map(|(of, day)| (*of, day.changes())).collect(),
            turns: *turns,
        }
    }

    /// Takes in what is on a sheet, which is empty then. `dialects` has for each part the dialect whose requests it counts, if it
    /// is one that is counted by day.
    pub(super) fn take(&mut self, sheet: &mut Sheet, dialects: &[Option<u32>]) {
        let Tables { parts, clients, days, day_room, turns, lost, .. } = self;
        *turns += 1;
        *lost += sheet.lost;
        // Those that were lost may be of the day of the others, or of any after it.
        if sheet.lost > 0 && sheet.lost_on != sheet.day {
            let day = day_of(days, sheet.lost_on, *day_room);
            (day.lost, day.turn) = (day.lost + sheet.lost, *turns);
        }
        let day = day_of(days, sheet.day, *day_room);
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

impl<K: Copy + Eq + std::hash::Hash> Table<K> {
    fn of(table: &mut Heavy<K>, is_whole: &mut bool, lost: u64) -> Table<K> {
        let is_whole = std::mem::take(is_whole);
        Table { rows: table.changes(), total: table.total(), missed: table.missed(), is_whole, lost }
    }
}

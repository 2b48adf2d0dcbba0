//! A file is written by one book, and read by others.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::super::met::Met;
use super::super::part::Kind;
use super::super::summary::Summary;
use super::super::{Client, Counter, Part, UNCONFIRMED};
use super::*;
use crate::limit::Principal;

mod days;
mod files;
mod met;
mod owners;
mod strangers;
mod tables;

/// 2026-11-22T00:00:00Z, as `date -u -d 2026-11-22 +%s` says.
const NOON: u64 = 1_795_305_600 + DAY / 2;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn config() -> Config {
    Config { entries: 100, days: 3, ..Config::default() }
}

fn who(number: u32) -> Principal {
    Principal::of(&number.to_be_bytes())
}

/// Has a book count so many uses of an operation of its own by each of some principals.
fn count(book: &Arc<Book>, principals: std::ops::Range<u32>, times: u64, now: u64) {
    let part = book.parts().number(&Part::operation("a", "get"));
    let counter = Counter::new(Arc::clone(book));
    for principal in principals {
        for _ in 0..times {
            counter.count_parts(who(principal), Client::read(b"tool/1"), &[part], at(now));
        }
    }
}

fn counts(snapshot: &Snapshot) -> Vec<u64> {
    snapshot.uses.uses().map(|(_, known)| known.count).collect()
}

/// By day since `NOON`: what was counted, and what the file has of each.
fn totals(path: &Path) -> Vec<(i64, u64)> {
    let told = read(path).unwrap();
    let noon = write::int(NOON / DAY);
    let days = told.days.iter().map(|(day, table)| {
        assert_eq!(table.total, table.uses().map(|(_, known)| known.count).sum::<u64>());
        (write::int(*day) - noon, table.total)
    });
    days.collect()
}

/// What is told of the file, piece by piece.
fn streamed(path: &Path) -> Snapshot {
    let mut json = Vec::new();
    let mut reading = Reading::open(path).unwrap();
    reading.at_once(|telling| telling.tell(&[].into(), &mut json)).unwrap();
    Snapshot::from_json(&serde_json::from_slice(&json).unwrap()).unwrap()
}

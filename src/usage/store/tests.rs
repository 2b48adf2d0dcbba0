//! A file is written by one book, and read by others.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::super::book::Counter;
use super::super::met::Met;
use super::*;
use crate::limit::Principal;

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

#[test]
fn what_was_written_is_there_again_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    for round in 1..=3 {
        let roomy = Config { entries: 1000, ..config() };
        let (mut store, book) = Store::open(&path, roomy, at(NOON)).unwrap();
        let book = Arc::new(book);
        count(&book, 0..5, 2, NOON + round);
        store.write(&book, at(NOON + 10)).unwrap();
        let told = read(&path).unwrap();
        assert_eq!(told, store.read().unwrap());
        assert_eq!(counts(&told), [2 * round; 5]);
        assert!(told.uses.is_exact());
        assert_eq!((told.uses.total, told.since, told.written), (10 * round, NOON, NOON + 10));
        for (_, known) in told.uses.uses() {
            assert_eq!((known.first, known.last), (NOON + 1, NOON + round));
        }
        assert_eq!(told.clients.uses().count(), 5);
        let day = &told.days[&(NOON / DAY)];
        assert_eq!((day.total, day.uses().count()), (10 * round, 5));
        assert_eq!(Snapshot::from_json(&told.to_json()).unwrap(), told);
    }
}

#[test]
fn days_are_counted_apart_and_only_the_last_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let book = Arc::new(book);
    for day in 0..5 {
        let part = book.parts().number(&Part::operation("a", "get"));
        let counter = Counter::new(Arc::clone(&book));
        for _ in 0..=day {
            counter.count_parts(who(1), Client::UNKNOWN, &[part], at(NOON + day * DAY));
        }
        drop(counter);
        store.write(&book, at(NOON + day * DAY)).unwrap();
    }
    let told = read(&path).unwrap();
    let days: Vec<_> = told.days.iter().map(|(day, table)| (day - NOON / DAY, table.total)).collect();
    assert_eq!(days, [(2, 3), (3, 4), (4, 5)]);
    assert_eq!(counts(&told), [15]);
}

#[test]
fn one_sheet_over_midnight_is_counted_on_both_days() {
    let book = Arc::new(Book::empty(config()));
    let part = book.parts().number(&Part::operation("a", "get"));
    let counter = Counter::new(Arc::clone(&book));
    let midnight = NOON + DAY / 2;
    for now in [midnight - 1, midnight, midnight + 1] {
        counter.count_parts(who(1), Client::UNKNOWN, &[part], at(now));
    }
    drop(counter);
    let days: Vec<_> = book.changes().days.into_iter().map(|(day, table)| (day, table.total)).collect();
    assert_eq!(days, [(midnight / DAY - 1, 1), (midnight / DAY, 2)]);
}

#[test]
fn a_smaller_table_keeps_the_heaviest_and_says_what_it_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, Config { entries: 300, ..config() }, at(NOON)).unwrap();
    let book = Arc::new(book);
    count(&book, 0..10, 9, NOON);
    count(&book, 10..200, 1, NOON);
    store.write(&book, at(NOON)).unwrap();

    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    store.write(&book, at(NOON)).unwrap();
    let told = read(&path).unwrap();
    assert_eq!((told.uses.uses().count(), told.uses.missed, told.uses.total), (100, 1, 280));
    assert_eq!(counts(&told).into_iter().filter(|count| *count == 9).count(), 10);
}

#[test]
fn whoever_opens_it_to_write_takes_it_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut first, one) = Store::open(&path, config(), at(NOON)).unwrap();
    let one = Arc::new(one);
    count(&one, 0..1, 1, NOON);
    first.write(&one, at(NOON)).unwrap();
    let (mut second, other) = Store::open(&path, config(), at(NOON)).unwrap();
    count(&one, 0..1, 1, NOON);
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::TakenOver { .. })));
    second.write(&other, at(NOON)).unwrap();
    assert_eq!(counts(&read(&path).unwrap()), [1]);
}

#[test]
fn other_databases_are_left_alone_and_what_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    assert!(matches!(read(&path), Err(StoreError::Missing { .. })));
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(read(&path), Err(StoreError::Foreign { .. })));
    assert!(matches!(Store::open(&path, config(), at(NOON)), Err(StoreError::Foreign { .. })));
}

/// More principals than any table has room for: no file has more rows than the table, and who is always there is exact.
#[test]
fn the_file_stays_as_small_as_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let book = Arc::new(book);
    for round in 0..10 {
        count(&book, 0..1, 500, NOON);
        count(&book, 1 + round * 500..1 + (round + 1) * 500, 1, NOON);
        store.write(&book, at(NOON)).unwrap();
    }
    let told = read(&path).unwrap();
    assert_eq!((told.uses.uses().count(), told.uses.total), (100, 10_000));
    assert!(told.uses.missed <= 100, "{}", told.uses.missed);
    let heavy = told.uses.get(&(Who::from(who(0)), Part::operation("a", "get"))).unwrap();
    assert!(heavy.count - heavy.error <= 5000 && heavy.count >= 5000, "{heavy:?}");
}

/// Differences, by day from the first, with their counts.
fn differences(met: &Met) -> Vec<(u64, &str, u64)> {
    met.of(Kind::Difference).map(|(day, part, count)| (day - NOON / DAY, &*part.field, count)).collect()
}

#[test]
fn what_is_met_is_kept_as_many_days_through_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    for day in 0..5 {
        let (mut store, book) = Store::open(&path, config(), at(NOON + day * DAY)).unwrap();
        for _ in 0..2 {
            book.differs("a", "get", "/id", at(NOON + day * DAY));
            store.write(&book, at(NOON + day * DAY)).unwrap();
        }
    }
    let told = read(&path).unwrap();
    assert_eq!(differences(&told.met), [(2, "/id", 2), (3, "/id", 2), (4, "/id", 2)]);
    assert_eq!(Snapshot::from_json(&told.to_json()).unwrap(), told);
}

#[test]
fn what_could_not_be_written_is_written_once_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("ALTER TABLE met RENAME TO away").unwrap();
    book.differs("a", "get", "/id", at(NOON));
    assert!(matches!(store.write(&book, at(NOON)), Err(StoreError::Database { .. })));
    other.execute_batch("ALTER TABLE away RENAME TO met").unwrap();
    book.differs("a", "get", "/id", at(NOON));
    store.write(&book, at(NOON)).unwrap();
    assert_eq!(differences(&read(&path).unwrap().met), [(0, "/id", 2)]);
}

/// A file as the first version wrote it: three requests of one principal and one of another.
#[test]
fn a_file_of_the_first_version_is_read_as_it_is_and_taken_over_with_all_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let dump = include_str!("../../../tests/fixtures/usage/version-1.sql");
    Connection::open(&path).unwrap().execute_batch(dump).unwrap();
    let old = read(&path).unwrap();
    assert_eq!((old.uses.total, old.clients.total, &old.met), (15, 4, &Met::default()));

    let written = at(old.written + 60);
    let (mut store, book) =
        Store::open(&path, Config { entries: 100, ..Config::default() }, written).unwrap();
    book.differs("nimbus", "get-person", "/role", written);
    store.write(&book, written).unwrap();
    drop(store);
    let told = read(&path).unwrap();
    assert_eq!((&told.uses, &told.clients, &told.days), (&old.uses, &old.clients, &old.days));
    assert_eq!(told.met.all().count(), 1);

    // It has the tables that a new file has.
    let tables = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let names =
            ["name", "type", "\"notnull\"", "pk"].map(|column| format!("c.{column}")).join("|| ' ' ||");
        let sql = format!(
            "SELECT s.name || ' ' || {names} FROM sqlite_schema s, pragma_table_info(s.name) c ORDER BY s.name, c.cid"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let fresh = folder.path().join("fresh.sqlite");
    drop(Store::open(&fresh, config(), written).unwrap());
    assert_eq!(tables(&path), tables(&fresh));
    assert!(tables(&fresh).iter().any(|column| column.starts_with("met day")));
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    drop(Store::open(&path, config(), at(NOON)).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    assert!(matches!(read(&path), Err(StoreError::Foreign { .. })));
    assert!(matches!(Store::open(&path, config(), at(NOON)), Err(StoreError::Foreign { .. })));
}

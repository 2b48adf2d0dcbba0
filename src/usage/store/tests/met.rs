//! What was met is kept with the days on which it was.

use super::*;

/// Differences, by day from the first, with their counts.
fn differences(met: &Met) -> Vec<(u64, &str, u64)> {
    met.of(Kind::Difference).map(|(day, part, count)| (day - NOON / DAY, &*part.field, count)).collect()
}

/// The days are those of requests, and are kept by the same rule: today, and so many before it.
#[test]
fn what_is_met_is_kept_as_many_days_through_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    // On one of the days nothing was met, and on another there was nothing else.
    for day in 0..6 {
        let now = NOON + day * DAY;
        let (mut store, book) = Store::open(&path, config(), at(now)).unwrap();
        let book = Arc::new(book);
        for _ in 0..2 {
            if day != 3 {
                book.differs("a", "get", "/id", at(now));
            }
            if day != 4 {
                count(&book, 0..1, 1, now);
            }
            store.write(&book, at(now)).unwrap();
        }
    }
    let told = read(&path).unwrap();
    assert_eq!(differences(&told.met), [(2, "/id", 2), (4, "/id", 2), (5, "/id", 2)]);
    assert_eq!(totals(&path), [(2, 2), (3, 2), (5, 2)]);
    assert_eq!(Snapshot::from_json(&told.to_json()).unwrap(), told);
    assert_eq!(streamed(&path), told);
}

#[test]
fn a_clock_that_is_wrong_for_a_day_costs_nothing_that_was_met() {
    for wrong in [NOON - 4000 * DAY, NOON + 4000 * DAY] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.sqlite");
        let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
        for now in [NOON, NOON + DAY, wrong, wrong, NOON + DAY, NOON + 2 * DAY] {
            book.differs("a", "get", "/id", at(now));
            store.write(&book, at(now)).unwrap();
        }
        let told = read(&path).unwrap();
        let of = |day: u64| told.met.all().find(|(of, ..)| *of == day / DAY).map(|(_, _, count)| count);
        let found = [NOON, NOON + DAY, wrong, NOON + 2 * DAY].map(of);
        assert_eq!(found, [Some(1), Some(2), Some(2), Some(1)], "{wrong}");
    }
}

#[test]
fn what_was_met_while_another_had_the_file_is_written_when_it_is_handed_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut first, book) = Store::open(&path, config(), at(NOON)).unwrap();
    first.write(&book, at(NOON)).unwrap();
    let mut second = Store::look(&path, at(NOON)).unwrap();
    second.take_over(config()).unwrap();
    book.differs("a", "get", "/id", at(NOON));
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::Awaited { .. })));
    second.hand_back().unwrap();
    first.write(&book, at(NOON)).unwrap();
    assert_eq!(differences(&read(&path).unwrap().met), [(0, "/id", 1)]);
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

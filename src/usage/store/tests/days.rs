//! What is kept of the days, whatever clocks show.

use proptest::prelude::*;

use super::*;

#[test]
fn days_are_counted_apart_and_only_today_and_the_last_before_it_are_kept() {
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
    assert_eq!(days, [(1, 2), (2, 3), (3, 4), (4, 5)]);
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
    book.collect();
    let mut tables = book.tables();
    tables.days_apart().into_iter().for_each(|day| tables.join_day(day, None));
    let days: Vec<_> = tables.changes().days.into_iter().map(|(day, table)| (day, table.total)).collect();
    assert_eq!(days, [(midnight / DAY - 1, 1), (midnight / DAY, 2)]);
}

#[test]
fn a_clock_that_is_wrong_for_a_day_costs_nothing() {
    for (wrong, expected) in [
        // Ten years ahead, ten years behind, and where a machine without a clock of its own begins.
        (3650, &[(-2, 1), (-1, 1), (0, 2), (3650, 1)][..]),
        (-3650, &[(-3650, 1), (-2, 1), (-1, 1), (0, 2)]),
        (-write::int(NOON / DAY), &[(-write::int(NOON / DAY), 1), (-2, 1), (-1, 1), (0, 2)]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.sqlite");
        for day in [-2, -1, 0, wrong, 0] {
            // Each time by another process, which looks at the clock when it begins.
            let now = NOON.checked_add_signed(day * write::int(DAY)).unwrap_or_default();
            let (mut store, book) = Store::open(&path, config(), at(now)).unwrap();
            let book = Arc::new(book);
            count(&book, 0..1, 1, now);
            store.write(&book, at(now)).unwrap();
        }
        assert_eq!(totals(&path), expected, "{wrong}");
    }
}

/// Three days are kept besides today.
#[test]
fn a_day_goes_when_enough_others_are_over() {
    for (days, expected) in [
        (&[0, 1, 2, 3, 4, 5][..], &[2, 3, 4, 5][..]),
        // Days on which nobody asked are none.
        (&[0, 1, 50, 100], &[0, 1, 50, 100]),
        (&[0, 1, 50, 100, 101], &[1, 50, 100, 101]),
        // Two wrong days that are over take the places of two.
        (&[0, 1, 2, 3, 1000, 1001], &[2, 3, 1000, 1001]),
        (&[0, 1, 2, 3, 1000, 1001, 4], &[2, 3, 4, 1000, 1001]),
        // The wrong ones do not pile up, wherever they are.
        (&[0, 1001, 1002, 1003, 1, 1004, 1005, 2], &[2, 1002, 1003, 1004]),
        (&[10, 11, 12, 0, 1, 2, 3], &[0, 1, 2, 3, 10, 11, 12]),
        (&[10, 11, 12, 0, 1, 2, 3, 13], &[10, 11, 12, 13]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.sqlite");
        let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
        let book = Arc::new(book);
        for day in days {
            let now = NOON + day * DAY;
            count(&book, 0..1, 1, now);
            store.write(&book, at(now)).unwrap();
        }
        let kept: Vec<_> =
            totals(&path).into_iter().map(|(day, total)| (day.unsigned_abs(), total)).collect();
        let expected: Vec<_> = expected.iter().map(|day| (*day, 1)).collect();
        assert_eq!(kept, expected, "{days:?}");
    }
}

/// What becomes of a process.
#[derive(Clone, Copy, Debug)]
enum Then {
    Goes,
    Writes,
    Restarts,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Days as a clock shows them that anybody may set, in processes that end at any time.
    #[test]
    fn no_day_loses_what_was_counted_on_it_whatever_a_clock_shows(
        steps in prop::collection::vec(
            (0_u64..6, 1_u64..4, prop_oneof![Just(Then::Goes), Just(Then::Writes), Just(Then::Restarts)]), 1..14,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.sqlite");
        let config = Config { days: 100, ..config() };
        let mut truly: std::collections::BTreeMap<i64, u64> = std::collections::BTreeMap::new();
        let (mut store, book) = Store::open(&path, config.clone(), at(NOON)).unwrap();
        let (mut book, mut unwritten) = (Arc::new(book), 0);
        for (day, times, then) in steps {
            let now = NOON + day * DAY;
            count(&book, 0..2, times, now);
            *truly.entry(write::int(day)).or_default() += 2 * times;
            unwritten += 1;
            // More days than two between two writes may not be told apart.
            if matches!(then, Then::Goes) && unwritten < 2 {
                continue;
            }
            store.write(&book, at(now)).unwrap();
            unwritten = 0;
            if matches!(then, Then::Restarts) {
                let again = Store::open(&path, config.clone(), at(now)).unwrap();
                (store, book) = (again.0, Arc::new(again.1));
            }
        }
        store.write(&book, at(NOON)).unwrap();
        prop_assert_eq!(totals(&path), truly.into_iter().collect::<Vec<_>>());
        let told = read(&path).unwrap();
        prop_assert!(told.days.values().all(Summary::is_exact));
    }
}

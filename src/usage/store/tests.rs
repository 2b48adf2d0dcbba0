//! A file is written by one book, and read by others.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::super::met::Met;
use super::super::part::Kind;
use super::super::summary::Summary;
use super::super::{Client, Counter, Part, UNCONFIRMED};
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
        let mut json = Vec::new();
        let mut reading = Reading::open(&path).unwrap();
        reading.at_once(|telling| telling.tell(&[].into(), &mut json)).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(Snapshot::from_json(&json).unwrap(), told);
        for table in [&json["uses"], &json["clients"], &json["days"][0]] {
            assert_eq!(table["exact"], true);
        }
    }
}

#[test]
fn a_copy_of_the_file_alone_has_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("usage.sqlite"), folder.path().join("copy.sqlite"));
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let book = Arc::new(book);
    for round in 1..=3 {
        count(&book, 0..5, 2, NOON + round);
        store.write(&book, at(NOON + 10 * round)).unwrap();
        fs::copy(&path, &copy).unwrap();
        assert_eq!(read(&copy).unwrap(), read(&path).unwrap(), "in use, after {round} writes");
    }
}

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
    book.days_apart().into_iter().for_each(|day| book.join_day(day, None));
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
fn a_name_that_would_not_be_kept_any_more_is_gone_when_it_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let book = Arc::new(book);
    count(&book, 0..1, 1, NOON);
    store.write(&book, at(NOON)).unwrap();
    drop(store);
    let file = Connection::open(&path).unwrap();
    let key = "5f1c0d3b9a7e4c2d8f6b1a0e3c5d7f9b2a4c6e80";
    assert_eq!(file.execute("UPDATE clients SET client = ?1 WHERE client = 'tool/1'", [key]).unwrap(), 1);

    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    store.write(&Arc::new(book), at(NOON)).unwrap();
    let name: String = file.query_row("SELECT client FROM clients", [], |row| row.get(0)).unwrap();
    assert_eq!(name, "");
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
fn who_hands_it_back_has_changed_nothing_and_the_one_before_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut first, one) = Store::open(&path, config(), at(NOON)).unwrap();
    let one = Arc::new(one);
    count(&one, 0..1, 1, NOON);
    first.write(&one, at(NOON)).unwrap();
    // Only looked at: the first goes on.
    let mut second = Store::look(&path, at(NOON)).unwrap();
    count(&one, 0..1, 1, NOON);
    first.write(&one, at(NOON)).unwrap();
    // Taken, and handed back: what was counted meanwhile is written then.
    second.take_over(Config { entries: 1, days: 1, ..config() }).unwrap();
    count(&one, 0..3, 1, NOON);
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::TakenOver { .. })));
    second.hand_back().unwrap();
    first.write(&one, at(NOON)).unwrap();
    assert_eq!(counts(&read(&path).unwrap()).into_iter().sum::<u64>(), 5);
    // Not to be handed back any more when it has written.
    let other = second.take_over(config()).unwrap();
    second.write(&other, at(NOON)).unwrap();
    second.hand_back().unwrap();
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::TakenOver { .. })));
    second.write(&other, at(NOON)).unwrap();
}

/// How starts fail: one hands the file back, one ends without a word, and one does the first while the other waits for it.
#[test]
fn however_many_starts_fail_in_a_row_the_one_before_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut first, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let book = Arc::new(book);
    first.write(&book, at(NOON)).unwrap();
    let look = || {
        let mut store = Store::look(&path, at(NOON)).unwrap();
        store.patience = Duration::ZERO;
        store
    };
    let mut counted = 0;
    let mut goes_on = |first: &mut Store| {
        counted += 1;
        count(&book, 0..1, 1, NOON);
        first.write(&book, at(NOON)).unwrap();
        assert_eq!(counts(&read(&path).unwrap()), [counted]);
    };
    // Both fail, and the one that was there first does so first.
    let (mut second, mut third) = (look(), look());
    second.take_over(config()).unwrap();
    assert!(matches!(third.take_over(config()), Err(StoreError::Claimed { .. })));
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
    second.hand_back().unwrap();
    drop(second);
    third.take_over(config()).unwrap();
    third.hand_back().unwrap();
    goes_on(&mut first);
    // Both are gone without a word.
    for _ in 0..2 {
        let mut killed = look();
        killed.take_over(config()).unwrap();
        drop(killed);
    }
    goes_on(&mut first);
    // One of them is gone, and the next takes its place and starts.
    let mut killed = look();
    killed.take_over(config()).unwrap();
    drop(killed);
    let mut last = look();
    let other = last.take_over(config()).unwrap();
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
    last.write(&other, at(NOON)).unwrap();
    drop(last);
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
}

/// One of them waits until the other has written, and has read what that wrote.
#[test]
fn of_two_that_start_at_once_one_has_it_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let mut first = Store::look(&path, at(NOON)).unwrap();
    let book = Arc::new(first.take_over(config()).unwrap());
    std::thread::scope(|scope| {
        let mut second = Store::look(&path, at(NOON)).unwrap();
        let (taking, begins) = std::sync::mpsc::channel();
        let taken = scope.spawn(move || {
            taking.send(()).unwrap();
            let book = second.take_over(config()).unwrap();
            second.write(&book, at(NOON)).unwrap();
        });
        begins.recv().unwrap();
        count(&book, 0..1, 1, NOON);
        first.write(&book, at(NOON)).unwrap();
        taken.join().unwrap();
    });
    assert_eq!(counts(&read(&path).unwrap()), [1]);
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
}

/// What a version does that knows no heirs: it puts its name there, and puts back what was there.
#[test]
fn with_earlier_versions_it_is_handed_over_and_back_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut first, book) = Store::open(&path, config(), at(NOON)).unwrap();
    first.write(&book, at(NOON)).unwrap();
    let file = Connection::open(&path).unwrap();
    let writer = || -> String { file.query_row("SELECT writer FROM kept", [], |row| row.get(0)).unwrap() };
    let put = |writer: &str| assert_eq!(file.execute("UPDATE kept SET writer = ?1", [writer]).unwrap(), 1);
    // An earlier one starts, beside an heir that was killed, and fails.
    let mut killed = Store::look(&path, at(NOON)).unwrap();
    killed.take_over(config()).unwrap();
    drop(killed);
    let before = writer();
    put("earlier");
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
    put(&before);
    first.write(&book, at(NOON)).unwrap();
    // An earlier one has it: it writes as long as its name stands there, and nothing else.
    put("earlier");
    let mut second = Store::look(&path, at(NOON)).unwrap();
    let book = second.take_over(config()).unwrap();
    assert_ne!(writer(), "earlier");
    second.hand_back().unwrap();
    assert_eq!(writer(), "earlier");
    second.take_over(config()).unwrap();
    second.write(&book, at(NOON)).unwrap();
    assert!(!writer().contains("earlier"));
}

#[test]
fn a_file_that_a_link_leads_to_is_made_for_its_owner_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("shared.sqlite"), folder.path().join("usage.sqlite"));
    symlink(&path, &link).unwrap();
    drop(Store::open(&link, config(), at(NOON)).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// What the system says of who may read it.
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    store.write(&book, at(NOON)).unwrap();
    let mut found = 0;
    for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.path());
        found += 1;
    }
    assert_eq!(
        found, 4,
        "the file, what was written last, an index of that, and the lock of who takes it over"
    );
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

/// Nobody takes in the sheets until the file is written. Two of them have room for 256 programs each.
#[test]
fn what_was_not_counted_is_in_every_bound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let config = Config { entries: 25_000, ..config() };
    let (mut store, book) = Store::open(&path, config.clone(), at(NOON)).unwrap();
    let book = Arc::new(book);
    let (handed, heard) = std::sync::mpsc::channel();
    book.employ(handed);
    count(&book, 0..600, 1, NOON);
    store.write(&book, at(NOON)).unwrap();
    assert_eq!(heard.try_iter().count(), 1, "a sheet is handed in once");
    for _ in 0..2 {
        let told = read(&path).unwrap();
        let day = &told.days[&(NOON / DAY)];
        assert_eq!((told.uses.total, told.uses.missed, day.total, day.missed), (512, 88, 512, 88));
        let bounds = told.uses.uses().map(|(_, known)| known);
        let bounds = bounds.chain(day.uses().map(|(_, known)| known));
        assert!(bounds.into_iter().all(|known| (known.count, known.error) == (89, 88)));
        assert!(!told.uses.is_exact() && !told.clients.is_exact() && !day.is_exact());
        let mut json = Vec::new();
        let mut reading = Reading::open(&path).unwrap();
        reading.at_once(|telling| telling.tell(&[].into(), &mut json)).unwrap();
        assert_eq!(Snapshot::from_json(&serde_json::from_slice(&json).unwrap()).unwrap(), told);
        // The same when it was read again.
        let (mut again, book) = Store::open(&path, config.clone(), at(NOON)).unwrap();
        again.write(&book, at(NOON)).unwrap();
    }
    // Another day is exact, and what is in a worker's hands when it ends is not lost.
    drop(heard);
    let (mut store, book) = Store::open(&path, config, at(NOON)).unwrap();
    let book = Arc::new(book);
    count(&book, 0..600, 1, NOON + DAY);
    store.write(&book, at(NOON + DAY)).unwrap();
    let told = read(&path).unwrap();
    let day = &told.days[&(NOON / DAY + 1)];
    assert_eq!((told.uses.total, told.uses.missed, day.total), (1112, 88, 600));
    assert!(day.is_exact());
}

/// A link to the file, as a folder for each release has it: an heir by one name is seen by the owner who has it by another.
#[test]
fn by_whatever_path_it_is_reached_it_has_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let [path, link] = ["usage.sqlite", "link"].map(|name| folder.path().join(name));
    let (mut owner, book) = Store::open(&path, config(), at(NOON)).unwrap();
    owner.write(&book, at(NOON)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (mut heir, heirs) = Store::open(&link, config(), at(NOON)).unwrap();
    assert!(matches!(owner.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
    // One whom the file does not name any more keeps nobody waiting.
    heir.connection.execute("UPDATE kept SET writer = 'another'", []).unwrap();
    assert!(matches!(heir.write(&heirs, at(NOON)), Err(StoreError::TakenOver { .. })));
    let mut next = Store::look(&path, at(NOON)).unwrap();
    next.patience = Duration::ZERO;
    next.take_over(config()).unwrap();
}

#[test]
fn whoever_may_write_it_may_lock_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    for mode in [0o600, 0o666] {
        // The lock of before is still there.
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        drop(Store::open(&path, config(), at(NOON)).unwrap());
        let lock = fs::metadata(folder.path().join("usage.sqlite-heir")).unwrap();
        assert_eq!(lock.permissions().mode() & 0o777, mode);
    }
}

/// Whoever makes up credentials is one caller, whatever they call themselves, and pushes nobody out.
#[test]
fn strangers_are_one_caller_until_a_backend_knows_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    // Room for a hundred on a day.
    let roomy = Config { entries: 2500, ..config() };
    let (mut store, book) = Store::open(&path, roomy.clone(), at(NOON)).unwrap();
    let mut book = Arc::new(book);
    let part = book.parts().number(&Part::operation("a", "get"));
    let ask = |book: &Arc<Book>, principals: std::ops::Range<u32>, is_confirmed| {
        let (counter, client) = (Counter::new(Arc::clone(book)), Client::read(b"made-up/1"));
        for principal in principals {
            if is_confirmed {
                counter.count_parts(who(principal), client, &[part], at(NOON));
            } else {
                counter.count_doubtful(who(principal), client, [part].into_iter(), at(NOON));
            }
        }
        counter
    };
    ask(&book, 0..90, true);
    store.write(&book, at(NOON)).unwrap();
    for round in 1..=20 {
        ask(&book, round * 200..round * 200 + 200, false);
        store.write(&book, at(NOON)).unwrap();
    }
    let told = read(&path).unwrap();
    let of =
        |told: &Snapshot, who| told.uses.get(&(who, Part::operation("a", "get"))).map(|known| known.count);
    assert!(told.uses.is_exact() && told.clients.is_exact());
    assert_eq!((told.uses.uses().count(), of(&told, UNCONFIRMED)), (91, Some(4000)));
    let programs = told.clients.uses().filter(|((who, ..), _)| *who == UNCONFIRMED);
    assert_eq!(programs.map(|((.., name), known)| (&**name, known.count)).collect::<Vec<_>>(), [("", 4000)]);
    let day = &told.days[&(NOON / DAY)];
    assert_eq!(day.get(&(UNCONFIRMED, "a".to_owned())).map(|known| known.count - known.error), Some(4000));

    // Of one that is known, by what was counted before, each request is its own; also after a restart. So it is with one that has a
    // name, who is nobody else's invention.
    ask(&book, 5..6, false);
    let counter = ask(&book, 500..502, false);
    for is_confirmed in [true, false] {
        let (client, parts) = (Client::UNKNOWN, [part]);
        if is_confirmed {
            counter.count_parts(who(501), client, &parts, at(NOON));
        } else {
            counter.count_doubtful(who(501), client, parts.into_iter(), at(NOON));
        }
    }
    book.rename([(who(502), "nightly billing job".to_owned())].into());
    ask(&book, 502..504, false);
    store.write(&book, at(NOON)).unwrap();
    (store, book) = {
        let (store, book) = Store::open(&path, roomy.clone(), at(NOON)).unwrap();
        (store, Arc::new(book))
    };
    ask(&book, 500..502, false);
    store.write(&book, at(NOON)).unwrap();
    let told = read(&path).unwrap();
    let found = [who(5), who(500), who(501), who(502), UNCONFIRMED].map(|who| of(&told, who));
    assert_eq!(found, [Some(2), None, Some(3), Some(1), Some(4004)]);
}

/// Five times as many as two sheets have room for, and nobody who takes sheets in: strangers fill none.
#[test]
fn a_flood_of_strangers_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, Config { entries: 2500, ..config() }, at(NOON)).unwrap();
    let book = Arc::new(book);
    let (handed, heard) = std::sync::mpsc::channel();
    book.employ(handed);
    let part = book.parts().number(&Part::operation("a", "get"));
    count(&book, 0..5, 1, NOON);
    let counter = Counter::new(Arc::clone(&book));
    for stranger in 100..2660 {
        let client = Client::read(format!("made-up/{stranger}").as_bytes());
        counter.count_doubtful(who(stranger), client, [part].into_iter(), at(NOON));
    }
    store.write(&book, at(NOON)).unwrap();
    assert_eq!(heard.try_iter().count(), 0, "no sheet was full");
    let told = read(&path).unwrap();
    assert!(told.uses.is_exact() && told.clients.is_exact() && told.days.values().all(Summary::is_exact));
    assert_eq!((told.uses.total, told.uses.uses().count()), (2565, 6));
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
    let heavy = told.uses.get(&(who(0), Part::operation("a", "get"))).unwrap();
    assert!(heavy.count - heavy.error <= 5000 && heavy.count >= 5000, "{heavy:?}");
}

/// Differences, by day from the first, with their counts.
fn differences(met: &Met) -> Vec<(u64, &str, u64)> {
    met.of(Kind::Difference).map(|(day, part, count)| (day - NOON / DAY, &*part.field, count)).collect()
}

/// What is told of the file, piece by piece.
fn streamed(path: &Path) -> Snapshot {
    let mut json = Vec::new();
    let mut reading = Reading::open(path).unwrap();
    reading.at_once(|telling| telling.tell(&[].into(), &mut json)).unwrap();
    Snapshot::from_json(&serde_json::from_slice(&json).unwrap()).unwrap()
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
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::TakenOver { .. })));
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

/// A file as the first version wrote it: three requests of one principal and one of another.
#[test]
fn a_file_of_the_first_version_is_read_as_it_is_and_taken_over_with_all_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let dump = include_str!("../../../tests/fixtures/usage/version-1.sql");
    Connection::open(&path).unwrap().execute_batch(dump).unwrap();
    let old = read(&path).unwrap();
    assert_eq!((old.uses.total, old.clients.total, &old.met), (15, 4, &Met::default()));
    assert_eq!(streamed(&path), old);

    // Whoever hands it back leaves it to a proxy of that version.
    let mut handed = Store::look(&path, at(old.written)).unwrap();
    handed.take_over(config()).unwrap();
    handed.hand_back().unwrap();
    let version = |path: &Path| -> i64 {
        let sql = "SELECT user_version FROM pragma_user_version";
        Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), 1);

    let written = at(old.written + 60);
    let (mut store, book) =
        Store::open(&path, Config { entries: 100, ..Config::default() }, written).unwrap();
    book.differs("nimbus", "get-person", "/role", written);
    store.write(&book, written).unwrap();
    drop(store);
    assert_eq!(version(&path), 2);
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

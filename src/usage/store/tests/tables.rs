//! What a file has of the tables: all of it, as exact as they are, and no more rows.

use super::*;

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

//! What counting who uses what takes of memory: what it took at the start, whatever comes.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use allocation_counter::measure;
use interlingua::limit::Principal;
use interlingua::usage::store::Store;
use interlingua::usage::{Book, Client, Config, Counter, Heavy, Part};

/// So many different keys are added that the table is full, and its map was put in order, many times over.
const KEYS: u64 = 300_000;

#[test]
fn a_table_takes_no_more_memory_than_it_was_made_with() {
    for room in [1, 7, 1000] {
        let mut heavy = Heavy::new(room);
        let taken = measure(|| (0..KEYS).for_each(|key| heavy.add([key, key], key)));
        assert_eq!((taken.count_total, heavy.len(), heavy.total()), (0, room, KEYS), "room for {room}");
    }
}

/// Different principals with as many different programs, each of which is seen once; between them one that is always there.
/// `INTERLINGUA_USAGE=all cargo test --test gateway usage -- --nocapture` has ten million of them.
#[test]
fn any_number_of_principals_and_programs_has_the_memory_that_is_stated() {
    let all = std::env::var("INTERLINGUA_USAGE").is_ok_and(|asked| asked == "all");
    let (principals, entries) = if all { (10_000_000_u64, 50_000) } else { (60_000, 2_000) };
    let config = Config { entries, ..Config::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let now = UNIX_EPOCH + Duration::from_hours(498_696);
    let (mut store, book) = Store::open(&path, config, now).unwrap();
    let book = Arc::new(book);
    let operation = book.parts().number(&Part::operation("a", "get"));
    let field = book.parts().number(&Part::operation("a", "get").field("x"));
    let counter = Counter::new(Arc::clone(&book));
    let always = Principal::of(b"always");
    let count = |number: u64| {
        let client = Client::read(format!("tool/{number}").as_bytes());
        counter.count_parts(Principal::of(&number.to_be_bytes()), client, &[operation, field], now);
        if number.is_multiple_of(10) {
            counter.count_parts(always, Client::read(b"job/1"), &[operation, field], now);
        }
    };
    // The table of the day is made by the first sheet.
    (0..5000).for_each(count);
    let taken = measure(|| (5000..principals).for_each(count));
    store.write(&book, now).unwrap();
    let told = store.read().unwrap();

    let bound = 160 * i64::try_from(entries).unwrap();
    println!(
        "{principals} principals: at most {} bytes more at once, {} at the end",
        taken.bytes_max, taken.bytes_current
    );
    assert!(taken.bytes_current.abs() < 4096, "{taken:?}: nothing stays");
    assert!(i64::try_from(taken.bytes_max).unwrap() < bound, "{taken:?}");
    let (total, times) = (2 * (principals + principals / 10), principals / 10);
    assert_eq!((told.uses.uses().count(), told.uses.total), (entries, total));
    assert!(told.uses.missed <= total / entries as u64);
    let known = told.uses.get(&(always.into(), Part::operation("a", "get"))).unwrap();
    assert!(known.count >= times && known.count - known.error <= times, "{known:?}");
    assert!(known.error <= total / entries as u64, "{known:?}");
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 200 * entries as u64, "{size} bytes on disk");
}

#[test]
fn a_whole_book_takes_what_is_stated_for_each_entry() {
    for entries in [1_000_usize, 50_000] {
        let taken = measure(|| std::mem::forget(Book::empty(Config { entries, ..Config::default() })));
        let each = taken.bytes_current / i64::try_from(entries).unwrap();
        println!("{entries} entries: {} bytes, {each} each", taken.bytes_current);
        assert!(each <= 250, "{each} bytes for each of {entries}");
    }
}

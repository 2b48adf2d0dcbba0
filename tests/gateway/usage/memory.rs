//! What counting takes of memory and on the disk, whatever comes: no more than `docs/operations.md` and `docs/migration.md` state.
//! And what it knows of those who ask often, whenever they do: no less than is stated there.
//!
//! Each load has so many different pairs of a principal and what it uses, each of which is seen once, that the tables are
//! full many times over. Between them stand some who ask often, at the worst moments for whoever forgets those who
//! asked least. What the test counts itself is exact.
//!
//! What a client can make different at will is who it is, and what its program calls itself. It cannot make fields and values:
//! only those are counted that schemas and mappings name. So there is a load of many principals that use all there is of
//! a dialect, and one of fields and values that nobody knows.
//!
//! `INTERLINGUA_USAGE=all cargo test --test gateway usage::memory -- --nocapture --test-threads 1` has ten million of each, and
//! prints what is stated there as measured.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use allocation_counter::measure;
use interlingua::dialect::Selected;
use interlingua::dialect::url::Url;
use interlingua::json::{Document, Limits};
use interlingua::limit::Principal;
use interlingua::translate::Request;
use interlingua::usage::store::Store;
use interlingua::usage::{Book, Client, Config, Counter, Heavy, Kind, Part, Snapshot, Summary, Watches};

use crate::support::shipped;

/// Seconds of a day, and the first of the days on which requests come.
const DAY: u64 = 24 * 60 * 60;
const BEGIN: u64 = 20_000 * DAY;

/// On so many days requests come, of which so many are kept besides the last.
const DAYS: usize = 6;
const DAYS_KEPT: usize = 2;

/// So often it is written down in between.
const WRITES: u64 = 30;

/// How many there are of what is different each time, and how large the tables are: as they usually are, or a little larger
/// than what their maps have room for before they are doubled.
fn size() -> (u64, usize) {
    let all = std::env::var("INTERLINGUA_USAGE").is_ok_and(|asked| asked == "all");
    if all { (10_000_000, 50_000) } else { (20_000, 897) }
}

/// The number before that text, as a document states it.
fn stated(document: &str, after: &str) -> u64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document);
    let text = fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let (before, _) = text.split_once(after).unwrap_or_else(|| panic!("{document} has no `{after}`"));
    let number = before.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
    number.parse().unwrap_or_else(|_| panic!("no number before `{after}`: {number}"))
}

/// Bytes that are stated for each entry in memory.
fn table_bytes() -> u64 {
    stated("operations.md", "bytes for each of `usage.entries`, programs and days included")
}

/// Bytes that tables of so many entries and one worker may take, also while they are written or read.
fn memory_bound(entries: usize) -> u64 {
    let moment = stated("operations.md", "more for a moment while they are written or read");
    let sheets = stated("operations.md", "KiB for the two sheets of each worker") * 1024;
    (table_bytes() + moment) * entries as u64 + sheets
}

/// Bytes that the file may have, with what is beside it.
fn file_bound(config: &Config) -> u64 {
    let each = stated("migration.md", "bytes for each of `entries`");
    let of_day = stated("migration.md", "for each of them and each day that is kept");
    let more = stated("migration.md", "MiB that SQLite has not taken in yet") * 1024 * 1024;
    (each + of_day * (config.days + 1)) * config.entries as u64 + more
}

#[test]
fn a_table_takes_no_more_memory_than_it_was_made_with() {
    /// So many different keys that the table is full, and its map was put in order, many times over.
    const KEYS: u64 = 300_000;
    for room in [1, 7, 1000] {
        let mut heavy = Heavy::new(room);
        let taken = measure(|| (0..KEYS).for_each(|key| heavy.add([key, key], key)));
        assert_eq!((taken.count_total, heavy.len(), heavy.total()), (0, room, KEYS), "room for {room}");
    }
}

/// All but the third are a little larger than what their maps have room for before they are doubled.
#[test]
fn the_tables_take_what_is_stated_for_each_entry() {
    let each = table_bytes();
    for entries in [897_usize, 28_672, 50_000, 57_344] {
        // Besides what is made at once, a table for each of the days that may be in memory.
        let config = Config { entries, ..Config::default() };
        let day = config.day_entries();
        let taken = measure(|| {
            std::mem::forget(Book::empty(config));
            (0..4).for_each(|_| std::mem::forget(Heavy::<(Principal, u32)>::new(day)));
        });
        let bytes = u64::try_from(taken.bytes_current).unwrap();
        println!("{entries} entries: {bytes} bytes, {} each", bytes / entries as u64);
        assert!(bytes <= each * entries as u64, "{bytes} bytes for {entries}");
    }
}

/// Who asks often: by name, and how many requests stand before that one of so many others.
struct Often {
    name: &'static str,
    before: fn(at: u64, of: u64, often: u64) -> u64,
}

/// One comes at the very beginning and never again, one at the very end, one all at once every now and then.
const OFTEN: [Often; 5] = [
    Often { name: "first", before: |at, _, often| u64::from(at == 0) * often },
    Often { name: "last", before: |at, of, often| u64::from(at == of - 1) * often },
    Often { name: "bursts", before: |at, of, often| u64::from(at % (of / 5) == of / 10) * (often / 5) },
    Often { name: "steady", before: |at, of, often| u64::from(at.is_multiple_of((of / often).max(1))) },
    // Forgotten again and again, before it comes to stay.
    Often {
        name: "back",
        before: |at, of, often| {
            u64::from(at.is_multiple_of((of / 40).max(1))) + u64::from(at == of - 1) * often
        },
    },
];

impl Often {
    fn principal(&self) -> Principal {
        Principal::of(self.name.as_bytes())
    }
}

/// Requests that come: each of another principal by another program, with so many parts.
struct Load {
    requests: u64,
    parts: fn(at: u64) -> usize,
}

/// How often each of those who ask often did, on each day.
type Asked = [[u64; DAYS]; OFTEN.len()];

/// The most parts that a request of a load has: an operation, and fields and values of it.
const PARTS_MAX: usize = 50;

/// What came of a load.
struct Held {
    told: Snapshot,
    asked: Asked,
    config: Config,
}

impl Load {
    fn config(entries: usize) -> Config {
        Config { entries, days: DAYS_KEPT as u64, ..Config::default() }
    }

    /// How often those ask who do: so often that a fifth of it is more than any table may miss.
    fn often(&self, config: &Config) -> u64 {
        let pairs: u64 = (0..self.requests).map(|at| (self.parts)(at) as u64).sum();
        let of_day = self.requests / DAYS as u64 / config.day_entries() as u64;
        let most =
            (pairs / config.entries as u64).max(self.requests / config.client_entries() as u64).max(of_day);
        6 * most + 10
    }

    /// Counts and writes it all, and sees that neither memory nor the file grow over what is stated.
    fn hold(&self, name: &str, entries: usize) -> Held {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.sqlite");
        let config = Load::config(entries);
        let bound = memory_bound(entries);
        let (mut asked, mut largest, begun) = (Asked::default(), 0, Instant::now());
        let taken = measure(|| self.count(&path, &config, &mut asked, &mut largest));
        let took = begun.elapsed();
        // As a process that starts on it has it, which reads all of it.
        let again = measure(|| drop(Store::open(&path, config.clone(), at(DAYS as u64 * DAY)).unwrap()));
        println!(
            "{name}: {} requests and {} of who asks often, in {:.0?}: at most {} bytes in memory, {} to read it again, \
             of {bound} stated; at most {largest} bytes on the disk, of {} stated",
            self.requests,
            asked.as_flattened().iter().sum::<u64>(),
            took,
            taken.bytes_max,
            again.bytes_max,
            file_bound(&config),
        );
        assert!(taken.bytes_max <= bound && again.bytes_max <= bound, "{taken:?} {again:?}");
        assert!(taken.bytes_current.abs() < 4096, "{taken:?}: nothing stays");
        assert!(largest <= file_bound(&config), "{largest} bytes on the disk");
        Held { told: interlingua::usage::store::read(&path).unwrap(), asked, config }
    }

    fn count(&self, path: &Path, config: &Config, asked: &mut Asked, largest: &mut u64) {
        let (mut store, book) = Store::open(path, config.clone(), at(0)).unwrap();
        let book = Arc::new(book);
        let parts: Vec<_> = parts().map(|part| book.parts().number(&part)).collect();
        let often = self.often(config);
        let counter = Counter::new(Arc::clone(&book));
        for request in 0..self.requests {
            let day = request * DAYS as u64 / self.requests;
            let (now, parts) = (at(day * DAY), &parts[..(self.parts)(request)]);
            for (who, asked) in OFTEN.iter().zip(&mut *asked) {
                for _ in 0..(who.before)(request, self.requests, often) {
                    counter.count_parts(who.principal(), Client::read(b"job/1"), &parts[..1], now);
                    asked[usize::try_from(day).unwrap()] += 1;
                }
            }
            let program = Client::read(format!("tool/{}", request % 100_000_000).as_bytes());
            counter.count_parts(Principal::of(&request.to_be_bytes()), program, parts, now);
            if request % (self.requests / WRITES) == 0 {
                store.write(&book, now).unwrap();
                *largest = (*largest).max(on_disk(path));
            }
        }
        drop(counter);
        store.write(&book, at((DAYS as u64 - 1) * DAY)).unwrap();
        *largest = (*largest).max(on_disk(path));
    }
}

/// An operation, and fields and values of it: all that clients can use of a small dialect.
fn parts() -> impl Iterator<Item = Part> {
    let operation = Part::operation("a", "get");
    let fields = (0..).flat_map({
        let operation = operation.clone();
        move |at| {
            let field = operation.field(&format!("field{at}"));
            [field.clone(), field.value(Kind::Value, "\"word\"")]
        }
    });
    std::iter::once(operation).chain(fields).take(PARTS_MAX)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(BEGIN + seconds)
}

/// Bytes of the file and of all that is beside it.
fn on_disk(path: &Path) -> u64 {
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

impl Held {
    /// Holds each table to what was counted exactly: of those who ask often `truly`, of everybody else one.
    fn assert_exact<K: Ord + Clone>(
        name: &str,
        (summary, room): (&Summary<K>, usize),
        truly: impl Fn(usize) -> u64,
        key: impl Fn(Principal) -> K,
        is_of: impl Fn(&K) -> Principal,
    ) {
        let most = summary.total / room as u64;
        assert!(summary.missed <= most, "{name}: {} may be missed", summary.missed);
        assert!(summary.uses().count() <= room, "{name}: {} rows", summary.uses().count());
        let (mut worst, mut found) = (0, 0);
        for (who, often) in OFTEN.iter().enumerate() {
            let truly = truly(who);
            let known = summary.get(&key(often.principal()));
            assert!(known.is_some() || truly <= most, "{name}: {} is not there, with {truly}", often.name);
            found += usize::from(known.is_some_and(|_| truly > most));
        }
        assert!(found > 0, "{name}: nobody asks often enough to tell");
        for (of, known) in summary.uses() {
            let often = OFTEN.iter().position(|often| often.principal() == is_of(of));
            let truly = often.map_or(1, &truly);
            assert!(
                known.count >= truly && known.count - known.error <= truly,
                "{name}: {known:?}, not {truly}"
            );
            assert!(known.error <= most, "{name}: {known:?} is wrong by more than {most}");
            worst = worst.max(known.count - truly);
        }
        println!("{name}: {} uses, no count wrong by more than {worst} of {most} stated", summary.total);
    }

    fn assert_heavy(&self, name: &str) {
        let Held { told, asked, config } = self;
        let all = |who: usize| asked[who].iter().sum();
        let get = Part::operation("a", "get");
        let (uses, dialect) = ((&told.uses, config.entries), || "a".to_owned());
        Held::assert_exact(&format!("{name}, uses"), uses, all, |who| (who, get.clone()), |(who, _)| *who);
        let clients = (&told.clients, config.client_entries());
        let job = |who| (who, dialect(), "job/1".to_owned());
        Held::assert_exact(&format!("{name}, programs"), clients, all, job, |(who, ..)| *who);
        assert_eq!(told.days.len(), DAYS_KEPT + 1);
        for (day, table) in &told.days {
            let on = usize::try_from(day - BEGIN / DAY).unwrap();
            let (table, truly) = ((table, config.day_entries()), |who: usize| asked[who][on]);
            Held::assert_exact(
                &format!("{name}, day {on}"),
                table,
                truly,
                |who| (who, dialect()),
                |(who, _)| *who,
            );
        }
    }
}

/// As many different principals, each by another program.
#[test]
fn any_number_of_principals_has_the_memory_and_the_error_that_is_stated() {
    let (all, entries) = size();
    Load { requests: all, parts: |_| 1 }.hold("principals", entries).assert_heavy("principals");
}

/// As many different pairs of a principal and a field or a value: all that a dialect has, by as many as it takes.
#[test]
fn any_number_of_fields_and_values_has_the_memory_and_the_error_that_is_stated() {
    let (all, entries) = size();
    let load = Load { requests: all / PARTS_MAX as u64, parts: |_| PARTS_MAX };
    load.hold("fields and values", entries).assert_heavy("fields and values");
}

/// Both in turn: as many pairs, of as many principals as one in five.
#[test]
fn any_number_of_both_has_the_memory_and_the_error_that_is_stated() {
    let (all, entries) = size();
    let load = Load { requests: all / 5, parts: |at| if at.is_multiple_of(2) { 1 } else { 9 } };
    load.hold("mixed", entries).assert_heavy("mixed");
}

/// A request with a thousand items, each with a field that nobody knows and a role that is none, over and over: none of them
/// is counted, nor takes any memory that stays.
#[test]
fn fields_and_values_that_clients_invent_are_none() {
    const ITEMS: u64 = 1000;
    let (all, _) = size();
    let registry = &shipped().registry;
    let book = Arc::new(Book::empty(Config { entries: 1000, ..Config::default() }));
    let watches = Watches::of(registry, Arc::clone(&book));
    let dialect = registry.dialect("apexscore").unwrap();
    let operation =
        dialect.operations.iter().find(|one| one.name == "create_organization_invitations").unwrap();
    let watch = watches.operation(&dialect.name, &operation.name).unwrap();
    let selected = Selected {
        dialect: Arc::clone(dialect),
        operation: Arc::clone(operation),
        mount: 0,
        path: Vec::new(),
    };
    let known = book.parts().since(0).len();
    let counter = Counter::new(Arc::clone(&book));
    let whose = Principal::of(b"inventor");
    let send = |request: u64| {
        let items = (request * ITEMS..(request + 1) * ITEMS)
            .map(|at| format!("{{\"email\":\"{at}@b.example\",\"role\":\"word{at}\",\"field{at}\":{at}}}"));
        let text = format!("[{}]", items.collect::<Vec<_>>().join(","));
        let body = Document::parse(text.into_bytes(), &Limits::default()).unwrap();
        let url = Url::of(format!("/x?field{request}=word{request}").parse().unwrap());
        let request = Request::new(selected.clone(), url, Some(body)).unwrap();
        counter.count(whose, Client::UNKNOWN, (watch, &watches.find(&request)), at(0));
    };
    send(0);
    let taken = measure(|| (1..all / ITEMS).for_each(send));
    println!("{all} fields and as many values that nobody knows: {} bytes stay", taken.bytes_current);
    assert_eq!(taken.bytes_current, 0, "{taken:?}");
    assert_eq!(book.parts().since(0).len(), known, "no part is new");

    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(&folder.path().join("usage.sqlite"), Config::default(), at(0)).unwrap();
    store.write(&book, at(0)).unwrap();
    let told = store.read().unwrap();
    let used: Vec<_> = told.uses.uses().map(|((_, part), known)| (part.to_string(), known.count)).collect();
    let of = |part: &str| (format!("apexscore/create_organization_invitations{part}"), all / ITEMS);
    assert_eq!(used, [of(""), of("/[].email"), of("/[].role")]);
}

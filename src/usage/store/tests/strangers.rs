//! As whose it is counted what was asked by somebody whom no backend is known to know.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;

use super::*;

/// As whose requests were counted by now, and how many.
fn counted(book: &Book) -> BTreeMap<Principal, u64> {
    book.collect();
    let mut counted = BTreeMap::new();
    let changes = book.tables().changes();
    for (_, row) in changes.parts.rows {
        *counted.entry(row.key.0).or_default() += row.count;
    }
    counted
}

/// Has a request of each counted, of whom it is not known whether a backend knows them.
fn ask(counter: &Counter, principals: impl IntoIterator<Item = u32>, part: u32) {
    for principal in principals {
        counter.count_doubtful(who(principal), Client::UNKNOWN, [part].into_iter(), at(NOON));
    }
}

/// While the sheet lies open on which they stand, while it is full and nobody takes it in, and while somebody does.
#[test]
fn whoever_a_backend_has_answered_is_known_at_once_whichever_worker_they_ask() {
    let book = Arc::new(Book::empty(Config { entries: 2500, ..config() }));
    let (handed, heard) = channel();
    book.employ(handed);
    let part = book.parts().number(&Part::operation("a", "get"));
    let [one, other] = [(); 2].map(|()| Counter::new(Arc::clone(&book)));
    let both = || [&one, &other].into_iter().for_each(|counter| ask(counter, [0], part));
    one.count_parts(who(0), Client::UNKNOWN, &[part], at(NOON));
    both();
    for principal in 1..300 {
        one.count_parts(who(principal), Client::UNKNOWN, &[part], at(NOON));
    }
    both();
    // Another set of who is known is made while they wait.
    book.rename(BTreeMap::new());
    ask(&other, [1], part);
    let desk = heard.try_recv().expect("a sheet is full").expect("there is work");
    let mut sheet = desk.lift_full().expect("it is full");
    both();
    book.rename(BTreeMap::new());
    ask(&one, [299], part);
    sheet.clear();
    desk.put_back(sheet);
    assert_eq!(counted(&book).get(&UNCONFIRMED), None);
    ask(&one, [300], part);
    assert_eq!(counted(&book).get(&UNCONFIRMED), Some(&1), "somebody else");
}

/// Sets of who is known take each other's place all the time.
#[test]
fn nobody_is_forgotten_while_another_set_is_made_of_who_is_known() {
    const WORKERS: u32 = 4;
    const EACH: u32 = 1500;
    let book = Arc::new(Book::empty(Config { entries: (WORKERS * EACH) as usize, ..config() }));
    let part = book.parts().number(&Part::operation("a", "get"));
    std::thread::scope(|scope| {
        let workers = (0..WORKERS).map(|worker| {
            let book = &book;
            scope.spawn(move || {
                let [answered, other] = [(); 2].map(|()| Counter::new(Arc::clone(book)));
                for principal in worker * EACH..(worker + 1) * EACH {
                    answered.count_parts(who(principal), Client::UNKNOWN, &[part], at(NOON));
                    // Somebody who came just now, and somebody who came long ago.
                    ask(&other, [principal, worker * EACH], part);
                }
            })
        });
        let workers: Vec<_> = workers.collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            book.rename(BTreeMap::new());
        }
    });
    let counted = counted(&book);
    assert_eq!(counted.get(&UNCONFIRMED), None);
    assert_eq!(counted.values().sum::<u64>(), u64::from(3 * WORKERS * EACH));
}

/// Ten thousand, each of whom a backend has answered once, where there is room for a hundred. It is now and then written down how
/// often, or never.
#[test]
fn whoever_the_table_has_forgotten_is_a_stranger_again_and_all_others_are_not() {
    for is_written in [true, false] {
        let book = Arc::new(Book::empty(config()));
        let part = book.parts().number(&Part::operation("a", "get"));
        let (counter, elsewhere) = (Counter::new(Arc::clone(&book)), book.desk());
        for principal in 0..10_000 {
            if is_written && principal % 500 == 0 {
                book.collect();
            }
            for who in [who(principal), who(20_000)] {
                counter.count_parts(who, Client::UNKNOWN, &[part], at(NOON));
                assert!(elsewhere.knows(&who), "{principal}");
            }
        }
        // There is room for 100 in the table, 512 on the sheets of each and as many who come; twice that, and it is full.
        let known = (0..10_000).filter(|principal| elsewhere.knows(&who(*principal))).count();
        assert!(known < 4298, "{known}");
        assert!(!elsewhere.knows(&who(0)));
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

    // Of one that is known, by what was counted before, each request is its own; also after a restart. So it is with one that
    // has a name, who is nobody else's invention.
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

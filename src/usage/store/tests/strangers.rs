//! As whose it is counted what was asked by somebody whom no backend is known to know.

use super::*;

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

//! Whose a file is while processes start, fail and end: one writes it, and one is to have it next.

use super::*;

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
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::Awaited { .. })));
    second.write(&other, at(NOON)).unwrap();
    assert_eq!(counts(&read(&path).unwrap()), [1]);
}

/// The first goes on serving: what it answers is in no file, and the file says how much that is.
#[test]
fn what_a_process_answers_that_lost_the_file_is_told_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut first, one) = Store::open(&path, config(), at(NOON)).unwrap();
    let one = Arc::new(one);
    count(&one, 0..1, 4, NOON);
    first.write(&one, at(NOON)).unwrap();
    // About to have it: whoever has it may yet go on, and nothing is missing.
    let (mut second, other) = Store::open(&path, config(), at(NOON)).unwrap();
    let other = Arc::new(other);
    count(&one, 0..1, 2, NOON);
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::Awaited { .. })));
    second.write(&other, at(NOON)).unwrap();
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::TakenOver { strayed: 2, .. })));
    count(&one, 1..2, 1, NOON);
    for _ in 0..2 {
        let lost = first.write(&one, at(NOON)).unwrap_err();
        assert!(matches!(lost, StoreError::TakenOver { strayed: 3, .. }), "told once: {lost}");
        assert!(
            lost.to_string().contains("not counted (3 requests so far); end it, or start it anew"),
            "{lost}"
        );
    }
    count(&other, 0..1, 1, NOON);
    second.write(&other, at(NOON)).unwrap();
    drop(second);
    // Whoever has it next neither forgets it nor counts it twice.
    for _ in 0..2 {
        let (mut third, book) = Store::open(&path, config(), at(NOON)).unwrap();
        third.write(&book, at(NOON)).unwrap();
    }
    for told in [read(&path).unwrap(), streamed(&path)] {
        let known = told.uses.uses().next().unwrap().1;
        assert_eq!((known.count, known.error, told.uses.missed), (8, 3, 3));
        assert!(!told.uses.is_exact() && !told.clients.is_exact() && !told.days[&(NOON / DAY)].is_exact());
    }
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
    assert!(matches!(first.write(&one, at(NOON)), Err(StoreError::Awaited { .. })));
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
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::Awaited { .. })));
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
    assert!(matches!(first.write(&book, at(NOON)), Err(StoreError::Awaited { .. })));
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

/// A link to the file, as a folder for each release has it: an heir by one name is seen by the owner who has it by another.
#[test]
fn by_whatever_path_it_is_reached_it_has_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let [path, link] = ["usage.sqlite", "link"].map(|name| folder.path().join(name));
    let (mut owner, book) = Store::open(&path, config(), at(NOON)).unwrap();
    owner.write(&book, at(NOON)).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (mut heir, heirs) = Store::open(&link, config(), at(NOON)).unwrap();
    assert!(matches!(owner.write(&book, at(NOON)), Err(StoreError::Awaited { .. })));
    // One whom the file does not name any more keeps nobody waiting.
    heir.connection.execute("UPDATE kept SET writer = 'another'", []).unwrap();
    assert!(matches!(heir.write(&heirs, at(NOON)), Err(StoreError::TakenOver { .. })));
    let mut next = Store::look(&path, at(NOON)).unwrap();
    next.patience = Duration::ZERO;
    next.take_over(config()).unwrap();
}

//! What is met is counted exactly, whoever meets it, and is as little as it is said to be.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::super::Config;
use super::*;

/// 2026-11-22, as `date -u -d 2026-11-22 +%s` says, in days.
const TODAY: u64 = 1_795_305_600 / DAY;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(TODAY * DAY + seconds)
}

fn losses(operation: &str) -> Losses {
    let names: Arc<[String]> = ["member.zone", "member.age"].map(str::to_owned).into();
    Losses { operation: Part::operation("a", operation), numbers: Each::below(names.len()), names }
}

fn tally(losses: &[usize]) -> Tally {
    let mut tally = Tally::default();
    for loss in losses {
        tally.add(*loss);
    }
    tally
}

/// What a book has, by names.
fn taken(book: &Book) -> Met {
    let (mut met, counts) = (Met::default(), book.met().take());
    let parts = book.parts().since(0);
    for ((day, part), count) in counts {
        met.add(day, parts[part as usize].clone(), count);
    }
    met
}

fn lines(met: &Met) -> Vec<String> {
    met.all().map(|(day, part, count)| format!("{} {part} {count}", day - TODAY)).collect()
}

#[test]
fn losses_of_all_workers_are_added_up_by_day_and_operation() {
    let book = Arc::new(Book::empty(Config::default()));
    let (one, other) = (Meter::new(Arc::clone(&book)), Meter::new(Arc::clone(&book)));
    let (get, list) = (losses("get"), losses("list"));
    one.lost(&get, &tally(&[1, 1]), at(0));
    other.lost(&get, &tally(&[1, 0]), at(DAY - 1));
    other.lost(&list, &tally(&[0]), at(DAY));
    // No loss of that number was declared.
    other.lost(&list, &tally(&[2]), at(DAY));
    // A worker that ends hands in what it has.
    drop(other);
    let expected = ["0 a/get member.age 3", "0 a/get member.zone 1", "1 a/list member.zone 1"];
    assert_eq!(lines(&taken(&book)), expected);
    assert_eq!(taken(&book), Met::default(), "what was taken is gone");
}

#[test]
fn a_worker_drops_shadows_without_waiting_for_whoever_counts_the_others() {
    let book = Arc::new(Book::empty(Config::default()));
    let meter = Meter::new(Arc::clone(&book));
    let outcomes = Outcomes::new(Part::operation("a", "get"));
    meter.compared(&outcomes, ShadowOutcome::Dropped, at(0));
    let held = locked(&book.met().counts);
    let (done, is_done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            meter.compared(&outcomes, ShadowOutcome::Dropped, at(0));
            meter.compared(&outcomes, ShadowOutcome::TooLarge, at(DAY));
            done.send(()).unwrap();
        });
        let heard = is_done.recv_timeout(Duration::from_mins(1));
        drop(held);
        heard.expect("it waits for nobody");
    });
    book.compared("a", "get", ShadowOutcome::Dropped.name(), at(0));
    assert_eq!(lines(&taken(&book)), ["0 a/get dropped 3", "1 a/get too_large 1"]);
}

#[test]
fn places_of_an_operation_without_room_are_one_and_a_restart_makes_no_room() {
    let book = Book::empty(Config::default());
    for number in 0..1000 {
        book.differs("a", "list", &format!("/{number}"), at(0));
    }
    book.differs("a", "list", "/7", at(0));
    book.differs("a", "get", "/999", at(0));
    let met = taken(&book);
    let list: Vec<_> = met.of(Kind::Difference).filter(|(_, part, _)| part.operation == "list").collect();
    assert_eq!(list.len(), 51, "50 places, and the others");
    let count =
        |field: &str| list.iter().find(|(_, part, _)| part.field == field).map(|(_, _, count)| *count);
    assert_eq!((count("/7"), count("other"), count("/50")), (Some(2), Some(950), None));
    assert!(lines(&met).contains(&"0 a/get /999 1".to_owned()));

    let again = Pending::new(&Parts::of(book.parts().since(0)));
    let named = ["/7", "/1000"].map(|place| again.place(("a", "list"), place));
    assert_eq!(named, ["/7", "other"]);
}

#[test]
fn what_is_only_shown_takes_no_room_from_places_of_meaning() {
    let book = Book::empty(Config::default());
    for number in 0..100 {
        book.differs("a", "list", &format!("dialect:/{number}"), at(0));
    }
    book.differs("a", "list", "/name", at(0));
    let met = taken(&book);
    let (shown, others): (Vec<_>, Vec<_>) =
        met.of(Kind::Difference).partition(|(_, part, _)| part.is_shown());
    let others: Vec<_> = others.iter().map(|(_, part, count)| (part.field.as_str(), *count)).collect();
    assert_eq!((shown.len(), others), (51, vec![("/name", 1)]));
    assert!(lines(&met).contains(&"0 a/list dialect:other 50".to_owned()), "{:?}", lines(&met));
}

#[test]
fn what_replicas_met_is_added_up_and_told_as_json() {
    let book = Book::empty(Config::default());
    book.compared("a", "get", "same", at(0));
    book.compared("a", "get", "different", at(DAY));
    book.differs("a", "get", "/id", at(DAY));
    let met = taken(&book);
    let mut both = met.clone();
    both.merge(&met);
    assert_eq!(lines(&both), ["0 a/get same 2", "1 a/get different 2", "1 a/get /id 2"]);
    assert_eq!(Met::from_json(&both.to_json()).unwrap(), both);
    assert_eq!(Met::from_json(&Tree::Null).unwrap(), Met::default(), "an older proxy says nothing of it");
    for wrong in [json!({}), json!([{}]), json!([{"day": "2026-11-22", "kind": "no such"}])] {
        assert!(Met::from_json(&wrong).is_err(), "{wrong}");
    }
}

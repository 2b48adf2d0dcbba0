//! What is true is counted one by one in a map that grows.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Streams in which few keys are used often and many rarely, as in life; some uses come many at once.
fn stream() -> impl Strategy<Value = Vec<(u16, u64)>> {
    let key = prop_oneof![3 => 0_u16..4, 2 => 0_u16..20, 2 => any::<u16>()];
    let times = prop_oneof![5 => Just(1_u64), 1 => 2_u64..30];
    prop::collection::vec((key, times), 0..400)
}

fn counted(room: usize, stream: &[(u16, u64)]) -> Heavy<u16> {
    let mut heavy = Heavy::new(room);
    add(&mut heavy, stream, 0);
    heavy
}

fn add(heavy: &mut Heavy<u16>, stream: &[(u16, u64)], begin: u64) {
    for (now, (key, count)) in (begin..).zip(stream) {
        heavy.add_all(*key, Seen { count: *count, first: now, last: now });
    }
}

fn exact(stream: &[(u16, u64)]) -> BTreeMap<u16, Use<u16>> {
    let mut exact = BTreeMap::new();
    for (now, &(key, count)) in (0..).zip(stream) {
        let one = exact.entry(key).or_insert(Use { key, count: 0, error: 0, first: now, last: now });
        one.count += count;
        one.last = now;
    }
    exact
}

fn assert_bounds(heavy: &Heavy<u16>, exact: &BTreeMap<u16, Use<u16>>, most: u64) {
    assert!(heavy.missed() <= most);
    for (key, truly) in exact {
        let Some(known) = heavy.of(key) else {
            assert!(truly.count <= heavy.missed(), "{truly:?} is not there");
            continue;
        };
        assert!(known.count >= truly.count, "{known:?} is less than {truly:?}");
        assert!(known.count - known.error <= truly.count, "{known:?} is more wrong than it says: {truly:?}");
        assert!(known.error <= most, "{known:?} is wrong by more than {most}");
        assert!(known.first >= truly.first, "{known:?} was not there before {truly:?}");
        assert_eq!(known.last, truly.last);
    }
}

proptest! {
    #[test]
    fn no_count_is_too_small_nor_too_large_by_more_than_is_stated(room in 1_usize..20, stream in stream()) {
        let heavy = counted(room, &stream);
        prop_assert_eq!(heavy.total(), stream.iter().map(|(_, count)| count).sum::<u64>());
        prop_assert!(heavy.len() <= room);
        prop_assert_eq!(heavy.uses().map(|known| known.count).sum::<u64>(), heavy.total());
        assert_bounds(&heavy, &exact(&stream), heavy.total() / room as u64);
    }

    #[test]
    fn everything_is_exact_as_long_as_there_is_room(
        stream in prop::collection::vec((0_u16..12, 1_u64..3), 0..200),
    ) {
        let (heavy, exact) = (counted(12, &stream), exact(&stream));
        prop_assert_eq!(heavy.len(), exact.len());
        for (key, truly) in &exact {
            prop_assert_eq!(heavy.of(key), Some(truly));
        }
    }

    /// Whoever writes down the changes row by row knows the table, and a table made of that goes on as if nothing had been.
    #[test]
    fn what_was_written_down_and_read_again_goes_on(
        (room, later) in (1_usize..12, 1_usize..12), parts in prop::collection::vec(stream(), 1..4),
    ) {
        let (mut heavy, mut rows) = (Heavy::new(room), BTreeMap::new());
        for part in &parts {
            add(&mut heavy, part, 0);
            rows.extend(heavy.changes());
        }
        prop_assert_eq!(heavy.changes(), vec![]);
        let sorted = |heavy: &Heavy<u16>| {
            let mut uses: Vec<_> = heavy.uses().copied().collect();
            uses.sort_by_key(|known| known.key);
            uses
        };
        let restored = |room| Heavy::restored(room, rows.values().copied().collect(), heavy.total(), heavy.missed());
        prop_assert_eq!(sorted(&restored(room)), sorted(&heavy));

        let mut all = parts.concat();
        let mut smaller = restored(later);
        let more = vec![(1_u16, 1_u64), (70, 2), (71, 1), (1, 1)];
        add(&mut smaller, &more, all.len() as u64);
        all.extend(more);
        let truly = exact(&all);
        for (key, truly) in &truly {
            match smaller.of(key) {
                Some(known) => prop_assert!(known.count >= truly.count && known.count - known.error <= truly.count),
                None => prop_assert!(truly.count <= smaller.missed()),
            }
        }
    }
}

#[test]
fn who_is_always_there_is_found_among_any_number_of_others() {
    // Half of all uses are one key's; the other half are of another key each.
    let mut heavy = Heavy::new(100);
    for now in 0..50_000_u64 {
        heavy.add(0, now * 2);
        heavy.add(now + 1, now * 2 + 1);
    }
    assert_eq!(heavy.len(), 100);
    let known = heavy.of(&0).unwrap();
    assert!((50_000..=51_000).contains(&known.count), "{known:?}");
    assert_eq!((known.first, known.error), (0, 0), "it was never put out");
}

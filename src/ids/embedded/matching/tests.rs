//! What is found to be a pair, and what is told and left alone.

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::ids::embedded::{Position, Store};

const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const EVE: Uuid = Uuid::from_u128(0xe7e);
const NORTH: Uuid = Uuid::from_u128(0x1);
const SOUTH: Uuid = Uuid::from_u128(0x2);

const USERS: About<'_> = About { schema: "user", kind: Some("user"), organization: None, names: None };

struct Place {
    folder: TempDir,
}

impl Place {
    /// A map with these pairs of users.
    fn with(pairs: &[(&str, Uuid)]) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        let mut import = Store::open(&place.path()).unwrap().import("acme", "user").unwrap();
        for ((external, canonical), row) in pairs.iter().zip(1..) {
            let pair = Pair { external: (*external).to_owned(), canonical: *canonical, organization: None };
            import.stage(Position { file: 0, row }, &pair).unwrap();
        }
        import.finish().unwrap();
        place
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("ids.sqlite")
    }

    fn begin(&self) -> Matching {
        Matching::begin(Some(&self.path()), "acme").unwrap()
    }

    fn pairs(&self) -> Vec<(String, Uuid)> {
        let mut all = Vec::new();
        let each = |pair: Pair| {
            all.push((pair.external, pair.canonical));
            Ok::<_, StoreError>(())
        };
        Store::open(&self.path()).unwrap().export(("acme", "user"), None, each).unwrap();
        all
    }
}

fn digest(key: &str) -> Option<[u8; KEY_BYTES]> {
    let mut digest = [0; KEY_BYTES];
    digest[..key.len()].copy_from_slice(key.as_bytes());
    (!key.is_empty()).then_some(digest)
}

/// One list: the ids and keys that each side tells.
fn listed(matching: &mut Matching, about: About<'_>, theirs: &[(&str, &str)], ours: &[(Uuid, &str)]) {
    for (id, key) in theirs {
        matching.see(0, Sighting::Theirs(id, Uuid::try_parse(id).ok()), digest(key)).unwrap();
    }
    for (id, key) in ours {
        matching.see(0, Sighting::Ours(*id), digest(key)).unwrap();
    }
    matching.pair(0, about).unwrap();
}

fn fresh(matching: &Matching) -> Vec<(String, Uuid)> {
    let mut all = Vec::new();
    let each = |pair: Pair| {
        all.push((pair.external, pair.canonical));
        Ok::<_, StoreError>(())
    };
    matching.fresh("user", each).unwrap();
    all
}

fn conflicts(matching: &Matching) -> Vec<Why> {
    let mut all = Vec::new();
    let each = |conflict: Conflict| {
        all.push(conflict.why);
        Ok::<_, StoreError>(())
    };
    matching.conflicts(each).unwrap();
    all
}

fn half(external: &str, canonical: Uuid) -> (String, Uuid) {
    (external.to_owned(), canonical)
}

#[test]
fn one_record_of_each_side_with_one_key_is_a_pair() {
    let place = Place::with(&[]);
    let mut matching = place.begin();
    listed(
        &mut matching,
        USERS,
        &[("u-1", "ada"), ("u-2", "bob"), ("u-3", ""), ("u-1", "ada")],
        &[(ADA, "ada"), (EVE, "eve"), (NORTH, "")],
    );
    assert_eq!(fresh(&matching), [half("u-1", ADA)]);
    assert_eq!(conflicts(&matching), []);
    let counts = Counts { theirs_alone: 2, ours_alone: 2, ..Counts::default() };
    assert_eq!(matching.counts().unwrap(), counts);
    assert_eq!(place.pairs(), []);
    assert_eq!(matching.write(&["user"]).unwrap(), 1);
    assert_eq!(place.pairs(), [half("u-1", ADA)]);
    assert_eq!(matching.write(&["user"]).unwrap(), 0, "what is there already is not new");
}

#[test]
fn what_the_map_knows_or_spells_alike_needs_no_key() {
    let place = Place::with(&[("u-1", ADA)]);
    let mut matching = place.begin();
    let bob = BOB.to_string();
    listed(&mut matching, USERS, &[("u-1", "renamed"), (&bob, "b")], &[(ADA, "ada"), (BOB, "bob")]);
    assert_eq!((fresh(&matching), conflicts(&matching)), (vec![], vec![]));
    let counts = Counts { known: 1, computed: 1, ..Counts::default() };
    assert_eq!(matching.counts().unwrap(), counts);
}

#[test]
fn a_pair_that_contradicts_the_map_is_told_and_never_written() {
    let (a, b) = (half("u-1", ADA), half("u-2", BOB));
    for (theirs, ours, expected) in [
        // The map knows the old id, and another new one for it; then the other way round.
        ("u-1", EVE, Why::Mapped { pair: half("u-1", EVE), other: a.clone() }),
        ("u-9", ADA, Why::Mapped { pair: half("u-9", ADA), other: a.clone() }),
    ] {
        let place = Place::with(&[("u-1", ADA), ("u-2", BOB)]);
        let mut matching = place.begin();
        listed(&mut matching, USERS, &[(theirs, "key"), ("u-3", "eve")], &[(ours, "key"), (NORTH, "eve")]);
        assert_eq!(conflicts(&matching), [expected]);
        assert_eq!(fresh(&matching), [half("u-3", NORTH)], "the others have nothing to do with it");
        assert_eq!(matching.write(&["user"]).unwrap(), 1);
        assert_eq!(place.pairs(), [a.clone(), b.clone(), half("u-3", NORTH)]);
    }
}

#[test]
fn a_key_that_several_have_says_nothing_until_the_map_does() {
    let place = Place::with(&[]);
    let mut matching = place.begin();
    let (theirs, ours) = ([("u-1", "same"), ("u-2", "same")], [(ADA, "same")]);
    listed(&mut matching, USERS, &theirs, &ours);
    let [Why::Shared { schema, tag, theirs: told, ours: own }] = &conflicts(&matching)[..] else {
        panic!("one conflict")
    };
    assert_eq!((schema.as_str(), tag.as_str()), ("user", "73616d65"));
    assert_eq!(told, &(vec!["u-1".to_owned(), "u-2".to_owned()], 2));
    assert_eq!(own, &(vec![ADA], 1));
    assert_eq!(fresh(&matching), []);

    let place = Place::with(&[("u-2", ADA)]);
    let mut matching = place.begin();
    listed(&mut matching, USERS, &theirs, &ours);
    assert_eq!((fresh(&matching), conflicts(&matching)), (vec![], vec![]));
}

#[test]
fn two_pairs_that_claim_one_id_are_told_once_and_neither_is_written() {
    let place = Place::with(&[]);
    let mut matching = place.begin();
    listed(&mut matching, USERS, &[("u-1", "ada")], &[(ADA, "ada")]);
    listed(&mut matching, USERS, &[("u-2", "ada")], &[(ADA, "ada")]);
    listed(&mut matching, USERS, &[("u-3", "bob")], &[(BOB, "bob")]);
    let expected = Why::Claimed { pair: half("u-1", ADA), other: half("u-2", ADA) };
    assert_eq!(conflicts(&matching), [expected]);
    assert_eq!(fresh(&matching), [half("u-3", BOB)]);
}

#[test]
fn an_old_id_that_spells_another_record_of_ours_cannot_be_given() {
    let place = Place::with(&[]);
    let mut matching = place.begin();
    let bob = BOB.to_string();
    listed(&mut matching, USERS, &[(&bob, "ada")], &[(ADA, "ada")]);
    assert_eq!(fresh(&matching), [half(&bob, ADA)], "nobody else is called so");
    listed(&mut matching, USERS, &[], &[(BOB, "bob")]);
    assert_eq!(conflicts(&matching), [Why::Spelt { pair: half(&bob, ADA), other: BOB }]);
    assert_eq!(fresh(&matching), []);
}

#[test]
fn ids_of_an_organization_contradict_those_of_another_only_if_they_hold_everywhere() {
    let place = Place::with(&[]);
    let within = |organization| About { organization: Some(organization), ..USERS };
    let mut matching = place.begin();
    listed(&mut matching, within(NORTH), &[("u-1", "ada")], &[(ADA, "ada")]);
    listed(&mut matching, within(SOUTH), &[("u-1", "bob")], &[(BOB, "bob")]);
    assert_eq!((fresh(&matching).len(), conflicts(&matching).len()), (2, 0));
    listed(&mut matching, USERS, &[("u-1", "eve")], &[(EVE, "eve")]);
    assert_eq!((fresh(&matching).len(), conflicts(&matching).len()), (0, 2));
}

#[test]
fn lists_inside_others_are_those_of_pairs_that_nothing_speaks_against() {
    let place = Place::with(&[("u-1", ADA), ("u-2", BOB)]);
    let mut matching = place.begin();
    let about = About { names: Some("user_id"), ..USERS };
    let theirs = [("u-1", "old name"), ("u-2", "bob"), ("u-3", "eve"), ("u-4", "north")];
    listed(&mut matching, about, &theirs, &[(ADA, "ada"), (EVE, "eve"), (NORTH, "bob"), (SOUTH, "south")]);
    let scopes = matching.scopes("user_id", 0, 10).unwrap();
    let told: Vec<_> = scopes.iter().map(|scope| (scope.external.as_str(), scope.canonical)).collect();
    assert_eq!(told, [("u-1", ADA), ("u-3", EVE)]);
    assert_eq!(matching.scopes("user_id", scopes[0].place, 10).unwrap(), scopes[1..]);
    assert_eq!(matching.scopes("other", 0, 10).unwrap(), []);
}

#[test]
fn a_list_that_was_not_read_to_its_end_is_forgotten() {
    let place = Place::with(&[]);
    let mut matching = place.begin();
    matching.see(0, Sighting::Theirs("u-1", None), digest("ada")).unwrap();
    matching.forget().unwrap();
    listed(&mut matching, USERS, &[], &[(ADA, "ada")]);
    assert_eq!(fresh(&matching), []);
}

#[test]
fn an_id_that_cannot_be_imported_is_never_taken() {
    let place = Place::with(&[]);
    let mut matching = place.begin();
    let theirs = [("..", "ada"), ("u/1", "ada"), ("u%2F1", "ada"), ("u-1 ", "ada"), ("u\u{1b}[2J", "ada")];
    listed(&mut matching, USERS, &theirs, &[(ADA, "ada")]);
    assert_eq!((fresh(&matching), conflicts(&matching)), (vec![], vec![]));
    let counts = Counts { ours_alone: 1, ..Counts::default() };
    assert_eq!(matching.counts().unwrap(), counts);
}

#[test]
fn what_somebody_imports_while_both_sides_are_read_is_heard_of() {
    let place = Place::with(&[("u-0", EVE)]);
    let mut matching = place.begin();
    let theirs = [("u-1", "ada"), ("u-2", "bob"), ("u-3", "south")];
    listed(&mut matching, USERS, &theirs, &[(ADA, "ada"), (BOB, "bob"), (SOUTH, "south")]);
    let import = |external: &str, canonical| {
        let mut import = Store::open(&place.path()).unwrap().import("acme", "user").unwrap();
        let pair = Pair { external: external.to_owned(), canonical, organization: None };
        import.stage(Position { file: 0, row: 1 }, &pair).unwrap();
        import.finish().unwrap();
    };
    import("u-1", NORTH);
    let other = rusqlite::Connection::open(place.path()).unwrap();
    let is_busy: bool = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert!(!is_busy, "the search keeps an old state of the map");
    let first = Why::Mapped { pair: half("u-1", ADA), other: half("u-1", NORTH) };
    assert_eq!(conflicts(&matching), std::slice::from_ref(&first));

    let late = Uuid::from_u128(0x9);
    import("u-2", late);
    matching.hold().unwrap();
    let second = Why::Mapped { pair: half("u-2", BOB), other: half("u-2", late) };
    assert_eq!(conflicts(&matching), [first, second]);
    assert_eq!(matching.write(&["user"]).unwrap(), 1);
    assert_eq!(place.pairs(), [half("u-0", EVE), half("u-1", NORTH), half("u-2", late), half("u-3", SOUTH)]);
}

#[test]
fn without_a_map_everything_is_new() {
    let mut matching = Matching::begin(None, "acme").unwrap();
    listed(&mut matching, USERS, &[("u-1", "ada")], &[(ADA, "ada")]);
    assert_eq!(fresh(&matching), [half("u-1", ADA)]);
}

/// The last two can be no imported ones.
fn their_id(number: u8) -> String {
    match number {
        6 => "..".to_owned(),
        7 => "a/b".to_owned(),
        number => format!("u-{number}"),
    }
}

proptest! {
    #[test]
    fn whatever_is_written_can_be_imported_beside_what_was_there(
        known in proptest::collection::btree_map(0_u8..6, 0_u128..6, 0..4),
        lists in proptest::collection::vec(
            (proptest::collection::vec((0_u8..8, 0_u8..4), 0..6), proptest::collection::vec((0_u128..6, 0_u8..4), 0..6)),
            1..4,
        ),
    ) {
        let mut before: Vec<(String, Uuid)> = Vec::new();
        for (external, canonical) in known {
            let canonical = Uuid::from_u128(canonical);
            if before.iter().all(|(_, other)| *other != canonical) {
                before.push((format!("u-{external}"), canonical));
            }
        }
        let pairs: Vec<_> = before.iter().map(|(external, canonical)| (external.as_str(), *canonical)).collect();
        let place = Place::with(&pairs);
        let mut matching = place.begin();
        for (theirs, ours) in &lists {
            for (id, key) in theirs {
                matching.see(0, Sighting::Theirs(&their_id(*id), None), digest(&format!("k{key}"))).unwrap();
            }
            for (id, key) in ours {
                matching.see(0, Sighting::Ours(Uuid::from_u128(*id)), digest(&format!("k{key}"))).unwrap();
            }
            matching.pair(0, USERS).unwrap();
        }
        let new = fresh(&matching);
        prop_assert_eq!(matching.write(&["user"]).unwrap(), new.len() as u64);
        let after = place.pairs();
        // What was there is there, what is new is there too, and each half stands once.
        prop_assert!(before.iter().chain(&new).all(|pair| after.contains(pair)));
        prop_assert_eq!(after.len(), before.len() + new.len());
        prop_assert!(after.iter().all(|(external, _)| is_external(external)));
        let mut halves: Vec<_> = after.iter().map(|(external, _)| external.clone()).collect();
        halves.extend(after.iter().map(|(_, canonical)| canonical.to_string()));
        halves.sort();
        halves.dedup();
        prop_assert_eq!(halves.len(), 2 * after.len());
        // A pair is only ever made of two records that some list tells under one key.
        for (external, canonical) in &new {
            let is_told = lists.iter().any(|(theirs, ours)| {
                theirs.iter().any(|(id, key)| {
                    their_id(*id) == *external
                        && ours.iter().any(|(id, other)| Uuid::from_u128(*id) == *canonical && key == other)
                })
            });
            prop_assert!(is_told);
        }
    }
}

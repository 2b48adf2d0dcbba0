//! What is kept, and what is refused.

use std::cell::Cell;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const NORTH: Uuid = Uuid::from_u128(0x1);
const SOUTH: Uuid = Uuid::from_u128(0x2);

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("ids.sqlite")).unwrap();
    (folder, store)
}

type Row = (&'static str, Uuid, Option<Uuid>);

/// A conflict: its row, the halves of the other pair, and the other's row.
type Told = (u64, String, Option<u64>);

/// Imports rows as users of a dialect.
fn import(store: &Store, rows: &[Row]) -> Result<(u64, u64), Vec<Told>> {
    let mut import = store.import("acme", "user").unwrap();
    for ((external, canonical, organization), row) in rows.iter().zip(1..) {
        let pair =
            Pair { external: (*external).to_owned(), canonical: *canonical, organization: *organization };
        import.stage(Position { file: 0, row }, &pair).unwrap();
    }
    match import.finish() {
        Ok(Imported { new, already }) => Ok((new, already)),
        Err(Refused::Conflicts { first, .. }) => {
            let told = |conflict: Conflict| {
                let other = format!("{}={:x}", conflict.other.0, conflict.other.1.as_u128());
                (conflict.at.row, other, conflict.other_at.map(|at| at.row))
            };
            Err(first.into_iter().map(told).collect())
        }
        Err(Refused::Store(error)) => panic!("{error}"),
    }
}

fn look_up(store: &Store, direction: Direction, key: &str, organization: Option<Uuid>) -> Option<String> {
    let question = Question { kind: "user".to_owned(), direction, organization, key: key.to_owned() };
    store.look_up("acme", &[question]).unwrap().remove(0)
}

#[test]
fn a_pair_is_found_from_either_half_and_by_its_own_kind_alone() {
    let (_folder, store) = store();
    assert_eq!(import(&store, &[("a", ADA, None), ("b", BOB, None)]), Ok((2, 0)));

    assert_eq!(look_up(&store, Direction::Lift, "a", None), Some(ADA.to_string()));
    assert_eq!(look_up(&store, Direction::Lower, &BOB.to_string(), None).as_deref(), Some("b"));
    assert_eq!(look_up(&store, Direction::Lift, "A", None), None, "letters are not all the same");
    for (dialect, kind) in [("acme", "link"), ("other", "user")] {
        let key = "a".to_owned();
        let question =
            Question { kind: kind.to_owned(), direction: Direction::Lift, organization: None, key };
        assert_eq!(store.look_up(dialect, &[question]).unwrap(), [None]);
    }
}

#[test]
fn the_same_pair_again_is_counted_and_changes_nothing() {
    let (_folder, store) = store();
    assert_eq!(import(&store, &[("a", ADA, None), ("a", ADA, None)]), Ok((1, 1)));
    assert_eq!(import(&store, &[("b", BOB, None), ("a", ADA, None)]), Ok((1, 1)));
    assert_eq!(import(&store, &[]), Ok((0, 0)));
    assert_eq!(store.count("acme", "user").unwrap(), 2);
}

#[test]
fn a_half_that_is_given_twice_is_a_conflict_with_its_row_and_nothing_is_imported() {
    let (_folder, store) = store();
    import(&store, &[("a", ADA, None)]).unwrap();
    let cases: [(&[Row], &str, Option<u64>); 4] = [
        (&[("b", BOB, None), ("a", BOB, None)], "", None),
        (&[("c", BOB, None), ("z", ADA, None)], "a=ada", None),
        (&[("c", BOB, None), ("c", NORTH, None)], "c=b0b", Some(1)),
        (&[("c", BOB, None), ("d", BOB, None)], "c=b0b", Some(1)),
    ];
    for (rows, other, at) in cases {
        let conflicts = import(&store, rows).unwrap_err();
        if other.is_empty() {
            let two = [(2, "a=ada".to_owned(), None), (2, "b=b0b".to_owned(), Some(1))];
            assert_eq!(conflicts, two, "it contradicts both");
        } else {
            assert_eq!(conflicts, [(2, other.to_owned(), at)]);
        }
        assert_eq!(store.count("acme", "user").unwrap(), 1);
        assert_eq!(look_up(&store, Direction::Lift, "c", None), None);
    }
}

#[test]
fn an_organization_s_own_ids_are_its_own() {
    let (_folder, store) = store();
    let rows = [("a", ADA, Some(NORTH)), ("a", BOB, Some(SOUTH)), ("everywhere", NORTH, None)];
    assert_eq!(import(&store, &rows), Ok((3, 0)));

    assert_eq!(look_up(&store, Direction::Lift, "a", Some(NORTH)), Some(ADA.to_string()));
    assert_eq!(look_up(&store, Direction::Lift, "a", Some(SOUTH)), Some(BOB.to_string()));
    assert_eq!(look_up(&store, Direction::Lift, "a", None), None);
    assert_eq!(look_up(&store, Direction::Lower, &ADA.to_string(), Some(SOUTH)), None);
    assert_eq!(look_up(&store, Direction::Lift, "everywhere", Some(SOUTH)), Some(NORTH.to_string()));
}

#[test]
fn what_holds_everywhere_holds_in_every_organization() {
    let (_folder, store) = store();
    import(&store, &[("a", ADA, None)]).unwrap();
    let conflict = |row, other: &str, at| Err(vec![(row, other.to_owned(), at)]);
    assert_eq!(import(&store, &[("a", BOB, Some(NORTH))]), conflict(1, "a=ada", None));
    assert_eq!(import(&store, &[("b", ADA, Some(NORTH))]), conflict(1, "a=ada", None));
    assert_eq!(
        import(&store, &[("b", BOB, Some(NORTH)), ("b", SOUTH, None)]),
        conflict(1, "b=2", Some(2)),
        "in one file too"
    );
    import(&store, &[("b", BOB, Some(NORTH))]).unwrap();
    assert_eq!(import(&store, &[("b", SOUTH, None)]), conflict(1, "b=b0b", None));
}

#[test]
fn no_more_conflicts_are_told_than_anyone_reads() {
    let (_folder, store) = store();
    let mut import = store.import("acme", "user").unwrap();
    for row in 1..=60_u32 {
        let pair =
            Pair { external: "a".to_owned(), canonical: Uuid::from_u128(row.into()), organization: None };
        import.stage(Position { file: 0, row: row.into() }, &pair).unwrap();
    }
    let Err(Refused::Conflicts { first, more }) = import.finish() else { panic!("all contradict the first") };
    assert!(more);
    let rows: Vec<_> = first.iter().map(|conflict| conflict.at.row).collect();
    assert_eq!(rows, (2..=21).collect::<Vec<_>>());
}

#[test]
fn an_import_under_way_keeps_nobody_from_reading_or_importing() {
    let (folder, store) = store();
    let mut slow = store.import("acme", "user").unwrap();
    let pair = Pair { external: "a".to_owned(), canonical: ADA, organization: None };
    slow.stage(Position { file: 0, row: 1 }, &pair).unwrap();
    let other = Store::open(&folder.path().join("ids.sqlite")).unwrap();

    assert_eq!(look_up(&store, Direction::Lift, "a", None), None);
    assert_eq!(import(&other, &[("a", BOB, None)]), Ok((1, 0)));
    assert!(matches!(slow.finish(), Err(Refused::Conflicts { .. })));
    assert_eq!(look_up(&store, Direction::Lift, "a", None), Some(BOB.to_string()));
}

#[test]
fn an_import_that_is_given_up_leaves_nothing() {
    let (_folder, store) = store();
    let mut import = store.import("acme", "user").unwrap();
    let pair = Pair { external: "a".to_owned(), canonical: ADA, organization: None };
    import.stage(Position { file: 0, row: 1 }, &pair).unwrap();
    drop(import);
    assert_eq!(store.count("acme", "user").unwrap(), 0);
}

#[test]
fn what_was_imported_is_exported_and_found() {
    let (_folder, store) = store();
    import(&store, &[("b", BOB, Some(NORTH)), ("a", ADA, None)]).unwrap();
    let export = |organization| {
        let mut externals = Vec::new();
        store
            .export(("acme", "user"), organization, |pair| {
                externals.push(pair.external);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        externals
    };
    assert_eq!(export(None), ["a", "b"]);
    assert_eq!(export(Some(NORTH)), ["b"]);

    let pair = Pair { external: "b".to_owned(), canonical: BOB, organization: Some(NORTH) };
    let entry = Entry { dialect: "acme".to_owned(), kind: "user".to_owned(), pair };
    assert_eq!(store.find("b", None).unwrap(), std::slice::from_ref(&entry));
    assert_eq!(store.find("", Some(BOB)).unwrap(), [entry]);
    assert_eq!(store.find("c", None).unwrap(), []);
}

#[test]
fn another_program_s_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| Store::open(&folder.path().join(name)).map(|_| ()).unwrap_err().to_string();
    for (name, sql) in [
        ("marked", "PRAGMA application_id = 7"),
        ("versioned", "PRAGMA user_version = 1"),
        ("full", "CREATE TABLE notes (text)"),
    ] {
        let other = Connection::open(folder.path().join(name)).unwrap();
        other.execute_batch(sql).unwrap();
        assert!(open(name).ends_with("is a database of another program"), "{}", open(name));
        let kinds = "SELECT count(*) FROM sqlite_schema WHERE name = 'kinds'";
        assert_eq!(other.query_row(kinds, [], |row| row.get::<_, i64>(0)), Ok(0));
    }
    let newer = Connection::open(folder.path().join("newer")).unwrap();
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 2");
    newer.execute_batch(&marks).unwrap();
    assert!(open("newer").ends_with("has schema version 2, this program reads version 1"));

    std::fs::write(folder.path().join("text"), "certainly no database, and longer than the header of one")
        .unwrap();
    assert!(open("text").ends_with("cannot be used"));
    let missing = Store::open_existing(&folder.path().join("missing")).unwrap_err();
    assert!(missing.to_string().ends_with("`interlingua ids import` makes one"), "{missing}");
    assert!(!folder.path().join("missing").exists());
}

#[test]
fn a_file_that_is_made_is_for_its_owner_alone_also_where_a_link_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (link, path) = (folder.path().join("link"), folder.path().join("ids.sqlite"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let store = Store::open(&link).unwrap();
    let entry = ("a", ADA, None);
    import(&store, &[entry]).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    // Whoever gave it to others had a reason.
    std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    drop(store);
    Store::open(&path).unwrap();
    assert_eq!(mode(&path), 0o640);
}

#[test]
fn who_reads_waits_for_a_file_that_somebody_has_as_long_as_for_the_usage_file_and_imports_longer() {
    let (folder, store) = store();
    let patience = |connection: &Connection| -> i64 {
        connection.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(store.idle.lock().unwrap().iter().map(patience).collect::<Vec<_>>(), [10_000]);
    let path = folder.path().join("ids.sqlite");
    let store = Store::open_unless(&path, &|| true).unwrap();
    assert_eq!(store.idle.lock().unwrap().iter().map(patience).collect::<Vec<_>>(), [10_000]);
    let import = connect(&path, IMPORT_TIMEOUT).unwrap();
    assert_eq!(patience(&import), 60_000);
}

#[test]
fn who_is_told_to_end_does_not_wait_for_a_file_that_somebody_has() {
    let (folder, store) = store();
    drop(store);
    let path = folder.path().join("ids.sqlite");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode = exclusive; BEGIN IMMEDIATE; COMMIT").unwrap();
    let asked = Cell::new(0);
    let given_up = || asked.replace(asked.get() + 1) == 2;
    let error = Store::open_unless(&path, &given_up).unwrap_err();
    assert!(error.is_busy() && asked.get() == 3, "{error:?}, asked {} times", asked.get());
    let other = Cell::new(Some(other));
    let waits = || {
        drop(other.take());
        false
    };
    Store::open_unless(&path, &waits).unwrap();
}

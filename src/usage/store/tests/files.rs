//! Which files are made, for whom, and which are read or left alone.

use super::*;

#[test]
fn a_file_that_a_link_leads_to_is_made_for_its_owner_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("shared.sqlite"), folder.path().join("usage.sqlite"));
    symlink(&path, &link).unwrap();
    drop(Store::open(&link, config(), at(NOON)).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// What the system says of who may read it.
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    store.write(&book, at(NOON)).unwrap();
    let mut found = 0;
    for file in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.path());
        found += 1;
    }
    assert_eq!(
        found, 4,
        "the file, what was written last, an index of that, and the lock of who takes it over"
    );
}

#[test]
fn whoever_may_write_it_may_lock_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    for mode in [0o600, 0o666] {
        // The lock of before is still there.
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        drop(Store::open(&path, config(), at(NOON)).unwrap());
        let lock = fs::metadata(folder.path().join("usage.sqlite-heir")).unwrap();
        assert_eq!(lock.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn other_databases_are_left_alone_and_what_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    assert!(matches!(read(&path), Err(StoreError::Missing { .. })));
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(read(&path), Err(StoreError::Foreign { .. })));
    assert!(matches!(Store::open(&path, config(), at(NOON)), Err(StoreError::Foreign { .. })));
}

/// A file as the first version wrote it: three requests of one principal and one of another.
#[test]
fn a_file_of_the_first_version_is_read_as_it_is_and_taken_over_with_all_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let dump = include_str!("../../../../tests/fixtures/usage/version-1.sql");
    Connection::open(&path).unwrap().execute_batch(dump).unwrap();
    let old = read(&path).unwrap();
    assert_eq!((old.uses.total, old.clients.total, &old.met), (15, 4, &Met::default()));
    assert_eq!(streamed(&path), old);

    // Whoever hands it back leaves it to a proxy of that version.
    let mut handed = Store::look(&path, at(old.written)).unwrap();
    handed.take_over(config()).unwrap();
    handed.hand_back().unwrap();
    let version = |path: &Path| -> i64 {
        let sql = "SELECT user_version FROM pragma_user_version";
        Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(version(&path), 1);

    let written = at(old.written + 60);
    let (mut store, book) =
        Store::open(&path, Config { entries: 100, ..Config::default() }, written).unwrap();
    book.differs("nimbus", "get-person", "/role", written);
    store.write(&book, written).unwrap();
    drop(store);
    assert_eq!(version(&path), 2);
    let told = read(&path).unwrap();
    assert_eq!((&told.uses, &told.clients, &told.days), (&old.uses, &old.clients, &old.days));
    assert_eq!(told.met.all().count(), 1);

    // It has the tables that a new file has.
    let tables = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).unwrap();
        let names =
            ["name", "type", "\"notnull\"", "pk"].map(|column| format!("c.{column}")).join("|| ' ' ||");
        let sql = format!(
            "SELECT s.name || ' ' || {names} FROM sqlite_schema s, pragma_table_info(s.name) c ORDER BY s.name, c.cid"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let fresh = folder.path().join("fresh.sqlite");
    drop(Store::open(&fresh, config(), written).unwrap());
    assert_eq!(tables(&path), tables(&fresh));
    assert!(tables(&fresh).iter().any(|column| column.starts_with("met day")));
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    drop(Store::open(&path, config(), at(NOON)).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    assert!(matches!(read(&path), Err(StoreError::Foreign { .. })));
    assert!(matches!(Store::open(&path, config(), at(NOON)), Err(StoreError::Foreign { .. })));
}

#[test]
fn a_copy_of_the_file_alone_has_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("usage.sqlite"), folder.path().join("copy.sqlite"));
    let (mut store, book) = Store::open(&path, config(), at(NOON)).unwrap();
    let book = Arc::new(book);
    for round in 1..=3 {
        count(&book, 0..5, 2, NOON + round);
        store.write(&book, at(NOON + 10 * round)).unwrap();
        fs::copy(&path, &copy).unwrap();
        assert_eq!(read(&copy).unwrap(), read(&path).unwrap(), "in use, after {round} writes");
    }
}

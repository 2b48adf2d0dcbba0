//! What is found at each file that is named, and that nobody is shown what stands in it.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use rcgen::date_time_ymd;
use tempfile::TempDir;

use super::*;
use crate::diag::{Code, Sources, Span, render};

/// A folder with two certificates and their keys, and what is none of them.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    for name in ["a", "b"] {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        write(&format!("{name}.pem"), &pair.cert.pem());
        write(&format!("{name}.key"), &pair.signing_key.serialize_pem());
    }
    write("short", "no key");
    for own in ["a.key", "b.key", "short", "a.pem", "b.pem"] {
        allow(&folder, own, 0o600);
    }
    write("table.csv", &"external,canonical\n".repeat(50));
    folder
}

fn allow(folder: &TempDir, name: &str, mode: u32) {
    fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// What is found, in settings that have `@` where the folder is.
fn found_in(
    folder: &TempDir,
    settings: &str,
    look: impl Fn(&Config) -> Diagnostics,
) -> (Vec<(Code, String)>, String) {
    let text = settings.replace('@', folder.path().to_str().unwrap());
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let source = sources.add("config.toml", &*text);
    let config = Config::parse(source, &text, &mut found).expect("the settings are sound");
    let found = look(&config);
    sources.mask_what_hides(&found);
    let found = found.into_vec();
    let place =
        |span: Span| sources.text(source)[span.range()].replace(&*folder.path().to_string_lossy(), "@");
    let places = found.iter().map(|one| (one.code, one.primary().map(place).unwrap_or_default())).collect();
    (places, render::text(&found, &sources, false) + &render::json(&found, &sources))
}

#[test]
fn what_comes_through_a_pipe_is_left_to_whoever_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let pipe = "certificate = '@/pipe', key = '@/pipe'";
    let upstream = format!("[upstream]\nbase = 'https://b'\nauthorities = '@/pipe'\ntls = {{ {pipe} }}\n");
    for settings in ["[explain]\nkey = '@/pipe'\n".to_owned(), listener(pipe), upstream] {
        assert_eq!(found_in(&folder, &settings, look).0, [], "{settings}");
    }
}

fn listener(tls: &str) -> String {
    format!("[[server.listener]]\naddress = \"127.0.0.1:1\"\ntls = {{ {tls} }}\n")
}

#[test]
fn each_file_that_cannot_be_used_is_told_where_it_is_named() {
    let folder = folder();
    let (unread, unfit) = (code::C0304, code::C0305);
    let https = "[upstream]\nbase = \"https://localhost\"\n";
    for (settings, expected) in [
        (listener("certificate = '@/a.pem', key = '@/a.key'"), vec![]),
        (
            listener("certificate = '@/none', key = '@/none', clients = { authorities = '@/none' }"),
            vec![(unread, "'@/none'"); 3],
        ),
        (
            listener("certificate = '@/a.key', key = '@/a.pem', clients = { authorities = '@/short' }"),
            vec![(unfit, "'@/a.key'"), (unfit, "'@/a.pem'"), (unfit, "'@/short'")],
        ),
        (listener("certificate = '@/a.pem', key = '@/b.key'"), vec![(unfit, "'@/a.pem'")]),
        (format!("{https}authorities = '@/none'"), vec![(unread, "'@/none'")]),
        (format!("{https}authorities = '@/a.key'"), vec![(unfit, "'@/a.key'")]),
        (
            format!("{https}authorities = '@/a.pem'\ntls = {{ certificate = '@/none', key = '@/a.key' }}"),
            vec![(unread, "'@/none'")],
        ),
        (
            format!("{https}authorities = '@/a.pem'\ntls = {{ certificate = '@/a.pem', key = '@/short' }}"),
            vec![(unfit, "'@/short'")],
        ),
        // Nobody reads it.
        ("[upstream]\nbase = \"http://localhost\"\nauthorities = '@/none'".to_owned(), vec![]),
        (
            "[legacy.acme]\nbase = \"https://localhost\"\nauthorities = '@/none'".to_owned(),
            vec![(unread, "'@/none'")],
        ),
        ("[explain]\nkey = '@/none'".to_owned(), vec![(unread, "'@/none'")]),
        ("[explain]\nkey = '@/short'".to_owned(), vec![(unfit, "'@/short'")]),
        // A folder is one wherever the program runs.
        ("[explain]\nkey = '@'".to_owned(), vec![(unfit, "'@'")]),
        (listener("certificate = '@', key = '@/a.key'"), vec![(unfit, "'@'")]),
        (format!("{https}authorities = '@'"), vec![(unfit, "'@'")]),
    ] {
        let (places, shown) = found_in(&folder, &settings, look);
        let places: Vec<_> = places.iter().map(|(code, place)| (*code, place.as_str())).collect();
        assert_eq!(places, expected, "{settings}: {shown}");
        assert_eq!(shown.matches("\n  = help: ").count(), expected.len(), "{shown}");
    }
}

#[test]
fn a_key_in_the_place_of_its_file_is_shown_to_nobody() {
    let folder = folder();
    let pem = fs::read_to_string(folder.path().join("a.key")).unwrap();
    for (secret, written) in [
        ("deadbeef", format!("'{}'", "deadbeef".repeat(8))),
        ("c2VjcmV0", format!("'{}='", "c2VjcmV0".repeat(5))),
        (&pem[60..80], format!("\"\"\"\n{pem}\"\"\"")),
        (&pem[60..80], format!("'{}'", pem.replace('\n', "\\n"))),
    ] {
        for settings in [
            format!("[explain]\nkey = {written}\n"),
            format!(
                "[[server.listener]]\naddress = '[::1]:1'\n[server.listener.tls]\ncertificate = '@/a.pem'\nkey = {written}\n"
            ),
        ] {
            let (places, shown) = found_in(&folder, &settings, look);
            assert_eq!(places.len(), 1, "{shown}");
            assert_eq!(places[0].0, code::C0305);
            assert!(shown.contains("key` holds what belongs into a file"), "{shown}");
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn databases_are_looked_at_and_left_as_they_are() {
    let folder = folder();
    let path = folder.path().join("ids.db");
    drop(ids::embedded::Store::open(&path).unwrap());
    fs::write(folder.path().join("empty"), "").unwrap();
    let ours = ids::embedded::APPLICATION;
    for (name, sql) in [
        (
            "newer",
            format!("PRAGMA application_id = {ours}; PRAGMA user_version = 2; CREATE TABLE kinds (id)"),
        ),
        ("other", "CREATE TABLE notes (text)".to_owned()),
        ("versioned", "PRAGMA user_version = 7".to_owned()),
        ("made", "PRAGMA journal_mode = wal".to_owned()),
    ] {
        let made = rusqlite::Connection::open(folder.path().join(name)).unwrap();
        made.execute_batch(&sql).unwrap();
    }
    assert!(fs::metadata(folder.path().join("made")).unwrap().len() > 0);
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = (names(), fs::read(&path).unwrap());
    for (settings, expected) in [
        ("[ids]\nstore = '@/ids.db'", None),
        ("[ids]\nstore = '@/not-yet.db'", None),
        ("[ids]\nstore = '@/empty'", None),
        ("[usage]\nfile = '@/ids.db'", Some((code::C0305, "'@/ids.db'"))),
        ("[usage]\nfile = '@/table.csv'", Some((code::C0305, "'@/table.csv'"))),
        ("[ids]\nstore = '@/none/ids.db'", Some((code::C0304, "'@/none/ids.db'"))),
        ("[backend]\ndatabase = '@'", Some((code::C0305, "'@'"))),
        ("[backend]\ndatabase = '@/ids.db'", Some((code::C0305, "'@/ids.db'"))),
        ("[ids]\nstore = '@/newer'", Some((code::C0305, "'@/newer'"))),
        ("[ids]\nstore = '@/other'", Some((code::C0305, "'@/other'"))),
        ("[usage]\nfile = '@/other'", Some((code::C0305, "'@/other'"))),
        ("[ids]\nstore = '@/versioned'", Some((code::C0305, "'@/versioned'"))),
        ("[backend]\ndatabase = '@/versioned'", Some((code::C0305, "'@/versioned'"))),
        // It has pages, and says nothing.
        ("[ids]\nstore = '@/made'", None),
    ] {
        let (places, shown) = found_in(&folder, settings, databases);
        let place = places.first().map(|(code, place)| (*code, place.as_str()));
        assert_eq!((place, places.len()), (expected, usize::from(expected.is_some())), "{shown}");
    }
    assert_eq!((names(), fs::read(&path).unwrap()), before);
}

#[test]
fn a_start_that_fails_for_a_database_is_told_where_that_is_named() {
    let folder = folder();
    let settings = "[ids]\nstore = '@/table.csv'";
    let start = |config: &Config| {
        let error = ids::embedded::Store::open(config.ids.store.as_deref().unwrap()).unwrap_err();
        let mut found = Diagnostics::default();
        found.extend(failed(&error.into(), config));
        found
    };
    let (places, shown) = found_in(&folder, settings, start);
    assert_eq!(places, [(code::C0305, "'@/table.csv'".to_owned())]);
    assert!(shown.contains("cannot be used") && shown.contains("file is not a database"), "{shown}");
    // As `check` says it.
    let (places, shown) = found_in(&folder, "[ids]\nstore = '@'", start);
    assert_eq!(places, [(code::C0305, "'@'".to_owned())], "{shown}");
    let taken = KeepError::Store(store::StoreError::TakenOver { path: folder.path().to_owned(), strayed: 0 });
    assert_eq!(failed(&taken.into(), &Config::default()), None, "the file is as it should be");
}

/// A certificate and its key, good between the beginnings of two years.
fn made_for(folder: &TempDir, name: &str, (from, until): (i32, i32)) {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    fs::write(folder.path().join(format!("{name}.pem")), made.pem()).unwrap();
    fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

#[test]
fn a_certificate_that_others_will_refuse_is_told_where_it_is_named() {
    let folder = folder();
    made_for(&folder, "old", (2010, 2020));
    made_for(&folder, "next", (2500, 2600));
    let expired = |of: &str| vec![(code::C0302, of.to_owned())];
    let https = "[upstream]\nbase = \"https://localhost\"\nauthorities = '@/a.pem'\n";
    for (settings, expected, says) in [
        (listener("certificate = '@/a.pem', key = '@/a.key'"), vec![], ""),
        (
            listener("certificate = '@/old.pem', key = '@/old.key'"),
            expired("'@/old.pem'"),
            "expired at 2020-01-01T00:00:00Z",
        ),
        (
            format!("{https}tls = {{ certificate = '@/next.pem', key = '@/next.key' }}"),
            expired("'@/next.pem'"),
            "is not good before 2500-01-01T00:00:00Z",
        ),
        (
            "[legacy.acme]\nbase = 'https://localhost'\ntls = { certificate = '@/old.pem', key = '@/old.key' }"
                .to_owned(),
            expired("'@/old.pem'"),
            "the upstream refuses it",
        ),
        // What is wrong with it otherwise is told elsewhere.
        (listener("certificate = '@/none', key = '@/none'"), vec![], ""),
        (listener("certificate = '@/a.key', key = '@/a.key'"), vec![], ""),
    ] {
        let (places, shown) = found_in(&folder, &settings, |config| doubts(config, SystemTime::now()));
        assert_eq!(places, expected, "{shown}");
        assert!(shown.contains(says) && (says.is_empty() || shown.contains("warning[C0302]")), "{shown}");
    }
}

#[test]
fn a_file_of_modes_is_made_in_a_folder_that_is_there_alone() {
    let folder = folder();
    let look = |config: &Config| {
        let mut found = Diagnostics::default();
        found.extend(modes(config));
        found
    };
    let admin = "[admin]\naddress = '127.0.0.1:1'\nmodes_file = ";
    let found = |path: &str| found_in(&folder, &format!("{admin}{path}\n"), look);
    assert_eq!(found("'@/modes.json'").0, []);
    let (places, shown) = found("'@/none/modes.json'");
    assert_eq!(places, [(code::C0304, "'@/none/modes.json'".to_owned())], "{shown}");
    assert!(shown.contains("cannot keep modes in") && shown.contains("No such file or directory"), "{shown}");
    assert_eq!(found("'@/a.pem/modes.json'").0, [(code::C0304, "'@/a.pem/modes.json'".to_owned())]);
}

#[test]
fn a_key_that_others_may_read_or_write_is_a_warning_where_it_is_named() {
    let folder = folder();
    fs::write(folder.path().join("explain"), "5".repeat(64)).unwrap();
    let https = "[upstream]\nbase = 'https://localhost'\nauthorities = '@/a.pem'\n";
    let legacy = https.replace("upstream", "legacy.acme");
    let shown = "tls = { certificate = '@/a.pem', key = '@/a.key' }";
    for (name, settings) in [
        ("a.key", listener("certificate = '@/a.pem', key = '@/a.key'")),
        ("a.key", format!("{https}{shown}")),
        ("a.key", format!("{legacy}{shown}")),
        ("explain", "[explain]\nkey = '@/explain'".to_owned()),
    ] {
        for (mode, is_told) in
            [(0o644, true), (0o604, true), (0o602, true), (0o660, true), (0o640, false), (0o400, false)]
        {
            allow(&folder, name, mode);
            let (places, shown) = found_in(&folder, &settings, look);
            let told: Vec<_> = is_told.then(|| (code::C0307, format!("'@/{name}'"))).into_iter().collect();
            assert_eq!(places, told, "{mode:o}: {shown}");
            let says = [format!("its mode is {mode:04o}"), "warning[C0307]".to_owned()];
            assert!(says.iter().all(|one| shown.contains(one) == is_told), "{shown}");
        }
    }
    // Whether somebody may read a certificate is no matter.
    allow(&folder, "a.key", 0o600);
    allow(&folder, "a.pem", 0o666);
    assert_eq!(found_in(&folder, &listener("certificate = '@/a.pem', key = '@/a.key'"), look).0, []);
}

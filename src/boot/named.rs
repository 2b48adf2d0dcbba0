//! Files that settings name: what is wrong with one is told of its setting, with the line and a way out.
//!
//! Components say what is wrong with a file, the settings where it was named; they know nothing of each other. [`look`]
//! reads what can be read without leaving a trace. Databases are opened by whoever needs them, and made where there are
//! none: what comes of that is told by [`failed`], and [`databases`] looks at them from outside. So it is with the file that
//! keeps modes, at which [`modes()`] looks.
//!
//! Of what stands in such a file nothing is ever repeated, nor of what looks as if it belonged into one.

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::FileTypeExt as _,
    path::Path,
    sync::Arc,
};

use super::{EmbeddedError, ServeError, explain, modes, modes::KeptError};
use crate::{
    backend::OpenError,
    causes::with_causes,
    config::Config,
    diag::{Code, Diagnostic, Diagnostics, Span, code},
    ids,
    pem::PemFault,
    server::{TlsConfig, TlsError},
    upstream::{ConfigError, Upstream},
    usage::{keeper::KeepError, store},
};

const OF_CERTIFICATES: &str = "name a PEM file with the certificate, and those of its issuers behind it, that the user who runs the \
                               program may read";
const OF_KEYS: &str =
    "name a PEM file with the private key of the certificate, that the user who runs the program may read";
const OF_AUTHORITIES: &str = "name a PEM file with the certificates of the authorities to trust";
const OF_EXPLANATIONS: &str = "name a file that holds the key, as `openssl rand -hex 32` writes one";
const OF_DATABASES: &str = "name a file that this program made, or one that is not there in a folder that it may write to: it is made";
const OF_MODES: &str = "name a file that this program made, or one that is not there in a folder that it may write to: it is made";
const OF_MOUNTED_MODES: &str =
    "mount the folder that the file lies in, which is replaced as a whole, and name the file in that folder";

/// How every database of `SQLite` begins.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// As much of one as says whose it is.
const HEAD_BYTES: u64 = 100;
/// Where it does, as a number of four bytes.
const APPLICATION_AT: usize = 68;

/// What is wrong with the certificates, keys and authorities that are named. What comes through a pipe can be read once, so it is
/// left to whoever uses it.
pub fn look(config: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    let listeners = config.server.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    for error in listeners.filter(|tls| !tls.files().any(is_pipe)).flat_map(TlsConfig::faults) {
        found.push(of_listener(&error, config));
    }
    let backend = config.upstream.iter().map(|backend| ("upstream".to_owned(), backend));
    let legacy = config.legacy.iter().map(|(name, old)| (format!("legacy.{name}"), old));
    for (table, called) in backend.chain(legacy) {
        // Whether the system knows authorities is no matter of a file that is named.
        let names_any = called.authorities.is_some() || called.identity.is_some();
        let identity = called.identity.iter().flat_map(|own| [&own.certificate, &own.key]);
        let has_pipe = called.authorities.iter().chain(identity).any(|path| is_pipe(path));
        if names_any
            && !has_pipe
            && let Err(error) = Upstream::new(Arc::new(called.clone()))
        {
            found.extend(of_upstream(&error, &table, config));
        }
    }
    let key = config.explain.key.as_deref().filter(|path| !is_pipe(path));
    if let Some(Err(error)) = key.map(explain::explainer) {
        found.push(of_explanations(&error, config));
    }
    found
}

/// What is wrong with the file that keeps modes. A start reads it by itself, and a reload has nothing to do with it.
pub fn modes(config: &Config) -> Option<Diagnostic> {
    of_modes(&modes::look(config.modes_file.as_deref()?).err()?, config)
}

/// What can be seen of the databases that are named without opening them. One that is not there is made.
///
/// Must not be asked by a process that uses one of them: its locks are gone when any file of it is closed.
pub fn databases(config: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    for (setting, path, application) in [
        ("backend.database", &config.backend.database, None),
        ("ids.store", &config.ids.store, Some(ids::embedded::APPLICATION)),
        ("usage.file", &config.usage.file, Some(store::APPLICATION)),
    ] {
        let Some(path) = path else { continue };
        let told = |code, message: &str| {
            Told {
                code,
                message: format!("`{}` {message}", path.display()),
                why: String::new(),
                help: OF_DATABASES,
            }
            .of(setting, path, config)
        };
        match head(path) {
            Ok(head) if head.is_empty() => {}
            Ok(head) if !head.starts_with(MAGIC) => found.push(told(code::C0305, "is no database")),
            Ok(head) => {
                let mark = head.get(APPLICATION_AT..APPLICATION_AT + 4);
                let mark = mark.and_then(|mark| mark.try_into().ok()).map_or(0, u32::from_be_bytes);
                // As long as nobody has said so in the file itself, it may be one that is being made.
                if application.is_some_and(|ours| mark != 0 && i64::from(mark) != ours) {
                    found.push(told(code::C0305, "is a database of another kind, or of another program"));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && has_folder(path) => {}
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                found.push(told(code::C0305, "is a folder"));
            }
            Err(error) => found.push(told(code::C0304, &format!("cannot be read: {error}"))),
        }
    }
    found
}

/// What to say of the setting when the proxy could not start, or go on with other settings, because of a database that is
/// named. None if it is not about a file: it may be that somebody else has it at the moment.
pub fn failed(error: &ServeError, config: &Config) -> Option<Diagnostic> {
    let (setting, path, code) = match error {
        ServeError::Embedded(EmbeddedError::Open(OpenError::Database { path, source })) => {
            ("backend.database", path, of_database(path, source)?)
        }
        ServeError::Embedded(EmbeddedError::Open(OpenError::Version { .. })) => {
            ("backend.database", config.backend.database.as_ref()?, code::C0305)
        }
        ServeError::Ids(error) => match error {
            ids::embedded::StoreError::Missing { path } => ("ids.store", path, code::C0304),
            ids::embedded::StoreError::Database { path, source } => {
                ("ids.store", path, of_database(path, source)?)
            }
            ids::embedded::StoreError::Foreign { path } | ids::embedded::StoreError::Version { path, .. } => {
                ("ids.store", path, code::C0305)
            }
        },
        ServeError::Usage(KeepError::Store(error)) => match error {
            store::StoreError::Make { path, .. } => ("usage.file", path, code::C0304),
            store::StoreError::Database { path, source } => ("usage.file", path, of_database(path, source)?),
            store::StoreError::Foreign { path } => ("usage.file", path, code::C0305),
            store::StoreError::Awaited { .. }
            | store::StoreError::Claimed { .. }
            | store::StoreError::Lock { .. }
            | store::StoreError::Missing { .. }
            | store::StoreError::TakenOver { .. } => return None,
        },
        ServeError::Modes(error) => return of_modes(error, config),
        ServeError::Usage(KeepError::Thread(_))
        | ServeError::Embedded(EmbeddedError::Start(_))
        | ServeError::Bind(_)
        | ServeError::Dialect { .. }
        | ServeError::Ended(_)
        | ServeError::Explain(_)
        | ServeError::Inherited(_)
        | ServeError::Run(_)
        | ServeError::Upstream(_) => return None,
    };
    Some(Told { code, ..Told::by(error, OF_DATABASES) }.of(setting, path, config))
}

fn of_listener(error: &TlsError, config: &Config) -> Diagnostic {
    let told = |help| Told::by(error, help);
    match error {
        TlsError::Certificate { path, .. } | TlsError::Empty { path } => {
            told(OF_CERTIFICATES).of("server.listener.tls.certificate", path, config)
        }
        TlsError::Clients { path, .. } => {
            told(OF_AUTHORITIES).of("server.listener.tls.clients.authorities", path, config)
        }
        TlsError::Key { path, .. } => told(OF_KEYS).of("server.listener.tls.key", path, config),
        TlsError::Unusable { certificate, key, .. } => {
            let told = told("name the certificate and the key that belong together");
            let told = told.of("server.listener.tls.certificate", certificate, config);
            match place("server.listener.tls.key", key, config) {
                Some(key) => told.also(key, "the key"),
                None => told,
            }
        }
    }
}

fn of_upstream(error: &ConfigError, table: &str, config: &Config) -> Option<Diagnostic> {
    let told = |help, key: &str, path| Told::by(error, help).of(&format!("{table}.{key}"), path, config);
    Some(match error {
        ConfigError::Authorities { path, .. } => told(OF_AUTHORITIES, "authorities", path),
        ConfigError::Identity { path, .. } => told(OF_CERTIFICATES, "tls.certificate", path),
        ConfigError::Key { path, .. } => told(OF_KEYS, "tls.key", path),
        ConfigError::Base(_) | ConfigError::NoAuthorities | ConfigError::Tls(_) => return None,
    })
}

fn of_modes(error: &KeptError, config: &Config) -> Option<Diagnostic> {
    let (path, help) = match error {
        KeptError::Read { path, .. } | KeptError::Foreign { path } | KeptError::Write { path, .. } => {
            (path, OF_MODES)
        }
        KeptError::Mounted { path } => (path, OF_MOUNTED_MODES),
        KeptError::Claimed { .. } | KeptError::TakenOver { .. } => return None,
    };
    Some(Told::by(error, help).of("admin.modes_file", path, config))
}

fn of_explanations(error: &explain::KeyError, config: &Config) -> Diagnostic {
    let path = match error {
        explain::KeyError::Read { path, .. } | explain::KeyError::Weak { path, .. } => Some(path),
        explain::KeyError::Itself => config.explain.key.as_ref(),
    };
    let path = path.map_or(Path::new(""), |path| path);
    Told::by(error, OF_EXPLANATIONS).of("explain.key", path, config)
}

/// What there is to say of a file, wherever it is named.
struct Told {
    code: Code,
    message: String,
    why: String,
    help: &'static str,
}

impl Told {
    /// What an error says: itself before what led to it.
    fn by(error: &(dyn Error + 'static), help: &'static str) -> Told {
        let causes = with_causes(error);
        let message = error.to_string();
        let why = causes.strip_prefix(&message).unwrap_or_default().trim_start_matches(": ").to_owned();
        let code = if is_unreadable(error) { code::C0304 } else { code::C0305 };
        Told { code, message, why, help }
    }

    fn of(self, setting: &str, path: &Path, config: &Config) -> Diagnostic {
        let Told { code, message, why, help } = self;
        let span = place(setting, path, config);
        if is_content(path) {
            let told = Diagnostic::error(code::C0305, format!("`{setting}` holds what belongs into a file"))
                .help("write it into a file that nobody else may read, and name that")
                .hiding();
            return match span {
                Some(span) => told.at(span, "expected the name of a file"),
                None => told,
            };
        }
        let told = Diagnostic::error(code, message).help(help);
        match span {
            Some(span) if why.is_empty() => told.at(span, format!("`{setting}` names it")),
            Some(span) => told.at(span, why),
            None if why.is_empty() => told.note(format!("`{setting}` names it")),
            None => told.note(why),
        }
    }
}

/// Where a setting names a file. The same file may be named by several.
fn place(setting: &str, path: &Path, config: &Config) -> Option<Span> {
    let mut named = config.files_named.iter();
    let found = named.find(|named| named.setting == setting && Path::new(&named.path.value) == path);
    found.map(|named| named.path.span)
}

/// Whether it is the system that does not let us read a file, rather than what is in it.
fn is_unreadable(error: &(dyn Error + 'static)) -> bool {
    // Wherever else the program runs, a folder is not what was meant.
    let is_of_system = |kind| {
        !matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::IsADirectory | io::ErrorKind::Other)
    };
    let mut link = Some(error);
    while let Some(cause) = link {
        let of_system = match cause.downcast_ref() {
            Some(PemFault::Io(error)) => Some(error),
            Some(_) | None => cause.downcast_ref(),
        };
        if of_system.is_some_and(|error: &io::Error| is_of_system(error.kind())) {
            return true;
        }
        link = cause.source();
    }
    false
}

/// Whether what was taken for the name of a file looks like what should stand in it: a key in PEM, in hexadecimal, or in
/// base64.
pub(super) fn is_content(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let is_long = text.len() >= 32;
    text.contains("-----BEGIN")
        || text.contains('\n')
        || is_long
            && !text.starts_with('/')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-=".contains(&byte))
}

/// Whether a database cannot be had, or is none of ours; none if it may be had another time, or elsewhere there is no room.
fn of_database(path: &Path, error: &rusqlite::Error) -> Option<Code> {
    use rusqlite::ErrorCode;
    if path.is_dir() {
        return Some(code::C0305);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Some(code::C0304),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory,
        ) => None,
        Some(_) | None => Some(code::C0305),
    }
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

/// The first bytes of a file.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether there is a folder that the file could be made in.
fn has_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.is_none_or(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;
    use crate::diag::{Sources, render};

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
        write("table.csv", &"external,canonical\n".repeat(50));
        folder
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
        let places =
            found.iter().map(|one| (one.code, one.primary().map(place).unwrap_or_default())).collect();
        (places, render::text(&found, &sources, false) + &render::json(&found, &sources))
    }

    #[test]
    fn what_comes_through_a_pipe_is_left_to_whoever_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(made.success());
        let pipe = "certificate = '@/pipe', key = '@/pipe'";
        let upstream =
            format!("[upstream]\nbase = 'https://b'\nauthorities = '@/pipe'\ntls = {{ {pipe} }}\n");
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
                format!(
                    "{https}authorities = '@/a.pem'\ntls = {{ certificate = '@/none', key = '@/a.key' }}"
                ),
                vec![(unread, "'@/none'")],
            ),
            (
                format!(
                    "{https}authorities = '@/a.pem'\ntls = {{ certificate = '@/a.pem', key = '@/short' }}"
                ),
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
        let taken =
            KeepError::Store(store::StoreError::TakenOver { path: folder.path().to_owned(), strayed: 0 });
        assert_eq!(failed(&taken.into(), &Config::default()), None, "the file is as it should be");
    }
}

//! Files that settings name: what is wrong with one is told of its setting, with the line and a way out.
//!
//! Components say what is wrong with a file, the settings where it was named; they know nothing of each other. [`look`]
//! reads what can be read without leaving a trace. Databases are opened by whoever needs them, and made where there are
//! none: what comes of that is told by [`failed`], and [`databases()`] looks at them from outside. So it is with the file that
//! keeps modes, at which [`modes()`] looks. Certificates that can be used and that others will refuse are told by [`doubts()`].
//!
//! Of what stands in such a file nothing is ever repeated, nor of what looks as if it belonged into one.

use std::{fs, os::unix::fs::FileTypeExt as _, path::Path, sync::Arc, time::SystemTime};

use self::{databases::of_database, told::Told};
use super::{
    EmbeddedError, ServeError,
    certificates::{self, Shown},
    explain, modes,
    modes::KeptError,
};
use crate::{
    backend::OpenError,
    config::Config,
    diag::{Diagnostic, Diagnostics, Severity, code},
    ids,
    pem::Doubt,
    server::{TlsConfig, TlsError},
    upstream::{ConfigError, Upstream},
    usage::{keeper::KeepError, store},
};

mod databases;
mod exposed;
#[cfg(test)]
mod tests;
mod told;

pub use self::databases::databases;
pub(super) use self::told::is_content;

// The way out, by what should stand in the file.
const OF_CERTIFICATES: &str = "name a PEM file with the certificate, and those of its issuers behind it, that the user who runs the \
                               program may read";
const OF_KEYS: &str =
    "name a PEM file with the private key of the certificate, that the user who runs the program may read";
const OF_AUTHORITIES: &str = "name a PEM file with the certificates of the authorities to trust";
const OF_EXPLANATIONS: &str = "name a file that holds the key, as `openssl rand -hex 32` writes one";
const OF_OWN_FILES: &str = "name a file that this program made, or one that is not there in a folder that it may write to: it is made";
const OF_MOUNTED_MODES: &str =
    "mount the folder that the file lies in, which is replaced as a whole, and name the file in that folder";

/// What is wrong with the certificates, keys and authorities that are named, also who may read the keys. What comes through a pipe can be read once, so it is
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
    found.extend(exposed::exposed(config));
    found
}

/// Why clients or upstreams might refuse certificates that can be used, now or soon: what a start says in its log, for who does not start.
pub fn doubts(config: &Config, now: SystemTime) -> Diagnostics {
    let mut found = Diagnostics::default();
    let mut tell = |doubt: Option<Doubt>, shown: Shown, setting: &str, path: &Path| {
        let told = |doubt: Doubt| {
            let help = shown.way_out(&doubt);
            Told { code: code::C0302, message: doubt.text, why: String::new(), help }
                .of(setting, path, config)
        };
        let warning = |doubt| Diagnostic { severity: Severity::Warning, ..told(doubt) };
        found.extend(doubt.map(warning));
    };
    let listeners = config.server.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    for tls in listeners.filter(|tls| !is_pipe(&tls.certificate)) {
        tell(tls.doubt(now), Shown::ToClients, "server.listener.tls.certificate", &tls.certificate);
    }
    for (table, own) in certificates::identities(config) {
        let setting = format!("{table}.tls.certificate");
        tell(own.doubt(now), Shown::ToUpstream, &setting, &own.certificate);
    }
    found
}

/// What is wrong with the file that keeps modes. A start reads it by itself, and a reload has nothing to do with it.
pub fn modes(config: &Config) -> Option<Diagnostic> {
    of_modes(&modes::look(config.modes_file.as_deref()?).err()?, config)
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
    Some(Told { code, ..Told::by(error, OF_OWN_FILES) }.of(setting, path, config))
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
            match told::place("server.listener.tls.key", key, config) {
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
            (path, OF_OWN_FILES)
        }
        KeptError::Mounted { path } => (path, OF_MOUNTED_MODES),
        KeptError::Claimed { .. } | KeptError::TakenOver { .. } | KeptError::Gone { .. } => return None,
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

/// Whether it can be read once only, and by whoever uses it.
pub(super) fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

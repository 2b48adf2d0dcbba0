//! Private keys, and the key of explanations, that others than who runs the program may read or write.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::told::Told;
use crate::{
    boot::certificates::identities,
    config::Config,
    diag::{Diagnostic, Diagnostics, Severity, code},
};

/// What nobody else may do. That a group may read is how keys are handed to users without rights of their own.
const BY_OTHERS: u32 = 0o026;

const HELP: &str = "let its owner alone read and write it (`chmod 600`), and its group read it at most; whoever may have read it has it";

/// A warning for each key that others may read or write. Of what is no file, or is not there, there is nothing to say.
pub(super) fn exposed(config: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    let mut look = |setting: &str, path: &Path| {
        let Ok(metadata) = fs::metadata(path) else { return };
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_file() && mode & BY_OTHERS != 0 {
            let message = format!("others may read or write the key `{}`", path.display());
            let why = format!("its mode is {mode:04o}");
            let told = Told { code: code::C0307, message, why, help: HELP }.of(setting, path, config);
            found.push(Diagnostic { severity: Severity::Warning, ..told });
        }
    };
    for tls in config.server.listeners.iter().filter_map(|listener| listener.tls.as_ref()) {
        look("server.listener.tls.key", &tls.key);
    }
    for (table, own) in identities(config) {
        look(&format!("{table}.tls.key"), &own.key);
    }
    if let Some(key) = &config.explain.key {
        look("explain.key", key);
    }
    found
}

//! What there is to say of a file, wherever it is named, and at which place in the settings.

use std::{error::Error, io, path::Path};

use crate::{
    causes::with_causes,
    config::Config,
    diag::{Code, Diagnostic, Span, code},
    pem::PemFault,
};

/// What there is to say of a file, wherever it is named.
pub(super) struct Told {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) why: String,
    pub(super) help: &'static str,
}

impl Told {
    /// What an error says: itself before what led to it.
    pub(super) fn by(error: &(dyn Error + 'static), help: &'static str) -> Told {
        let causes = with_causes(error);
        let message = error.to_string();
        let why = causes.strip_prefix(&message).unwrap_or_default().trim_start_matches(": ").to_owned();
        let code = if is_unreadable(error) { code::C0304 } else { code::C0305 };
        Told { code, message, why, help }
    }

    pub(super) fn of(self, setting: &str, path: &Path, config: &Config) -> Diagnostic {
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
pub(super) fn place(setting: &str, path: &Path, config: &Config) -> Option<Span> {
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
pub(in crate::boot) fn is_content(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let is_long = text.len() >= 32;
    text.contains("-----BEGIN")
        || text.contains('\n')
        || is_long
            && !text.starts_with('/')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-=".contains(&byte))
}

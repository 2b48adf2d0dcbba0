//! The credentials that are sent. What was recorded as one is never read.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use http::{HeaderName, HeaderValue};

use super::Unplayable;
use crate::{
    boot::FileError,
    cli::{Failure, names},
    dialect::{Dialect, Registry},
};

/// A credential for each dialect, as it stands in its header.
#[derive(Clone, Default)]
pub(in crate::cli) struct Credentials {
    by_dialect: BTreeMap<String, (HeaderName, HeaderValue)>,
    /// Whether there is a file of them.
    pub(super) are_given: bool,
}

/// Shows whose they are.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_dialect.keys()).finish()
    }
}

impl Credentials {
    /// Reads a file: a credential alone, which is every dialect's that takes it, or lines of a dialect, `=` and its
    /// credential. Lines that are blank or begin with `#` say nothing.
    pub(in crate::cli) fn read(file: Option<&Path>, registry: &Registry) -> Result<Credentials, Failure> {
        let Some(path) = file else { return Ok(Credentials::default()) };
        let text =
            fs::read_to_string(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut by_dialect = BTreeMap::new();
        for line in lines {
            let of_one = line.split_once('=').map(|(name, credential)| (name.trim(), credential.trim()));
            let of_one = of_one.filter(|(name, _)| registry.dialect(name).is_some());
            if let Some((name, credential)) = of_one {
                let dialect = names::dialect(registry, name)?;
                let header = header(dialect, credential).ok_or_else(|| Unplayable::Credential {
                    file: path.display().to_string(),
                    dialect: name.to_owned(),
                })?;
                by_dialect.insert(name.to_owned(), header);
                continue;
            }
            let takers = registry.dialects().iter();
            let takers: Vec<_> =
                takers.filter_map(|dialect| Some((dialect.name.clone(), header(dialect, line)?))).collect();
            if takers.is_empty() {
                let (file, dialect) = (path.display().to_string(), "any dialect".to_owned());
                return Err(Unplayable::Credential { file, dialect }.into());
            }
            by_dialect.extend(takers);
        }
        Ok(Credentials { by_dialect, are_given: true })
    }

    /// The header that carries it, if there is one for that dialect.
    pub(in crate::cli) fn of(&self, dialect: &Dialect) -> Option<&(HeaderName, HeaderValue)> {
        self.by_dialect.get(&dialect.name)
    }

    /// The same without the word in front of it.
    pub(in crate::cli) fn secret(&self, dialect: &Dialect) -> Option<&str> {
        let (name, value) = self.of(dialect)?;
        let text = value.to_str().ok()?;
        let of_header = dialect.credentials.iter().filter(|form| form.header == *name);
        let secrets = of_header.filter_map(|form| {
            let secret = match &form.scheme {
                Some(scheme) => text.strip_prefix(scheme.as_str())?.strip_prefix(' ')?,
                None => text,
            };
            form.pattern.is_match(secret).then_some(secret)
        });
        secrets.into_iter().next()
    }
}

/// The header of a credential, in the first form of the dialect that it has.
fn header(dialect: &Dialect, credential: &str) -> Option<(HeaderName, HeaderValue)> {
    let form = dialect.credentials.iter().find(|form| form.pattern.is_match(credential))?;
    let text = match &form.scheme {
        Some(scheme) => format!("{scheme} {credential}"),
        None => credential.to_owned(),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((form.header.clone(), value))
}

//! The credentials that are sent. What was recorded as one is never read.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use http::{HeaderName, HeaderValue};

use super::Unplayable;
use crate::{
    boot::FileError,
    cli::Failure,
    diag::suggest::did_you_mean,
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
    /// credential. Lines that are blank or begin with `#` say nothing. What stands before `=` is a dialect, even if there is
    /// none of that name: were it taken for a part of a credential, that would go to all dialects.
    pub(in crate::cli) fn read(file: Option<&Path>, registry: &Registry) -> Result<Credentials, Failure> {
        let Some(path) = file else { return Ok(Credentials::default()) };
        let text =
            fs::read_to_string(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        let file = || path.display().to_string();
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut by_dialect = BTreeMap::new();
        for (index, line) in lines {
            let number = index + 1;
            if let Some((name, credential)) = of_one(line) {
                let Some(dialect) = registry.dialect(name) else {
                    let names = registry.dialects().iter().map(|dialect| dialect.name.as_str());
                    let near = did_you_mean(name, names).map(str::to_owned);
                    return Err(Unplayable::NoDialect { file: file(), line: number, near }.into());
                };
                let header = header(dialect, credential)
                    .ok_or_else(|| Unplayable::Credential { file: file(), dialect: name.to_owned() })?;
                by_dialect.insert(name.to_owned(), header);
                continue;
            }
            let takers = registry.dialects().iter();
            let takers: Vec<_> =
                takers.filter_map(|dialect| Some((dialect.name.clone(), header(dialect, line)?))).collect();
            if takers.is_empty() {
                return Err(Unplayable::NobodysCredential { file: file(), line: number }.into());
            }
            by_dialect.extend(takers);
        }
        if by_dialect.is_empty() {
            return Err(Failure::NoCredentialIn(file()));
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

/// The dialect that a line names, and the credential. What is behind a credential that ends in `=` is no other.
fn of_one(line: &str) -> Option<(&str, &str)> {
    let (name, credential) =
        line.split_once('=').map(|(name, credential)| (name.trim(), credential.trim()))?;
    let is_name = name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one));
    (is_name && !name.is_empty() && !credential.trim_matches('=').is_empty()).then_some((name, credential))
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

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use crate::cli::testing::{file, ran_in_acme};

    /// Nothing listens at the first port, and nothing is asked before the file is read.
    fn told(credentials: &str) -> String {
        let recorded =
            file("recorded.jsonl", r#"{"method":"GET","url":"/acme/v1/organizations","status":200}"#);
        let credentials = file("credentials", credentials);
        let (to, path) = ("http://127.0.0.1:1", credentials.path_text());
        let ran = ran_in_acme(&["replay", "--to", to, "--credential-file", path, recorded.path_text()]);
        assert_eq!(ran.status, ExitCode::from(2));
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        ran.err.replace(path, "FILE")
    }

    #[test]
    fn a_line_for_a_dialect_that_there_is_not_is_no_credential_of_all() {
        for (text, expected) in [
            (
                "acne=acme_hunter2",
                "what is before `=` on line 1 of `FILE` is no dialect; did you mean `acme`?",
            ),
            ("# mine\n\nacne = acme_hunter2", "on line 3 of `FILE` is no dialect; did you mean `acme`?"),
            ("hunter2=acme", "what is before `=` on line 1 of `FILE` is no dialect\n"),
            ("# hunter2 is not written yet\n", "there is no credential in `FILE`"),
            ("", "there is no credential in `FILE`"),
            ("hunter2 hunter2", "line 1 of `FILE` does not look like a credential of any dialect"),
        ] {
            assert!(told(text).contains(expected), "{text}: {}", told(text));
        }
    }

    #[test]
    fn a_credential_may_end_in_the_sign() {
        for (line, expected) in [
            ("aHVudGVyMg==", None),
            ("aHVudGVyMg=", None),
            ("aHVu/VyMg=x", None),
            ("acme = aHVudGVyMg==", Some(("acme", "aHVudGVyMg=="))),
            ("acme=a=b", Some(("acme", "a=b"))),
        ] {
            assert_eq!(super::of_one(line), expected, "{line}");
        }
    }
}

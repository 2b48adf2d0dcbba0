//! Names people type: finds what they stand for, or says what there is.

use std::{fmt, sync::Arc};

use crate::{
    diag::suggest::did_you_mean,
    dialect::{Dialect, Operation, Registry},
    lens::op::id::Id,
};

/// A name nothing answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// What was asked, up to the name: "there is no dialect".
    lacks: String,
    name: String,
    known: Vec<String>,
}

impl Unknown {
    /// `lacks` leads up to the name, as in "there is no dialect".
    pub(super) fn new<'a>(
        lacks: impl Into<String>,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Unknown {
        Unknown {
            lacks: lacks.into(),
            name: name.to_owned(),
            known: known.into_iter().map(str::to_owned).collect(),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.lacks, self.name)?;
        let known = self.known.iter().map(String::as_str);
        match did_you_mean(&self.name, known) {
            Some(close) => write!(f, "; did you mean `{close}`?"),
            None if self.known.is_empty() => Ok(()),
            None => write!(f, "; there is {}", self.known.join(", ")),
        }
    }
}

/// The dialect of that name.
pub(super) fn dialect<'a>(registry: &'a Registry, name: &str) -> Result<&'a Arc<Dialect>, Unknown> {
    let known = || registry.dialects().iter().map(|dialect| dialect.name.as_str());
    registry.dialect(name).ok_or_else(|| Unknown::new("there is no dialect", name, known()))
}

/// The operation of that name.
pub(super) fn operation<'a>(dialect: &'a Dialect, name: &str) -> Result<&'a Arc<Operation>, Unknown> {
    let known = || dialect.operations.iter().map(|operation| operation.name.as_str());
    let found = dialect.operations.iter().find(|operation| operation.name == name);
    found.ok_or_else(|| Unknown::new(format!("`{dialect}` has no operation"), name, known()))
}

/// The kind of id of that name.
pub(super) fn id_kind<'a>(dialect: &'a Dialect, name: &str) -> Result<&'a Id, Unknown> {
    let known = || dialect.ids.keys().map(String::as_str);
    dialect.ids.get(name).ok_or_else(|| Unknown::new(format!("`{dialect}` has no id kind"), name, known()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(name: &str, known: &[&str]) -> String {
        Unknown::new("there is no dialect", name, known.iter().copied()).to_string()
    }

    #[test]
    fn a_name_that_is_close_to_one_is_asked_about() {
        let text = unknown("acne", &["acme", "umbrella"]);
        assert_eq!(text, "there is no dialect `acne`; did you mean `acme`?");
    }

    #[test]
    fn for_any_other_name_there_is_a_list() {
        let text = unknown("initech", &["acme", "umbrella"]);
        assert_eq!(text, "there is no dialect `initech`; there is acme, umbrella");
        assert_eq!(unknown("acme", &[]), "there is no dialect `acme`");
    }
}

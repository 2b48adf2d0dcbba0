//! Identifiers: UUIDs, written with hyphens in lower case.

use std::fmt;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde_json::Value;
use uuid::Uuid;

/// The id of a row. Stored as text, so that the database can be read without this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(Uuid);

impl Id {
    /// Makes an id that sorts after those made before (version 7).
    pub(super) fn new() -> Self {
        Id(Uuid::now_v7())
    }

    /// Makes an id that nobody can guess (version 4).
    pub(super) fn random() -> Self {
        Id(Uuid::new_v4())
    }

    /// Computes the id of something that has a name within something that has an id (version 5).
    pub(super) fn of_name(self, name: &str) -> Self {
        Id(Uuid::new_v5(&self.0, name.as_bytes()))
    }

    /// Reads the hyphenated spelling in either case, and no other.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
        is_hyphenated.then(|| Uuid::try_parse(text).ok()).flatten().map(Id)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        Value::String(id.to_string())
    }
}

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Id::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_case_is_read_and_lower_case_is_written() {
        let id = Id::parse("3C90C3CC-0d44-4b50-8888-8dd25736052A").unwrap();
        assert_eq!(id.to_string(), "3c90c3cc-0d44-4b50-8888-8dd25736052a");
    }

    #[test]
    fn no_spelling_but_the_hyphenated_one_is_read() {
        let others = [
            "",
            "3c90c3cc0d444b5088888dd25736052a",
            "{3c90c3cc-0d44-4b50-8888-8dd25736052a}",
            "urn:uuid:3c90c3cc-0d44-4b50-8888-8dd25736052a",
            "3c90c3cc-0d44-4b50-8888-8dd25736052g",
            "3c90c3cc-0d44-4b50-8888-8dd25736052a ",
            "3c90c3cc-0d44-4b50-88888-dd25736052a",
        ];
        for text in others {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }

    /// The vector of RFC 9562, appendix A.4.
    #[test]
    fn the_id_of_a_name_is_a_version_5_uuid() {
        let dns = Id::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").unwrap();
        assert_eq!(dns.of_name("www.example.com").to_string(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }
}

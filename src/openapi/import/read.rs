//! The text of a document: JSON or YAML, within bounds.
//!
//! Who wrote it is not known. It is read strictly, without duplicate names, and nothing in it can take more time or
//! memory than its length allows.

use serde_json::Value;

use super::yaml;
use crate::json::{Document, Limits};

/// How long a document may be. The longest one we know of has 13 million bytes.
pub(super) const BYTES_MAX: usize = 64 << 20;
/// How many values and names it may have, with what aliases repeat.
pub(super) const NODES_MAX: usize = 4 << 20;
/// How deep it may go.
pub(super) const DEPTH_MAX: u16 = 128;

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON.
    #[error("the document is no JSON: {what} (line {line}, column {column})")]
    Json {
        /// What is wrong.
        what: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
    },
    /// It is too long to be looked at.
    #[error("the document has {bytes} bytes, and at most {BYTES_MAX} are read")]
    Long {
        /// How long it is.
        bytes: usize,
    },
    /// It is no YAML, or says something JSON cannot.
    #[error("the document is no YAML that JSON could say: {what} (line {line}, column {column})")]
    Yaml {
        /// What is wrong.
        what: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
    },
}

/// Reads a document. What begins with a brace is JSON, all else is YAML.
///
/// # Errors
///
/// The first place that cannot be read.
pub(super) fn read(text: &str) -> Result<Value, ReadError> {
    if text.len() > BYTES_MAX {
        return Err(ReadError::Long { bytes: text.len() });
    }
    if !text.trim_start().starts_with('{') {
        return yaml::read(text);
    }
    let limits = Limits { depth_max: DEPTH_MAX, bytes_max: BYTES_MAX, nodes_max: NODES_MAX };
    match Document::parse(text.as_bytes().to_vec(), &limits) {
        Ok(document) => Ok(document.root().to_value()),
        Err(error) => {
            let before = &text[..text.floor_char_boundary(error.offset)];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Err(ReadError::Json { what: error.kind.message().to_string(), line, column })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_json_or_yaml() {
        let expected = json!({"openapi": "3.1.0", "paths": {}});
        assert_eq!(read(r#" {"openapi": "3.1.0", "paths": {}}"#), Ok(expected.clone()));
        assert_eq!(read("openapi: 3.1.0\npaths: {}\n"), Ok(expected));
    }

    #[test]
    fn a_name_that_comes_twice_is_refused_at_its_place() {
        let error = read("{\"a\": 1,\n \"a\": 2}").unwrap_err();
        assert!(matches!(error, ReadError::Json { line: 2, column: 2, .. }), "{error}");
    }

    #[test]
    fn what_is_deeper_or_longer_than_a_document_ever_is_is_refused() {
        assert!(read(&format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200))).is_err());
        assert_eq!(read(&" ".repeat(BYTES_MAX + 1)), Err(ReadError::Long { bytes: BYTES_MAX + 1 }));
    }
}

//! Columns of a row as JSON values.

use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::Value;

use crate::json::{Document, Limits};

/// A text column; null stays null.
pub(super) fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    Ok(row.get::<_, Option<String>>(column)?.into())
}

/// A column that holds a truth value.
pub(super) fn flag(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    Ok(row.get::<_, bool>(column)?.into())
}

/// A column that holds the text of a JSON array.
pub(super) fn array(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    object(row, column)
}

/// A column that holds the text of a JSON object.
pub(super) fn object(row: &Row<'_>, column: &str) -> rusqlite::Result<Value> {
    let text: String = row.get(column)?;
    let document = Document::parse(text.into_bytes(), &Limits::default())
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))?;
    Ok(document.root().to_value())
}

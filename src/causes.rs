//! An error in one line.

use std::error::Error;

/// An error with everything that led to it: what could not be done, and behind each colon why.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    // A code of SQLite says once more what its sentence has said.
    while let Some(cause) = next.filter(|cause| !cause.is::<rusqlite::ffi::Error>()) {
        line += ": ";
        line += &cause.to_string();
        next = cause.source();
    }
    line
}

//! The exceptions from the proofs of privilege that a mapping asks for: each is told in every report, with its reason.
//!
//! One that excepts nothing is a fault, which is told where that is found out.

use std::collections::HashSet;

use crate::diag::{Diagnostic, Diagnostics, Span, code};
use crate::dialect::ledger::Exception;
use crate::mapping::file::{MappingFile, Reason, Text};

/// What a mapping excepts.
pub(in crate::mapping) fn of(file: &MappingFile) -> Vec<Exception> {
    let rows = file.roles.iter().flat_map(|table| &table.rows);
    let words = rows.filter_map(|row| {
        let reason = row.widens.as_ref()?;
        let what = format!("the word {}", row.word.value.json());
        Some(Exception { what, reason: reason.text().to_owned(), origin: reason.span() })
    });
    let lenses = file.lenses.iter().filter_map(|lens| lens.part.as_ref()).flat_map(|part| &part.widens);
    let operations = file.operations.iter().flat_map(|operation| {
        let cases = operation.cases.iter().map(|case| &case.operation.widens);
        operation.widens.iter().chain(cases.flatten())
    });
    let places = lenses.chain(operations).map(|(path, reason): &(Text, Reason)| {
        let what = format!("the place `{}`", path.value);
        Exception { what, reason: reason.text().to_owned(), origin: path.span }
    });
    words.chain(places).collect()
}

/// Tells each exception that was not found to except nothing, once: one that is inherited is that of who wrote it.
pub(in crate::mapping) fn tell(exceptions: Vec<Exception>, found: &mut Diagnostics) {
    let needless = found.iter().filter(|found| found.code == code::M0603);
    let mut told: HashSet<Span> = needless.filter_map(Diagnostic::primary).collect();
    for Exception { what, reason, origin } in exceptions {
        if told.insert(origin) {
            let message = format!("{what} is excepted from the proof of privilege: {reason}");
            found.push(Diagnostic::notice(code::M0608, message).at(origin, "the exception"));
        }
    }
}

//! The exceptions from the proofs of privilege that a mapping asks for: each is told in every report, with its reason.
//!
//! One that excepts nothing is a fault, which is told where that is found out.

use std::collections::HashSet;

use crate::diag::{Diagnostic, Diagnostics, Span, code};
use crate::mapping::file::{MappingFile, Text};

/// What a mapping excepts.
pub(in crate::mapping) fn of(file: &MappingFile) -> Vec<Diagnostic> {
    let rows = file.roles.iter().flat_map(|table| &table.rows);
    let words = rows.filter_map(|row| {
        let reason = row.widens.as_ref()?;
        let message =
            format!("{} is excepted from the proof of privilege: {}", row.word.value.json(), reason.value);
        Some(told(message, reason.span))
    });
    let lenses = file.lenses.iter().filter_map(|lens| lens.part.as_ref()).flat_map(|part| &part.widens);
    let operations = file.operations.iter().flat_map(|operation| {
        let cases = operation.cases.iter().map(|case| &case.operation.widens);
        operation.widens.iter().chain(cases.flatten())
    });
    let places = lenses.chain(operations).map(|(path, reason): &(Text, Text)| {
        let message = format!("`{}` is written past the table of roles: {}", path.value, reason.value);
        told(message, path.span)
    });
    words.chain(places).collect()
}

/// Tells each exception that was not found to except nothing, once: one that is inherited is that of who wrote it.
pub(in crate::mapping) fn tell(exceptions: Vec<Diagnostic>, found: &mut Diagnostics) {
    let needless = found.iter().filter(|found| found.code == code::M0603);
    let mut told: HashSet<Span> = needless.filter_map(Diagnostic::primary).collect();
    let new = |exception: &Diagnostic| exception.primary().is_none_or(|span| told.insert(span));
    found.extend(exceptions.into_iter().filter(new));
}

fn told(message: String, span: Span) -> Diagnostic {
    Diagnostic::notice(code::M0607, message).at(span, "the exception and its reason")
}

//! What answers tell is read where they tell it.
//!
//! A field with `from` is read from another place where it is missing. Of a request that is what a client means. An answer in
//! which it is missing says that there is none, and whoever reads it back (a shadow, a backend that speaks the dialect, what
//! is written back) would make one up out of its neighbour. Trials seldom meet it: both have to be just so.

use super::nulls;
use crate::diag::{Diagnostic, Spanned, code};
use crate::mapping::compile::Compiler;
use crate::mapping::lenses::Line;

/// Reports every field of an answer that would be read from elsewhere.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let told = nulls::told(compiler);
    let lenses = compiler.lenses.values();
    // Nobody reads a view back.
    let read = lenses.filter(|built| told.contains(built.name.value.as_str()) && !built.part.shows);
    let found: Vec<_> = read.flat_map(|built| &built.lines).filter_map(elsewhere).collect();
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn elsewhere(line: &Line<'_>) -> Option<Diagnostic> {
    let Spanned { value: from, span } = line.part.from.as_ref()?;
    let left = &line.part.left.value;
    let message = format!("an answer without `{left}` would be read as if it had that of `{from}`");
    let found = Diagnostic::error(code::M0904, message).at(*span, "read from here where it is missing");
    Some(found.help("use a lens of its own for requests"))
}

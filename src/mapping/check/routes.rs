//! Every operation can be reached: no two of a dialect answer to the same requests.

use std::sync::Arc;

use crate::diag::{Diagnostic, code};
use crate::dialect::Operation;
use crate::dialect::registry::overlaps;
use crate::mapping::compile::Compiler;
use crate::mapping::file::OperationPart;

/// Reports the operations another one stands before.
pub(in crate::mapping) fn check(compiler: &mut Compiler<'_>, built: &[(&OperationPart, Arc<Operation>)]) {
    let operations: Vec<_> = built.iter().map(|(_, operation)| Arc::clone(operation)).collect();
    for overlap in overlaps(&operations) {
        let (first, second) = (built[overlap.first].0, built[overlap.second].0);
        let message =
            format!("`{}` can never be reached: `{}` has its route", second.name.value, first.name.value);
        compiler.report(
            Diagnostic::error(code::R0101, message)
                .at(second.request.span, "this route")
                .also(first.request.span, "is the same as this one")
                .help(
                    "give one of them another method or path, or take it away; if a field of the body tells them apart, \
                     one is a `[[operation.case]]` of the other",
                ),
        );
    }
}

//! How the record that an update changes is read.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::suggest;
use crate::canonical::api::Operation;
use crate::diag::reader::Reader;
use crate::diag::{Diagnostic, code};
use crate::mapping::file::Text;

/// Looks whether `reads` of the operation of that index names a GET of the record that it changes.
pub(super) fn check(
    operations: &[Arc<Operation>],
    index: usize,
    reads: &Text,
    knows_operations: bool,
    reader: &Reader<'_>,
) {
    let update = &operations[index];
    if update.method != Method::PATCH {
        let message = format!("`{}` reads what it changes, and nothing can be left out of it", update.name);
        reader.report(Diagnostic::error(code::M0106, message).at(reads.span, "only of a PATCH"));
    }
    let Some(read) = operations.iter().find(|operation| operation.name == reads.value) else {
        if knows_operations {
            let message = format!("there is no canonical operation `{}`", reads.value);
            let found = Diagnostic::error(code::M0209, message).at(reads.span, "not declared in this file");
            let known = operations.iter().map(|operation| operation.name.as_str());
            reader.report(suggest(found, &reads.value, known));
        }
        return;
    };
    if !read.is_safe() {
        let message = format!("`{}` may change something, and is only asked", read.name);
        reader.report(Diagnostic::error(code::M0106, message).at(reads.span, "needs a GET"));
    } else if !matches!(read.answer(StatusCode::OK), Some(Some(_))) {
        let message = format!("`{}` answers nothing that could be read", read.name);
        reader.report(Diagnostic::error(code::M0106, message).at(reads.span, "needs a body of 200"));
    }
    for parameter in read.parameters().filter(|one| !update.parameters().any(|other| other == *one)) {
        let message = format!("nothing fills `{parameter}` of `{}`", read.name);
        let label = format!("the path of `{}` has no such parameter", update.name);
        reader.report(Diagnostic::error(code::M0213, message).at(reads.span, label));
    }
}

//! How the record that an operation changes, or makes, is read.

use std::sync::Arc;

use http::StatusCode;

use super::suggest;
use crate::canonical::api::{Operation, PathPart};
use crate::diag::reader::Reader;
use crate::diag::{Diagnostic, code};
use crate::mapping::file::Text;

/// Looks whether `reads` of the operation of that index names a GET of the record that it changes or makes.
pub(super) fn check(
    operations: &[Arc<Operation>],
    index: usize,
    reads: &Text,
    knows_operations: bool,
    reader: &Reader<'_>,
) {
    let change = &operations[index];
    if change.is_safe() {
        let message = format!("`{}` changes nothing that could be read", change.name);
        reader.report(Diagnostic::error(code::M0106, message).at(reads.span, "not of a GET"));
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
    let is_filled = |parameter: &str| change.parameters().any(|known| known == parameter);
    // What was made has an id that nobody could have named: the last parameter of what reads it.
    let made = matches!(read.path.last(), Some(PathPart::Parameter(_)))
        && change.answer(StatusCode::CREATED).is_some();
    let count = read.parameters().count().saturating_sub(usize::from(made));
    for parameter in read.parameters().take(count).filter(|one| !is_filled(one)) {
        let message = format!("nothing fills `{parameter}` of `{}`", read.name);
        let label = format!("the path of `{}` has no such parameter", change.name);
        let help = "name a GET by parameters of the same path; of what makes a record, by one more";
        reader.report(Diagnostic::error(code::M0213, message).at(reads.span, label).help(help));
    }
}

//! A setting that another value was found for, while the program runs.

use crate::diag::{Diagnostic, Span, code};

pub(in crate::config) fn fixed(key: &str, span: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::C0301, format!("`{key}` cannot change without a restart"))
        .help("restart the program, or write what it was started with: nothing of this reload is taken");
    match span {
        Some(span) => diagnostic.at(span, "the program was started with another value"),
        None => diagnostic.note("the file does not set it, and the program was started with another value"),
    }
}

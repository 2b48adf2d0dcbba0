//! A mode that does not say all it has to, or more than it means.

use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Span, Spanned, code};

pub(in crate::config) fn stranger_in_a_mode(name: &Spanned<String>, known: &[&str]) -> Diagnostic {
    let unknown = |message: String| Diagnostic::error(code::C0102, message);
    match did_you_mean(&name.value, known.iter().copied()) {
        Some(near) => unknown(format!("unknown key `{}` in a mode", name.value))
            .at(name.span, format!("did you mean `{near}`?")),
        None => unknown("unknown key in a mode".to_owned())
            .at(name.span, "nothing reads this")
            .help(format!("known here are `{}`; principals stand under `principals`", known.join("`, `")))
            .hiding(),
    }
}

pub(in crate::config) fn split_without_share(split: Span) -> Diagnostic {
    Diagnostic::error(code::C0404, "how many principals have moved is not said")
        .at(split, "a share of them moves")
        .help("write `share = 10`, for ten of a hundred")
}

pub(in crate::config) fn unused_in_mode(key: &str, written: Span, why: &str) -> Diagnostic {
    Diagnostic::warning(code::C0405, format!("`{key}` has no effect in this mode"))
        .at(written, why.to_owned())
}

pub(in crate::config) fn no_shown_place(written: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0408, "this is not written as a place of a dialect's answers")
        .at(written.span, "expected a place such as `dialect:/urls/location`")
        .help("write it as `/differences` and reports tell it, or one around it")
        .note("a difference in canonical words is one of meaning, and always told")
}

//! Principals that settings name, and what they are called in reports.
//!
//! Digest and credential may have changed places, so nothing that stands in the file is repeated.

use crate::diag::{Diagnostic, Span, code};

pub(in crate::config) fn principal(span: Span) -> Diagnostic {
    // The text is not repeated: it may be the credential itself.
    Diagnostic::error(code::C0403, "this is not the digest of a principal")
        .at(span, "expected 32 digits of lower-case hexadecimal")
        .help("`interlingua principal` makes it of a credential, and shows no other")
        .hiding()
}

pub(in crate::config) fn nobodys_name(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "nobody in particular is named here")
        .at(span, "stands for all whom no backend is known to know")
        .help("they are `unconfirmed` in every report; `interlingua principal` makes the digest of somebody")
}

pub(in crate::config) fn empty_name(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "a principal without a name")
        .at(span, "there is nothing to call it by")
        .help("leave the line out, and reports show the digest")
}

pub(in crate::config) fn name_with_blanks(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "a name with blanks around it")
        .at(span, "looks like one without")
        .help("take the blanks at its ends away")
}

/// The name is not repeated: it could do to a terminal what it is refused for.
pub(in crate::config) fn unprintable_name(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "a name that cannot be shown as it is written")
        .at(span, "holds a control character, one that nobody sees, or one that turns text around")
        .help("reports go to terminals: write letters, digits, punctuation and blanks")
        .hiding()
}

pub(in crate::config) fn name_twice(span: Span, other: Option<Span>) -> Diagnostic {
    let found = Diagnostic::error(code::C0406, "two principals of one name")
        .at(span, "nobody could tell who it is")
        .help("tell them apart by what differs, such as `billing, old key`");
    match other {
        Some(other) => found.also(other, "called so here"),
        None => found.note("`unconfirmed` is what reports call all whom no backend is known to know"),
    }
}

/// Nothing is repeated here: digest and credential may have changed places.
pub(in crate::config) fn no_mode_of_a_principal(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0206, "this is no mode of a principal")
        .at(span, "expected `canonical`, `legacy` or `shadow`")
        .hiding()
}

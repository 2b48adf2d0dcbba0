//! Settings about dialects, beside what the mappings say of these.

use std::collections::BTreeSet;

use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Span, Spanned, code};

pub(in crate::config) fn unknown_dialect(name: &Spanned<String>, known: &[&str]) -> Diagnostic {
    let label = match did_you_mean(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "no mapping is called so".to_owned(),
    };
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    Diagnostic::error(code::C0213, format!("there is no dialect `{}`", name.value))
        .at(name.span, label)
        .help(format!("there are {}", list.join(", ")))
}

pub(in crate::config) fn unknown_operation(
    dialect: &str,
    name: &Spanned<String>,
    known: &[&str],
) -> Diagnostic {
    let label = match did_you_mean(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "its mapping has none of that name".to_owned(),
    };
    Diagnostic::error(code::C0402, format!("`{dialect}` has no operation `{}`", name.value))
        .at(name.span, label)
        .help("`interlingua routes` lists all operations")
}

pub(in crate::config) fn no_legacy(dialect: &str, needs: Span) -> Diagnostic {
    Diagnostic::error(code::C0401, format!("`{dialect}` has no old upstream"))
        .at(needs, "requests would go there")
        .help(format!("say where it is under `[legacy.{dialect}]`, or write `canonical`"))
}

pub(in crate::config) fn nobody_looks(
    dialect: &str,
    passes: Option<Span>,
    operations: &BTreeSet<&str>,
) -> Diagnostic {
    let names: Vec<_> = operations.iter().map(|name| format!("`{name}`")).collect();
    let headline = format!("parts of requests of `{dialect}` retire, and nobody looks at what is handed on");
    let found = Diagnostic::warning(code::C0407, headline);
    let found = match passes {
        Some(span) => found.at(span, "requests go to the old upstream"),
        None => found.note(format!("`PUT /modes/{dialect}` has requests go to the old upstream")),
    };
    found
        .note(format!("fields, values or words retire of {}", names.join(", ")))
        .help("write `validate = true`: else clients are told of no end, and no brown-out has an effect")
}

pub(in crate::config) fn list_beyond_calls(
    (dialect, operation, most, calls): (&str, &str, u32, usize),
    calls_max: usize,
    written: Option<Span>,
) -> Diagnostic {
    let headline = format!("`{operation}` of `{dialect}` may need more calls than a request may become");
    let diagnostic = Diagnostic::warning(code::C0217, headline)
        .note(format!(
            "it gathers up to {most} items, which may take {calls} calls, and {calls_max} are made"
        ))
        .help(format!("let `body.calls_max` be at least {calls}, or gather fewer items"));
    match written {
        Some(span) => diagnostic.at(span, "a longer list is answered 500 in the end"),
        None => diagnostic.note(format!("`body.calls_max` is {calls_max} by default")),
    }
}

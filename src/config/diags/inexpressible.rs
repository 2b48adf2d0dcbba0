//! Operations that have no words in the dialect of the backend, and declarations of them.

use serde_json::Value;

use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::gateway::reverse::Lacking;

/// What cannot be answered of one dialect and is not declared. `all` is what the declaration has to name.
pub(in crate::config) fn undeclared(
    dialect: &str,
    missing: &[&Lacking],
    all: &[&Lacking],
    written: Option<Span>,
    spoken: Span,
) -> Diagnostic {
    let headline = format!("{} of `{dialect}` cannot be answered", operations(missing));
    let found = Diagnostic::error(code::C0303, headline);
    let found = match written {
        Some(span) => found.at(span, "declares others").also(spoken, "which the backend speaks"),
        None => found.at(spoken, "which the backend speaks"),
    };
    let list: Vec<_> = all.iter().map(|one| Value::from(one.operation.as_str()).to_string()).collect();
    let is_bare = dialect.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let key = if is_bare { dialect.to_owned() } else { Value::from(dialect).to_string() };
    reasons(found, dialect, missing).help(format!(
        "if nobody needs them, declare so under `[upstream.inexpressible]`, or `\"any\"` for whatever it is:\n{key} = [{}]",
        list.join(", ")
    ))
}

/// What cannot be answered, as it was declared.
pub(in crate::config) fn declared(dialect: &str, met: &[&Lacking], written: Span) -> Diagnostic {
    let headline = format!("{} of `{dialect}` cannot be answered, as declared", operations(met));
    reasons(Diagnostic::notice(code::C0303, headline).at(written, "refused with 501"), dialect, met)
}

fn operations(some: &[&Lacking]) -> String {
    match some {
        [one] => format!("`{}`", one.operation),
        some => format!("{} operations", some.len()),
    }
}

/// Each with its reason, and whose it is if it is another's: a generation's.
fn reasons(found: Diagnostic, dialect: &str, of: &[&Lacking]) -> Diagnostic {
    of.iter().fold(found, |found, one| {
        let Lacking { dialect: whose, operation, reason } = one;
        let whose = if whose == dialect { String::new() } else { format!(" of `{whose}`") };
        found.note(format!("`{operation}`{whose}: {reason}"))
    })
}

pub(in crate::config) fn no_operations(word: &Spanned<String>, any: &str) -> Diagnostic {
    Diagnostic::error(code::C0206, format!("`{}` names no operations", word.value))
        .at(word.span, format!("expected a list, or `\"{any}\"`"))
        .help(format!("write `[\"{}\"]` if that is one", word.value))
}

pub(in crate::config) fn declared_and_answered(dialect: &str, name: &Spanned<String>) -> Diagnostic {
    let headline = format!("`{}` of `{dialect}` can be answered", name.value);
    Diagnostic::error(code::C0306, headline)
        .at(name.span, "declared to have no words in the backend's dialect")
        .help("take it out: clients are served")
}

pub(in crate::config) fn declared_twice(again: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::error(code::C0306, format!("`{}` is declared twice", again.value))
        .at(again.span, "once is enough")
        .also(first, "declared here")
}

pub(in crate::config) fn declared_for_nothing(dialect: &str, any: Span) -> Diagnostic {
    Diagnostic::warning(code::C0306, format!("all of `{dialect}` can be answered"))
        .at(any, "declares nothing as yet")
        .help("take it out, and you are told when there is something")
}

pub(in crate::config) fn inexpressible_in_canonical(declared: Span) -> Diagnostic {
    Diagnostic::error(code::C0306, "a backend that speaks canonical has words for every operation")
        .at(declared, "needs a `dialect` that the backend speaks")
        .help("remove the table, or name the dialect under `[upstream]`")
}

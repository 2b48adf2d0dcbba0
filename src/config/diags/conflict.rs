//! Two settings that are sound one by one, and not together.

use std::time::Duration;

use crate::config::size::spell;
use crate::diag::{Diagnostic, Span, Spanned, code};

pub(in crate::config) fn same_address(
    again: &Spanned<String>,
    first: &str,
    first_span: Option<Span>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::C0208, format!("`{}` is listened on twice", again.value))
        .help("give each listener its own port");
    match first_span {
        Some(span) => diagnostic.at(again.span, "asked for again here").also(span, "first asked for here"),
        None => diagnostic.at(again.span, "asked for here").note(format!("`{first}` is the same by default")),
    }
}

pub(in crate::config) fn unused_backend(backend: Span, upstream: Span) -> Diagnostic {
    Diagnostic::warning(code::C0209, "`[backend]` has no effect beside `[upstream]`")
        .at(backend, "settings of the built-in backend")
        .also(upstream, "requests go to this one instead")
        .help("remove one of the two tables")
}

pub(in crate::config) fn unused_for_tls(key: &str, written: Span, base: Span) -> Diagnostic {
    let headline = format!("`upstream.{key}` has no effect on a backend that is called without TLS");
    Diagnostic::warning(code::C0214, headline)
        .at(written, "nobody shows a certificate, or asks for one")
        .also(base, "the scheme is `http`")
        .help(format!("write `https`, or remove `{key}`"))
}

pub(in crate::config) fn unreachable_limit(
    inner: &str,
    inner_span: Span,
    outer: &str,
    outer_span: Option<Span>,
    outer_length: Duration,
) -> Diagnostic {
    let diagnostic = Diagnostic::warning(code::C0210, format!("`{inner}` can never be reached"))
        .at(inner_span, format!("`{outer}` ends before this"));
    match outer_span {
        Some(span) => diagnostic.also(span, "this ends first"),
        None => diagnostic.note(format!("`{outer}` is {outer_length:?} by default")),
    }
}

pub(in crate::config) fn limit_of_nobody(
    inner: &str,
    written: Span,
    outer: &str,
    all: (i64, Option<Span>),
) -> Diagnostic {
    let diagnostic = Diagnostic::warning(code::C0210, format!("`{inner}` protects nobody"))
        .at(written, format!("one address may have all that `{outer}` allows"))
        .help("let it be less, for one address can keep out all the others");
    match all {
        (_, Some(span)) => diagnostic.also(span, "all addresses together"),
        (most, None) => diagnostic.note(format!("`{outer}` is {most} by default")),
    }
}

/// The key, what it says and where, of which the other is written.
pub(in crate::config) fn room_of_one_body(written: Span, other: (&str, usize, Option<Span>)) -> Diagnostic {
    let diagnostic = Diagnostic::warning(code::C0210, "a body may be as large as all the room for those that arrive")
        .at(written, "one body takes all of it")
        .help(
            "let `server.arriving_bytes_max` be several times `body.bytes_max`: with others on their way, large bodies are refused \
             by chance",
        );
    match other {
        (_, _, Some(span)) => diagnostic.also(span, "a body may be so large"),
        (key, bytes, None) => diagnostic.note(format!("`{key}` is {} by default", spell(bytes))),
    }
}

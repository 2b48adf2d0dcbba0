//! A value that is not what its key asks for.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::size::{SizeError, spell};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::limit::WindowError;
use crate::server::NetworkError;
use crate::time::DurationError;

pub(in crate::config) fn duration(text: &Spanned<String>, why: DurationError) -> Diagnostic {
    Diagnostic::error(code::C0201, format!("`{}` is not a duration", text.value))
        .at(text.span, why.to_string())
        .help("write a whole number and a unit, such as `\"500ms\"`, `\"10s\"` or `\"5m\"`")
}

pub(in crate::config) fn size(text: &Spanned<String>, why: SizeError) -> Diagnostic {
    Diagnostic::error(code::C0202, format!("`{}` is not a size", text.value))
        .at(text.span, why.to_string())
        .help("write a whole number and a unit, such as `\"512 B\"`, `\"64 KiB\"` or `\"8 MiB\"`")
}

pub(in crate::config) fn window(text: &Spanned<String>, why: WindowError) -> Diagnostic {
    Diagnostic::error(code::C0203, format!("`{}` is not a quota", text.value))
        .at(text.span, why.to_string())
        .help("write a count and a period, such as `\"300/minute\"` or `\"100/30s\"`")
}

pub(in crate::config) fn network(text: &Spanned<String>, why: NetworkError) -> Diagnostic {
    Diagnostic::error(code::C0215, format!("`{}` is not a network", text.value))
        .at(text.span, why.to_string())
        .help("write an address, or a network such as `\"10.0.0.0/8\"` or `\"fd00::/8\"`")
}

pub(in crate::config) fn hop_headers(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0216, "these headers do not say together whose request it is")
        .at(span, "expected `forwarded` alone, or `x-forwarded-for` with or without others")
        .help("write, for example, `[\"x-forwarded-for\", \"x-forwarded-proto\"]`: each of them is written by every hop")
}

pub(in crate::config) fn address(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0204, format!("`{}` is not an address to listen on", text.value))
        .at(text.span, "expected an IP address and a port")
        .help("write, for example, `\"127.0.0.1:8080\"`, or `\"[::]:8080\"` for every interface")
}

pub(in crate::config) fn base(text: &Spanned<String>, why: &str) -> Diagnostic {
    // The text is not repeated in the message: it may hold a password.
    Diagnostic::error(code::C0205, "`base` is not the URL of a backend")
        .at(text.span, why)
        .help("write scheme, host, port and path prefix, such as `\"http://10.0.0.7:9000/api\"`")
}

pub(in crate::config) fn name(text: &Spanned<String>, known: &[&str]) -> Diagnostic {
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let list = list.join(" or ");
    let label = match did_you_mean(&text.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected {list}"),
    };
    Diagnostic::error(code::C0206, format!("`{}` is none of the names allowed here", text.value))
        .at(text.span, label)
        .help(format!("write {list}"))
}

pub(in crate::config) fn count_range<T: Display>(
    count: Spanned<i64>,
    range: &RangeInclusive<T>,
) -> Diagnostic {
    Diagnostic::error(code::C0207, format!("{} is out of range", count.value))
        .at(count.span, format!("expected a number from {} to {}", range.start(), range.end()))
}

pub(in crate::config) fn duration_range(
    text: &Spanned<String>,
    range: &RangeInclusive<Duration>,
) -> Diagnostic {
    let (least_ms, most_h) = (range.start().as_millis(), range.end().as_secs() / 3_600);
    Diagnostic::error(code::C0207, format!("{} is out of range", text.value))
        .at(text.span, format!("expected a duration from {least_ms}ms to {most_h}h"))
}

pub(in crate::config) fn size_range(text: &Spanned<String>, range: &RangeInclusive<usize>) -> Diagnostic {
    let (least, most) = (spell(*range.start()), spell(*range.end()));
    Diagnostic::error(code::C0207, format!("{} is out of range", text.value))
        .at(text.span, format!("expected a size from {least} to {most}"))
}

pub(in crate::config) fn log_level(text: &Spanned<String>, stray: &str, levels: &[&str]) -> Diagnostic {
    let label = match did_you_mean(stray, levels.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of `{}`", levels.join("`, `")),
    };
    Diagnostic::error(code::C0211, format!("`{stray}` is not a log level"))
        .at(text.span, label)
        .help("to let everything of one target through, write `target=trace`")
}

pub(in crate::config) fn log_filter(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0211, format!("`{}` is not a log filter", text.value))
        .at(text.span, "expected a level, or `target=level` pairs separated by commas")
}

pub(in crate::config) fn empty_path(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0212, "a file is named by an empty text")
        .at(text.span, "expected a path")
        .help("name the file or folder, or remove the key")
}

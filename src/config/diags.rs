//! Every message about a value in `config.toml`, one function each.
//!
//! What is wrong with syntax and keys is said by the reader in [`diag::reader`](crate::diag::reader).

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::size::{SizeError, spell};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::gateway::reverse::Lacking;
use crate::limit::WindowError;
use crate::server::NetworkError;
use crate::time::DurationError;

pub(super) fn duration(text: &Spanned<String>, why: DurationError) -> Diagnostic {
    Diagnostic::error(code::C0201, format!("`{}` is not a duration", text.value))
        .at(text.span, why.to_string())
        .help("write a whole number and a unit, such as `\"500ms\"`, `\"10s\"` or `\"5m\"`")
}

pub(super) fn size(text: &Spanned<String>, why: SizeError) -> Diagnostic {
    Diagnostic::error(code::C0202, format!("`{}` is not a size", text.value))
        .at(text.span, why.to_string())
        .help("write a whole number and a unit, such as `\"512 B\"`, `\"64 KiB\"` or `\"8 MiB\"`")
}

pub(super) fn window(text: &Spanned<String>, why: WindowError) -> Diagnostic {
    Diagnostic::error(code::C0203, format!("`{}` is not a quota", text.value))
        .at(text.span, why.to_string())
        .help("write a count and a period, such as `\"300/minute\"` or `\"100/30s\"`")
}

pub(super) fn network(text: &Spanned<String>, why: NetworkError) -> Diagnostic {
    Diagnostic::error(code::C0215, format!("`{}` is not a network", text.value))
        .at(text.span, why.to_string())
        .help("write an address, or a network such as `\"10.0.0.0/8\"` or `\"fd00::/8\"`")
}

pub(super) fn hop_headers(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0216, "these headers do not say together whose request it is")
        .at(span, "expected `forwarded` alone, or `x-forwarded-for` with or without others")
        .help("write, for example, `[\"x-forwarded-for\", \"x-forwarded-proto\"]`: each of them is written by every hop")
}

pub(super) fn address(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0204, format!("`{}` is not an address to listen on", text.value))
        .at(text.span, "expected an IP address and a port")
        .help("write, for example, `\"127.0.0.1:8080\"`, or `\"[::]:8080\"` for every interface")
}

pub(super) fn base(text: &Spanned<String>, why: &str) -> Diagnostic {
    // The text is not repeated in the message: it may hold a password.
    Diagnostic::error(code::C0205, "`base` is not the URL of a backend")
        .at(text.span, why)
        .help("write scheme, host, port and path prefix, such as `\"http://10.0.0.7:9000/api\"`")
}

pub(super) fn name(text: &Spanned<String>, known: &[&str]) -> Diagnostic {
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

pub(super) fn count_range<T: Display>(count: Spanned<i64>, range: &RangeInclusive<T>) -> Diagnostic {
    Diagnostic::error(code::C0207, format!("{} is out of range", count.value))
        .at(count.span, format!("expected a number from {} to {}", range.start(), range.end()))
}

pub(super) fn duration_range(text: &Spanned<String>, range: &RangeInclusive<Duration>) -> Diagnostic {
    let (least_ms, most_h) = (range.start().as_millis(), range.end().as_secs() / 3_600);
    Diagnostic::error(code::C0207, format!("{} is out of range", text.value))
        .at(text.span, format!("expected a duration from {least_ms}ms to {most_h}h"))
}

pub(super) fn size_range(text: &Spanned<String>, range: &RangeInclusive<usize>) -> Diagnostic {
    let (least, most) = (spell(*range.start()), spell(*range.end()));
    Diagnostic::error(code::C0207, format!("{} is out of range", text.value))
        .at(text.span, format!("expected a size from {least} to {most}"))
}

pub(super) fn fixed(key: &str, span: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::C0301, format!("`{key}` cannot change without a restart"))
        .help("restart the program, or write what it was started with: nothing of this reload is taken");
    match span {
        Some(span) => diagnostic.at(span, "the program was started with another value"),
        None => diagnostic.note("the file does not set it, and the program was started with another value"),
    }
}

pub(super) fn same_address(again: &Spanned<String>, first: &str, first_span: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::C0208, format!("`{}` is listened on twice", again.value))
        .help("give each listener its own port");
    match first_span {
        Some(span) => diagnostic.at(again.span, "asked for again here").also(span, "first asked for here"),
        None => diagnostic.at(again.span, "asked for here").note(format!("`{first}` is the same by default")),
    }
}

pub(super) fn principal(span: Span) -> Diagnostic {
    // The text is not repeated: it may be the credential itself.
    Diagnostic::error(code::C0403, "this is not the digest of a principal")
        .at(span, "expected 32 digits of lower-case hexadecimal")
        .help("`interlingua principal` makes it of a credential, and shows no other")
        .hiding()
}

pub(super) fn nobodys_name(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "nobody in particular is named here")
        .at(span, "stands for all whom no backend is known to know")
        .help("they are `unconfirmed` in every report; `interlingua principal` makes the digest of somebody")
}

pub(super) fn empty_name(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "a principal without a name")
        .at(span, "there is nothing to call it by")
        .help("leave the line out, and reports show the digest")
}

pub(super) fn name_with_blanks(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "a name with blanks around it")
        .at(span, "looks like one without")
        .help("take the blanks at its ends away")
}

/// The name is not repeated: it could do to a terminal what it is refused for.
pub(super) fn unprintable_name(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0406, "a name that cannot be shown as it is written")
        .at(span, "holds a control character, one that nobody sees, or one that turns text around")
        .help("reports go to terminals: write letters, digits, punctuation and blanks")
        .hiding()
}

pub(super) fn name_twice(span: Span, other: Option<Span>) -> Diagnostic {
    let found = Diagnostic::error(code::C0406, "two principals of one name")
        .at(span, "nobody could tell who it is")
        .help("tell them apart by what differs, such as `billing, old key`");
    match other {
        Some(other) => found.also(other, "called so here"),
        None => found.note("`unconfirmed` is what reports call all whom no backend is known to know"),
    }
}

/// Nothing is repeated here either: digest and credential may have changed places.
pub(super) fn no_mode_of_a_principal(span: Span) -> Diagnostic {
    Diagnostic::error(code::C0206, "this is no mode of a principal")
        .at(span, "expected `canonical`, `legacy` or `shadow`")
        .hiding()
}

pub(super) fn stranger_in_a_mode(name: &Spanned<String>, known: &[&str]) -> Diagnostic {
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

pub(super) fn no_legacy(dialect: &str, needs: Span) -> Diagnostic {
    Diagnostic::error(code::C0401, format!("`{dialect}` has no old upstream"))
        .at(needs, "requests would go there")
        .help(format!("say where it is under `[legacy.{dialect}]`, or write `canonical`"))
}

pub(super) fn unknown_operation(dialect: &str, name: &Spanned<String>, known: &[&str]) -> Diagnostic {
    let label = match did_you_mean(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "its mapping has none of that name".to_owned(),
    };
    Diagnostic::error(code::C0402, format!("`{dialect}` has no operation `{}`", name.value))
        .at(name.span, label)
        .help("`interlingua routes` lists all operations")
}

/// What cannot be answered of one dialect and is not declared. `all` is what the declaration has to name.
pub(super) fn undeclared(
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
pub(super) fn declared(dialect: &str, met: &[&Lacking], written: Span) -> Diagnostic {
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

pub(super) fn no_operations(word: &Spanned<String>, any: &str) -> Diagnostic {
    Diagnostic::error(code::C0206, format!("`{}` names no operations", word.value))
        .at(word.span, format!("expected a list, or `\"{any}\"`"))
        .help(format!("write `[\"{}\"]` if that is one", word.value))
}

pub(super) fn declared_and_answered(dialect: &str, name: &Spanned<String>) -> Diagnostic {
    let headline = format!("`{}` of `{dialect}` can be answered", name.value);
    Diagnostic::error(code::C0306, headline)
        .at(name.span, "declared to have no words in the backend's dialect")
        .help("take it out: clients are served")
}

pub(super) fn declared_twice(again: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::error(code::C0306, format!("`{}` is declared twice", again.value))
        .at(again.span, "once is enough")
        .also(first, "declared here")
}

pub(super) fn declared_for_nothing(dialect: &str, any: Span) -> Diagnostic {
    Diagnostic::warning(code::C0306, format!("all of `{dialect}` can be answered"))
        .at(any, "declares nothing as yet")
        .help("take it out, and you are told when there is something")
}

pub(super) fn inexpressible_in_canonical(declared: Span) -> Diagnostic {
    Diagnostic::error(code::C0306, "a backend that speaks canonical has words for every operation")
        .at(declared, "needs a `dialect` that the backend speaks")
        .help("remove the table, or name the dialect under `[upstream]`")
}

pub(super) fn split_without_share(split: Span) -> Diagnostic {
    Diagnostic::error(code::C0404, "how many principals have moved is not said")
        .at(split, "a share of them moves")
        .help("write `share = 10`, for ten of a hundred")
}

pub(super) fn no_shown_place(written: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0408, "this is not written as a place of a dialect's answers")
        .at(written.span, "expected a place such as `dialect:/urls/location`")
        .help("write it as `/differences` and reports tell it, or one around it")
        .note("a difference in canonical words is one of meaning, and always told")
}

pub(super) fn unused_in_mode(key: &str, written: Span, why: &str) -> Diagnostic {
    Diagnostic::warning(code::C0405, format!("`{key}` has no effect in this mode"))
        .at(written, why.to_owned())
}

pub(super) fn nobody_looks(dialect: &str, passes: Option<Span>, operations: &BTreeSet<&str>) -> Diagnostic {
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

pub(super) fn unused_backend(backend: Span, upstream: Span) -> Diagnostic {
    Diagnostic::warning(code::C0209, "`[backend]` has no effect beside `[upstream]`")
        .at(backend, "settings of the built-in backend")
        .also(upstream, "requests go to this one instead")
        .help("remove one of the two tables")
}

pub(super) fn unused_for_tls(key: &str, written: Span, base: Span) -> Diagnostic {
    let headline = format!("`upstream.{key}` has no effect on a backend that is called without TLS");
    Diagnostic::warning(code::C0214, headline)
        .at(written, "nobody shows a certificate, or asks for one")
        .also(base, "the scheme is `http`")
        .help(format!("write `https`, or remove `{key}`"))
}

pub(super) fn unreachable_limit(
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

pub(super) fn limit_of_nobody(
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
pub(super) fn room_of_one_body(written: Span, other: (&str, usize, Option<Span>)) -> Diagnostic {
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

pub(super) fn log_level(text: &Spanned<String>, stray: &str, levels: &[&str]) -> Diagnostic {
    let label = match did_you_mean(stray, levels.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected one of `{}`", levels.join("`, `")),
    };
    Diagnostic::error(code::C0211, format!("`{stray}` is not a log level"))
        .at(text.span, label)
        .help("to let everything of one target through, write `target=trace`")
}

pub(super) fn log_filter(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0211, format!("`{}` is not a log filter", text.value))
        .at(text.span, "expected a level, or `target=level` pairs separated by commas")
}

pub(super) fn empty_path(text: &Spanned<String>) -> Diagnostic {
    Diagnostic::error(code::C0212, "a file is named by an empty text")
        .at(text.span, "expected a path")
        .help("name the file or folder, or remove the key")
}

pub(super) fn unknown_dialect(name: &Spanned<String>, known: &[&str]) -> Diagnostic {
    let label = match did_you_mean(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "no mapping is called so".to_owned(),
    };
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    Diagnostic::error(code::C0213, format!("there is no dialect `{}`", name.value))
        .at(name.span, label)
        .help(format!("there are {}", list.join(", ")))
}

pub(super) fn list_beyond_calls(
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

#[cfg(test)]
mod tests {
    use crate::config::{Config, Known};
    use crate::diag::code::{self, ALL, Code};
    use crate::diag::{Diagnostics, Sources};

    /// For each code, files that draw it and nothing else, with the line and column it points at.
    #[rustfmt::skip]
    const FIXTURES: &[(Code, &str, (usize, usize))] = &[
        (code::C0101, "[server]\nidle_timeout = 10s\n", (2, 16)),
        (code::C0101, "[server\nworkers = 2\n", (1, 8)),
        (code::C0102, "[server]\nidle_timeuot = \"10s\"\n", (2, 1)),
        (code::C0102, "  [servre]\n", (1, 4)),
        (code::C0102, "[[server.listener]]\naddress = \"[::]:80\"\ntls = { certificate = \"c\", key = \"k\", ca = \"a\" }\n", (3, 39)),
        (code::C0103, "[server]\nworkers = \"two\"\n", (2, 11)),
        (code::C0103, "[server]\nidle_timeout = 10\n", (2, 16)),
        (code::C0103, "[limit]\nwindows = [\"300/minute\", 5]\n", (2, 26)),
        (code::C0103, "server = true\n", (1, 10)),
        (code::C0104, "[[server.listener]]\n", (1, 1)),
        (code::C0104, "[upstream]\ntimeout = \"5s\"\n", (1, 1)),
        (code::C0104, "[[server.listener]]\naddress = \"[::]:80\"\ntls = { key = \"k\" }\n", (3, 7)),
        (code::C0105, "[body]\ndepth_max = 1\ndepth_max = 2\n", (3, 1)),
        (code::C0105, "[body]\n[limit]\n[body]\n", (3, 2)),
        (code::C0201, "[server]\nidle_timeout = \"10\"\n", (2, 16)),
        (code::C0207, "[server]\nidle_timeout = \"0s\"\n", (2, 16)),
        (code::C0207, "[server]\ndrain_timeout = \"2d\"\n", (2, 17)),
        (code::C0207, "[body]\nbytes_max = \"0 B\"\n", (2, 13)),
        (code::C0201, "[upstream]\nbase = \"http://b\"\ntimeout = \"2 days\"\n", (3, 11)),
        (code::C0202, "[body]\nbytes_max = \"1 MB\"\n", (2, 13)),
        (code::C0203, "[limit]\nwindows = [\"300/minute\", \"many/day\"]\n", (2, 26)),
        (code::C0204, "[[server.listener]]\naddress = \"localhost:8080\"\n", (2, 11)),
        (code::C0204, "[admin]\naddress = \":9464\"\n", (2, 11)),
        (code::C0205, "[upstream]\nbase = \"backend.example\"\n", (2, 8)),
        (code::C0205, "[upstream]\nbase = \"ftp://backend.example\"\n", (2, 8)),
        (code::C0205, "[upstream]\nbase = \"http://backend.example/?a=b\"\n", (2, 8)),
        (code::C0205, "[upstream]\nbase = \"http://backend.example/#a\"\n", (2, 8)),
        (code::C0205, "[upstream]\nbase = \"http://me:secret@backend.example\"\n", (2, 8)),
        (code::C0205, "[upstream]\nbase = \"http://\"\n", (2, 8)),
        (code::C0206, "[answers]\ncheck = \"on\"\n", (2, 9)),
        (code::C0206, "[answers.dialects]\nacme = \"reprot\"\n", (2, 8)),
        (code::C0206, "[telemetry]\nformat = \"JSON\"\n", (2, 10)),
        (code::C0206, "[upstream]\nbase = \"http://b\"\nidempotency_keys = \"honored\"\n", (3, 20)),
        (code::C0207, "[upstream]\nbase = \"http://b\"\n[upstream.breaker]\nwindow_calls = 10\ncalls_min = 11\n", (5, 13)),
        (code::C0207, "[upstream]\nbase = \"http://b\"\n[upstream.retry]\nretries_max = 4\n", (4, 15)),
        (code::C0207, "[server]\nworkers = 0\n", (2, 11)),
        (code::C0207, "[body]\ndepth_max = -1\n", (2, 13)),
        (code::C0207, "[server]\nheader_bytes_max = \"1 KiB\"\n", (2, 20)),
        (code::C0207, "[server]\narriving_bytes_max = \"1 KiB\"\n", (2, 22)),
        (code::C0207, "[server]\nuntaken_bytes_max = \"1 KiB\"\n", (2, 21)),
        (code::C0208, "[[server.listener]]\naddress = \"[::]:80\"\n[[server.listener]]\naddress = \"[::]:80\"\n", (4, 11)),
        (code::C0208, "[admin]\naddress = \"[::]:80\"\n[[server.listener]]\naddress = \"[::]:80\"\n", (4, 11)),
        (code::C0208, "[admin]\naddress = \"127.0.0.1:8080\"\n", (2, 11)),
        (code::C0208, "[[server.listener]]\naddress = \"127.0.0.1:9464\"\n", (2, 11)),
        (code::C0209, "[upstream]\nbase = \"http://b\"\n[backend]\nseed = true\n", (3, 1)),
        (code::C0210, "[server]\narriving_bytes_max = \"1 MiB\"\n", (2, 22)),
        (code::C0210, "[body]\nbytes_max = \"64 MiB\"\n", (2, 13)),
        (code::C0210, "[body]\nread_timeout = \"31s\"\n", (2, 16)),
        (code::C0210, "[upstream]\nbase = \"http://b\"\nconnect_timeout = \"3s\"\ntimeout = \"2s\"\n", (3, 19)),
        (code::C0211, "[telemetry]\nfilter = \"inof\"\n", (2, 10)),
        (code::C0211, "[telemetry]\nfilter = \"info,a=loud\"\n", (2, 10)),
        (code::C0212, "[files]\nschemas = \"\"\n", (2, 11)),
        (code::C0206, "[[server.listener]]\naddress = \"[::]:80\"\ntls = { certificate = \"c\", key = \"k\", clients = { authorities = \"a\", certificate = \"wish\" } }\n", (3, 84)),
        (code::C0214, "[upstream]\nbase = \"http://b\"\ntls = { certificate = \"c\", key = \"k\" }\n", (3, 7)),
        (code::C0206, "[server.hops]\nheaders = [\"x-real-ip\"]\n", (2, 12)),
        (code::C0215, "[server.hops]\ntrusted = [\"::/0\"]\n", (2, 12)),
        (code::C0216, "[server.hops]\nheaders = [\"x-forwarded-host\"]\n", (2, 11)),
        (code::C0216, "[server.hops]\nheaders = [\"forwarded\", \"x-forwarded-for\"]\n", (2, 11)),
        (code::C0216, "[server.hops]\nheaders = []\n", (2, 11)),
        (code::C0210, "[server]\nconnections_max = 10\nconnections_per_address_max = 10\n", (3, 31)),
        (code::C0210, "[server]\nin_flight_per_address_max = 1024\n", (2, 29)),
        (code::C0214, "[upstream]\nbase = \"HTTP://b\"\nauthorities = \"a\"\n", (3, 15)),
        (code::C0215, "[server.hops]\ntrusted = [\"10.0.0.0/8\", \"10.0.0.1/8\"]\n", (2, 26)),
        (code::C0213, "[legacy.acne]\nbase = \"http://b\"\n", (1, 9)),
        (code::C0401, "[mode.acme]\nmode = \"legacy\"\n", (2, 8)),
        (code::C0401, "[mode.acme]\nmode = \"canonical\"\noperations = { list = \"legacy\" }\n", (3, 23)),
        (code::C0402, "[mode.acme]\nmode = \"canonical\"\noperations.lst = \"canonical\"\n", (3, 12)),
        (code::C0403, "[mode.acme]\nmode = \"canonical\"\nprincipals.hunter2 = \"canonical\"\n", (3, 12)),
        (code::C0104, "[mode.acme]\nshare = 50\n", (1, 1)),
        (code::C0102, "[mode.acme]\nmode = \"canonical\"\nhunter2 = \"canonical\"\n", (3, 1)),
        (code::C0206, "[mode.acme]\nmode = \"canonical\"\nprincipals.e9cee71ab932fde863338d08be4de9df = \"split\"\n", (3, 47)),
        (code::C0206, "[mode.acme]\nmode = \"lgacy\"\n", (2, 8)),
        (code::C0207, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"split\"\nshare = 101\n", (5, 9)),
        (code::C0404, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"split\"\n", (4, 8)),
        (code::C0405, "[mode.acme]\nmode = \"canonical\"\nshare = 10\n", (3, 9)),
        (code::C0405, "[mode.acme]\nmode = \"canonical\"\nanswers = \"legacy\"\n", (3, 11)),
        (code::C0206, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"shadow\"\nanswers = \"both\"\n", (5, 11)),
        (code::C0405, "[mode.acme]\nmode = \"canonical\"\nvalidate = true\n", (3, 12)),
        (code::C0405, "[mode.acme]\nmode = \"canonical\"\nknown = [\"dialect:/a\"]\n", (3, 10)),
        (code::C0408, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"shadow\"\nknown = [\"/name\"]\n", (5, 10)),
        (code::C0408, "[legacy.acme]\nbase = \"http://b\"\n[mode.acme]\nmode = \"shadow\"\nknown = [\"dialect:/\"]\n", (5, 10)),
        (code::C0403, "[usage.names]\npat_DemoDemo1 = \"job\"\n", (2, 1)),
        (code::C0403, "[usage.names]\npat_DemoDemo1 = 5\n", (2, 1)),
        (code::C0403, "[usage.names]\npat_DemoDemo1.x = \"job\"\n", (2, 1)),
        (code::C0103, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = 5\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \" \"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"a\\nb\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\\u001b[31m\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\u{202e}gnillib\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\u{61c}billing\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"bil\u{200b}ling\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"bil\u{2060}ling\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"\u{feff}billing\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"billing \"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"unconfirmed\"\n", (2, 36)),
        (code::C0406, "[usage.names]\ne9cee71ab932fde863338d08be4de9df = \"a\"\n00cee71ab932fde863338d08be4de9df = \"a\"\n", (3, 36)),
        (code::C0406, "[usage.names]\n00000000000000000000000000000000 = \"nobody\"\n", (2, 1)),
        (code::C0217, "[body]\ncalls_max = 110\n", (2, 13)),
        (code::C0213, "[answers.dialects]\nacme = \"off\"\nacne = \"off\"\n", (3, 1)),
        (code::C0206, "[upstream]\nbase = \"http://b\"\ndialect = \"acme\"\ninexpressible = { acme = \"all\" }\n", (4, 26)),
        (code::C0103, "[upstream]\nbase = \"http://b\"\ndialect = \"acme\"\ninexpressible = { acme = true }\n", (4, 26)),
        (code::C0306, "[upstream]\nbase = \"http://b\"\n[upstream.inexpressible]\nacme = \"any\"\n", (3, 1)),
        (code::C0213, "[upstream]\nbase = \"http://b\"\ndialect = \"acne\"\n", (3, 11)),
    ];

    fn found_in(text: &str) -> Vec<(Code, (usize, usize))> {
        let mut sources = Sources::default();
        let file = sources.add("config.toml", text);
        let mut found = Diagnostics::default();
        let config = Config::parse(file, text, &mut found);
        found.extend(config.into_iter().flat_map(|config| {
            let (operations, gathers) = (vec!["list"], vec![("list", 2000)]);
            config.strangers(&[Known { name: "acme", operations, gathers, ..Known::default() }])
        }));
        let places = found.into_vec().into_iter().map(|one| {
            let place = one.primary().expect("a message about a file points into it");
            (one.code, sources.line_column(file, place.start))
        });
        places.collect()
    }

    #[test]
    fn every_fixture_draws_its_code_at_its_place_and_nothing_else() {
        for (code, text, place) in FIXTURES {
            assert_eq!(found_in(text), [(*code, *place)], "{text}");
        }
    }

    #[test]
    fn every_code_of_the_configuration_has_a_fixture() {
        for entry in ALL.iter().filter(|entry| entry.code.as_str().starts_with('C')) {
            // What a reload cannot take needs two files: `fixed` has the tests. What files say that are named is no setting, nor is
            // what mappings say.
            let elsewhere = [code::C0301, code::C0302, code::C0303, code::C0304, code::C0305, code::C0407];
            if elsewhere.contains(&entry.code) {
                continue;
            }
            assert!(FIXTURES.iter().any(|(code, _, _)| *code == entry.code), "{}", entry.code);
        }
    }

    #[test]
    fn everything_wrong_is_said_in_one_run() {
        let text = "\
[server]
workers = 0
idle_timeout = 10s
header_timeout = \"10\"
drain_timeuot = \"30s\"

[upstream]
timeout = true

[limit]
windows = [\"often\"]
";

        assert_eq!(
            found_in(text),
            [
                (code::C0207, (2, 11)),
                (code::C0101, (3, 16)),
                (code::C0201, (4, 18)),
                (code::C0102, (5, 1)),
                (code::C0104, (7, 1)),
                (code::C0103, (8, 11)),
                (code::C0203, (11, 12)),
            ]
        );
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let text = "[upstream]\nbase = \"http://me:secret@backend.example\"\n";
        let mut found = Diagnostics::default();
        Config::parse(Sources::default().add("config.toml", text), text, &mut found);

        assert!(!format!("{found:?}").contains("secret"));
    }
}

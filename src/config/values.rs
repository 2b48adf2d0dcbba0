//! Texts and numbers of the file become values of the types the components take, or diagnostics.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use tracing_subscriber::EnvFilter;

use super::{diags, size};
use crate::diag::{Diagnostic, Diagnostics, Spanned};
use crate::gateway::AnswerCheck;
use crate::gateway::mode::{Mode, Side};
use crate::limit::{Principal, Window};
use crate::server::{ClientCertificate, HopHeader, HopHeaders, Network};
use crate::telemetry::LogFormat;
use crate::time::parse_duration;
use crate::translate::reverse::told::SHOWN;
use crate::upstream::Keys;
use crate::usage::{UNCONFIRMED, UNCONFIRMED_NAME, is_printable};

/// The levels a log filter knows.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// No limit means anything at zero, no wait is meant to last longer than a day, and timers overflow somewhere
/// beyond.
const DURATIONS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(24);

const LOG_FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];

/// Takes what was written, reports what is wrong with it, and goes on.
///
/// What was not written is not wrong: then the default is the value, or there is none.
pub(super) struct Values<'a> {
    found: &'a mut Diagnostics,
}

impl<'a> Values<'a> {
    pub(super) fn new(found: &'a mut Diagnostics) -> Self {
        Self { found }
    }

    pub(super) fn duration(&mut self, written: Option<&Spanned<String>>, default: Duration) -> Duration {
        self.duration_within(&DURATIONS, written, default)
    }

    /// A duration that may be none at all.
    pub(super) fn delay(&mut self, written: Option<&Spanned<String>>, default: Duration) -> Duration {
        self.duration_within(&(Duration::ZERO..=*DURATIONS.end()), written, default)
    }

    fn duration_within(
        &mut self,
        range: &RangeInclusive<Duration>,
        written: Option<&Spanned<String>>,
        default: Duration,
    ) -> Duration {
        let duration = written.map(|text| match parse_duration(&text.value) {
            Ok(duration) if range.contains(&duration) => Ok(duration),
            Ok(_) => Err(diags::values::duration_range(text, range)),
            Err(why) => Err(diags::values::duration(text, why)),
        });
        self.take(duration).unwrap_or(default)
    }

    pub(super) fn size(
        &mut self,
        written: Option<&Spanned<String>>,
        range: RangeInclusive<usize>,
        default: usize,
    ) -> usize {
        let size = written.map(|text| match size::parse(&text.value) {
            Ok(size) if range.contains(&size) => Ok(size),
            Ok(_) => Err(diags::values::size_range(text, &range)),
            Err(why) => Err(diags::values::size(text, why)),
        });
        self.take(size).unwrap_or(default)
    }

    pub(super) fn count<T>(
        &mut self,
        written: Option<Spanned<i64>>,
        range: RangeInclusive<T>,
        default: T,
    ) -> T
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let count = written.map(|integer| {
            let count = T::try_from(integer.value).ok().filter(|count| range.contains(count));
            count.ok_or_else(|| diags::values::count_range(integer, &range))
        });
        self.take(count).unwrap_or(default)
    }

    pub(super) fn address(&mut self, written: Option<&Spanned<String>>) -> Option<SocketAddr> {
        let address = written.map(|text| text.value.parse().map_err(|_| diags::values::address(text)));
        self.take(address)
    }

    pub(super) fn base(&mut self, written: Option<&Spanned<String>>) -> Option<Uri> {
        let base = written.map(|text| base(&text.value).map_err(|why| diags::values::base(text, why)));
        self.take(base)
    }

    pub(super) fn path(&mut self, written: Option<&Spanned<String>>) -> Option<PathBuf> {
        let path = written.map(|text| match text.value.as_str() {
            "" => Err(diags::values::empty_path(text)),
            path => Ok(PathBuf::from(path)),
        });
        self.take(path)
    }

    pub(super) fn window(&mut self, written: &Spanned<String>) -> Option<Window> {
        self.take(Some(written.value.parse().map_err(|why| diags::values::window(written, why))))
    }

    pub(super) fn log_format(&mut self, written: Option<&Spanned<String>>, default: LogFormat) -> LogFormat {
        self.choice(written, &LOG_FORMATS, default)
    }

    pub(super) fn answer_check(
        &mut self,
        written: Option<&Spanned<String>>,
        default: AnswerCheck,
    ) -> AnswerCheck {
        self.choice(written, &AnswerCheck::NAMES, default)
    }

    pub(super) fn keys(&mut self, written: Option<&Spanned<String>>, default: Keys) -> Keys {
        self.choice(written, &Keys::NAMES, default)
    }

    pub(super) fn mode(&mut self, written: Option<&Spanned<String>>, default: Mode) -> Mode {
        self.choice(written, &Mode::NAMES, default)
    }

    /// The mode of one principal: there is no share of one.
    pub(super) fn mode_of_one(&mut self, written: &Spanned<String>) -> Option<Mode> {
        let of_one = Mode::NAMES.into_iter().filter(|(_, mode)| *mode != Mode::Split);
        let meant = of_one.into_iter().find(|(name, _)| *name == written.value).map(|(_, mode)| mode);
        self.take(Some(meant.ok_or_else(|| diags::principals::no_mode_of_a_principal(written.span))))
    }

    pub(super) fn side(&mut self, written: Option<&Spanned<String>>, default: Side) -> Side {
        self.choice(written, &Side::NAMES, default)
    }

    /// A place that answers of a dialect have, as metrics and reports tell it.
    pub(super) fn shown_place(&mut self, written: &Spanned<String>) -> Option<String> {
        let rest = written.value.strip_prefix(SHOWN);
        let is_place = rest.is_some_and(|place| place.len() > 1 && place.starts_with('/'));
        let place =
            if is_place { Ok(written.value.clone()) } else { Err(diags::modes::no_shown_place(written)) };
        self.take(Some(place))
    }

    pub(super) fn principal(&mut self, written: &Spanned<String>) -> Option<Principal> {
        self.take(Some(written.value.parse().map_err(|_| diags::principals::principal(written.span))))
    }

    /// What principals are called: each tells one from all others, and is shown as it is written.
    pub(super) fn names(
        &mut self,
        written: &[(Spanned<String>, Spanned<String>)],
    ) -> BTreeMap<Principal, String> {
        let (mut names, mut spans) = (BTreeMap::new(), BTreeMap::from([(UNCONFIRMED_NAME, None)]));
        for (digest, name) in written {
            let Some(who) = self.principal(digest) else { continue };
            let text = name.value.as_str();
            let fault = if who == UNCONFIRMED {
                Some(diags::principals::nobodys_name(digest.span))
            } else if text.trim().is_empty() {
                Some(diags::principals::empty_name(name.span))
            } else if text.trim() != text {
                Some(diags::principals::name_with_blanks(name.span))
            } else if !text.chars().all(is_printable) {
                Some(diags::principals::unprintable_name(name.span))
            } else {
                spans
                    .insert(text, Some(name.span))
                    .map(|other| diags::principals::name_twice(name.span, other))
            };
            if let Some(fault) = fault {
                self.found.push(fault);
            }
            names.insert(who, name.value.clone());
        }
        names
    }

    pub(super) fn client_certificate(
        &mut self,
        written: Option<&Spanned<String>>,
        default: ClientCertificate,
    ) -> ClientCertificate {
        self.choice(written, &ClientCertificate::NAMES, default)
    }

    pub(super) fn network(&mut self, written: &Spanned<String>) -> Option<Network> {
        self.take(Some(written.value.parse().map_err(|why| diags::values::network(written, why))))
    }

    pub(super) fn hop_headers(
        &mut self,
        written: Option<&Spanned<Vec<Spanned<String>>>>,
        default: HopHeaders,
    ) -> HopHeaders {
        let Some(Spanned { value, span }) = written else { return default };
        let named: Vec<_> =
            value.iter().filter_map(|name| self.choose(Some(name), &HopHeader::NAMES)).collect();
        // Of a name that nobody knows it was said already.
        if named.len() < value.len() {
            return default;
        }
        self.take(Some(HopHeaders::of(&named).ok_or_else(|| diags::values::hop_headers(*span))))
            .unwrap_or(default)
    }

    /// What one of a few names stands for.
    fn choice<T: Copy>(&mut self, written: Option<&Spanned<String>>, choices: &[(&str, T)], default: T) -> T {
        self.choose(written, choices).unwrap_or(default)
    }

    fn choose<T: Copy>(&mut self, written: Option<&Spanned<String>>, choices: &[(&str, T)]) -> Option<T> {
        let chosen = written.map(|text| {
            let known = choices.iter().find(|(name, _)| *name == text.value);
            let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>();
            known.map(|(_, choice)| *choice).ok_or_else(|| diags::values::name(text, &names()))
        });
        self.take(chosen)
    }

    pub(super) fn log_filter(&mut self, written: Option<&Spanned<String>>, default: String) -> String {
        let filter = written.map(|text| log_filter(text).map(|()| text.value.clone()));
        self.take(filter).unwrap_or(default)
    }

    /// What there is, if it is right; reports it if it is wrong.
    fn take<T>(&mut self, written: Option<Result<T, Diagnostic>>) -> Option<T> {
        match written? {
            Ok(value) => Some(value),
            Err(diagnostic) => {
                self.found.push(diagnostic);
                None
            }
        }
    }
}

/// Reads the URL of a backend, or says what it has too much or too little of.
fn base(text: &str) -> Result<Uri, &'static str> {
    // `Uri` drops a fragment without a word.
    if text.contains('#') {
        return Err("a fragment has no meaning here");
    }
    let uri: Uri = text.parse().map_err(|_| "this is not a URL")?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        Some(_) => return Err("the scheme is neither `http` nor `https`"),
        None => return Err("the scheme is missing"),
    }
    if uri.query().is_some() {
        return Err("a query has no meaning here");
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("credentials do not belong into a file");
    }
    Ok(uri)
}

/// Checks a log filter more closely than its parser does: to that, a misspelt level is the name of a target.
fn log_filter(text: &Spanned<String>) -> Result<(), Diagnostic> {
    let stray =
        text.value.split(',').map(str::trim).find(|part| !part.contains('=') && !LEVELS.contains(part));
    match stray {
        Some(stray) => Err(diags::values::log_level(text, stray, &LEVELS)),
        None => EnvFilter::try_new(&text.value).map(drop).map_err(|_| diags::values::log_filter(text)),
    }
}

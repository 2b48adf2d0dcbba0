//! What retires: since when it is deprecated, when its time is over, and when it is refused.
//!
//! `Deprecation` is a Date of structured fields (RFC 9745, RFC 9651), `Sunset` an HTTP date (RFC 8594), and `Link` names
//! what to read (RFC 8288). All of them are written once, when the mapping is loaded; a request only compares moments.
//!
//! This module never asks what time it is.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::diag::Span;
use crate::problem::Problem;
use crate::time::{http_date, rfc3339, unix_seconds};

mod refused;
mod watch;

pub use refused::refusal_of_parts;
pub use watch::{Step, Watch};

/// RFC 9745.
pub const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594.
pub const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// How something retires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dates {
    /// From when on it should not be used any more; may be in the future.
    pub deprecated: SystemTime,
    /// From when on it may be refused.
    pub sunset: Option<SystemTime>,
    /// From when on it is refused.
    pub gone: Option<SystemTime>,
    /// When it is refused for a while, so that whoever still uses it notices; in order, and none overlaps another.
    pub brown_outs: Vec<Range<SystemTime>>,
    /// Where the retirement is explained.
    pub docs: Option<String>,
    /// Where what comes after it is described.
    pub successor: Option<String>,
}

/// Something that retires, with the headers that tell it.
#[derive(Debug)]
pub struct Retirement {
    dates: Dates,
    deprecation: HeaderValue,
    sunset: Option<HeaderValue>,
    links: Vec<String>,
    /// All of them, for answers to requests that use nothing else that retires.
    line: Option<HeaderValue>,
    /// Where the mapping says so.
    origin: Option<Span>,
}

/// How it stands with something that retires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is served.
    Served,
    /// It is refused until then.
    BrownOut(SystemTime),
    /// It is refused since then.
    Gone(SystemTime),
}

impl Retirement {
    /// Writes the headers.
    pub fn new(dates: Dates, origin: Option<Span>) -> Retirement {
        let value = |text: String| HeaderValue::try_from(text).expect("dates and checked links are ASCII");
        let link = |(url, relation): (&String, &str)| format!("<{url}>; rel=\"{relation}\"");
        // RFC 9745, section 3, and RFC 8594, section 6: the one names what is said of the deprecation, the other of the end;
        // the third is of RFC 5829.
        let docs = dates.docs.iter().map(|url| (url, "deprecation"));
        let policy = dates.docs.iter().filter(|_| dates.sunset.is_some()).map(|url| (url, "sunset"));
        let successor = dates.successor.iter().map(|url| (url, "successor-version"));
        let links: Vec<String> = docs.chain(policy).chain(successor).map(link).collect();
        Retirement {
            deprecation: value(format!("@{}", unix_seconds(dates.deprecated))),
            sunset: dates.sunset.map(|moment| value(http_date(moment))),
            line: line(links.iter()),
            links,
            dates,
            origin,
        }
    }

    /// When what happens.
    pub fn dates(&self) -> &Dates {
        &self.dates
    }

    /// Where the mapping says so.
    pub fn origin(&self) -> Option<Span> {
        self.origin
    }

    /// How it stands at that moment. What ends at a moment is over then, what begins has begun.
    pub fn standing(&self, now: SystemTime) -> Standing {
        if let Some(since) = self.dates.gone.filter(|since| *since <= now) {
            return Standing::Gone(since);
        }
        let brown_outs = &self.dates.brown_outs;
        let begun = brown_outs.partition_point(|window| window.start <= now);
        match begun.checked_sub(1).map(|last| &brown_outs[last]) {
            Some(window) if now < window.end => Standing::BrownOut(window.end),
            Some(_) | None => Standing::Served,
        }
    }

    /// Why an operation is refused at that moment, if it is.
    pub fn refusal(&self, now: SystemTime) -> Option<Problem> {
        let standing = self.standing(now);
        let detail = format!("this operation {}", self.told(standing)?);
        match standing {
            Standing::Served => None,
            Standing::BrownOut(until) => Some(Problem::browned_out(detail, remaining(until, now))),
            Standing::Gone(_) => Some(Problem::gone(detail)),
        }
    }

    /// What is said of it where it is refused.
    fn told(&self, standing: Standing) -> Option<String> {
        let mut told = match standing {
            Standing::Served => return None,
            Standing::BrownOut(until) => format!("is switched off until {}", rfc3339(until)),
            Standing::Gone(since) => format!("is gone since {}", rfc3339(since)),
        };
        if let (Standing::BrownOut(_), Some(end)) = (standing, self.dates.sunset) {
            told.extend([", because it ends on ", &rfc3339(end)]);
        }
        if let Some(url) = self.dates.successor.as_ref().or(self.dates.docs.as_ref()) {
            told.extend([": see ", url]);
        }
        Some(told)
    }

    /// Writes the headers of an operation that retires, and of parts that its request has. Both dates are read as those
    /// of the operation: `Sunset` is a part's only where the operation itself has no end that this could be taken for.
    /// Each header holds one date, the earliest.
    pub fn tell<'r>(
        whole: Option<&'r Retirement>,
        parts: impl Iterator<Item = &'r Retirement> + Clone,
        headers: &mut HeaderMap,
    ) {
        let ending = || parts.clone().filter(|one| one.sunset.is_some()).min_by_key(|one| one.dates.sunset);
        let ending = whole.or_else(ending);
        let all = whole.into_iter().chain(parts);
        let Some(first) = all.clone().min_by_key(|one| one.dates.deprecated) else { return };
        headers.insert(DEPRECATION, first.deprecation.clone());
        if let Some(sunset) = ending.and_then(|one| one.sunset.as_ref()) {
            headers.insert(SUNSET, sunset.clone());
        }
        let mut several = all.clone();
        let links = match (several.next(), several.next()) {
            (Some(only), None) => only.line.clone(),
            _ => line(all.flat_map(|one| &one.links)),
        };
        if let Some(links) = links {
            headers.insert(LINK, links);
        }
    }
}

/// More links than that are told to nobody: there are clients that read no more than a hundred lines, and proxies that
/// have room for a few kilobytes. The operation's own are the first.
const LINKS_MAX: usize = 8;
const LINKS_BYTES: usize = 2048;

/// Every link once, in one line.
fn line<'l>(links: impl Iterator<Item = &'l String>) -> Option<HeaderValue> {
    let (mut told, mut length): (Vec<&str>, usize) = (Vec::new(), 0);
    for link in links {
        let fits = told.len() < LINKS_MAX && length + link.len() <= LINKS_BYTES;
        if fits && !told.contains(&link.as_str()) {
            length += link.len();
            told.push(link);
        }
    }
    if told.is_empty() { None } else { HeaderValue::try_from(told.join(", ")).ok() }
}

fn remaining(until: SystemTime, now: SystemTime) -> Duration {
    until.duration_since(now).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! The families of headers that tell a client where it stands.
//!
//! There is no agreement on names, nor on whether *reset* is a time or a wait, so a dialect names the families its
//! clients know. `Retry-After` belongs to none of them and is written with every refusal.

use std::{
    fmt::Write,
    ops::Range,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};

use crate::{
    limit::{Standing, Window},
    time::whole_seconds,
};

/// One family of rate-limit headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFamily {
    /// `RateLimit-Limit`, `-Remaining`, `-Reset` (seconds) and `RateLimit-Policy`.
    RateLimit,
    /// `RateLimit` and `RateLimit-Policy` as structured fields.
    Structured,
    /// `X-RateLimit-*`, reset as a Unix time.
    XRateLimitEpoch,
    /// `X-RateLimit-*`, reset in seconds from now.
    XRateLimitSeconds,
}

/// The text names no family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of `ratelimit`, `structured`, `x-ratelimit-epoch`, `x-ratelimit-seconds`")]
pub struct HeaderFamilyError;

impl HeaderFamily {
    /// The families with their names in mappings.
    pub const NAMES: [(&str, HeaderFamily); 4] = [
        ("ratelimit", HeaderFamily::RateLimit),
        ("structured", HeaderFamily::Structured),
        ("x-ratelimit-epoch", HeaderFamily::XRateLimitEpoch),
        ("x-ratelimit-seconds", HeaderFamily::XRateLimitSeconds),
    ];
}

impl FromStr for HeaderFamily {
    type Err = HeaderFamilyError;

    fn from_str(text: &str) -> Result<HeaderFamily, HeaderFamilyError> {
        let named = HeaderFamily::NAMES.into_iter().find(|(name, _)| *name == text);
        named.map(|(_, family)| family).ok_or(HeaderFamilyError)
    }
}

/// The headers one dialect sends: some families, for one set of windows.
#[derive(Clone, Debug)]
pub struct Headers {
    /// With the header that describes the windows, where the family has one; it never changes.
    families: Vec<(HeaderFamily, Option<HeaderValue>)>,
    /// What each window allows, as a header's value; nor does that.
    limits: Vec<(Window, HeaderValue)>,
}

/// What several families say of one standing, made once.
struct Said {
    limit: HeaderValue,
    remaining: HeaderValue,
    reset: HeaderValue,
    /// The Unix time of the reset.
    epoch: HeaderValue,
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl Headers {
    /// Prepares what does not depend on the standing; `windows` in the order in which they are to be listed.
    pub fn new(families: &[HeaderFamily], windows: &[Window]) -> Headers {
        let families = families.iter().map(|family| (*family, family.policy(windows))).collect();
        let limits = windows.iter().map(|window| (*window, window.count.get().into())).collect();
        Headers { families, limits }
    }

    /// Writes every family's headers.
    pub fn write(&self, standing: &Standing, now: SystemTime, headers: &mut HeaderMap) {
        if self.families.is_empty() {
            return;
        }
        let said = self.said(standing, now);
        for (family, policy) in &self.families {
            family.write(standing, &said, headers);
            if let Some(policy) = policy {
                headers.insert(POLICY, policy.clone());
            }
        }
    }

    /// The numbers. They share one piece of memory: one of their own for each was a third of what the headers cost.
    fn said(&self, standing: &Standing, now: SystemTime) -> Said {
        let known = self.limits.iter().find(|(window, _)| *window == standing.window);
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut digits = Vec::with_capacity(DIGITS_ROOM);
        let remaining = put_decimal(&mut digits, standing.remaining.into());
        let reset = put_decimal(&mut digits, whole_seconds(standing.reset));
        let epoch = put_decimal(&mut digits, whole_seconds(since_epoch + standing.reset));
        let digits = Bytes::from(digits);
        let value = |range: Range<usize>| {
            HeaderValue::from_maybe_shared(digits.slice(range)).expect("digits make a header value")
        };
        Said {
            limit: known.map_or_else(|| standing.window.count.get().into(), |(_, limit)| limit.clone()),
            remaining: value(remaining),
            reset: value(reset),
            epoch: value(epoch),
        }
    }

    /// Writes `Retry-After`, in whole seconds and never zero: clients that honour it must not spin.
    pub fn write_retry_after(retry_after: Duration, headers: &mut HeaderMap) {
        headers.insert(RETRY_AFTER, whole_seconds(retry_after).max(1).into());
    }
}

/// Room for three numbers as they usually are.
const DIGITS_ROOM: usize = 32;

/// Appends a number; gives where it stands.
fn put_decimal(out: &mut Vec<u8>, number: u64) -> Range<usize> {
    let start = out.len();
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    start..out.len()
}

impl HeaderFamily {
    fn write(self, standing: &Standing, said: &Said, headers: &mut HeaderMap) {
        let mut insert = |name: HeaderName, value: &HeaderValue| {
            headers.insert(name, value.clone());
        };
        match self {
            HeaderFamily::RateLimit => {
                insert(LIMIT, &said.limit);
                insert(REMAINING, &said.remaining);
                insert(RESET, &said.reset);
            }
            HeaderFamily::Structured => {
                let (remaining, reset) = (standing.remaining, whole_seconds(standing.reset));
                insert(RATELIMIT, &text(format!("\"{}\";r={remaining};t={reset}", standing.window)));
            }
            HeaderFamily::XRateLimitEpoch => {
                insert(X_LIMIT, &said.limit);
                insert(X_REMAINING, &said.remaining);
                insert(X_RESET, &said.epoch);
            }
            HeaderFamily::XRateLimitSeconds => {
                insert(X_LIMIT, &said.limit);
                insert(X_REMAINING, &said.remaining);
                insert(X_RESET, &said.reset);
            }
        }
    }

    /// The header that describes all windows, for the families that have one.
    fn policy(self, windows: &[Window]) -> Option<HeaderValue> {
        let mut policy = String::new();
        for window in windows {
            let separator = if policy.is_empty() { "" } else { ", " };
            let (count, seconds) = (window.count, whole_seconds(window.period));
            let written = match self {
                // As the drafts up to the seventh had it.
                HeaderFamily::RateLimit => write!(policy, "{separator}{count};w={seconds}"),
                // A window's name is its spelling in the configuration; no name is prescribed.
                HeaderFamily::Structured => write!(policy, "{separator}\"{window}\";q={count};w={seconds}"),
                HeaderFamily::XRateLimitEpoch | HeaderFamily::XRateLimitSeconds => return None,
            };
            written.expect("writing to a string cannot fail");
        }
        Some(text(policy))
    }
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("digits, letters and punctuation make a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(families: &[HeaderFamily]) -> Vec<String> {
        let windows: Vec<Window> = ["300/minute", "10000/day"].map(|text| text.parse().unwrap()).to_vec();
        let standing = Standing { window: windows[0], remaining: 299, reset: Duration::from_millis(200) };
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut headers = HeaderMap::new();
        Headers::new(families, &windows).write(&standing, now, &mut headers);
        let line =
            |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        let mut lines: Vec<String> = headers.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn ratelimit_headers_count_seconds_and_list_every_window() {
        assert_eq!(
            written(&[HeaderFamily::RateLimit]),
            [
                "ratelimit-limit: 300",
                "ratelimit-policy: 300;w=60, 10000;w=86400",
                "ratelimit-remaining: 299",
                "ratelimit-reset: 1",
            ]
        );
    }

    #[test]
    fn epoch_headers_give_the_reset_as_a_unix_time() {
        assert_eq!(
            written(&[HeaderFamily::XRateLimitEpoch]),
            ["x-ratelimit-limit: 300", "x-ratelimit-remaining: 299", "x-ratelimit-reset: 1700000001"]
        );
    }

    #[test]
    fn the_legacy_family_may_count_seconds_too() {
        assert_eq!(
            written(&[HeaderFamily::XRateLimitSeconds]),
            ["x-ratelimit-limit: 300", "x-ratelimit-remaining: 299", "x-ratelimit-reset: 1"]
        );
    }

    #[test]
    fn structured_headers_name_the_window() {
        assert_eq!(
            written(&[HeaderFamily::Structured]),
            [
                r#"ratelimit-policy: "300/minute";q=300;w=60, "10000/day";q=10000;w=86400"#,
                r#"ratelimit: "300/minute";r=299;t=1"#,
            ]
        );
    }

    #[test]
    fn several_families_stand_side_by_side() {
        assert_eq!(written(&[HeaderFamily::RateLimit, HeaderFamily::XRateLimitEpoch]).len(), 7);
    }

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let mut headers = HeaderMap::new();
        for (wait_ms, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
            Headers::write_retry_after(Duration::from_millis(wait_ms), &mut headers);
            assert_eq!(headers[RETRY_AFTER], seconds);
        }
    }

    #[test]
    fn families_are_known_by_name() {
        assert_eq!("ratelimit".parse(), Ok(HeaderFamily::RateLimit));
        assert_eq!("x-ratelimit-epoch".parse(), Ok(HeaderFamily::XRateLimitEpoch));
        assert_eq!("RateLimit".parse::<HeaderFamily>(), Err(HeaderFamilyError));
    }
}

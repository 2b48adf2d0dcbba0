//! The families of headers that tell a client where it stands.
//!
//! There is no agreement on names, nor on whether *reset* is a time or a wait, so a dialect names the families its
//! clients know. `Retry-After` belongs to none of them and is written with every refusal.

use std::{
    fmt::Write,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

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
        Headers { families }
    }

    /// Writes every family's headers.
    pub fn write(&self, standing: &Standing, now: SystemTime, headers: &mut HeaderMap) {
        for (family, policy) in &self.families {
            family.write(standing, now, headers);
            if let Some(policy) = policy {
                headers.insert(POLICY, policy.clone());
            }
        }
    }

    /// Writes `Retry-After`, in whole seconds and never zero: clients that honour it must not spin.
    pub fn write_retry_after(retry_after: Duration, headers: &mut HeaderMap) {
        headers.insert(RETRY_AFTER, whole_seconds(retry_after).max(1).into());
    }
}

impl HeaderFamily {
    fn write(self, standing: &Standing, now: SystemTime, headers: &mut HeaderMap) {
        let limit = standing.window.count.get();
        let remaining = standing.remaining;
        let reset = whole_seconds(standing.reset);
        match self {
            HeaderFamily::RateLimit => {
                headers.insert(LIMIT, limit.into());
                headers.insert(REMAINING, remaining.into());
                headers.insert(RESET, reset.into());
            }
            HeaderFamily::Structured => {
                let item = format!("\"{}\";r={remaining};t={reset}", standing.window);
                headers.insert(RATELIMIT, text(item));
            }
            HeaderFamily::XRateLimitEpoch => {
                let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
                headers.insert(X_LIMIT, limit.into());
                headers.insert(X_REMAINING, remaining.into());
                headers.insert(X_RESET, whole_seconds(since_epoch + standing.reset).into());
            }
            HeaderFamily::XRateLimitSeconds => {
                headers.insert(X_LIMIT, limit.into());
                headers.insert(X_REMAINING, remaining.into());
                headers.insert(X_RESET, reset.into());
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

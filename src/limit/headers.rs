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
    /// All of them; those that a standing changes are empty. To copy a map takes a third of what it takes to put as many
    /// headers into one, for then each name is hashed and its place looked for.
    template: HeaderMap,
    /// What they say, in the order in which the template gives its values.
    says: Vec<Says>,
    /// What each window allows, as a header's value, which never changes.
    limits: Vec<(Window, HeaderValue)>,
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// How many cells the window has.
    Limit,
    /// How many of them are left.
    Remaining,
    /// In how many seconds it is whole again.
    Reset,
    /// The Unix time of that.
    Epoch,
    /// All of it, as structured fields have it.
    Standing,
    /// What the windows are.
    Windows,
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
        let mut all: HeaderMap<(Says, HeaderValue)> = HeaderMap::default();
        for family in families {
            for (name, says) in family.says() {
                let value = match says {
                    Says::Windows => family.policy(windows),
                    _ => HeaderValue::from_static(""),
                };
                // Where two families have a name in common, the later one has the word.
                all.insert(name, (says, value));
            }
        }
        let template: HeaderMap =
            all.iter().map(|(name, (_, value))| (name.clone(), value.clone())).collect();
        let says = template.keys().map(|name| all[name].0).collect();
        let limits = windows.iter().map(|window| (*window, window.count.get().into())).collect();
        Headers { template, says, limits }
    }

    /// Every family's headers.
    pub fn of(&self, standing: &Standing, now: SystemTime) -> HeaderMap {
        let mut headers = self.template.clone();
        if self.says.is_empty() {
            return headers;
        }
        let known = self.limits.iter().find(|(window, _)| *window == standing.window);
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        // The numbers share one piece of memory: one of their own for each was a third of what the headers cost.
        let mut digits = Vec::with_capacity(DIGITS_ROOM);
        let remaining = put_decimal(&mut digits, standing.remaining.into());
        let reset = put_decimal(&mut digits, whole_seconds(standing.reset));
        let epoch = put_decimal(&mut digits, whole_seconds(since_epoch + standing.reset));
        let digits = Bytes::from(digits);
        let number = |range: &Range<usize>| {
            HeaderValue::from_maybe_shared(digits.slice(range.clone())).expect("digits make a header value")
        };
        for (value, says) in headers.values_mut().zip(&self.says) {
            *value = match says {
                Says::Limit => {
                    known.map_or_else(|| standing.window.count.get().into(), |(_, limit)| limit.clone())
                }
                Says::Remaining => number(&remaining),
                Says::Reset => number(&reset),
                Says::Epoch => number(&epoch),
                Says::Standing => {
                    let (left, seconds) = (standing.remaining, whole_seconds(standing.reset));
                    text(format!("\"{}\";r={left};t={seconds}", standing.window))
                }
                Says::Windows => continue,
            };
        }
        headers
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
    /// Its headers, and what they say.
    fn says(self) -> Vec<(HeaderName, Says)> {
        use Says::{Epoch, Limit, Remaining, Reset, Standing, Windows};
        match self {
            HeaderFamily::RateLimit => {
                vec![(LIMIT, Limit), (REMAINING, Remaining), (RESET, Reset), (POLICY, Windows)]
            }
            HeaderFamily::Structured => vec![(RATELIMIT, Standing), (POLICY, Windows)],
            HeaderFamily::XRateLimitEpoch => {
                vec![(X_LIMIT, Limit), (X_REMAINING, Remaining), (X_RESET, Epoch)]
            }
            HeaderFamily::XRateLimitSeconds => {
                vec![(X_LIMIT, Limit), (X_REMAINING, Remaining), (X_RESET, Reset)]
            }
        }
    }

    /// What all windows are, as the family writes it.
    fn policy(self, windows: &[Window]) -> HeaderValue {
        let mut policy = String::new();
        for window in windows {
            let separator = if policy.is_empty() { "" } else { ", " };
            let (count, seconds) = (window.count, whole_seconds(window.period));
            let written = match self {
                // As the drafts up to the seventh had it.
                HeaderFamily::RateLimit => write!(policy, "{separator}{count};w={seconds}"),
                // A window's name is its spelling in the configuration; no name is prescribed.
                HeaderFamily::Structured => write!(policy, "{separator}\"{window}\";q={count};w={seconds}"),
                // They have no words for it.
                HeaderFamily::XRateLimitEpoch | HeaderFamily::XRateLimitSeconds => Ok(()),
            };
            written.expect("writing to a string cannot fail");
        }
        text(policy)
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
        let headers = Headers::new(families, &windows).of(&standing, now);
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
        // Of a header that two of them have there is one, as the later writes it.
        let both = written(&[HeaderFamily::RateLimit, HeaderFamily::Structured]);
        assert_eq!(both.len(), 5);
        assert!(both[1].starts_with("ratelimit-policy: \"300/minute\";q=300"), "{both:?}");
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

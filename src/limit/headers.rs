//! The families of headers that tell a client where it stands.

use std::{str::FromStr, time::SystemTime};

use http::HeaderMap;

use crate::limit::{Standing, Window};

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

impl FromStr for HeaderFamily {
    type Err = HeaderFamilyError;

    fn from_str(text: &str) -> Result<HeaderFamily, HeaderFamilyError> {
        match text {
            "ratelimit" => Ok(HeaderFamily::RateLimit),
            "structured" => Ok(HeaderFamily::Structured),
            "x-ratelimit-epoch" => Ok(HeaderFamily::XRateLimitEpoch),
            "x-ratelimit-seconds" => Ok(HeaderFamily::XRateLimitSeconds),
            _ => Err(HeaderFamilyError),
        }
    }
}

/// The headers one dialect sends: some families, for one set of windows.
#[derive(Clone, Debug)]
pub struct Headers;

impl Headers {
    /// Prepares what does not depend on the standing.
    pub fn new(_families: &[HeaderFamily], _windows: &[Window]) -> Headers {
        todo!()
    }

    /// Writes every family's headers.
    pub fn write(&self, _standing: &Standing, _now: SystemTime, _headers: &mut HeaderMap) {
        todo!()
    }
}

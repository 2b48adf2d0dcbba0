//! Explanations of single live requests, for those who have the operator's key.
//!
//! A request asks for one with a header: a moment in seconds since 1970, and its HMAC-SHA256 under the key. One that is
//! wrong or too late is as good as none, and nobody can tell from the answer: the header is no oracle. It is read here
//! and goes nowhere else, least of all to the backend.

use std::fmt::{self, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::Full;

use super::Exchange;
use crate::diag::Lines;
use crate::telemetry::Explanations;
use crate::time::unix_seconds;
use crate::translate::explain::{Explanation, Narrator};

/// The header that asks for an explanation.
pub const X_EXPLAIN: HeaderName = HeaderName::from_static("x-interlingua-explain");

/// The header that tells which declared losses were met.
const X_LOSSES: HeaderName = HeaderName::from_static("x-interlingua-losses");

/// Bytes of a key that nobody guesses.
const KEY_BYTES_MIN: usize = 32;

/// What a header has room for.
const LOSSES_BYTES_MAX: usize = 4096;

/// Whether requests may be explained.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file of the key; none means that no request is explained.
    pub key: Option<PathBuf>,
}

/// Knows who may ask for explanations, and keeps those that were given.
pub struct Explainer {
    key: hmac::Key,
    kept: Explanations,
}

/// A key that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is shorter than {KEY_BYTES_MIN} bytes")]
pub struct WeakKey;

impl Explainer {
    /// One for a key, which ends where the white space at the end of its file begins.
    pub fn new(key: &[u8]) -> Result<Explainer, WeakKey> {
        let key = key.trim_ascii_end();
        if key.len() < KEY_BYTES_MIN {
            return Err(WeakKey);
        }
        Ok(Explainer { key: hmac::Key::new(hmac::HMAC_SHA256, key), kept: Explanations::default() })
    }

    /// The same, which keeps explanations there.
    #[must_use]
    pub fn keeping(self, kept: Explanations) -> Explainer {
        Explainer { kept, ..self }
    }

    /// Where explanations are kept.
    pub fn kept(&self) -> Explanations {
        self.kept.clone()
    }

    /// What asks for explanations until `expiry`.
    pub fn token(&self, expiry: SystemTime) -> String {
        let expiry = unix_seconds(expiry).to_string();
        let tag = hmac::sign(&self.key, expiry.as_bytes());
        let mut token = format!("{expiry}.");
        for byte in tag.as_ref() {
            write!(token, "{byte:02x}").expect("writing to a string never fails");
        }
        token
    }

    /// The narrator of a request with these headers: one that is heard if they ask for it.
    pub(super) fn narrator(&self, headers: &HeaderMap, now: SystemTime) -> Narrator {
        let mut tokens = headers.get_all(X_EXPLAIN).iter();
        match (tokens.next(), tokens.next()) {
            (Some(token), None) if self.is_valid(token, now) => Narrator::listening(),
            (_, _) => Narrator::default(),
        }
    }

    fn is_valid(&self, token: &HeaderValue, now: SystemTime) -> bool {
        let parts = token.to_str().ok().and_then(|text| text.split_once('.'));
        let Some((expiry, tag)) = parts.and_then(|(expiry, hex)| Some((expiry, unhex(hex)?))) else {
            return false;
        };
        // Compared in constant time; only then is it known that the moment is ours.
        hmac::verify(&self.key, expiry.as_bytes(), &tag).is_ok()
            && expiry.parse::<u64>().is_ok_and(|expiry| unix_seconds(now) < expiry)
    }

    /// Tells the client of the losses, and keeps the rest.
    pub(super) fn explain(&self, exchange: &Exchange, lines: &Lines, response: &mut Response<Full<Bytes>>) {
        let Some(explanation) = exchange.narrator.take() else { return };
        if let Some(losses) = losses(&explanation) {
            response.headers_mut().insert(X_LOSSES, losses);
        }
        if let Some(id) = &exchange.request_id {
            self.kept.keep(id.clone(), Bytes::from(explanation.json(lines).to_string()));
        }
    }
}

/// Shows nothing of the key.
impl fmt::Debug for Explainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explainer").field("kept", &self.kept).finish_non_exhaustive()
    }
}

/// The names of the losses with their counts, as a list of RFC 9651; none if there are none.
fn losses(explanation: &Explanation) -> Option<HeaderValue> {
    let mut text = String::new();
    for (name, met) in explanation.losses() {
        let loss = format!("{name};n={}", met.count);
        if text.len() + loss.len() + 2 > LOSSES_BYTES_MAX {
            break;
        }
        let gap = if text.is_empty() { "" } else { ", " };
        text = format!("{text}{gap}{loss}");
    }
    if text.is_empty() { None } else { HeaderValue::try_from(text).ok() }
}

/// The bytes of lower-case hexadecimal digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| if let [high, low] = pair { Some(digit(*high)? << 4 | digit(*low)?) } else { None })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const KEY: &[u8] = b"a key that is long enough for a test\n";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn is_heard(lines: &[&str], now: u64) -> bool {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_EXPLAIN, HeaderValue::from_str(line).unwrap());
        }
        Explainer::new(KEY).unwrap().narrator(&headers, at(now)).is_heard()
    }

    #[test]
    fn a_token_is_what_any_hmac_makes() {
        // `printf 1800000000 | openssl dgst -sha256 -hmac 'a key that is long enough for a test'`
        let expected = "1800000000.5abc7569359a8a1f5234af39d255d3ed888a135caae69e408cda09284f0dbf73";
        assert_eq!(Explainer::new(KEY).unwrap().token(at(1_800_000_000)), expected);
    }

    #[test]
    fn a_token_is_good_until_its_moment() {
        let token = Explainer::new(KEY).unwrap().token(at(1000));
        assert!(is_heard(&[&token], 999));
        assert!(!is_heard(&[&token], 1000));
    }

    #[test]
    fn no_other_token_is_any_good() {
        let token = Explainer::new(KEY).unwrap().token(at(1000));
        let later = token.replacen("1000", "2000", 1);
        let other = Explainer::new(b"another key that is as long as the first").unwrap().token(at(1000));
        let last = token.len() - 1;
        let longer = format!("{token}00");
        for bad in
            [later.as_str(), &other, &token[..last], &token[..=last - 2], &longer, "", ".", "1000.", "x.y"]
        {
            assert!(!is_heard(&[bad], 1), "{bad}");
        }
        assert!(!is_heard(&[&token.to_uppercase()], 1), "one spelling");
        assert!(!is_heard(&[&token, &token], 1), "twice is once too often");
        assert!(!is_heard(&[], 1));
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        assert_eq!(Explainer::new(b"hunter2").unwrap_err(), WeakKey);
        assert_eq!(Explainer::new(&[b' '; 64]).unwrap_err(), WeakKey);
    }
}

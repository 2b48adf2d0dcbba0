//! `Retry-After` of a backend: how long it wants to be left alone.

use std::time::Duration;

use http::HeaderValue;

/// The longest that a client is told to wait. Who believes more is gone for good, for what may have been a mistake, and some
/// count on to what overflows.
const WAIT_MAX: Duration = Duration::from_hours(24);

/// How long the backend wants to be left alone, within [`WAIT_MAX`]. Only the form in seconds is read: the other needs its clock.
pub(in crate::gateway) fn seconds(retry_after: &HeaderValue) -> Option<Duration> {
    let written = retry_after.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    // What is all digits and does not fit is too large.
    let seconds = written.parse().unwrap_or(u64::MAX);
    (!written.is_empty()).then(|| Duration::from_secs(seconds).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_seconds_are_read_from_retry_after() {
        let read = |value| seconds(&HeaderValue::from_static(value));
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        for none in ["", "-7", "+7", "7.5", "7 s", "0x7"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }

    #[test]
    fn nobody_is_told_to_wait_for_longer_than_a_day() {
        for (told, seconds_told) in [
            ("0", 0),
            ("86400", 86_400),
            ("86401", 86_400),
            ("9223372036854775808", 86_400),
            ("18446744073709551615", 86_400),
            ("18446744073709551616", 86_400),
        ] {
            let told = seconds(&HeaderValue::from_static(told));
            assert_eq!(told, Some(Duration::from_secs(seconds_told)));
        }
    }
}

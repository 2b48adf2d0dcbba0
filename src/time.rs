//! The clock: deadlines, whole seconds for headers, and the durations people write in files.
//!
//! Everything that waits does so on tokio's clock, so that a test can pause it. Wall-clock time appears only where a
//! header or a log line needs it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The instant by which something must be done; a whole request, usually.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `allowance` from now.
    pub fn after(allowance: Duration) -> Deadline {
        Deadline(Instant::now() + allowance)
    }

    /// This deadline, or the one `allowance` from now when that comes sooner.
    #[must_use]
    pub fn within(self, allowance: Duration) -> Deadline {
        self.min(Deadline::after(allowance))
    }

    /// The instant on tokio's clock.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// What is left; zero once the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it is too late.
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }
}

/// Where the time of day comes from: that of the system, or one that goes with tokio's clock, so that a test can stop it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock(Option<(SystemTime, Instant)>);

impl Clock {
    /// A clock that shows `moment` now, and goes on as tokio's clock does.
    pub fn set_to(moment: SystemTime) -> Clock {
        Clock(Some((moment, Instant::now())))
    }

    /// What it shows.
    pub fn now(&self) -> SystemTime {
        match self.0 {
            Some((moment, began)) => moment + began.elapsed(),
            None => SystemTime::now(),
        }
    }
}

/// A moment as headers have it: the IMF-fixdate of RFC 9110, section 5.6.7.
pub fn http_date(moment: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1970 began with a Thursday
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = rfc3339(moment);
    let day = DAYS[usize::try_from(unix_seconds(moment) / (24 * 60 * 60) % 7).unwrap_or_default()];
    let month = MONTHS[text[5..7].parse::<usize>().map_or(0, |month| month - 1)];
    format!("{day}, {} {month} {} {} GMT", &text[8..10], &text[..4], &text[11..19])
}

/// A moment as RFC 3339 writes it, in UTC and whole seconds.
pub fn rfc3339(moment: SystemTime) -> String {
    humantime::format_rfc3339_seconds(moment).to_string()
}

/// The moment of a time in UTC as RFC 3339 writes it, if it is one.
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

/// Whole seconds since 1970 began; none before.
pub fn unix_seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `duration` in whole seconds, rounded up: a client told to wait must not come back too early.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No whole number in front, or one too large.
    #[error("must begin with a whole number, as in `10s`")]
    Number,
    /// Something else than a known unit behind the number.
    #[error("must end in one of the units `ms`, `s`, `m`, `h`, `d`")]
    Unit,
}

/// Parses `250ms`, `10s`, `5m`, `1h` or `2d`.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| DurationError::Number)?;
    let seconds_per_unit = match unit.trim_start() {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(DurationError::Unit),
    };
    number.checked_mul(seconds_per_unit).map(Duration::from_secs).ok_or(DurationError::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(parse_duration("1 h"), Ok(Duration::from_hours(1)));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_hours(48)));
    }

    #[test]
    fn a_number_without_a_unit_is_no_duration() {
        assert_eq!(parse_duration("10"), Err(DurationError::Unit));
        assert_eq!(parse_duration("10 minutes"), Err(DurationError::Unit));
    }

    #[test]
    fn a_unit_without_a_whole_number_is_no_duration() {
        for text in ["", "s", "-1s", "1.5s", " 1s", "99999999999999999999s", "999999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn times_are_written_as_rfc_3339_has_them() {
        // RFC 3339, section 5.8: 16:39:57-08:00 on 1996-12-19 is 00:39:57 UTC on the next day.
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(851_042_397_600);
        assert_eq!(rfc3339(time), "1996-12-20T00:39:57Z");
    }

    #[test]
    fn times_in_headers_are_those_of_rfc_9110() {
        // RFC 9110, section 5.6.7: a Sunday. Its Unix time is that of `date -u -d "1994-11-06 08:49:37" +%s`.
        let moment = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(http_date(moment), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    proptest::proptest! {
        #[test]
        fn another_reader_reads_the_time_of_a_header_as_it_was(seconds in 0_u64..253_402_300_800) {
            let moment = UNIX_EPOCH + Duration::from_secs(seconds);
            proptest::prop_assert_eq!(httpdate::parse_http_date(&http_date(moment)).unwrap(), moment);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_goes_with_that_of_tokio() {
        let clock = Clock::set_to(UNIX_EPOCH);
        assert_eq!(clock.now(), UNIX_EPOCH);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(clock.now(), UNIX_EPOCH + Duration::from_hours(1));
        assert!(Clock::default().now() > clock.now());
    }

    #[test]
    fn whole_seconds_round_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
        assert_eq!(whole_seconds(Duration::from_millis(3001)), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_passes_when_the_clock_reaches_it() {
        let deadline = Deadline::after(Duration::from_secs(2));
        assert!(!deadline.has_passed());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(deadline.has_passed());
        assert_eq!(deadline.remaining(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn within_keeps_the_sooner_of_two_deadlines() {
        let soon = Deadline::after(Duration::from_secs(1));
        assert_eq!(soon.within(Duration::from_secs(5)), soon);
        assert_eq!(soon.within(Duration::ZERO), Deadline::after(Duration::ZERO));
    }
}

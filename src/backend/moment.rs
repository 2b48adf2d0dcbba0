//! Points in time, as the database and the answers write them: `2025-01-06T09:00:00.000Z`.
//!
//! The text has one width and one time zone, so comparing text compares times.

use std::fmt;
use std::time::{Duration, SystemTime};

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl Moment {
    /// What the system's clock shows; 1970 if it is set earlier.
    pub(super) fn now() -> Self {
        Moment::from_unix(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
    }

    /// The moment that long after the beginning of 1970.
    pub(super) fn from_unix(age: Duration) -> Self {
        Moment(0).after(age)
    }

    /// The moment `wait` later.
    pub(super) fn after(self, wait: Duration) -> Self {
        Moment(self.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment that much earlier; 1970 if that is earlier still.
    pub(super) fn before(self, age: Duration) -> Self {
        Moment(self.0.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0 / DAY_MS);
        let ms = self.0 % DAY_MS;
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
    }
}

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

/// Turns days since 1970 into year, month and day.
///
/// After Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so that the
/// leap day comes last, and repeat every 400 years.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from `date --utc --date=@<seconds>`.
    #[test]
    fn moments_are_written_in_utc_with_milliseconds() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_736_154_000_123, "2025-01-06T09:00:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(Moment(ms).to_string(), text);
        }
    }

    #[test]
    fn a_moment_past_all_clocks_does_not_overflow() {
        assert_eq!(Moment(1).after(Duration::MAX), Moment(u64::MAX));
    }
}

//! One window of a quota: so many cells in such a time, written `300/minute` or `100/30s`.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use crate::time::{DurationError, parse_duration};

/// So many cells in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Cells, all of which may be spent at once.
    pub count: NonZeroU32,
    /// The time in which that many cells grow again; never zero.
    pub period: Duration,
}

impl Window {
    /// The time in which one cell grows again.
    pub fn cell_interval(self) -> Duration {
        self.period / self.count.get()
    }
}

/// Why a text is not a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The part in front of the slash is no positive whole number.
    #[error("must begin with a positive whole number, as in `300/minute`")]
    Count,
    /// The part behind the slash is neither a unit nor a duration.
    #[error("must end in `/second`, `/minute`, `/hour`, `/day` or a duration such as `/30s`")]
    Period(#[source] DurationError),
    /// No slash.
    #[error("must be a count and a period with a slash between, as in `300/minute`")]
    Slash,
    /// More cells than nanoseconds, or a period of zero.
    #[error("the period is too short for that many cells")]
    TooShort,
}

/// Periods with a name of their own.
const NAMED: [(&str, Duration); 4] = [
    ("second", Duration::from_secs(1)),
    ("minute", Duration::from_mins(1)),
    ("hour", Duration::from_hours(1)),
    ("day", Duration::from_hours(24)),
];

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Window, WindowError> {
        let (count, period) = text.split_once('/').ok_or(WindowError::Slash)?;
        let count: NonZeroU32 = count.trim().parse().map_err(|_| WindowError::Count)?;
        let period = period.trim();
        let period = match NAMED.iter().find(|(name, _)| *name == period) {
            Some((_, named)) => *named,
            None => parse_duration(period).map_err(WindowError::Period)?,
        };
        let window = Window { count, period };
        if window.cell_interval().is_zero() {
            return Err(WindowError::TooShort);
        }
        Ok(window)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(_, named)| *named == self.period) {
            Some((name, _)) => write!(f, "{}/{name}", self.count),
            None if self.period.subsec_nanos() == 0 => write!(f, "{}/{}s", self.count, self.period.as_secs()),
            None => write!(f, "{}/{}ms", self.count, self.period.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    fn window(count: u32, seconds: u64) -> Window {
        Window { count: NonZeroU32::new(count).unwrap(), period: Duration::from_secs(seconds) }
    }

    #[test]
    fn windows_are_a_count_and_a_period() {
        assert_eq!("300/minute".parse(), Ok(window(300, 60)));
        assert_eq!("10000/day".parse(), Ok(window(10_000, 86_400)));
        assert_eq!("100/30s".parse(), Ok(window(100, 30)));
        assert_eq!("5 / hour".parse(), Ok(window(5, 3600)));
    }

    #[test]
    fn what_is_wrong_with_a_window_is_told_apart() {
        assert_eq!("300".parse::<Window>(), Err(WindowError::Slash));
        assert_eq!("0/minute".parse::<Window>(), Err(WindowError::Count));
        assert_eq!("-3/minute".parse::<Window>(), Err(WindowError::Count));
        assert_eq!("3/fortnight".parse::<Window>(), Err(WindowError::Period(DurationError::Number)));
        assert_eq!("3/14".parse::<Window>(), Err(WindowError::Period(DurationError::Unit)));
        assert_eq!("3/0s".parse::<Window>(), Err(WindowError::TooShort));
        assert_eq!("4000000000/1s".parse::<Window>(), Err(WindowError::TooShort));
    }

    proptest! {
        #[test]
        fn what_display_writes_reads_back(
            count in 1_u32..1_000_000,
            period in prop_oneof![
                (1_u64..100_000).prop_map(Duration::from_secs),
                (1_u64..100_000).prop_map(Duration::from_millis),
            ],
        ) {
            let window = Window { count: NonZeroU32::new(count).unwrap(), period };
            proptest::prop_assume!(!window.cell_interval().is_zero());
            prop_assert_eq!(window.to_string().parse(), Ok(window));
        }
    }
}

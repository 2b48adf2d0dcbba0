//! TEMPORARY stand-in, only what settings need: the integrator replaces this file.

use std::time::Duration;

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

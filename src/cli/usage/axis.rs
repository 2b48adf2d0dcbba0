//! Which days are drawn: all that can have been, with a break where nobody came for long.
//!
//! The days before a report was written are what it is about: whoever is left is seen there, however few they are and however
//! long nobody had come. So only a day that cannot have been is left out, as a clock makes it that is wrong, and told.

use std::collections::BTreeMap;

use crate::usage::snapshot::date;

/// Seconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// So many days without anything are drawn between two that have something. More are drawn as a break.
const GAP_MAX: u64 = 30;

/// As wide as so many days is a break.
const BREAK: u64 = 4;

/// So much may clocks of replicas differ.
const TOLERANCE: u64 = 1;

/// So many days that are not drawn, or breaks, are told by their dates.
const TOLD_MAX: usize = 3;

/// The days that are drawn, in order: runs, from the first to the last day since 1970, with a break between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis(Vec<(u64, u64)>);

impl Axis {
    /// Those of a report, by how much there was on each day, since when was counted and when it was written.
    ///
    /// A day before the first or after the second cannot have been, unless it is one of those that bear most of all: then the
    /// clock was wrong when the report was written.
    pub(super) fn of(weights: &BTreeMap<u64, u64>, since: u64, written: u64) -> Axis {
        let since = if since > written { 0 } else { since };
        let can_be = |day: u64| (since.saturating_sub(TOLERANCE)..=written + TOLERANCE).contains(&day);
        let heaviest = runs(weights.iter().map(|(day, weight)| (*day, *weight)));
        let heaviest =
            heaviest.into_iter().max_by_key(|(_, _, all)| *all).map(|(first, last, _)| (first, last));
        let is_astray = heaviest.filter(|(first, last)| !(*first..=*last).any(can_be));
        let within = |day: &u64| is_astray.is_some_and(|(first, last)| (first..=last).contains(day));
        let days = weights.keys().copied().filter(|day| can_be(*day) || within(day));
        // Nobody came on the day on which it was written, if there is nothing of it; it is the last one all the same.
        let today = is_astray.is_none_or(|(_, last)| last < written).then_some(written);
        let mut days: Vec<u64> = days.chain(today).collect();
        days.sort_unstable();
        Axis(
            runs(days.into_iter().map(|day| (day, 0)))
                .into_iter()
                .map(|(first, last, _)| (first, last))
                .collect(),
        )
    }

    /// The first day.
    pub(super) fn first(&self) -> u64 {
        self.0.first().map(|run| run.0).unwrap_or_default()
    }

    /// The last day.
    pub(super) fn last(&self) -> u64 {
        self.0.last().map(|run| run.1).unwrap_or_default()
    }

    /// How wide it is, in days.
    pub(super) fn width(&self) -> u64 {
        let days: u64 = self.0.iter().map(|(first, last)| last - first + 1).sum();
        days + self.breaks().count() as u64 * BREAK
    }

    /// How far from the left a day is, if it is drawn.
    pub(super) fn place(&self, day: u64) -> Option<u64> {
        let mut left = 0;
        for (first, last) in &self.0 {
            if (*first..=*last).contains(&day) {
                return Some(left + day - first);
            }
            left += last - first + 1 + BREAK;
        }
        None
    }

    /// Each day from the left to the right, and none for a break.
    pub(super) fn days(&self) -> impl Iterator<Item = Option<u64>> {
        let run = |(at, (first, last)): (usize, &(u64, u64))| {
            let gap = (at > 0).then_some(None);
            gap.into_iter().chain((*first..=*last).map(Some))
        };
        self.0.iter().enumerate().flat_map(run)
    }

    /// Where the breaks are from the left and how wide, and which days they stand for.
    pub(super) fn breaks(&self) -> impl Iterator<Item = ((u64, u64), (u64, u64))> {
        let mut left = 0;
        self.0.windows(2).map(move |runs| {
            let [(first, last), (next, _)] = runs else { unreachable!("there are two in each window") };
            left += last - first + 1;
            let place = (left, BREAK);
            left += BREAK;
            (place, (last + 1, next - 1))
        })
    }

    /// What is said of the breaks, if there are any.
    pub(super) fn breaks_in_words(&self) -> Option<String> {
        let breaks: Vec<_> = self.breaks().map(|(_, days)| days).collect();
        if breaks.is_empty() {
            return None;
        }
        let told = breaks.iter().rev().take(TOLD_MAX).rev();
        let told = told.map(|(first, last)| format!("{} to {}", date(first * DAY), date(last * DAY)));
        let earlier = breaks.len().saturating_sub(TOLD_MAX);
        let earlier = match earlier {
            0 => String::new(),
            1 => " and once before".to_owned(),
            times => format!(" and {times} times before"),
        };
        Some(format!("nothing was counted from {}{earlier}", told.collect::<Vec<_>>().join(", ")))
    }

    /// Which of the days with anything are not drawn, if any are not.
    pub(super) fn astray(&self, days: impl Iterator<Item = u64>) -> Option<String> {
        let days: Vec<_> = days.filter(|day| self.place(*day).is_none()).collect();
        if days.is_empty() {
            return None;
        }
        let dates: Vec<_> = days.iter().take(TOLD_MAX).map(|day| date(day * DAY)).collect();
        let more = days.len().saturating_sub(TOLD_MAX);
        let more = if more > 0 { format!(" and {more} more days") } else { String::new() };
        let dates = dates.join(", ");
        Some(format!(
            "{dates}{more}, before it was counted or after it was written, as a clock shows that is wrong"
        ))
    }
}

/// Days that are no further apart than may be drawn, with how much there was on all of them.
fn runs(days: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64, u64)> {
    let mut runs: Vec<(u64, u64, u64)> = Vec::new();
    for (day, weight) in days {
        match runs.last_mut() {
            Some((_, last, all)) if day - *last <= GAP_MAX => (*last, *all) = (day, *all + weight),
            _ => runs.push((day, day, weight)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(days: &[(u64, u64)], since: u64, written: u64) -> Vec<(u64, u64)> {
        Axis::of(&days.iter().copied().collect(), since, written).0
    }

    #[test]
    fn all_days_are_drawn_that_can_have_been() {
        // 2026-11-22; a day of 1970, and one of 2100.
        for (days, since, written, expected) in [
            (&[][..], 20_700, 20_779, vec![(20_779, 20_779)]),
            (&[(20_770, 5), (20_775, 1)], 20_700, 20_779, vec![(20_770, 20_779)]),
            (&[(0, 3), (20_770, 5), (20_775, 1), (47_482, 4)], 20_700, 20_779, vec![(20_770, 20_779)]),
            // A replica's clock is a little ahead, and one was by a month.
            (&[(20_770, 5), (20_780, 1), (20_799, 1)], 20_700, 20_779, vec![(20_770, 20_780)]),
            // Counting was begun when the clock was wrong: the first day is one of those that may have been.
            (&[(0, 3), (20_770, 5)], 0, 20_779, vec![(0, 0), (20_770, 20_779)]),
            (&[(20_500, 30), (20_779, 1)], 47_482, 20_779, vec![(20_500, 20_500), (20_779, 20_779)]),
            // It was written when the clock was wrong.
            (&[(0, 3), (20_770, 5), (20_775, 1)], 20_700, 0, vec![(0, 0), (20_770, 20_775)]),
            // As far apart as may be, and one more.
            (&[(20_740, 1), (20_770, 5)], 20_700, 20_779, vec![(20_740, 20_779)]),
            (&[(20_739, 1), (20_770, 5)], 20_700, 20_779, vec![(20_739, 20_739), (20_770, 20_779)]),
        ] {
            assert_eq!(axis(days, since, written), expected, "{days:?} {since} {written}");
        }
    }

    /// Sixty days with thirty who came, months of silence, and the one who comes each quarter.
    #[test]
    fn who_comes_after_a_long_silence_is_on_the_last_day() {
        let spring = (20_590..20_650).map(|day| (day, 30));
        let days: BTreeMap<u64, u64> = spring.chain([(20_779, 1)]).collect();
        let drawn = Axis::of(&days, 20_590, 20_779);
        assert_eq!((drawn.first(), drawn.last(), drawn.width()), (20_590, 20_779, 60 + BREAK + 1));
        assert_eq!(
            [drawn.place(20_649), drawn.place(20_700), drawn.place(20_779)],
            [Some(59), None, Some(64)]
        );
        assert_eq!(drawn.breaks().collect::<Vec<_>>(), [((60, BREAK), (20_650, 20_778))]);
        let days: Vec<_> = drawn.days().collect();
        assert_eq!((days.len(), &days[59..]), (62, &[Some(20_649), None, Some(20_779)][..]));
        assert_eq!(drawn.breaks_in_words().unwrap(), "nothing was counted from 2026-07-16 to 2026-11-21");
        assert_eq!(drawn.astray([20_649, 20_779].into_iter()), None);
        // Nobody has come since: that is what its last day tells.
        let silent: BTreeMap<u64, u64> = (20_590..20_650).map(|day| (day, 30)).collect();
        assert_eq!(Axis::of(&silent, 20_590, 20_779).last(), 20_779);
    }

    #[test]
    fn what_is_not_drawn_is_told() {
        let drawn = Axis::of(&BTreeMap::from([(20_779, 1)]), 20_700, 20_779);
        let said = drawn.astray([0, 20_779, 47_482].into_iter()).unwrap();
        assert_eq!(
            said,
            "1970-01-01, 2100-01-01, before it was counted or after it was written, as a clock shows that is wrong"
        );
        let said = drawn.astray(1..=5).unwrap();
        assert!(said.starts_with("1970-01-02, 1970-01-03, 1970-01-04 and 2 more days, "), "{said}");
        let often = (0..5).map(|at| (20_000 + at * 100, 1)).collect();
        let said = Axis::of(&often, 20_000, 20_400).breaks_in_words().unwrap();
        assert!(said.starts_with("nothing was counted from 2025-01-13 to 2025-04-21, "), "{said}");
        assert!(said.ends_with(" and once before"), "{said}");
    }
}

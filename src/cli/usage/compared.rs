//! How asking both sides ended, by operation: what was compared, what would have been refused, and what could not be compared
//! although it was tried.
//!
//! Outcomes are known by their words in the metric. A word that is not known here came from a later version: it counts as
//! not compared, and is told by its name.

use std::collections::BTreeMap;

use super::axis::DAY;
use crate::usage::snapshot::date;

/// Outcomes in which both answers were compared, or what a change did with what it asked for.
const COMPARED: [&str; 8] = [
    "same",
    "different",
    "noise",
    "unsteady",
    "other_page",
    "effect_same",
    "effect_different",
    "effect_unsteady",
];

/// Those in which they differed.
const DIFFERENT: [&str; 2] = ["different", "effect_different"];

/// The outcome of a change that the canonical side would have refused.
pub(super) const REFUSED: &str = "dry_refused";

/// That of one that it would have taken, and of which there was nothing more to be seen.
const FITS: &str = "dry_fits";

/// Those of what there was nothing to try of.
const UNTRIED: [&str; 2] = ["cursor", "untried"];

/// Outcomes in which no two answers came that mean anything, or two that differ and that nobody looked at again. Whoever moves may
/// get no better one.
const UNUSABLE: [&str; 4] = ["broken", "unanswered", "unrepeated", "unreadable"];

/// Those of what took too long, or found a side that had no time. The machine may be busy; but a side that never answers is
/// told so, too.
const LATE: [&str; 2] = ["busy", "late"];

/// One of so many requests may end so before those who use the operation are in doubt: a backend may be started anew.
const SELDOM: u64 = 100;

/// How often something was met, and on which days since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u64,
    /// The first and the last day, if it was met.
    pub(super) days: Option<(u64, u64)>,
}

impl Seen {
    pub(super) fn add(&mut self, day: u64, count: u64) {
        self.absorb(Seen { count, days: Some((day, day)) });
    }

    fn absorb(&mut self, other: Seen) {
        self.count += other.count;
        self.days = match (self.days, other.days) {
            (Some((first, last)), Some((from, to))) => Some((first.min(from), last.max(to))),
            (own, others) => own.or(others),
        };
    }
}

/// How comparisons ended, of an operation or of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Compared {
    /// Both answers were compared.
    pub(super) answers: Seen,
    /// They differed.
    pub(super) different: Seen,
    /// The canonical side would have refused a change that the old one made.
    pub(super) refused: Seen,
    /// It would have taken it, and what it did was not looked at.
    pub(super) fits: Seen,
    /// There was nothing to try.
    pub(super) untried: Seen,
    /// Nothing was compared although it was tried, by outcome.
    pub(super) failed: BTreeMap<String, Seen>,
}

impl Compared {
    /// Counts what ended so on a day.
    pub(super) fn add(&mut self, outcome: &str, day: u64, count: u64) {
        if DIFFERENT.contains(&outcome) {
            self.different.add(day, count);
        }
        let of = match outcome {
            REFUSED => &mut self.refused,
            FITS => &mut self.fits,
            outcome if UNTRIED.contains(&outcome) => &mut self.untried,
            outcome if COMPARED.contains(&outcome) => &mut self.answers,
            outcome => self.failed.entry(outcome.to_owned()).or_default(),
        };
        of.add(day, count);
    }

    /// Those of several operations, together.
    pub(super) fn all<'c>(of: impl Iterator<Item = &'c Compared>) -> Compared {
        of.fold(Compared::default(), |mut all, one| {
            all.answers.absorb(one.answers);
            all.different.absorb(one.different);
            all.refused.absorb(one.refused);
            all.fits.absorb(one.fits);
            all.untried.absorb(one.untried);
            for (outcome, seen) in &one.failed {
                all.failed.entry(outcome.clone()).or_default().absorb(*seen);
            }
            all
        })
    }

    /// How it went, in a sentence.
    pub(super) fn sentence(&self) -> String {
        let Compared { answers, different, refused, .. } = self;
        let failed = self.failed_in_words();
        if (answers.count, refused.count) == (0, 0) {
            let though =
                if failed.is_empty() { String::new() } else { format!(", though it was tried: {failed}") };
            return format!("nothing was compared in the days that are kept{though}");
        }
        let share = match answers.count {
            0 => String::new(),
            answers => format!(" ({})", percent(different.count, answers)),
        };
        let refused = match refused.count {
            0 => String::new(),
            refused => format!("; the canonical side would have refused {refused} changes"),
        };
        let failed = if failed.is_empty() { failed } else { format!("; tried, and not compared: {failed}") };
        let (answers, different) = (answers.count, different.count);
        format!(
            "of {answers} requests whose answers were compared, {different} differed{share}{refused}{failed}"
        )
    }

    /// What there is to say against moving who uses the operation, if there is anything.
    pub(super) fn doubt(&self) -> Option<String> {
        let Compared { answers, different, refused, .. } = self;
        let unusable = self.all_failed(is_unusable);
        // Those in which there were two answers to be had.
        let asked = answers.count + unusable.count;
        let fails_often = unusable.count > 0 && unusable.count.saturating_mul(SELDOM) > asked;
        let mut found = Vec::new();
        if different.count > 0 {
            let (different, answers) = (different.count, answers.count);
            found.push(format!("both sides differed in {different} of {answers} answers compared"));
        }
        if refused.count > 0 {
            let changes =
                if refused.count == 1 { "1 change".to_owned() } else { format!("{} changes", refused.count) };
            found.push(format!("the canonical side would have refused {changes}"));
        }
        if fails_often {
            let why = in_words(self.failed.iter().filter(|(outcome, _)| is_unusable(outcome)));
            let unusable = unusable.count;
            found.push(format!("{unusable} of {asked} requests were not compared to an end ({why})"));
        }
        let late = self.all_failed(|outcome| LATE.contains(&outcome));
        let is_mostly_late = late.count > answers.count;
        if is_mostly_late {
            let (late, answers) = (late.count, answers.count);
            found.push(format!("{late} comparisons found no time, and {answers} did"));
        }
        let told = [
            *different,
            *refused,
            if fails_often { unusable } else { Seen::default() },
            if is_mostly_late { late } else { Seen::default() },
        ];
        let last = told.into_iter().filter_map(|seen| seen.days).map(|(_, last)| last).max()?;
        Some(format!("{}; whose is not known, the last was on {}", found.join(", and "), date(last * DAY)))
    }

    /// That all that was tried came to nothing, if it did, and is no doubt by itself.
    pub(super) fn remark(&self) -> Option<String> {
        let none_compared = (self.answers.count, self.refused.count, self.fits.count) == (0, 0, 0);
        let says = none_compared && !self.failed.is_empty();
        says.then(|| format!("nothing was compared, though it was tried: {}", self.failed_in_words()))
    }

    /// What ended as one of those, together.
    fn all_failed(&self, is_meant: impl Fn(&str) -> bool) -> Seen {
        let meant = self.failed.iter().filter(|(outcome, _)| is_meant(outcome));
        meant.fold(Seen::default(), |mut all, (_, seen)| {
            all.absorb(*seen);
            all
        })
    }

    fn failed_in_words(&self) -> String {
        in_words(self.failed.iter())
    }
}

fn is_unusable(outcome: &str) -> bool {
    UNUSABLE.contains(&outcome)
}

fn in_words<'s>(failed: impl Iterator<Item = (&'s String, &'s Seen)>) -> String {
    let words: Vec<_> = failed.map(|(outcome, seen)| format!("{} `{outcome}`", seen.count)).collect();
    words.join(", ")
}

/// A share, never rounded to nothing.
fn percent(part: u64, whole: u64) -> String {
    match part.saturating_mul(1000).div_ceil(whole.max(1)) {
        0 => "0 %".to_owned(),
        1 if part.saturating_mul(1000) < whole => "less than 0.1 %".to_owned(),
        mille => format!("{}.{} %", mille / 10, mille % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::ShadowOutcome;

    fn compared(ended: &[(&str, u64)]) -> Compared {
        ended.iter().fold(Compared::default(), |mut all, (outcome, count)| {
            all.add(outcome, 20_779, *count);
            all
        })
    }

    #[test]
    fn every_word_that_is_known_here_is_one_of_the_metric() {
        let words = COMPARED.iter().chain(&[REFUSED, FITS]).chain(&UNTRIED);
        for word in words.chain(&UNUSABLE).chain(&LATE) {
            let all = [
                ShadowOutcome::Same,
                ShadowOutcome::Different,
                ShadowOutcome::Noise,
                ShadowOutcome::Unsteady,
                ShadowOutcome::Broken,
                ShadowOutcome::Unanswered,
                ShadowOutcome::Unreadable,
                ShadowOutcome::DryFits,
                ShadowOutcome::DryRefused,
                ShadowOutcome::Untried,
                ShadowOutcome::EffectSame,
                ShadowOutcome::EffectDifferent,
                ShadowOutcome::EffectUnsteady,
                ShadowOutcome::Late,
                ShadowOutcome::Unrepeated,
                ShadowOutcome::Cursor,
                ShadowOutcome::Busy,
                ShadowOutcome::OtherPage,
            ];
            assert!(all.iter().any(|outcome| outcome.name() == *word), "{word}");
        }
    }

    #[test]
    fn a_word_that_nobody_knows_is_told_as_not_compared() {
        let ended = compared(&[("same", 5), ("tomorrow", 2), ("late", 1), ("untried", 9)]);
        let said = "of 5 requests whose answers were compared, 0 differed (0 %); tried, and not compared: 1 `late`, 2 `tomorrow`";
        assert_eq!(ended.sentence(), said);
        assert_eq!((ended.doubt(), ended.remark()), (None, None));
        let said = "nothing was compared in the days that are kept, though it was tried: 2 `tomorrow`";
        let ended = compared(&[("tomorrow", 2)]);
        assert_eq!(ended.sentence(), said);
        assert_eq!(ended.remark().unwrap(), "nothing was compared, though it was tried: 2 `tomorrow`");
    }

    #[test]
    fn who_uses_what_fails_more_than_seldom_is_in_doubt() {
        for (ended, expected) in [
            (compared(&[("same", 99), ("unanswered", 1)]), None),
            (
                compared(&[("same", 98), ("unanswered", 1)]),
                Some("1 of 99 requests were not compared to an end (1 `unanswered`)"),
            ),
            (
                compared(&[("same", 1), ("unreadable", 2), ("broken", 1), ("unanswered", 3), ("dropped", 7)]),
                Some(
                    "6 of 7 requests were not compared to an end (1 `broken`, 3 `unanswered`, 2 `unreadable`)",
                ),
            ),
            (compared(&[("same", 3), ("late", 3)]), None),
            (compared(&[("same", 2), ("late", 3)]), Some("3 comparisons found no time, and 2 did")),
            (compared(&[("dropped", 7), ("effect_unread", 9)]), None),
        ] {
            let expected =
                expected.map(|why| format!("{why}; whose is not known, the last was on 2026-11-22"));
            assert_eq!(ended.doubt(), expected);
        }
    }

    #[test]
    fn shares_are_never_rounded_to_nothing() {
        assert_eq!([percent(0, 9), percent(1, 5000), percent(4, 8)], ["0 %", "less than 0.1 %", "50.0 %"]);
    }
}

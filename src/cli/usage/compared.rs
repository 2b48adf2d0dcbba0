//! How asking both sides ended, by operation: what was compared, what would have been refused, and what could not be compared
//! although it was tried.
//!
//! Outcomes are known by their words in the metric. A word that is not known here came from a later version: it counts as
//! not compared, and is told by its name.

use std::collections::BTreeMap;

mod doubt;

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

/// Those of what there was nothing to try of; or of which the parts that were used say it, and whose they are.
const UNTRIED: [&str; 3] = ["cursor", "dry_gone", "untried"];

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
    /// Those of the compared that ended without saying that all of it is alike or that it differs, by outcome.
    unclear: BTreeMap<String, Seen>,
    /// Nothing was compared although it was tried, by outcome.
    pub(super) failed: BTreeMap<String, Seen>,
}

impl Compared {
    /// Counts what ended so on a day.
    pub(super) fn add(&mut self, outcome: &str, day: u64, count: u64) {
        if DIFFERENT.contains(&outcome) {
            self.different.add(day, count);
        }
        if doubt::is_unclear(outcome) {
            self.unclear.entry(outcome.to_owned()).or_default().add(day, count);
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
            absorb(&mut all.unclear, &one.unclear);
            absorb(&mut all.failed, &one.failed);
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

    /// That all that was tried came to nothing, or that most of it says little, if it is so, and is no doubt by itself.
    pub(super) fn remark(&self) -> Option<String> {
        let none_compared = (self.answers.count, self.refused.count, self.fits.count) == (0, 0, 0);
        if none_compared && !self.failed.is_empty() {
            return Some(format!("nothing was compared, though it was tried: {}", self.failed_in_words()));
        }
        self.says_little()
    }

    fn failed_in_words(&self) -> String {
        in_words(self.failed.iter())
    }
}

fn absorb(all: &mut BTreeMap<String, Seen>, more: &BTreeMap<String, Seen>) {
    for (outcome, seen) in more {
        all.entry(outcome.clone()).or_default().absorb(*seen);
    }
}

fn in_words<'s>(ended: impl Iterator<Item = (&'s String, &'s Seen)>) -> String {
    let words: Vec<_> = ended.map(|(outcome, seen)| format!("{} `{outcome}`", seen.count)).collect();
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

    pub(super) fn compared(ended: &[(&str, u64)]) -> Compared {
        ended.iter().fold(Compared::default(), |mut all, (outcome, count)| {
            all.add(outcome, 20_779, *count);
            all
        })
    }

    #[test]
    fn every_word_that_is_known_here_is_one_of_the_metric() {
        let words = COMPARED.iter().chain(&[REFUSED, FITS]).chain(&UNTRIED);
        for word in words.chain(doubt::words()) {
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
                ShadowOutcome::DryGone,
                ShadowOutcome::Untried,
                ShadowOutcome::EffectSame,
                ShadowOutcome::EffectDifferent,
                ShadowOutcome::EffectUnsteady,
                ShadowOutcome::Late,
                ShadowOutcome::Unrepeated,
                ShadowOutcome::Cursor,
                ShadowOutcome::Busy,
                ShadowOutcome::OtherPage,
                ShadowOutcome::FailedOnce,
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
    fn shares_are_never_rounded_to_nothing() {
        assert_eq!([percent(0, 9), percent(1, 5000), percent(4, 8)], ["0 %", "less than 0.1 %", "50.0 %"]);
    }
}

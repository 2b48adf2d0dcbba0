//! What comparisons say against moving who uses an operation, and how often it takes for that.

use std::collections::BTreeMap;

use super::super::axis::DAY;
use super::{Compared, Seen, in_words};
use crate::usage::snapshot::date;

/// Outcomes in which no two answers came that mean anything, or two that differ and that nobody looked at again. Whoever moves may
/// get no better one.
const UNUSABLE: [&str; 5] = ["broken", "failed_once", "unanswered", "unrepeated", "unreadable"];

/// One of so many requests may end so before those who use the operation are in doubt: a backend may be started anew.
const SELDOM: u64 = 100;

/// What differed and then did not.
const UNSTEADY: &str = "unsteady";

/// One of so many comparisons may end so: records change while they are compared. Of a side that answers now so and now
/// otherwise it is a part that stays.
const SOMETIMES: u64 = 10;

/// Those in which only a part was compared, or which others were at, too: clients that change one record at a time are no fault of
/// either side.
const PARTLY: [&str; 3] = ["effect_unsteady", "noise", "other_page"];

/// One of so many comparisons may end so, or as what did not stay, before that is remarked.
const HALF: u64 = 2;

/// Those of what took too long, or found a side that had no time. The machine may be busy; but a side that never answers is
/// told so, too.
const LATE: [&str; 2] = ["busy", "late"];

/// Whether an outcome is that of a comparison that says neither that all is alike nor that something differs.
pub(super) fn is_unclear(outcome: &str) -> bool {
    outcome == UNSTEADY || PARTLY.contains(&outcome)
}

/// The words that are known here.
#[cfg(test)]
pub(super) fn words() -> impl Iterator<Item = &'static &'static str> {
    UNUSABLE.iter().chain([&UNSTEADY]).chain(&PARTLY).chain(&LATE)
}

impl Compared {
    /// What there is to say against moving who uses the operation, if there is anything.
    pub(in super::super) fn doubt(&self) -> Option<String> {
        let Compared { answers, different, refused, unclear, failed, .. } = self;
        let mut found = Vec::new();
        let mut told = vec![*different, *refused];
        if different.count > 0 {
            let (different, answers) = (different.count, answers.count);
            found.push(format!("both sides differed in {different} of {answers} answers compared"));
        }
        if refused.count > 0 {
            let changes =
                if refused.count == 1 { "1 change".to_owned() } else { format!("{} changes", refused.count) };
            found.push(format!("the canonical side would have refused {changes}"));
        }
        let unusable = Part::of(failed, |outcome| UNUSABLE.contains(&outcome));
        // Those in which there were two answers to be had.
        let asked = answers.count + unusable.seen.count;
        if unusable.is_more_than_one_in(SELDOM, asked) {
            let Part { seen, words } = unusable;
            found.push(format!("{} of {asked} requests were not compared to an end ({words})", seen.count));
            told.push(seen);
        }
        let unsteady = Part::of(unclear, |outcome| outcome == UNSTEADY);
        if unsteady.is_more_than_one_in(SOMETIMES, answers.count) {
            let Part { seen, words } = unsteady;
            let (count, answers) = (seen.count, answers.count);
            found.push(format!("{count} of {answers} answers compared differed at first ({words})"));
            told.push(seen);
        }
        let late = Part::of(failed, |outcome| LATE.contains(&outcome)).seen;
        if late.count > answers.count {
            let (late_count, answers) = (late.count, answers.count);
            found.push(format!("{late_count} comparisons found no time, and {answers} did"));
            told.push(late);
        }
        let last = told.into_iter().filter_map(|seen| seen.days).map(|(_, last)| last).max()?;
        Some(format!("{}; whose is not known, the last was on {}", found.join(", and "), date(last * DAY)))
    }

    /// That most of what was compared says little, if it does. That is lawful: a place may differ from itself, and each side may
    /// have an order of its own. So it is no doubt, but something to look at.
    pub(super) fn says_little(&self) -> Option<String> {
        let unclear = Part::of(&self.unclear, |_| true);
        unclear.is_more_than_one_in(HALF, self.answers.count).then(|| {
            let Part { seen, words } = unclear;
            format!("{} of {} comparisons say little ({words}): look at some", seen.count, self.answers.count)
        })
    }
}

/// What ended in one of some ways.
struct Part {
    seen: Seen,
    words: String,
}

impl Part {
    fn of(ended: &BTreeMap<String, Seen>, is_meant: impl Fn(&str) -> bool) -> Part {
        let meant = || ended.iter().filter(|(outcome, _)| is_meant(outcome));
        let seen = meant().fold(Seen::default(), |mut all, (_, seen)| {
            all.absorb(*seen);
            all
        });
        Part { seen, words: in_words(meant()) }
    }

    fn is_more_than_one_in(&self, many: u64, of: u64) -> bool {
        self.seen.count > 0 && self.seen.count.saturating_mul(many) > of
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::compared;

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
            (
                compared(&[("same", 6), ("failed_once", 6)]),
                Some("6 of 12 requests were not compared to an end (6 `failed_once`)"),
            ),
        ] {
            let expected =
                expected.map(|why| format!("{why}; whose is not known, the last was on 2026-11-22"));
            assert_eq!(ended.doubt(), expected);
        }
    }

    #[test]
    fn where_most_is_compared_in_part_that_is_remarked() {
        for (ended, expected) in [
            (compared(&[("same", 6), ("noise", 2), ("other_page", 4)]), None),
            (
                compared(&[("same", 5), ("noise", 2), ("other_page", 4)]),
                Some("6 of 11 comparisons say little (2 `noise`, 4 `other_page`): look at some"),
            ),
            (
                compared(&[("effect_same", 2), ("effect_unsteady", 3)]),
                Some("3 of 5 comparisons say little (3 `effect_unsteady`): look at some"),
            ),
        ] {
            assert_eq!((ended.doubt(), ended.remark().as_deref()), (None, expected));
        }
    }

    #[test]
    fn who_uses_what_does_not_stay_is_in_doubt() {
        for (ended, expected) in [
            (compared(&[("same", 9), ("unsteady", 1)]), None),
            (
                compared(&[("same", 8), ("unsteady", 1)]),
                Some("1 of 9 answers compared differed at first (1 `unsteady`)"),
            ),
            (compared(&[("effect_same", 17), ("effect_unsteady", 7), ("other_page", 9)]), None),
            (compared(&[("same", 5), ("noise", 2), ("other_page", 4)]), None),
            (
                compared(&[("same", 5), ("unsteady", 3), ("other_page", 4)]),
                Some("3 of 12 answers compared differed at first (3 `unsteady`)"),
            ),
            (compared(&[("different", 3)]), Some("both sides differed in 3 of 3 answers compared")),
        ] {
            let expected =
                expected.map(|why| format!("{why}; whose is not known, the last was on 2026-11-22"));
            assert_eq!(ended.doubt(), expected);
        }
    }
}

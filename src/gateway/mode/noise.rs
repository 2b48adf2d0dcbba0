//! Where the old side differs from itself, as far as that is known of one operation.
//!
//! Between two answers of one side somebody may have changed what they tell of. So one time says nothing: a place is noise
//! when it differed in several of the last samples, and no longer than it goes on doing so. Only places of the body are: who
//! refuses to be asked again has been asked too often. Many comparisons may be under way while one thing changes, and all of
//! them see it; so of samples that overlap only one is learnt from. Law: one change hides nothing.

use std::collections::{BTreeSet, VecDeque};

use tokio::time::Instant;

use crate::translate::compare::Differences;

/// How many samples are remembered.
const SAMPLES_MAX: usize = 8;

/// In how many of them a place has to differ.
const ENOUGH: usize = 3;

/// How many places of one sample are.
const PLACES_MAX: usize = 100;

/// What is known of one operation.
#[derive(Debug, Default)]
pub(super) struct Noise {
    /// How many comparisons there were.
    compared: u64,
    /// Where the old side differed from itself, each time it was asked twice; the oldest first.
    samples: VecDeque<BTreeSet<String>>,
    /// When the newest of them ended.
    ended: Option<Instant>,
}

impl Noise {
    /// Whether the old side is to be asked twice this time: the first time, and then `share` times of a hundred.
    pub(super) fn is_to_be_asked_twice(&mut self, share: u64) -> bool {
        let number = self.compared;
        self.compared += 1;
        share > 0 && (number == 0 || (number * share) / 100 != ((number - 1) * share) / 100)
    }

    /// Learns from two answers of the old side, of which the first was asked for at `begun` and the second has just come.
    pub(super) fn learn(&mut self, between: &Differences, begun: Instant) {
        if self.ended.is_some_and(|ended| begun <= ended) {
            return;
        }
        self.ended = Some(Instant::now());
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(between.places_in_body().take(PLACES_MAX).map(str::to_owned).collect());
    }

    /// Whether a place is noise.
    pub(super) fn holds(&self, place: &str) -> bool {
        self.samples.iter().filter(|sample| sample.contains(place)).count() >= ENOUGH
    }

    /// The places that are.
    pub(super) fn places(&self) -> BTreeSet<&str> {
        let all = self.samples.iter().flatten().map(String::as_str);
        all.filter(|place| self.holds(place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::translate::compare::{Difference, Masks, What};

    fn differing(places: &[String]) -> Differences {
        let masks = Masks::default();
        let mut differences = Differences::default();
        for place in places {
            let sides = [masks.text("1"), masks.text("2")];
            differences.add(Difference { place: place.clone(), what: What::Value, sides }, usize::MAX);
        }
        differences
    }

    proptest! {
        #[test]
        fn one_sample_hides_nothing_whatever_was_before(places in proptest::collection::vec("/[a-c]", 0..4), quiet in 0..10) {
            let mut noise = Noise::default();
            for _ in 0..quiet {
                noise.learn(&differing(&[]), Instant::now());
            }
            noise.learn(&differing(&places), Instant::now());
            prop_assert!(noise.places().is_empty());
        }

        #[test]
        fn one_change_hides_nothing_however_many_comparisons_see_it(under_way in 1..20) {
            let (mut noise, place) = (Noise::default(), ["/name".to_owned()]);
            let before = Instant::now();
            for _ in 0..under_way {
                noise.learn(&differing(&place), before);
            }
            prop_assert!(noise.places().is_empty());
        }
    }

    #[test]
    fn what_differs_again_and_again_is_noise_until_it_does_no_more() {
        let (mut noise, place) = (Noise::default(), ["/seen".to_owned()]);
        for _ in 0..ENOUGH {
            assert!(!noise.holds("/seen"));
            noise.learn(&differing(&place), Instant::now());
        }
        assert!(noise.holds("/seen") && !noise.holds("/name"));
        for _ in 0..SAMPLES_MAX {
            noise.learn(&differing(&[]), Instant::now());
        }
        assert!(!noise.holds("/seen"));
    }

    #[test]
    fn a_side_that_refuses_to_be_asked_again_is_not_noisy() {
        let mut noise = Noise::default();
        let refused = ["status", "code", "errors/name"].map(str::to_owned);
        for _ in 0..SAMPLES_MAX {
            noise.learn(&differing(&refused), Instant::now());
        }
        assert!(noise.places().is_empty() && !noise.holds("status"));
    }

    #[test]
    fn the_old_side_is_asked_twice_first_and_then_as_often_as_is_said() {
        let mut noise = Noise::default();
        let asked: Vec<_> = (0..101).filter(|_| noise.is_to_be_asked_twice(2)).collect();
        assert_eq!(asked, [0, 50, 100]);
        assert!(!Noise::default().is_to_be_asked_twice(0));
    }
}

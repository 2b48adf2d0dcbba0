//! Noise: places where one side differs from itself when it is asked twice. A difference there says nothing of the other.

use std::collections::BTreeSet;

use super::Differences;

/// Up to how many places are remembered. Who is noisier than that is not compared by looking at single places.
const PLACES_MAX: usize = 1_000;

/// Places where one side differs from itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noise(BTreeSet<String>);

impl Noise {
    /// Learns from two answers of one side. That one of them failed is no noise: then nothing is learnt of it.
    pub fn learn(&mut self, between: &Differences) {
        for place in between.places_in_body() {
            if self.0.len() < PLACES_MAX {
                self.0.insert(place.to_owned());
            }
        }
    }

    /// Whether a place is noisy.
    pub fn holds(&self, place: &str) -> bool {
        self.0.contains(place)
    }

    /// The differences without those that are noise.
    #[must_use]
    pub fn without(&self, mut differences: Differences) -> Differences {
        differences.drop_at(|place| self.holds(place));
        differences
    }

    /// The places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

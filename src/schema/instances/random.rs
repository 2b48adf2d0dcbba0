//! Numbers that look random and depend on nothing but their seed, so that every finding can be found again.

/// A small generator (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// One that gives the same numbers for the same word, whatever was drawn before.
    pub fn of(seed: u64, word: &str) -> Random {
        // FNV-1a, whose constants these are.
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Random(seed ^ word.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.number() % end).unwrap_or_default()
    }

    /// True or false.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// One of several; none of nothing.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }

    /// The bits of a UUID; which version it is of does not matter to any reader here.
    pub fn bits(&mut self) -> u128 {
        u128::from(self.number()) << 64 | u128::from(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        // The first numbers of the seed 1234567, as the reference implementation in C gives them.
        let mut random = Random::new(1_234_567);
        let numbers: Vec<_> = (0..3).map(|_| random.number()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_word_has_numbers_of_its_own() {
        assert_eq!(Random::of(7, "role").number(), Random::of(7, "role").number());
        assert_ne!(Random::of(7, "role").number(), Random::of(7, "email").number());
        assert_ne!(Random::of(7, "role").number(), Random::of(8, "role").number());
    }

    #[test]
    fn nothing_is_picked_from_nothing() {
        assert_eq!(Random::new(0).pick::<u8>(&[]), None);
        assert_eq!(Random::new(0).below(0), 0);
    }
}

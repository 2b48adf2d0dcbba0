//! Who is among the share of principals that has moved.

use sha2::{Digest, Sha256};

use crate::limit::Principal;

/// What all digests of a split begin with: another way of sharing out will have another.
const FORMULA: &[u8] = b"interlingua-split-1";

/// Whether a principal is among the first `share` of a hundred.
///
/// Each has a point of its own between 0 and 100, by a digest under the name of the dialect's family; it has moved once the
/// share is beyond that point. So nobody who has moved goes back when the share grows, every replica says the same, and
/// those who move first in one dialect are others than in the next.
pub(super) fn has_moved(family: &str, principal: Principal, share: u8) -> bool {
    let mut digest = Sha256::new();
    for part in [FORMULA, family.as_bytes(), principal.as_bytes()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let point = digest.iter().take(8).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    point * 100 < u128::from(share) << 64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(number: u32) -> Principal {
        Principal::of(&number.to_be_bytes())
    }

    /// The number was counted with Python's `hashlib`, from the formula in `docs/migration.md`.
    #[test]
    fn the_formula_is_what_is_documented() {
        let moved = (0..1000).filter(|one| has_moved("acme", number(*one), 10)).count();
        assert_eq!(moved, 105);
    }

    proptest! {
        #[test]
        fn whoever_has_moved_stays_moved_when_the_share_grows(
            credential: Vec<u8>,
            family in "[a-z]{0,8}",
            shares in (0_u8..=100, 0_u8..=100),
        ) {
            let who = Principal::of(&credential);
            let (less, more) = (shares.0.min(shares.1), shares.0.max(shares.1));
            prop_assert!(!has_moved(&family, who, less) || has_moved(&family, who, more));
            prop_assert!(!has_moved(&family, who, 0) && has_moved(&family, who, 100));
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_share_is_about_that_many(share in 0_u8..=100, family in "[a-z]{1,8}") {
            let moved = (0..2000).filter(|one| has_moved(&family, number(*one), share)).count();
            // Six standard deviations of the binomial distribution, at its widest.
            let expected = usize::from(share) * 20;
            prop_assert!(moved.abs_diff(expected) <= 6 * 23, "{moved} of 2000 for {share} %");
        }
    }
}

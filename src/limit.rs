//! Quotas: admit a request, or refuse it and say when to come back.
//!
//! A quota is one or several windows (`300/minute` and `10000/day`) that all apply to one principal. The algorithm is
//! GCRA, as the governor crate implements it: a window of 300 per minute allows a burst of 300 and regains one cell
//! every 200 ms. It knows no calendar: no window ever "resets at midnight".
//!
//! This module never sees a credential, only its digest.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use sha2::{Digest, Sha256};

mod headers;
mod local;
mod store;
mod window;

pub use headers::{HeaderFamily, HeaderFamilyError, Headers};
pub use local::Limiter;
pub use window::{Window, WindowError};

/// Quotas where a dialect documents none, and how much memory counting may take.
#[derive(Clone, Debug)]
pub struct Config {
    /// All of them apply; none means no quota of its own for such a dialect.
    pub windows: Vec<Window>,
    /// How many principals are told apart.
    pub keys_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        let most =
            Window { count: NonZeroU32::new(1200).expect("more than none"), period: Duration::from_mins(1) };
        Config { windows: vec![most], keys_max: 100_000 }
    }
}

/// What the limiter makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Within every window.
    Admitted(Standing),
    /// More cells at once than the smallest window ever allows; waiting does not help.
    Impossible,
    /// One window is spent.
    Refused {
        /// Where the principal stands in the window that refused.
        standing: Standing,
        /// The same request is admitted after this time, if nothing else is spent meanwhile.
        retry_after: Duration,
    },
}

/// Where a principal stands in its most restrictive window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The window with the fewest cells left.
    pub window: Window,
    /// Cells left in it.
    pub remaining: u32,
    /// Time until it is whole again.
    pub reset: Duration,
}

/// Who is counted: a digest of the credential, so that nothing which could be stolen is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal([u8; 16]);

impl Principal {
    /// The principal that presents `credential`.
    pub fn of(credential: &[u8]) -> Principal {
        let digest = Sha256::digest(credential);
        Principal(std::array::from_fn(|at| digest[at]))
    }

    /// The one of that digest.
    pub const fn from_bytes(digest: [u8; 16]) -> Principal {
        Principal(digest)
    }

    /// The digest that tells it from others. Whoever sees it does not see the credential, but can tell who is the same.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A text that is no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a principal is 32 digits of lower-case hexadecimal")]
pub struct NoPrincipal;

/// As operators name it: 32 digits. Nobody gets from them to a credential that could not be guessed anyway.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Principal {
    type Err = NoPrincipal;

    fn from_str(text: &str) -> Result<Principal, NoPrincipal> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let number = Some(text).filter(|text| text.len() == 32 && text.bytes().all(is_digit));
        let number = number.and_then(|text| u128::from_str_radix(text, 16).ok()).ok_or(NoPrincipal)?;
        Ok(Principal(number.to_be_bytes()))
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Principal(…)")
    }
}

/// One cell: what an ordinary request costs.
pub const ONE: NonZeroU32 = NonZeroU32::MIN;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_principal_is_named_by_half_a_digest() {
        // `printf abcd1234 | sha256sum | cut -c1-32`
        assert_eq!(Principal::of(b"abcd1234").to_string(), "e9cee71ab932fde863338d08be4de9df");
    }

    #[test]
    fn what_is_no_digest_is_no_principal() {
        let text = Principal::of(b"abcd1234").to_string();
        for other in [
            "",
            "abcd1234",
            &text.to_uppercase(),
            &text[1..],
            &format!("{text}0"),
            &format!("+{}", &text[1..]),
        ] {
            assert_eq!(other.parse::<Principal>(), Err(NoPrincipal), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_that_of_one_principal(credential: Vec<u8>) {
            let principal = Principal::of(&credential);
            prop_assert_eq!(principal.to_string().parse(), Ok(principal));
        }
    }
}

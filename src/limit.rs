//! Quotas: admit a request, or refuse it and say when to come back.
//!
//! A quota is one or several windows (`300/minute` and `10000/day`) that all apply to one principal. The algorithm is
//! GCRA, as the governor crate implements it: a window of 300 per minute allows a burst of 300 and regains one cell
//! every 200 ms. It knows no calendar: no window ever "resets at midnight".
//!
//! This module never sees a credential, only its digest.

use std::{fmt, num::NonZeroU32, time::Duration};

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
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal([u8; 16]);

impl Principal {
    /// The principal that presents `credential`.
    pub fn of(credential: &[u8]) -> Principal {
        let digest = Sha256::digest(credential);
        Principal(std::array::from_fn(|at| digest[at]))
    }

    /// The digest that tells it from others. Whoever sees it does not see the credential, but can tell who is the same.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Principal(…)")
    }
}

/// One cell: what an ordinary request costs.
pub const ONE: NonZeroU32 = NonZeroU32::MIN;

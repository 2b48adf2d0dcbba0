//! Who still uses what: counted while requests are answered, in bounded memory, kept across restarts.
//!
//! A [`Part`] of a dialect is the dialect, an operation, a field of its requests, a value of a field that can have only few,
//! or the form in which an id is spelt. For each principal and each part it is known how often it was used, when first and
//! when last; besides, what the programs call themselves, and how many requests there were on which day. Values that
//! clients are free to choose are never kept, and neither are credentials: a principal is the digest that quotas go by.
//! By day it is known, too, what shadows found and which declared losses were met ([`met`]).
//!
//! A request is found to use what it uses in one walk ([`watch`]), and counted on a sheet that its worker has alone
//! ([`book`]). Tables of fixed size hold the heavy users and say how wrong they may be ([`heavy`]); a thread writes down
//! what changed ([`keeper`], [`store`]). Replicas count apart, and whoever reports adds them up ([`summary`]).

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::limit::Principal;

pub mod book;
pub mod client;
pub mod heavy;
pub mod keeper;
pub mod met;
pub mod part;
mod sheet;
pub mod snapshot;
pub mod store;
pub mod summary;
pub mod watch;

pub use book::{Book, Counter, Watches};
pub use client::Client;
pub use heavy::Heavy;
pub use met::Met;
pub use part::{Kind, Part};
pub use snapshot::Snapshot;
pub use summary::Summary;
pub use watch::Used;

/// What is kept, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file; without one nothing is counted.
    pub file: Option<PathBuf>,
    /// How many pairs of a principal and what it uses are told apart.
    pub entries: usize,
    /// For how many days it is kept how many requests there were, and what was met.
    pub days: u64,
    /// How often it is written down.
    pub write_every: Duration,
    /// Whom operators call how.
    pub names: BTreeMap<Who, String>,
}

impl Default for Config {
    fn default() -> Config {
        let write_every = Duration::from_secs(5);
        Config { file: None, entries: 50_000, days: 90, write_every, names: BTreeMap::new() }
    }
}

impl Config {
    /// How many programs are told apart: each of a principal in a dialect.
    pub fn client_entries(&self) -> usize {
        (self.entries / 8).max(1)
    }

    /// How many principals are told apart on one day, each in a dialect.
    pub fn day_entries(&self) -> usize {
        (self.entries / 25).max(1)
    }
}

/// A principal: the digest of its credential, which is not the credential.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who([u8; 16]);

impl Who {
    /// The one of that digest.
    pub fn from_bytes(digest: [u8; 16]) -> Who {
        Who(digest)
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Principal> for Who {
    fn from(principal: Principal) -> Who {
        let digest = principal.as_bytes();
        Who(std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default()))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Who({self})")
    }
}

/// A text is not the digest of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits")]
pub struct WhoError;

impl FromStr for Who {
    type Err = WhoError;

    fn from_str(text: &str) -> Result<Who, WhoError> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex).ok_or(WhoError)?;
        Ok(Who(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_named_by_the_beginning_of_the_digest_of_its_credential() {
        // `printf %s canary | sha256sum | cut -c1-32`
        let who = Who::from(Principal::of(b"canary"));
        assert_eq!(who.to_string(), "e100fbce008c04ec40637af0af91fb2f");
        assert_eq!(who.to_string().parse(), Ok(who));
        for text in ["", "canary", &"0".repeat(31), &"g".repeat(32), &format!("+{}", "0".repeat(31))] {
            assert_eq!(text.parse::<Who>(), Err(WhoError), "{text}");
        }
    }
}

//! Who still uses what: counted while requests are answered, in bounded memory, kept across restarts.
//!
//! A [`Part`] of a dialect is the dialect, an operation, a field of its requests, a value of a field that can have only few,
//! or the form in which an id is spelt. For each principal and each part it is known how often it was used, when first and
//! when last; besides, what the programs call themselves, and how many requests there were on which day. Values that
//! clients are free to choose are never kept, and neither are credentials: a principal is the digest that quotas go by, of
//! somebody whom a backend knows. All others are one ([`UNCONFIRMED`]).
//! By day it is known, too, what shadows found and which declared losses were met ([`met`]).
//!
//! A request is found to use what it uses in one walk ([`watch`]), and counted on a sheet that its worker has alone, which
//! is taken into tables when it is full ([`book`]). The tables have a fixed size; they hold the heavy users, and say how
//! wrong they may be ([`heavy`]). A thread writes down what changed ([`keeper`], [`store`]). Replicas count apart, and whoever
//! reports adds them up ([`summary`]).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::limit::Principal;

pub mod book;
mod clerk;
pub mod client;
mod counter;
mod desk;
pub mod heavy;
pub mod keeper;
mod known;
pub mod met;
pub mod page;
pub mod part;
mod sheet;
pub mod snapshot;
pub mod store;
pub mod summary;
mod tables;
pub mod watch;
mod watches;

pub use book::Book;
pub use client::Client;
pub use counter::Counter;
pub use heavy::Heavy;
pub use met::Met;
pub use part::{Kind, Part};
pub use snapshot::Snapshot;
pub use summary::Summary;
pub use watch::Used;
pub use watches::Watches;

/// As whose it is counted what was asked by somebody whom no backend is known to know: one for all of them, whatever credentials
/// they make up, so that they push nobody out of a table. It is the digest of no credential that anybody has.
pub const UNCONFIRMED: Principal = Principal::from_bytes([0; 16]);

/// What that is called, and nobody else may be.
pub const UNCONFIRMED_NAME: &str = "unconfirmed";

/// What principals are called, where operators call some of them so.
pub fn names(given: BTreeMap<Principal, String>) -> BTreeMap<Principal, String> {
    let mut names = given;
    names.insert(UNCONFIRMED, UNCONFIRMED_NAME.to_owned());
    names
}

/// Whether a character moves no cursor, breaks no line, turns no text around and is none of those that are most often unseen, so
/// that whatever is before it and behind it is read as it is. Two texts may look alike all the same: there are letters that do,
/// composed and decomposed ones, and blanks that are letters (U+3164).
///
/// Joiners (U+200C, U+200D) are let through: some scripts cannot be written without them.
pub fn is_printable(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let is_unseen = matches!(character, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    !character.is_control() && !turns && !is_unseen
}

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
    pub names: BTreeMap<Principal, String>,
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

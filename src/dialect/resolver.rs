//! How a dialect's external ids are looked up.

use std::sync::Arc;
use std::time::Duration;

use crate::canonical::api;

/// A lookup of ids that no rule can compute: a canonical GET, and which two fields of its answer are a pair.
#[derive(Debug)]
pub struct Resolver {
    /// Its name in the mapping.
    pub name: String,
    /// What to ask.
    pub calls: Arc<api::Operation>,
    /// The path parameters of the request that the question needs too, such as the organization. A pair found in
    /// one scope means nothing in another.
    pub scope: Vec<String>,
    /// The query parameter that takes the dialect's id. None if the answer lists every pair.
    pub find: Option<String>,
    /// The member of the answer that holds the rows.
    pub rows: String,
    /// The field of a row that is the dialect's id.
    pub left: String,
    /// The field of a row that is the canonical one.
    pub right: String,
    /// How long a pair is remembered.
    pub remember: Duration,
    /// How long it is remembered that there is none.
    pub misses: Duration,
}

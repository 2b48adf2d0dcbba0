//! Quotas of one process.

use std::num::NonZeroU32;

use crate::limit::{Decision, Principal, Window};

/// Counts principals in memory.
#[derive(Debug)]
pub struct Limiter;

impl Limiter {
    /// A limiter that has seen nobody, and remembers about `keys_max` principals.
    pub fn new(_windows: &[Window], _keys_max: usize) -> Limiter {
        todo!()
    }

    /// Takes `cells` from every window of `principal`, or says why not.
    pub fn admit(&self, _principal: Principal, _cells: NonZeroU32) -> Decision {
        todo!()
    }

    /// The windows, shortest first.
    pub fn windows(&self) -> &[Window] {
        todo!()
    }
}

//! What is asked of numbers: the bounds, and the integers an `enum` lists.

use std::sync::Arc;

use super::ask::Ask;
use crate::json::Value;

pub(super) struct NumberRules {
    /// Only these, if there is a list.
    pub(super) among: Option<Box<[i64]>>,
    pub(super) range: Option<Range>,
}

/// Bounds and `multipleOf`.
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) most: i64,
    /// Whether integers between the bounds need no other look, and all others are refused.
    pub(super) is_exact: bool,
    /// The keywords as they are written.
    pub(super) ask: Arc<Ask>,
}

impl NumberRules {
    pub(super) fn accept(&self, value: Value<'_>) -> bool {
        let integer = value.as_i64();
        // A list of integers holds nothing that is not one, nor one that does not fit.
        let is_listed = |among: &[i64]| integer.is_some_and(|integer| among.contains(&integer));
        self.among.as_deref().is_none_or(is_listed)
            && self.range.as_ref().is_none_or(|range| range.accepts(integer, value))
    }
}

impl Range {
    fn accepts(&self, integer: Option<i64>, value: Value<'_>) -> bool {
        match integer {
            Some(integer) if self.is_exact => self.least <= integer && integer <= self.most,
            Some(_) | None => self.ask.accepts(value),
        }
    }
}

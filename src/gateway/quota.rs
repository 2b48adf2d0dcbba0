//! The quotas of all dialects, and the budget that each principal has.

use std::num::NonZeroU32;
use std::time::SystemTime;

use http::HeaderMap;

use super::Exchange;
use crate::dialect::{ByName, Quota};
use crate::limit::{self, Decision, Headers, Limiter, Principal, Window};
use crate::problem::Problem;

/// What each dialect allows, and what everybody has spent.
///
/// A window belongs to the dialects that name it, and counts every request of a principal, in whichever dialect it is
/// made: whoever is out of breath in one dialect does not get it back by speaking another.
#[derive(Debug)]
pub(super) struct Quotas {
    /// By dialect.
    allowances: ByName<Allowance>,
    /// All windows there are; none if there is no window at all.
    limiter: Option<Limiter>,
}

/// What one dialect allows a principal.
#[derive(Debug)]
struct Allowance {
    windows: Vec<Window>,
    headers: Headers,
}

impl Quotas {
    /// The quotas of these dialects; one that names none has those of `config`.
    pub(super) fn new<'a>(
        dialects: impl Iterator<Item = (&'a str, &'a Quota)>,
        config: &limit::Config,
    ) -> Quotas {
        let mut all: Vec<Window> = Vec::new();
        let allowances = dialects.map(|(name, quota)| {
            let windows = if quota.windows.is_empty() { &config.windows } else { &quota.windows };
            for window in windows {
                if !all.contains(window) {
                    all.push(*window);
                }
            }
            let headers = Headers::new(&quota.headers, windows);
            (name.to_owned(), Allowance { windows: windows.clone(), headers })
        });
        let allowances = allowances.collect();
        Quotas { allowances, limiter: Limiter::new(&all, config.keys_max) }
    }

    /// The same, where whatever was counted before goes on, as far as the windows are still there.
    #[must_use]
    pub(super) fn continuing(self, before: &Quotas) -> Quotas {
        let limiter = match (self.limiter, &before.limiter) {
            (Some(limiter), Some(before)) => Some(limiter.continuing(before)),
            (limiter, _) => limiter,
        };
        Quotas { limiter, ..self }
    }

    /// Takes `cells` from the budget of `principal`, or refuses; either way the exchange knows how it stands.
    pub(super) fn charge(
        &self,
        dialect: &str,
        principal: Principal,
        cells: NonZeroU32,
        exchange: &mut Exchange,
    ) -> Result<(), Box<Problem>> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let Some(decision) = limiter.admit_within(self.windows_of(dialect), principal, cells) else {
            return Ok(());
        };
        match decision {
            Decision::Admitted(standing) => {
                exchange.standing = Some(standing);
                Ok(())
            }
            Decision::Refused { standing, retry_after } => {
                exchange.standing = Some(standing);
                Err(Box::new(Problem::rate_limited(retry_after)))
            }
            Decision::Impossible => {
                Err(Box::new(Problem::internal("a request costs more cells than a window has")))
            }
        }
    }

    /// Charges what a request of `items` items costs beyond the cell that any request does. No request costs more than
    /// the smallest window holds, or it could never be admitted.
    pub(super) fn charge_rest(
        &self,
        dialect: &str,
        principal: Principal,
        items: usize,
        exchange: &mut Exchange,
    ) -> Result<(), Box<Problem>> {
        let smallest = self.windows_of(dialect).iter().map(|window| window.count.get()).min();
        let cells = u32::try_from(items).unwrap_or(u32::MAX).min(smallest.unwrap_or(u32::MAX));
        match NonZeroU32::new(cells.saturating_sub(1)) {
            Some(rest) => self.charge(dialect, principal, rest, exchange),
            None => Ok(()),
        }
    }

    /// Where the client stands, in the headers its dialect has for that; none if nobody knows where.
    pub(super) fn headers(&self, exchange: &Exchange, now: SystemTime) -> Option<HeaderMap> {
        let (dialect, standing) = (exchange.dialect.as_ref()?, exchange.standing.as_ref()?);
        Some(self.allowances.get(&dialect.name)?.headers.of(standing, now))
    }

    fn windows_of(&self, dialect: &str) -> &[Window] {
        self.allowances.get(dialect).map_or(&[], |allowance| &allowance.windows)
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use std::time::Duration;

    use super::*;
    use crate::limit::ONE;

    fn quota(windows: &[&str]) -> Quota {
        Quota { windows: windows.iter().map(|text| text.parse().unwrap()).collect(), headers: Vec::new() }
    }

    fn quotas(dialects: &[(&str, &[&str])], default: &[&str]) -> Quotas {
        let config = limit::Config { windows: quota(default).windows, keys_max: 100 };
        let dialects: Vec<_> = dialects.iter().map(|(name, windows)| (*name, quota(windows))).collect();
        Quotas::new(dialects.iter().map(|(name, quota)| (*name, quota)), &config)
    }

    fn exchange() -> Exchange {
        Exchange::of(&Request::new(()), Duration::from_secs(30))
    }

    fn who() -> Principal {
        Principal::of(b"ada")
    }

    #[test]
    fn a_spent_quota_refuses_and_says_when_to_come_back() {
        let quotas = quotas(&[("a", &["1/minute"])], &[]);
        let mut exchange = exchange();
        quotas.charge("a", who(), ONE, &mut exchange).unwrap();
        assert_eq!(exchange.standing.unwrap().remaining, 0);
        let problem = quotas.charge("a", who(), ONE, &mut exchange).unwrap_err();
        assert_eq!((problem.status.get().as_u16(), problem.code.as_ref()), (429, "rate-limited"));
        assert!(problem.retry_after.is_some_and(|wait| wait > Duration::from_secs(59)));
    }

    #[test]
    fn a_window_counts_what_was_asked_in_every_dialect() {
        let quotas = quotas(&[("a", &["2/minute"]), ("b", &["9/day"]), ("c", &[])], &[]);
        quotas.charge("b", who(), ONE, &mut exchange()).unwrap();
        quotas.charge("c", who(), ONE, &mut exchange()).unwrap();
        assert!(quotas.charge("a", who(), ONE, &mut exchange()).is_err(), "the minute is spent");
        let mut exchange = exchange();
        quotas.charge("b", who(), ONE, &mut exchange).unwrap();
        assert_eq!(exchange.standing.unwrap().remaining, 6, "what was refused is not counted elsewhere");
    }

    #[test]
    fn a_dialect_without_a_quota_has_the_configured_one() {
        let quotas = quotas(&[("a", &[])], &["1/minute"]);
        quotas.charge("a", who(), ONE, &mut exchange()).unwrap();
        assert!(quotas.charge("a", who(), ONE, &mut exchange()).is_err());
    }

    #[test]
    fn without_any_quota_nothing_is_counted() {
        let quotas = quotas(&[("a", &[])], &[]);
        let mut exchange = exchange();
        for _ in 0..1000 {
            quotas.charge("a", who(), ONE, &mut exchange).unwrap();
        }
        assert_eq!(exchange.standing, None);
    }

    #[test]
    fn a_bulk_request_costs_a_cell_for_each_item() {
        let quotas = quotas(&[("a", &["10/hour"])], &[]);
        let mut exchange = exchange();
        quotas.charge("a", who(), ONE, &mut exchange).unwrap();
        quotas.charge_rest("a", who(), 4, &mut exchange).unwrap();
        assert_eq!(exchange.standing.unwrap().remaining, 6);
        quotas.charge_rest("a", who(), 1, &mut exchange).unwrap();
        quotas.charge_rest("a", who(), 0, &mut exchange).unwrap();
        assert_eq!(exchange.standing.unwrap().remaining, 6, "one item costs no more than the request itself");
    }

    #[test]
    fn the_largest_request_costs_a_whole_window_and_no_more() {
        let quotas = quotas(&[("a", &["10/hour", "1000/day"])], &[]);
        let mut exchange = exchange();
        quotas.charge("a", who(), ONE, &mut exchange).unwrap();
        quotas.charge_rest("a", who(), 100, &mut exchange).unwrap();
        assert_eq!(exchange.standing.unwrap().remaining, 0);
    }
}

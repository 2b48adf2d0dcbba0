//! Who uses what: found in a request, and counted when it is answered.
//!
//! Counted is each request of a known operation whose credential has the right form, whatever becomes of it, except where the
//! backend does not know the credential: whoever that is uses nothing. Where nobody counts, each of these is a branch.

use http::Request;

use super::{Exchange, Gateway};
use crate::limit::Principal;
use crate::problem::Problem;
use crate::translate;
use crate::usage::{Client, Used};

/// What is counted of a request.
#[derive(Debug)]
pub(super) struct Using {
    client: Client,
    /// Whose it is, once that is known.
    pub(super) principal: Option<Principal>,
    parts: Used,
}

impl Gateway {
    /// What there is to count of a request before anything is known of it, if anybody counts.
    pub(super) fn used<B>(&self, request: &Request<B>) -> Option<Box<Using>> {
        self.counter.as_ref()?;
        let client = Client::of(request.headers());
        Some(Box::new(Using { client, principal: None, parts: Used::default() }))
    }

    /// Finds which parts of its operation a request uses.
    pub(super) fn find_used(&self, request: &translate::Request, exchange: &mut Exchange) {
        if let (Some(usage), Some(used)) = (&self.shared.usage, &mut exchange.used) {
            used.parts = usage.find(request);
        }
    }

    /// Counts a request that was answered, or refused for that problem.
    pub(super) fn count(&self, exchange: &Exchange, problem: Option<&Problem>) {
        let (Some(counter), Some(used), Some(usage)) = (&self.counter, &exchange.used, &self.shared.usage)
        else {
            return;
        };
        let (Some(dialect), Some(operation)) = (&exchange.dialect, &exchange.operation) else { return };
        let is_nobody = problem.is_some_and(|problem| problem.status.get() == http::StatusCode::UNAUTHORIZED);
        let watch = usage.operation(&dialect.name, &operation.name);
        if let (Some(principal), Some(watch), false) = (used.principal, watch, is_nobody) {
            counter.count(principal, used.client, (watch, &used.parts), self.shared.clock.now());
        }
    }
}

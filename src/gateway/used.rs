//! Who uses what: found in a request, and counted when it is answered.
//!
//! Counted is each request of a known operation whose credential has the right form, whatever becomes of it, even if its client
//! goes away before it is answered; except where the backend does not know the credential: whoever that is uses nothing. One
//! that nobody has read is counted as such. Whether a backend has shown that it knows the caller is counted, too: credentials
//! are made up easily. Where nobody counts, each function here is a branch.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Request, StatusCode};

use super::{Exchange, Gateway, legacy};
use crate::dialect::Selected;
use crate::dialect::url::Url;
use crate::limit::Principal;
use crate::translate;
use crate::usage::{Client, Used};

/// What is counted of a request.
#[derive(Debug)]
pub(super) struct Using {
    client: Client,
    /// Whose it is, once that is known.
    principal: Option<Principal>,
    parts: Used,
}

impl Exchange {
    /// Notes that a backend answered a call for the caller. Only that something was done says that it knows them: backends, and
    /// what stands before them, redirect and refuse in many ways before anybody looks at the credential.
    pub(super) fn is_answered(&self, status: StatusCode) {
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            self.is_confirmed.store(true, Ordering::Relaxed);
        }
    }

    /// Notes whose request it is.
    pub(super) fn is_of(&mut self, principal: Principal) {
        if let Some(used) = &mut self.used {
            used.principal = Some(principal);
        }
    }
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

    /// The same of a request that is handed on as it came. One whose body cannot be read may use more than is found.
    pub(super) fn find_passed(&self, target: &Selected, url: &Url, body: &Bytes, exchange: &mut Exchange) {
        if exchange.used.is_none() {
            return;
        }
        let document = if body.is_empty() { None } else { legacy::parsed(&self.shared, body) };
        let is_read = body.is_empty() || document.is_some();
        if let Ok(request) = translate::Request::new(target.clone(), url.clone(), document) {
            self.find_used(&request, exchange);
        }
        if let (false, Some(used)) = (is_read, &mut exchange.used) {
            used.parts.unread();
        }
    }

    /// Counts a request that was answered with that status, or with none.
    pub(super) fn count(&self, exchange: &Exchange, status: Option<StatusCode>) {
        let (Some(counter), Some(used), Some(usage)) = (&self.counter, &exchange.used, &self.shared.usage)
        else {
            return;
        };
        let (Some(dialect), Some(operation)) = (&exchange.dialect, &exchange.operation) else { return };
        let is_nobody = status == Some(StatusCode::UNAUTHORIZED);
        let watch = usage.operation(&dialect.name, &operation.name);
        if let (Some(principal), Some(watch), false) = (used.principal, watch, is_nobody) {
            let (what, now) = ((&**watch, &used.parts), self.shared.clock.now());
            if exchange.is_confirmed.load(Ordering::Relaxed) {
                counter.count(principal, used.client, what, now);
            } else {
                counter.count_unconfirmed(principal, used.client, what, now);
            }
        }
    }
}

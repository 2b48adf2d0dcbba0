//! What retires: it is told so in the headers of every answer, and refused in its brown-outs and when it is gone.
//!
//! An operation is refused whoever calls, and that costs no quota. A field or a value is refused when it is found in a
//! request that is sound otherwise.

use std::sync::Arc;

use http::HeaderMap;

use super::Exchange;
use crate::dialect::Retirement;
use crate::dialect::retirement::refusal_of_parts;
use crate::json::Document;
use crate::problem::Problem;
use crate::time::Clock;
use crate::translate::{Request, VIOLATIONS_MAX};

impl Exchange {
    /// How the operation retires, or, where none was found, all of the dialect.
    fn retirement(&self) -> Option<&Arc<Retirement>> {
        match (&self.operation, &self.dialect) {
            (Some(operation), _) => operation.retirement.as_ref(),
            (None, Some(dialect)) => dialect.retirement.as_ref(),
            (None, None) => None,
        }
    }

    /// Whether the request uses anything that retires.
    pub(super) fn retires(&self) -> bool {
        self.retirement().is_some() || !self.retiring.is_empty()
    }
}

/// Refuses an operation in its brown-outs, and when it is gone.
pub(super) fn refuse(clock: &Clock, exchange: &Exchange) -> Result<(), Box<Problem>> {
    let Some(retirement) = exchange.retirement() else { return Ok(()) };
    match retirement.refusal(clock.now()) {
        Some(problem) => Err(Box::new(problem)),
        None => Ok(()),
    }
}

/// Notes what of a request retires, so that its client is told, whatever the answer is.
pub(super) fn note(request: &Request, exchange: &mut Exchange) {
    let body = request.body.as_ref().map(Document::root);
    for watch in &request.operation.watches {
        let is_known = exchange.retiring.iter().any(|known| Arc::ptr_eq(known, &watch.retirement));
        if !is_known && watch.is_used(body, &request.query) {
            exchange.retiring.push(Arc::clone(&watch.retirement));
        }
    }
}

/// Refuses a request with parts that are in a brown-out, or gone.
pub(super) fn refuse_parts(
    clock: &Clock,
    request: &Request,
    exchange: &Exchange,
) -> Result<(), Box<Problem>> {
    if exchange.retiring.is_empty() {
        return Ok(());
    }
    match refusal(clock, request) {
        Some(problem) => Err(Box::new(problem)),
        None => Ok(()),
    }
}

/// Why a request is refused for parts that are in a brown-out, or gone, if it is.
pub(super) fn refusal(clock: &Clock, request: &Request) -> Option<Problem> {
    let (watches, query) = (&request.operation.watches, &request.query);
    let body = request.body.as_ref().map(Document::root);
    refusal_of_parts(watches, body, query, clock.now(), VIOLATIONS_MAX)
}

/// Tells the client what it uses that retires.
pub(super) fn write_headers(exchange: &Exchange, headers: &mut HeaderMap) {
    if exchange.retires() {
        let whole = exchange.retirement().map(|whole| &**whole);
        Retirement::tell(whole, exchange.retiring.iter().map(|part| &**part), headers);
    }
}

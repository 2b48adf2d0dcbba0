//! What is known of a request besides what passes from phase to phase.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Request;
use http::uri::{Authority, Scheme};

use super::mode::Chosen;
use super::used::Using;
use crate::dialect::{Dialect, Operation, Retirement};
use crate::lens::Tally;
use crate::limit::Standing;
use crate::telemetry::RequestId;
use crate::time::Deadline;
use crate::translate::explain::Narrator;
use crate::translate::misfit::Misfit;

/// How a request came, where its head does not say it: among the extensions of a request, put there by whoever runs the
/// gateway. Without it the request came without TLS. Shows nothing of who asks.
#[derive(Clone)]
pub struct Called {
    /// Over which scheme the client called.
    pub scheme: Scheme,
    /// The host that it called, where that is another one than the request names.
    pub host: Option<Authority>,
    /// Where it is, if the log may say it.
    pub client: Option<IpAddr>,
}

impl Default for Called {
    fn default() -> Called {
        Called { scheme: Scheme::HTTP, host: None, client: None }
    }
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Called").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// What is known of a request besides what passes from phase to phase: enough to refuse it, and to record it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) dialect: Option<Arc<Dialect>>,
    pub(super) operation: Option<Arc<Operation>>,
    pub(super) request_id: Option<RequestId>,
    /// Who called, and how.
    pub(super) called: Called,
    pub(super) deadline: Deadline,
    /// Who answers it and why, where anything was said of that.
    pub(super) mode: Option<Chosen>,
    /// Where the principal stands, once it was admitted or refused.
    pub(super) standing: Option<Standing>,
    /// Fields the client sent that nobody reads.
    pub(super) ignored: u64,
    /// Items that were left out of a list because the dialect has no words for them.
    pub(super) omitted: u64,
    /// Answers of the backend that are not what the canonical API promises.
    pub(super) misfits: Vec<Misfit>,
    /// What the request has that retires, besides the operation itself.
    pub(super) retiring: Vec<Arc<Retirement>>,
    /// What is counted of it, if anything is. In a box, as all that few requests have.
    pub(super) used: Option<Box<Using>>,
    /// Which declared losses were met.
    pub(super) lost: Tally,
    /// Who is told what is done with the request.
    pub(super) narrator: Narrator,
    /// Calls to the backend, lookups included. This and what follows is atomic only because several calls are made at once.
    pub(super) calls: AtomicU64,
    /// Bytes of the answers to them.
    pub(super) answered: AtomicU64,
    /// Fields that were left out of updates because the client wrote what it was told.
    pub(super) kept: AtomicU64,
    /// Whether a backend has shown in an answer that it knows the caller.
    pub(super) is_confirmed: AtomicBool,
}

impl Exchange {
    pub(super) fn of<B>(request: &Request<B>, allowance: Duration) -> Exchange {
        let extensions = request.extensions();
        Exchange {
            dialect: None,
            operation: None,
            request_id: extensions.get().cloned(),
            called: extensions.get().cloned().unwrap_or_default(),
            deadline: extensions.get().copied().unwrap_or_else(|| Deadline::after(allowance)),
            mode: None,
            standing: None,
            ignored: 0,
            omitted: 0,
            misfits: Vec::new(),
            retiring: Vec::new(),
            used: None,
            lost: Tally::default(),
            narrator: Narrator::default(),
            calls: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            is_confirmed: AtomicBool::new(false),
        }
    }

    /// Another for the same request, for what is asked besides.
    pub(super) fn copy(&self) -> Exchange {
        Exchange {
            dialect: self.dialect.clone(),
            operation: self.operation.clone(),
            request_id: self.request_id.clone(),
            called: self.called.clone(),
            ..Exchange::of(&Request::new(()), self.deadline.remaining())
        }
    }

    /// Tells how the principal stands, if there is a quota and somebody listens.
    pub(super) fn tell_quota(&self) {
        if let Some(standing) = &self.standing {
            self.narrator.tell(|story| story.charged(standing.remaining.into()));
        }
    }

    /// Takes one of the `calls_max` calls that the request may become; false if all of them are made.
    pub(super) fn take_call(&self, calls_max: usize) -> bool {
        let taken = |calls| (calls < calls_max as u64).then_some(calls + 1);
        self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    /// Counts the one call of a request that is handed on as it is.
    pub(super) fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

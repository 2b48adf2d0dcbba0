//! One connection to the backend, driven by whoever uses it.
//!
//! No task of its own reads from it: handing each call and each answer over between tasks would cost more than writing
//! and reading them. An idle connection is therefore watched by nobody, and is looked at when it is taken.

use std::time::Duration;

use http::StatusCode;

use crate::upstream::{
    Answer, Request, Stage,
    connect::Transport,
    wire::{Failure, Template, Wire},
};

/// For how long what tokio knows of an idle connection is enough.
///
/// tokio hears of what comes when a thread is out of other work, or after some dozens of tasks: what it knows of a socket
/// may be as old as that. Asking the system is exact, but one system call more for each call, about half a microsecond of
/// twenty-five. So a connection that went idle just now, as under load all do, is looked at without asking. What can be
/// missed is what came since tokio last heard, within these milliseconds:
///
/// - The backend has closed. Then writing or reading fails, and the call is sent again or not by the same rules as when
///   it closes a moment later, while the call is on its way to it. A backend closes a connection that was idle for
///   seconds, not for milliseconds, so this is rare; in that case the system is asked.
/// - Bytes that answer no call. They would be read as the answer to the next one. The same is true of those that come
///   between any look and the call's arrival at the backend, for no client can tell them from an answer; those that came
///   with or before the end of the last answer are never missed, for then the connection is not kept.
const RECENTLY: Duration = Duration::from_millis(10);

/// A connection that can carry one call at a time.
#[derive(Debug)]
pub(super) struct Connection(Wire<Transport>);

impl Connection {
    /// A fresh one; nothing is sent yet.
    pub(super) fn new(transport: Transport) -> Connection {
        Connection(Wire::new(transport))
    }

    /// Sends a call and reads its answer.
    pub(super) async fn exchange(
        &mut self,
        template: &Template,
        call: &Request<'_>,
        limit: usize,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        match self.0.exchange(template, call, limit, stage).await {
            // What failed may have been the second of several encrypted pieces.
            Err(Failure::Unsent(fault)) if self.0.stream().is_secure() => {
                Err(Failure::Unanswered { fault, was_silent: true })
            }
            outcome => outcome,
        }
    }

    /// Whether the backend has a whole call, and the head of its answer has not come.
    pub(super) fn owes_an_answer(&self) -> bool {
        self.0.owes_an_answer()
    }

    /// Reads the answer to a call that nobody waits for any more, with a body of at most `limit` bytes.
    pub(super) async fn finish(&mut self, limit: usize) -> Result<StatusCode, Failure> {
        self.0.finish(limit).await
    }

    /// Whether the last call is complete and another may be sent.
    pub(super) fn is_reusable(&self) -> bool {
        self.0.is_reusable()
    }

    /// Whether nothing has come while the connection was idle for so long, neither its end nor bytes that answer no call.
    pub(super) fn is_quiet(&mut self, idle_for: Duration) -> bool {
        let transport = self.0.stream();
        transport.seems_quiet() && (idle_for < RECENTLY || transport.is_quiet())
    }
}

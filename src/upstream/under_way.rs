//! A call while it is under way, and what becomes of it when whoever asked leaves before the answer has come.
//!
//! Nothing tells a backend that speaks HTTP/1.1 to stop: it works on, whether the connection is closed or not. Were the call
//! taken for over, a client that asks and leaves again and again could have it work on any number of calls at once, and each
//! would cost a connection. So a call of which the backend has all keeps its slot until the answer is read or its time is up, and
//! the connection is used again.
//!
//! A call that is not all written, or whose answer has begun, ends with its connection: who writes to that, or reads from it,
//! hears that nobody is there.

use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use crate::upstream::{
    Answer, Request, Stage, Upstream,
    breaker::Verdict,
    connection::Connection,
    health::{self, Permit},
    pool::Slot,
    wire::Failure,
};

/// The longest body that is read for nobody: one more connection costs less than a longer one.
const UNWANTED_MAX: usize = 128 * 1024;

/// What a call holds: its slot, the breaker's permission, and the connection that it is on. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    upstream: &'a Upstream,
    held: Option<(Slot, Permit)>,
    connection: Option<Connection>,
    /// How long it may take.
    until: Instant,
    /// Whether that is long enough for the backend to be to blame for being late.
    is_patient: bool,
}

impl<'a> UnderWay<'a> {
    /// On no connection yet.
    pub(super) fn new(
        upstream: &'a Upstream,
        slot: Slot,
        permit: Permit,
        until: Instant,
        is_patient: bool,
    ) -> UnderWay<'a> {
        UnderWay { upstream, held: Some((slot, permit)), connection: None, until, is_patient }
    }

    /// Makes the call on that connection, which goes back to the pool if it can be used again.
    pub(super) async fn exchange(
        &mut self,
        connection: Connection,
        call: &Request<'_>,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        let Upstream { config, target, pool, .. } = self.upstream;
        let connection = self.connection.insert(connection);
        let outcome = connection.exchange(&target.template, call, config.answer_bytes_max, stage).await;
        if let Some(connection) = self.connection.take().filter(Connection::is_reusable) {
            pool.put(connection);
        }
        outcome
    }

    /// It is over, however it ended.
    pub(super) fn end(mut self, verdict: Verdict) {
        self.connection = None;
        if let Some((_slot, permit)) = self.held.take() {
            permit.end(verdict);
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(Connection::owes_an_answer) else { return };
        let Some((slot, permit)) = self.held.take() else { return };
        // A runtime that ends ends what is left on it.
        let Ok(runtime) = Handle::try_current() else { return };
        let (upstream, until, is_patient) = (self.upstream.clone(), self.until, self.is_patient);
        runtime.spawn(async move {
            permit.end(finish(&upstream, connection, until, is_patient).await);
            // Not before: who waits for a slot finds the connection.
            drop(slot);
        });
    }
}

/// Reads an answer that nobody waits for, so that the connection can be used again. Says what the backend is worth that gives
/// it, or does not.
async fn finish(
    upstream: &Upstream,
    mut connection: Connection,
    until: Instant,
    is_patient: bool,
) -> Verdict {
    match timeout_at(until, connection.finish(UNWANTED_MAX)).await {
        Ok(Ok(status)) => {
            if connection.is_reusable() {
                upstream.pool.put(connection);
            }
            health::of_status(status)
        }
        // It may be that the connection was idle for too long, or that the client wrote what broke it.
        Ok(Err(_)) => Verdict::Neither,
        Err(_elapsed) if is_patient => Verdict::Failed,
        Err(_elapsed) => Verdict::Neither,
    }
}

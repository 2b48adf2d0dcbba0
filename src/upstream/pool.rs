//! One worker's connections to the backend.
//!
//! A call needs a slot, takes the connection that went idle last, and opens one only when none is idle. So there are
//! never more connections than slots, and under little load the surplus is left alone until it has been idle for too
//! long: a task drops it then, which runs only while there is something to watch.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    time::Deadline,
    upstream::{UpstreamError, connection::Connection},
};

/// Slots and idle connections.
#[derive(Debug)]
pub(super) struct Pool {
    slots: Semaphore,
    idle: Mutex<Idle>,
    idle_timeout: Duration,
}

#[derive(Debug, Default)]
struct Idle {
    /// Ordered by time: the last went idle last.
    connections: Vec<(Connection, Instant)>,
    is_watched: bool,
}

impl Pool {
    /// An empty pool.
    pub(super) fn new(connections_max: usize, idle_timeout: Duration) -> Pool {
        Pool {
            slots: Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)),
            idle: Mutex::default(),
            idle_timeout,
        }
    }

    /// The right to use one connection, whichever, if there is one before the deadline and within `patience`.
    pub(super) async fn slot(
        &self,
        deadline: Deadline,
        patience: Duration,
    ) -> Result<SemaphorePermit<'_>, UpstreamError> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let deadline = deadline.within(patience);
        match timeout_at(deadline.instant(), self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(UpstreamError::Overloaded),
        }
    }

    /// The newest idle connection that can still be used, and when it was taken. Those that cannot are dropped on the way.
    pub(super) fn take(&self) -> Option<(Connection, Instant)> {
        let mut idle = self.idle();
        let now = Instant::now();
        while let Some((mut connection, since)) = idle.connections.pop() {
            let idle_for = now - since;
            if idle_for >= self.idle_timeout {
                // The rest has been idle for longer still.
                idle.connections.clear();
                return None;
            }
            if connection.is_quiet(idle_for) {
                return Some((connection, now));
            }
        }
        None
    }

    /// Keeps a connection for the next call.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.idle();
        idle.connections.push((connection, Instant::now()));
        if !idle.is_watched {
            idle.is_watched = true;
            tokio::spawn(watch(Arc::downgrade(self), self.idle_timeout));
        }
    }

    /// Drops what has been idle for too long; returns whether anything is left to watch.
    fn sweep(&self) -> bool {
        let mut idle = self.idle();
        let now = Instant::now();
        idle.connections.retain(|(_, since)| now - *since < self.idle_timeout);
        idle.is_watched = !idle.connections.is_empty();
        idle.is_watched
    }

    /// A panic while the lock was held cannot have left a connection half taken, so poison is ignored.
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sweeps until nothing is idle, or the pool is gone.
async fn watch(pool: Weak<Pool>, interval: Duration) {
    loop {
        sleep(interval).await;
        let is_done = pool.upgrade().is_none_or(|pool| !pool.sweep());
        if is_done {
            return;
        }
    }
}

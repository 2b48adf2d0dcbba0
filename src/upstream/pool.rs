//! One worker's connections to the backend.
//!
//! A call needs a slot, takes the connection that went idle last, and opens one only when none is idle. So there are
//! never more connections than slots, and under little load the surplus is left alone until it has been idle for too
//! long: a task drops it then, which runs only while there is something to watch. No caller has more than its share of the
//! slots, however many calls it makes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    time::Deadline,
    upstream::{
        UpstreamError,
        connection::Connection,
        places::{Place, Places},
    },
};

/// How many shares of the slots there are. Callers are told apart by them, and two may have one in common: no table that grows
/// with callers, and nobody can choose whose share it is.
const SHARES: usize = 1 << u8::BITS;

/// Which part of the slots a share is: half, as of all that one address may have.
const SHARE_PART: usize = 2;

/// Slots and idle connections.
#[derive(Debug)]
pub(super) struct Pool {
    slots: Arc<Places>,
    shares: Box<[Arc<Places>]>,
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
        let share = || Places::new(connections_max.div_ceil(SHARE_PART));
        Pool {
            slots: Places::new(connections_max),
            shares: (0..SHARES).map(|_| share()).collect(),
            idle: Mutex::default(),
            idle_timeout,
        }
    }

    /// The right to use one connection, whichever, if there is one before the deadline and within `patience`; where that is not
    /// to be expected, nobody waits but for what `follows` a change. Whoever has all of a share waits for that first: in the row
    /// for slots, what waits of one share would stand before all others.
    pub(super) async fn slot(
        &self,
        share: Option<u8>,
        deadline: Deadline,
        patience: Duration,
        follows: bool,
    ) -> Result<Slot, UpstreamError> {
        let mut until = None;
        let mut until = || *until.get_or_insert_with(|| deadline.within(patience).instant());
        let patience = (!follows).then_some(patience);
        let share = match share {
            Some(share) => Some(self.shares[usize::from(share)].take(patience, &mut until).await?),
            None => None,
        };
        Ok(Slot { slot: self.slots.take(patience, &mut until).await?, share })
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

/// The right to use one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slot: Place,
    share: Option<Place>,
}

impl Slot {
    /// The call begins.
    pub(super) fn begin(&mut self) {
        self.slot.begin();
        self.share.iter_mut().for_each(Place::begin);
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

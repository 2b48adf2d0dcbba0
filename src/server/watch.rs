//! What a connection is doing, as far as its deadlines are concerned.
//!
//! ```text
//!         first byte of a head               head complete
//!  Idle ───────────────────────► Head ───────────────────────► Busy
//!   ▲                                                            │
//!   └──────────────────── last answer handed over ───────────────┘
//! ```
//!
//! *Idle* may last the idle timeout, *Head* the header timeout, both in all: bytes that trickle in buy no time. *Busy*
//! has no deadline here, the requests have their own.
//!
//! HTTP/2 never enters *Head*: its bytes are frames of many requests, and its pings find out who stopped answering.

use std::{cell::Cell, rc::Rc};

use tokio::time::Instant;

use crate::server::Config;

/// Watches one connection; clones share what they see.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    phase: Rc<Cell<Phase>>,
    reads_heads: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Busy { requests: usize },
    Head { since: Instant },
    Idle { since: Instant },
}

impl Watch {
    /// An HTTP/1 connection, the first bytes of which are there.
    pub(super) fn http1() -> Watch {
        Watch { phase: Rc::new(Cell::new(Phase::Head { since: Instant::now() })), reads_heads: true }
    }

    /// An HTTP/2 connection without requests.
    pub(super) fn http2() -> Watch {
        Watch { phase: Rc::new(Cell::new(Phase::Idle { since: Instant::now() })), reads_heads: false }
    }

    /// Idle → Head, if this is where a head begins.
    pub(super) fn bytes_came(&self) {
        if self.reads_heads && self.is_idle() {
            self.phase.set(Phase::Head { since: Instant::now() });
        }
    }

    /// Anything → Busy, until the returned guard is dropped.
    pub(super) fn request(&self) -> RequestGuard {
        let others = match self.phase.get() {
            Phase::Busy { requests } => requests,
            Phase::Head { .. } | Phase::Idle { .. } => 0,
        };
        self.phase.set(Phase::Busy { requests: others + 1 });
        RequestGuard(self.clone())
    }

    /// Whether nothing has been heard since the last answer.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase.get(), Phase::Idle { .. })
    }

    /// When to close the connection if nothing changes.
    pub(super) fn deadline(&self, config: &Config) -> Option<Instant> {
        match self.phase.get() {
            Phase::Busy { .. } => None,
            Phase::Head { since } => Some(since + config.header_timeout),
            Phase::Idle { since } => Some(since + config.idle_timeout),
        }
    }
}

/// Held while a request is being answered.
#[derive(Debug)]
pub(super) struct RequestGuard(Watch);

impl Drop for RequestGuard {
    /// Busy → Idle, when this was the last.
    fn drop(&mut self) {
        let phase = &self.0.phase;
        match phase.get() {
            Phase::Busy { requests } if requests > 1 => phase.set(Phase::Busy { requests: requests - 1 }),
            Phase::Busy { .. } | Phase::Head { .. } | Phase::Idle { .. } => {
                phase.set(Phase::Idle { since: Instant::now() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn remaining(watch: &Watch) -> Option<Duration> {
        watch.deadline(&Config::default()).map(|deadline| deadline - Instant::now())
    }

    const IDLE: Option<Duration> = Some(Duration::from_mins(1));
    const HEAD: Option<Duration> = Some(Duration::from_secs(10));

    #[tokio::test(start_paused = true)]
    async fn trickling_bytes_do_not_extend_the_time_for_a_head() {
        let watch = Watch::http1();
        assert_eq!(remaining(&watch), HEAD);
        advance(Duration::from_secs(9)).await;
        watch.bytes_came();
        assert_eq!(remaining(&watch), Some(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_goes_from_idle_to_head_to_busy_and_back() {
        let watch = Watch::http1();
        let request = watch.request();
        assert_eq!(remaining(&watch), None);
        watch.bytes_came();
        assert_eq!(remaining(&watch), None, "a body, or the next request pipelined");
        drop(request);
        assert_eq!(remaining(&watch), IDLE);
        watch.bytes_came();
        assert_eq!(remaining(&watch), HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_busy_until_its_last_request_is_answered() {
        let watch = Watch::http2();
        let (first, second) = (watch.request(), watch.request());
        drop(first);
        assert_eq!(remaining(&watch), None);
        drop(second);
        assert_eq!(remaining(&watch), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_http_2_are_not_taken_for_a_head() {
        let watch = Watch::http2();
        watch.bytes_came();
        assert!(watch.is_idle());
    }
}

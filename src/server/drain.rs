//! Graceful shutdown: the one-way switch from serving to leaving to draining to ending.
//!
//! ```text
//! Serving ──first signal──► Leaving ──delay──► Draining ──second signal──► Ending
//!                              └──────────second signal──────────────────────▲
//! ```
//!
//! Nobody goes back. *Leaving* says so, to whoever asks whether we are ready, and goes on as before; *Draining* stops
//! accepting and lets what is in flight finish; *Ending* cuts it off. Whoever holds a [`Drain`] can begin it and watch
//! it; the process ends up holding one that signals begin.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::sleep,
};

/// A handle on the shutdown, cloned to everyone who starts or heeds it.
#[derive(Clone, Debug)]
pub struct Drain(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stage: watch::Sender<Stage>,
    /// The same in short. Every answer asks, on all processors, and reading this costs them nothing.
    has_begun: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Leaving,
    Draining,
    Ending,
}

impl Default for Drain {
    fn default() -> Drain {
        Drain::new()
    }
}

impl Drain {
    /// A drain that begins when someone calls [`Drain::begin`].
    pub fn new() -> Drain {
        let stage = watch::Sender::new(Stage::Serving);
        Drain(Arc::new(Inner { stage, has_begun: AtomicBool::new(false) }))
    }

    /// A drain that also begins on SIGTERM or SIGINT, and ends at once on the second of them. From the first signal to
    /// the drain, `delay` passes in which everything but readiness is as before.
    ///
    /// The signals are caught from the moment this returns, by a thread of their own.
    pub fn on_signals(delay: Duration) -> io::Result<Drain> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (terminate, interrupt) = {
            let _inside = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        let drain = Drain::new();
        let begun = drain.clone();
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(heed(terminate, interrupt, delay, &begun)))?;
        Ok(drain)
    }

    /// Serving → Leaving.
    pub fn leave(&self) {
        self.advance(Stage::Leaving);
    }

    /// Whether we are leaving, or beyond that.
    pub fn is_leaving(&self) -> bool {
        *self.0.stage.borrow() >= Stage::Leaving
    }

    /// Waits until we are leaving.
    pub async fn left(&self) {
        self.reached(Stage::Leaving).await;
    }

    /// Serving or Leaving → Draining.
    pub fn begin(&self) {
        self.advance(Stage::Draining);
    }

    /// Anything → Ending: what is still in flight is cut off.
    pub fn end_now(&self) {
        self.advance(Stage::Ending);
    }

    /// Whether the drain has begun.
    pub fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Relaxed)
    }

    /// Waits until the drain begins.
    pub async fn begun(&self) {
        self.reached(Stage::Draining).await;
    }

    /// Waits until what is left must be cut off.
    pub async fn ended(&self) {
        self.reached(Stage::Ending).await;
    }

    /// Moves forward, never back.
    fn advance(&self, to: Stage) {
        if to >= Stage::Draining {
            self.0.has_begun.store(true, Ordering::Relaxed);
        }
        self.0.stage.send_if_modified(|stage| {
            let moves = *stage < to;
            *stage = (*stage).max(to);
            moves
        });
    }

    async fn reached(&self, stage: Stage) {
        self.0
            .stage
            .subscribe()
            .wait_for(|now| *now >= stage)
            .await
            .expect("`self` holds the sender, so the channel is open");
    }
}

/// The first signal begins the drain once the delay has passed, the second ends it at once; no third is heard.
async fn heed(mut terminate: Signal, mut interrupt: Signal, delay: Duration, drain: &Drain) {
    let mut signalled = async || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let again = |signal| tracing::warn!(signal, "told to end a second time: what is in flight is cut off");
    let signal = signalled().await;
    if delay.is_zero() {
        tracing::info!(signal, "told to end: nothing new is taken, and what is in flight is answered");
    } else {
        tracing::info!(signal, ?delay, "told to end: as before for a while, but for readiness");
    }
    drain.leave();
    tokio::select! {
        () = sleep(delay) => drain.begin(),
        signal = signalled() => {
            again(signal);
            return drain.end_now();
        }
    }
    if !delay.is_zero() {
        tracing::info!("the delay is over: nothing new is taken, and what is in flight is answered");
    }
    again(signalled().await);
    drain.end_now();
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_drain_begins_for_every_clone() {
        let drain = Drain::new();
        let other = drain.clone();
        assert!(!other.has_begun());
        assert!(other.begun().now_or_never().is_none());
        drain.begin();
        assert!(other.has_begun());
        other.begun().await;
        assert!(other.ended().now_or_never().is_none());
    }

    #[tokio::test]
    async fn ending_implies_having_begun_and_nothing_takes_it_back() {
        let drain = Drain::new();
        drain.end_now();
        drain.begin();
        drain.begun().await;
        drain.ended().await;
    }

    #[tokio::test]
    async fn who_leaves_has_not_begun_to_drain() {
        let drain = Drain::new();
        assert!(!drain.is_leaving());
        drain.leave();
        drain.left().await;
        assert!(drain.is_leaving() && !drain.has_begun());
        assert!(drain.begun().now_or_never().is_none());
        drain.begin();
        drain.leave();
        drain.begun().await;
        assert!(drain.is_leaving() && drain.has_begun());
    }

    #[tokio::test]
    async fn the_first_signal_begins_the_drain_and_the_second_ends_it() {
        // Both drains hear every signal, for a process has one disposition of each.
        let drain = Drain::on_signals(Duration::ZERO).unwrap();
        let delayed = Drain::on_signals(Duration::from_hours(24)).unwrap();
        let raise = |signal: &str| {
            let kill = format!("kill -{signal} {}", std::process::id());
            assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        };
        raise("TERM");
        drain.begun().await;
        assert!(drain.ended().now_or_never().is_none());
        delayed.left().await;
        assert!(!delayed.has_begun());
        raise("INT");
        drain.ended().await;
        delayed.ended().await;
    }
}

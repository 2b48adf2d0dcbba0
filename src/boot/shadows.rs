//! The thread that asks the other side for shadows and compares, for all workers, so that none of them ever does.
//!
//! It has a runtime and connections of its own, and begins with the first mode that needs it. It gives way to whoever else
//! wants its processor, unless it is told not to: on Linux it runs under the idle policy, beside which any other thread of
//! the same cgroup weighs a few hundred times as much. (What a `nice` value does, each kernel decides anew.) With no
//! processor to spare shadows wait, and are dropped and counted.
//!
//! A thread that has no processor keeps the locks that it holds. So it shares few with workers, and compiles or compares
//! under none of them. What is left are the allocator's, and others that are seldom taken, for a moment: those of the log,
//! of sessions of TLS, of imported ids that were found, and of a counter that is looked for by its labels.

use std::{
    convert::Infallible,
    io,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::{runtime::Builder, sync::oneshot};

use crate::gateway::{ShadowWork, Shadows};

/// What the thread is called, and those that it starts.
const NAME: &str = "shadows";

/// How long the end of the process waits for the thread, which may get no processor for a while.
const FAREWELL: Duration = Duration::from_secs(1);

/// The thread, or what it will do.
#[derive(Debug)]
pub(super) struct ShadowThread {
    gives_way: bool,
    shadows: Shadows,
    work: Option<ShadowWork>,
    running: Option<Running>,
}

/// A thread that has begun. Nothing is ever sent through either channel.
#[derive(Debug)]
struct Running {
    /// The thread ends when this is dropped.
    stop: oneshot::Sender<Infallible>,
    /// It closes when the thread has ended. To join it would be to wait without a limit.
    ended: mpsc::Receiver<Infallible>,
}

impl ShadowThread {
    /// One that has not begun, and will give way to others if it is to.
    pub(super) fn new(gives_way: bool) -> ShadowThread {
        let (shadows, work) = Shadows::new();
        ShadowThread { gives_way, shadows, work: Some(work), running: None }
    }

    /// Where workers leave what is to be compared. The thread begins if it has not; without one, all of that is dropped and
    /// counted.
    pub(super) fn begin(&mut self) -> Shadows {
        if let Some(work) = self.work.take() {
            match Running::begin(work, self.gives_way) {
                Ok(running) => self.running = Some(running),
                Err(error) => tracing::error!(%error, "there is no thread for shadows: all are dropped"),
            }
        }
        self.shadows.clone()
    }

    /// Ends it; what waits or is under way is given up.
    pub(super) fn end(&mut self) {
        drop(self.work.take());
        let Some(Running { stop, ended }) = self.running.take() else { return };
        drop(stop);
        if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(FAREWELL) {
            tracing::info!("the thread of shadows got no processor, and is not waited for");
        }
    }
}

impl Drop for ShadowThread {
    fn drop(&mut self) {
        self.end();
    }
}

impl Running {
    fn begin(work: ShadowWork, gives_way: bool) -> io::Result<Running> {
        let runtime = Builder::new_current_thread().enable_all().thread_name(NAME).build()?;
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let (alive, ended) = mpsc::channel();
        let run = move || {
            if gives_way {
                give_way();
            }
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = stopped => {}
                    () = work.run() => {}
                }
            });
            runtime.shutdown_background();
            drop::<mpsc::Sender<Infallible>>(alive);
        };
        thread::Builder::new().name(NAME.into()).spawn(run)?;
        Ok(Running { stop, ended })
    }
}

/// Has this thread, and those that it starts, run only where nobody else wants to.
#[cfg(target_os = "linux")]
fn give_way() {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };

    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    // It may fail after that, for a `nice` value that means nothing under this policy.
    if !matches!(thread_schedule_policy(), Ok(policy) if policy == idle) {
        let error = set.err().map(|error| error.to_string());
        tracing::warn!(error, "the system does not let the thread of shadows give way to others");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

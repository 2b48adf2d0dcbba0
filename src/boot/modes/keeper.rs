//! Keeps what is said of modes beside whoever says it: a disk may refuse, or never answer, and a step back waits for neither.
//!
//! One thread writes, and always what was said last: what is said while it writes takes the place of what waits already. It
//! begins when the start is certain, so that a start that fails leaves the file as it was. In between it looks whether what it
//! has written is still there: that another process has taken the file is to be known before anybody needs it.

use std::{
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{Kept, KeptError, Said};
use crate::causes::with_causes;

/// How long anybody waits for the disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether what was written is still there.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where what is said of modes is kept.
pub(in crate::boot) trait Disk {
    /// Keeps that for the next start. Blocks the calling thread until the disk has it.
    ///
    /// # Errors
    ///
    /// Why it does not.
    fn write(&mut self, said: &Said) -> Result<(), KeptError>;

    /// Looks whether the next start will find what was kept last.
    ///
    /// # Errors
    ///
    /// Why it is known that it will not.
    fn look(&mut self) -> Result<(), KeptError>;
}

impl Disk for Kept {
    fn write(&mut self, said: &Said) -> Result<(), KeptError> {
        Kept::write(self, said.entries())
    }

    fn look(&mut self) -> Result<(), KeptError> {
        Kept::look(self)
    }
}

/// Has what is said of modes written down. The thread that does so ends when this is dropped, and is not waited for.
#[derive(Debug)]
pub(in crate::boot) struct Keeper(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do, or was done.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is to be written.
    next: Option<Said>,
    /// Who waits for that.
    asked: Vec<oneshot::Sender<Outcome>>,
    /// What came of what was said last; none until it is known.
    outcome: Option<Outcome>,
    is_settled: bool,
    is_over: bool,
}

/// Why it is not kept, if it is not.
type Outcome = Result<(), String>;

/// Hears what comes of a writing.
#[derive(Debug)]
pub(in crate::boot) struct Keeping(oneshot::Receiver<Outcome>);

impl Keeping {
    /// What came of it, as soon as that is known; or that the disk does not answer. It may still do so, and then it is kept.
    pub(in crate::boot) async fn outcome(self) -> Outcome {
        match timeout(PATIENCE, self.0).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_gone)) => Err("whoever keeps modes has failed".to_owned()),
            Err(_elapsed) => Err(no_answer()),
        }
    }
}

impl Keeper {
    /// One that writes to `disk`, from the moment that it is [settled](Keeper::settle) on: first `said`, unless something else
    /// was said by then.
    ///
    /// # Errors
    ///
    /// If there can be no thread for it.
    pub(in crate::boot) fn start(said: Said, disk: impl Disk + Send + 'static) -> io::Result<Keeper> {
        Keeper::start_looking(said, disk, LOOK_EVERY)
    }

    fn start_looking(
        said: Said,
        disk: impl Disk + Send + 'static,
        look_every: Duration,
    ) -> io::Result<Keeper> {
        let shared = Arc::new(Shared::default());
        shared.state().next = Some(said);
        let own = Arc::clone(&shared);
        thread::Builder::new().name("modes".into()).spawn(move || own.run(disk, look_every))?;
        Ok(Keeper(shared))
    }

    /// Says that the start is certain, and waits until what is said by now was written, as long as somebody may wait.
    ///
    /// # Errors
    ///
    /// Why it is not kept.
    pub(in crate::boot) fn settle(&self) -> Outcome {
        let mut state = self.0.state();
        state.is_settled = true;
        self.0.changed.notify_all();
        let waits = self.0.changed.wait_timeout_while(state, PATIENCE, |state| state.outcome.is_none());
        let (state, _) = waits.unwrap_or_else(PoisonError::into_inner);
        state.outcome.clone().unwrap_or_else(|| Err(no_answer()))
    }

    /// Has that written, and nothing that was said before. Waits for nobody.
    pub(in crate::boot) fn keep(&self, said: Said) -> Keeping {
        let (asked, outcome) = oneshot::channel();
        let mut state = self.0.state();
        state.next = Some(said);
        state.outcome = None;
        // However long the disk does not answer, no more are here than still wait.
        state.asked.retain(|asked| !asked.is_closed());
        state.asked.push(asked);
        self.0.changed.notify_all();
        Keeping(outcome)
    }

    /// Whether the disk has what was said last.
    pub(in crate::boot) fn has_kept(&self) -> bool {
        matches!(self.0.state().outcome, Some(Ok(())))
    }

    /// Whether what was said last was given up: only another try can keep it.
    pub(in crate::boot) fn has_failed(&self) -> bool {
        matches!(self.0.state().outcome, Some(Err(_)))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.changed.notify_all();
    }
}

/// What its thread is to do.
enum Task {
    /// Writes that, and tells those.
    Write(Said, Vec<oneshot::Sender<Outcome>>),
    /// Looks whether what was written is still there.
    Look,
}

impl Shared {
    fn run(&self, mut disk: impl Disk, look_every: Duration) {
        while let Some(task) = self.next(look_every) {
            match task {
                Task::Write(said, asked) => self.write(&mut disk, &said, asked),
                Task::Look => self.look(&mut disk),
            }
        }
    }

    fn write(&self, disk: &mut impl Disk, said: &Said, asked: Vec<oneshot::Sender<Outcome>>) {
        let outcome = disk.write(said).map_err(|error| with_causes(&error));
        let mut state = self.state();
        // Unless there is more to write by now.
        if state.next.is_none() {
            state.outcome = Some(outcome.clone());
        }
        drop(state);
        self.changed.notify_all();
        for asked in asked {
            // Whoever asked may wait no longer.
            asked.send(outcome.clone()).ok();
        }
    }

    fn look(&self, disk: &mut impl Disk) {
        let Err(error) = disk.look() else { return };
        let cause = with_causes(&error);
        tracing::error!("what was said of modes will not outlive the process: {cause}");
        let mut state = self.state();
        // What was said meanwhile is about to be tried.
        if state.next.is_none() {
            state.outcome = Some(Err(cause));
        }
    }

    /// What to do, as soon as there is something; none when it is over.
    fn next(&self, look_every: Duration) -> Option<Task> {
        let mut state = self.state();
        loop {
            if state.is_over {
                return None;
            }
            if state.is_settled
                && let Some(said) = state.next.take()
            {
                return Some(Task::Write(said, mem::take(&mut state.asked)));
            }
            // What is not kept need not be looked for.
            if !matches!(state.outcome, Some(Ok(()))) {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waits = self.changed.wait_timeout(state, look_every);
            let (again, timeout) = waits.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() && again.next.is_none() && !again.is_over {
                return Some(Task::Look);
            }
            state = again;
        }
    }

    /// A panic while the lock was held cannot have left anything half done, so poison is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_answer() -> String {
    format!("the disk that keeps modes has not answered for {} s", PATIENCE.as_secs())
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use serde_json::Value;

    use super::{super::One, *};
    use crate::gateway::mode;

    impl<Write: FnMut(&Said) -> Result<(), KeptError>> Disk for Write {
        fn write(&mut self, said: &Said) -> Result<(), KeptError> {
            self(said)
        }

        fn look(&mut self) -> Result<(), KeptError> {
            Ok(())
        }
    }

    /// Longer than anything takes.
    const LONG: Duration = Duration::from_mins(1);

    /// What is said of one dialect, which tells it from others.
    fn said(share: u8) -> Said {
        let mode = mode::Config { share, ..mode::Config::default() };
        Said([("acme".to_owned(), One { mode, instead_of: Value::Null })].into())
    }

    #[test]
    fn nothing_is_written_unless_the_start_is_certain() {
        let (written, hears) = mpsc::channel();
        let write = move |said: &Said| {
            written.send(said.clone()).unwrap();
            Ok(())
        };
        // Often enough for its thread to have begun before it is over.
        for _ in 0..100 {
            let keeper = Keeper::start(said(1), write.clone()).unwrap();
            let keeping = keeper.keep(said(2));
            thread::yield_now();
            drop(keeper);
            // Its thread has ended, too: it has dropped whoever waits.
            assert!(keeping.0.blocking_recv().is_err());
        }
        let keeper = Keeper::start(said(3), write).unwrap();
        assert!(!keeper.has_kept());
        assert_eq!(keeper.settle(), Ok(()));
        assert!(keeper.has_kept());
        drop(keeper);
        assert_eq!(hears.into_iter().collect::<Vec<_>>(), [said(3)]);
    }

    #[test]
    fn what_is_said_last_is_written_and_whoever_said_it_hears_of_it() {
        let (begins, begun) = mpsc::channel();
        let (go, held) = mpsc::channel();
        let write = move |said: &Said| {
            begins.send(said.clone()).unwrap();
            held.recv_timeout(LONG).unwrap()
        };
        let keeper = Keeper::start(said(1), write).unwrap();
        go.send(Ok(())).unwrap();
        keeper.settle().unwrap();
        let first = keeper.keep(said(2));
        assert_eq!([begun.recv().unwrap(), begun.recv().unwrap()], [said(1), said(2)]);
        // The disk does not answer: nobody waits for it here.
        let others = [keeper.keep(said(3)), keeper.keep(said(4))];
        assert!(!keeper.has_kept() && !keeper.has_failed());
        go.send(Ok(())).unwrap();
        assert_eq!(first.0.blocking_recv(), Ok(Ok(())));
        assert!(!keeper.has_kept(), "there is more to write");
        go.send(Err(KeptError::Foreign { path: "here".into() })).unwrap();
        for other in others {
            let outcome = other.0.blocking_recv().unwrap();
            assert!(outcome.clone().unwrap_err().contains("`here`"), "{outcome:?}");
        }
        assert!(keeper.has_failed());
        assert_eq!(begun.try_iter().collect::<Vec<_>>(), [said(4)], "what was said in between is of no use");
    }

    /// Is somebody else's from some moment on.
    struct Shaky(mpsc::Receiver<()>);

    impl Disk for Shaky {
        fn write(&mut self, _: &Said) -> Result<(), KeptError> {
            Ok(())
        }

        fn look(&mut self) -> Result<(), KeptError> {
            match self.0.try_recv() {
                Ok(()) => Err(KeptError::TakenOver { path: "here".into() }),
                Err(_nothing) => Ok(()),
            }
        }
    }

    #[test]
    fn that_it_is_kept_no_more_is_known_before_anybody_needs_it() {
        let (take, taken) = mpsc::channel();
        let keeper = Keeper::start_looking(said(1), Shaky(taken), Duration::from_millis(1)).unwrap();
        keeper.settle().unwrap();
        assert!(keeper.has_kept());
        take.send(()).unwrap();
        let latest = Instant::now() + LONG;
        while !keeper.has_failed() {
            assert!(Instant::now() < latest, "nobody has looked");
            thread::yield_now();
        }
        assert!(!keeper.has_kept());
        // Another try may do it.
        assert_eq!(keeper.keep(said(2)).0.blocking_recv(), Ok(Ok(())));
        assert!(keeper.has_kept());
    }
}

//! The thread that hears of everything that concerns the program as a whole: SIGHUP and `POST /reload`, the beginning of
//! the end, and what the service manager wants to be told.
//!
//! One reload is made after the other, on a thread beside this one: a load takes as long as it takes, and workers go on.

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    task::{self, spawn_blocking},
    time::{Interval, MissedTickBehavior, interval, timeout},
};

mod reads;

use self::reads::{READING_MAX, Reads, in_time, resume};
use super::{
    modes::Keeping,
    reload::{Changed, Decision, Reloader, Taken},
    service,
    workers::{Done, Workers},
};
use crate::{
    admin::{
        modes,
        reload::{Ask, Ended, Outcome},
    },
    diag::{Diagnostic, SourceId, Sources},
    server::Drain,
    telemetry::{LoadResult, names::field},
};

/// How long the workers may take to hear of a reload before the answer does not wait for them any more. They hear of it
/// between two requests, so this is never reached unless one is stuck.
const SWAP_PATIENCE: Duration = Duration::from_secs(10);

/// How many diagnostics of one reload are logged.
const LOGGED_MAX: usize = 100;

/// SIGHUP, caught: one that comes while the program starts asks for a reload as soon as it has.
#[derive(Debug)]
pub struct Hangups {
    runtime: Runtime,
    signal: Signal,
}

impl Hangups {
    /// Catches the signal from now on; uncaught, it would end the process.
    pub fn catch() -> io::Result<Hangups> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let signal = {
            let _inside = runtime.enter();
            signal(SignalKind::hangup())?
        };
        Ok(Hangups { runtime, signal })
    }
}

/// Hears of everything that concerns the program as a whole; it stops when this is dropped.
#[derive(Debug)]
#[must_use = "nobody hears any more when this is dropped"]
pub(super) struct Supervisor {
    started: Option<oneshot::Sender<()>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts to hear, on a thread of its own: SIGHUP and `asks` if there is anything to reload, once it is told that all is
    /// started; the end in any case.
    pub(super) fn start(
        reloads: Option<(Reloader, Hangups)>,
        (asks, mode_asks): (mpsc::Receiver<Ask>, mpsc::Receiver<modes::Ask>),
        workers: Arc<Workers>,
        drain: Drain,
    ) -> io::Result<Supervisor> {
        let (reloader, runtime, hangups) = match reloads {
            Some((reloader, Hangups { runtime, signal })) => (Some(reloader), runtime, Some(signal)),
            None => (None, Builder::new_current_thread().enable_all().build()?, None),
        };
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = oneshot::channel();
        let supervise = move || {
            let supervision = Supervision {
                reloader: reloader.map(Arc::new),
                hangups,
                asks: Some(asks),
                mode_asks: Some(mode_asks),
                running: None,
                reads: Reads::default(),
                workers,
                asked: None,
            };
            runtime.block_on(supervision.run(&drain, starting, stopped));
            // Nobody waits for a reload that has lost its meaning.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("supervisor".into()).spawn(supervise)?;
        Ok(Supervisor { started: Some(started), stop: Some(stop), thread: Some(thread) })
    }

    /// Every worker serves, and the service manager was told so: from now on files are read anew for who asks. What a reload says
    /// in the end is that we are ready, which nobody may hear before.
    pub(super) fn started(&mut self) {
        drop(self.started.take());
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(_panicked)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("the supervisor had failed");
        }
    }
}

/// Who asked for a reload; none for a signal.
type Asker = Option<Ask>;

struct Supervision {
    reloader: Option<Arc<Reloader>>,
    hangups: Option<Signal>,
    /// None once we are leaving.
    asks: Option<mpsc::Receiver<Ask>>,
    mode_asks: Option<mpsc::Receiver<modes::Ask>>,
    running: Option<(task::JoinHandle<Outcome>, Asker)>,
    reads: Reads,
    workers: Arc<Workers>,
    /// The workers that were asked whether they are there, and have not all answered.
    asked: Option<Done>,
}

impl Supervision {
    async fn run(
        mut self,
        drain: &Drain,
        mut starting: oneshot::Receiver<()>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let mut rounds = service::watchdog().map(every);
        let mut is_started = false;
        loop {
            let is_free = is_started && self.asks.is_some() && self.running.is_none();
            tokio::select! {
                biased;
                _ = &mut stopped => {
                    // Where nothing was in flight, all is over before we hear that it began.
                    if self.asks.is_some() {
                        service::stopping();
                    }
                    return;
                }
                () = drain.left(), if self.asks.is_some() => {
                    self.asks = None;
                    self.mode_asks = None;
                    service::stopping();
                }
                _ = &mut starting, if !is_started => is_started = true,
                outcome = ended(&mut self.running) => self.answer(outcome),
                () = hung_up(&mut self.hangups), if is_free => self.reload(None),
                Some(ask) = asked(&mut self.asks), if is_free => self.reload(Some(ask)),
                Some(ask) = asked(&mut self.mode_asks) => self.modes(ask),
                () = all_answered(&mut self.asked) => service::alive(),
                () = turn(&mut rounds), if self.asked.is_none() => self.asked = Some(self.workers.ask_all()),
            }
        }
    }

    fn reload(&mut self, asker: Asker) {
        let Some(reloader) = self.reloader.clone() else { return };
        service::reloading();
        self.running = Some((task::spawn(made(reloader, self.reads.clone())), asker));
    }

    /// Modes are changed, or shown, beside everything else; also beside a reload that is being made, which heeds them.
    fn modes(&self, ask: modes::Ask) {
        let Some(reloader) = self.reloader.clone() else { return };
        task::spawn(async move {
            let modes::Ask { what, request, peer, answer } = ask;
            let made = spawn_blocking(move || reloader.modes(what)).await;
            let (mut told, changed) = made.unwrap_or_else(|broken| resume(broken));
            if let Some(Changed { dialect, mut done, keeping }) = changed {
                let (done, kept) = tokio::join!(timeout(SWAP_PATIENCE, done.recv()), kept(keeping));
                if let Err(cause) = kept {
                    tracing::warn!({ field::DIALECT } = dialect, "a mode is used and not kept: {cause}");
                    told = told.not_kept(&cause);
                }
                if done.is_err() {
                    told = told.under_way(&busy("goes on with the mode of before"));
                }
                let shown = &told.json;
                let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
                tracing::info!(
                    { field::REQUEST_ID } = request.as_ref().map(|id| id.as_str().to_owned()),
                    { field::CLIENT_ADDRESS } = tracing::field::display(peer),
                    { field::DIALECT } = dialect,
                    { field::MODE } = text(&shown["mode"]["mode"]),
                    result = text(&shown["result"]),
                    said_by = text(&shown["said_by"]),
                    "mode changed"
                );
            }
            // Whoever asked may have gone away.
            answer.send(told).ok();
        });
    }

    fn answer(&self, (outcome, asker): (Result<Outcome, task::JoinError>, Asker)) {
        // Without a reloader nothing was asked of it.
        let Some(reloader) = &self.reloader else { return };
        let outcome =
            outcome.unwrap_or_else(|_panicked| reloader.failed("reading the files broke down".to_owned()));
        reloader.metrics().reloaded(outcome.result);
        log(&outcome, asker.as_ref());
        if self.asks.is_some() {
            let (digest, result) = (&outcome.digest, outcome.result.name());
            service::ready(&format!("serving files of digest {digest}; the last reload was {result}"));
        }
        // Whoever asked may have gone away.
        asker.map(|ask| ask.answer.send(outcome).ok());
    }
}

/// Has a reload made beside the workers and beside us, and waits until all workers use what came of it.
async fn made(reloader: Arc<Reloader>, reads: Reads) -> Outcome {
    let Some(under_way) = reads.begin() else {
        return reloader.failed(
            "the files of a reload before, which was given up, are still being read: one is a pipe that nobody writes to, or on a \
             disk that does not answer"
                .to_owned(),
        );
    };
    let longest = reloader.longest_request();
    let (own, decision) = (Arc::clone(&reloader), Decision::default());
    let (ours, theirs) = (decision.clone(), decision);
    let reading = spawn_blocking(move || {
        let _under_way = under_way;
        own.reload(&theirs)
    });
    let Some((mut outcome, taken)) = in_time(reading, &ours).await else {
        return reloader.failed(format!(
            "the files were not read within {} s: one is a pipe that nobody writes to, or on a disk that does not answer",
            READING_MAX.as_secs()
        ));
    };
    if let Some(Taken { mut done, before, keeping }) = taken {
        let (done, kept) = tokio::join!(timeout(SWAP_PATIENCE, done.recv()), kept(keeping));
        let busy = done.err().map(|_elapsed| busy("goes on with the files of before"));
        let not_kept = kept.err().map(|cause| format!("what is kept of modes is not up to date: {cause}"));
        outcome.cause = [busy, not_kept].into_iter().flatten().reduce(|one, other| format!("{one}; {other}"));
        task::spawn(Taken::clear_away(before, longest));
    }
    outcome
}

/// Why it is not kept, if it is to be and is not.
async fn kept(keeping: Option<Keeping>) -> Result<(), String> {
    match keeping {
        Some(keeping) => keeping.outcome().await,
        None => Ok(()),
    }
}

fn busy(goes_on: &str) -> String {
    format!("a worker has been busy for {} s, and {goes_on} until it is not", SWAP_PATIENCE.as_secs())
}

fn every(interval_between: Duration) -> Interval {
    let mut rounds = interval(interval_between);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
}

async fn ended(
    running: &mut Option<(task::JoinHandle<Outcome>, Asker)>,
) -> (Result<Outcome, task::JoinError>, Asker) {
    let outcome = match running {
        Some((running, _)) => running.await,
        None => std::future::pending().await,
    };
    (outcome, running.take().and_then(|(_, asker)| asker))
}

async fn hung_up(hangups: &mut Option<Signal>) {
    let heard = match hangups {
        Some(hangups) => hangups.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

/// None when nobody can ask any more.
async fn asked<A>(asks: &mut Option<mpsc::Receiver<A>>) -> Option<A> {
    asks.as_mut()?.recv().await
}

async fn all_answered(asked: &mut Option<Done>) {
    match asked {
        Some(workers) => drop(workers.recv().await),
        None => std::future::pending().await,
    }
    *asked = None;
}

async fn turn(rounds: &mut Option<Interval>) {
    match rounds {
        Some(rounds) => drop(rounds.tick().await),
        None => std::future::pending().await,
    }
}

/// One event for the reload, and one before it for each thing that is wrong.
fn log(outcome: &Outcome, asker: Option<&Ask>) {
    for found in outcome.found.iter().take(LOGGED_MAX) {
        let place = found.primary().map(|span| place(span.source, span.start, &outcome.sources));
        let Diagnostic { code, severity, message, .. } = found;
        tracing::warn!(
            { field::DIAGNOSTIC_CODE } = %code,
            { field::DIAGNOSTIC_PLACE } = place,
            "{}: {message}",
            severity.name()
        );
    }
    for Ended { dialect, said, files } in &outcome.ended {
        tracing::warn!(
            { field::DIALECT } = dialect,
            { field::MODE } = *said,
            said_by = "admin",
            "a mode that was said is over: the files say something else of the dialect by now ({})",
            files.unwrap_or("nothing")
        );
    }
    let by = if asker.is_some() { "POST /reload" } else { "SIGHUP" };
    let request = asker.and_then(|ask| ask.request.as_ref()).map(|id| id.as_str().to_owned());
    let peer = asker.map(|ask| tracing::field::display(ask.peer));
    let (found, digest) = (outcome.found.len(), outcome.digest.as_str());
    match outcome.result {
        LoadResult::Taken => tracing::info!(
            { field::REQUEST_ID } = request,
            { field::CLIENT_ADDRESS } = peer,
            { field::CONFIG_DIGEST } = digest,
            by,
            found,
            cause = outcome.cause,
            "reload taken"
        ),
        LoadResult::Refused | LoadResult::Failed => tracing::error!(
            { field::REQUEST_ID } = request,
            { field::CLIENT_ADDRESS } = peer,
            { field::CONFIG_DIGEST } = digest,
            by,
            found,
            cause = outcome.cause,
            "reload {}, what was in use stays in use",
            outcome.result.name()
        ),
    }
}

fn place(source: SourceId, start: u32, sources: &Sources) -> String {
    let (line, column) = sources.line_column(source, start);
    format!("{}:{line}:{column}", sources.path(source))
}

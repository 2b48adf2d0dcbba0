//! Reads the files anew while the program serves, and keeps the service manager informed.
//!
//! One thread hears SIGHUP and `POST /reload`, and has one reload made after the other, on a thread beside it: a load
//! takes as long as it takes, and workers go on. Until everything is proved as at a start, nothing of it is in use.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};
use tokio::{
    runtime::{Builder, Handle},
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
    task::{self, spawn_blocking},
    time::{Interval, MissedTickBehavior, interval, timeout},
};

use super::{
    parts::{Parts, Surroundings},
    service,
    workers::{Done, Workers},
};
use crate::{
    admin::reload::{Ask, Outcome},
    config::Config,
    diag::{Diagnostic, Diagnostics, Severity, SourceId, Sources},
    dialect::Registry,
    server::Drain,
    telemetry::{LoadResult, names::field},
};

/// How long the workers may take to hear of it before the answer does not wait for them any more. They hear of it
/// between two requests, so this is never reached unless one is stuck.
const SWAP_PATIENCE: Duration = Duration::from_secs(10);

/// How many diagnostics of one reload are logged.
const LOGGED_MAX: usize = 100;

/// How to read all files: the settings, with the text they were read from if there is one, and the registry. None if
/// what was found is in the way.
pub type Reread =
    Box<dyn Fn(&mut Sources, &mut Diagnostics) -> Result<Option<Files>, Unreadable> + Send + Sync>;

/// What the files say.
pub struct Files {
    /// The settings.
    pub config: Config,
    /// The text of the settings, if they are not the default ones.
    pub source: Option<SourceId>,
    /// The dialects.
    pub registry: Registry,
}

/// Why files cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// What texts say, in short: 16 hexadecimal digits that are others when any text or its file's name is another.
pub fn digest(sources: &Sources) -> String {
    let mut digest = Sha256::new();
    for id in sources.ids() {
        let (path, text) = (sources.path(id), sources.text(id));
        let name = path.rsplit('/').next().unwrap_or_default();
        for part in [name, text] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    let digest = digest.finalize();
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:016x}")
}

/// Makes reloads, one after the other.
pub(super) struct Reloader {
    reread: Reread,
    started: Config,
    around: Surroundings,
    workers: Arc<Workers>,
    current: Mutex<Current>,
}

struct Current {
    parts: Parts,
    digest: String,
}

impl Reloader {
    /// One that puts what it reads in the place of `parts`.
    pub(super) fn new(
        reread: Reread,
        started: Config,
        around: Surroundings,
        workers: Arc<Workers>,
        (parts, digest): (Parts, String),
    ) -> Reloader {
        Reloader { reread, started, around, workers, current: Mutex::new(Current { parts, digest }) }
    }

    /// Reads everything, and has the workers use it if it is good.
    fn reload(&self, runtime: &Handle) -> Outcome {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let made = self.make(&current.parts, &mut sources, &mut found);
        let (result, cause) = match made {
            Ok(Some(parts)) => {
                let upstream = parts.other_upstream(&current.parts);
                let done = self.workers.serve(Arc::clone(&parts.shared), upstream);
                runtime.block_on(heard(done));
                *current = Current { parts, digest: digest(&sources) };
                self.around.metrics.loads().loaded(&current.digest, SystemTime::now());
                (LoadResult::Taken, None)
            }
            Ok(None) => (LoadResult::Refused, None),
            Err(cause) => (LoadResult::Refused, Some(cause)),
        };
        let mut found = found.into_vec();
        found.retain(|one| one.severity != Severity::Note);
        Outcome { result, digest: current.digest.clone(), found, sources, cause }
    }

    fn make(
        &self,
        before: &Parts,
        sources: &mut Sources,
        found: &mut Diagnostics,
    ) -> Result<Option<Parts>, String> {
        let Some(files) = (self.reread)(sources, found).map_err(|Unreadable(cause)| cause)? else {
            return Ok(None);
        };
        let text = files.source.map(|source| (source, sources.text(source)));
        let fixed = files.config.fixed_changes(&self.started, text);
        if !fixed.is_empty() {
            found.extend(fixed);
            return Ok(None);
        }
        let parts = Parts::make(&files.config, files.registry, &self.around, Some(before));
        parts.map(Some).map_err(|error| Outcome::causes(&error))
    }
}

/// Waits until every worker uses what it was given.
async fn heard(mut done: Done) {
    if timeout(SWAP_PATIENCE, done.recv()).await.is_err() {
        tracing::warn!("a worker has not heard of the reload yet");
    }
}

/// Hears of everything that concerns the program as a whole; it stops when this is dropped.
#[derive(Debug)]
#[must_use = "nobody hears any more when this is dropped"]
pub(super) struct Supervisor {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts to hear, on a thread of its own: SIGHUP and `asks` if there is anything to reload, the end in any case.
    pub(super) fn start(
        reloader: Option<Reloader>,
        asks: mpsc::Receiver<Ask>,
        workers: Arc<Workers>,
        drain: Drain,
    ) -> io::Result<Supervisor> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let hangups = {
            let _inside = runtime.enter();
            reloader.is_some().then(|| signal(SignalKind::hangup())).transpose()?
        };
        let (stop, stopped) = oneshot::channel();
        let supervise = move || {
            let desk = Desk {
                reloader: reloader.map(Arc::new),
                hangups,
                asks: Some(asks),
                running: None,
                workers,
                roll: None,
            };
            runtime.block_on(desk.sit(&drain, stopped));
            // Nobody waits for a reload that has lost its meaning.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("supervisor".into()).spawn(supervise)?;
        Ok(Supervisor { stop: Some(stop), thread: Some(thread) })
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

struct Desk {
    reloader: Option<Arc<Reloader>>,
    hangups: Option<Signal>,
    /// None once we are leaving.
    asks: Option<mpsc::Receiver<Ask>>,
    running: Option<(task::JoinHandle<Outcome>, Asker)>,
    workers: Arc<Workers>,
    /// The workers that have been asked whether they are there.
    roll: Option<Done>,
}

impl Desk {
    async fn sit(mut self, drain: &Drain, mut stopped: oneshot::Receiver<()>) {
        let mut rounds = service::watchdog().map(every);
        loop {
            let is_free = self.asks.is_some() && self.running.is_none();
            tokio::select! {
                biased;
                _ = &mut stopped => return,
                () = drain.left(), if self.asks.is_some() => {
                    self.asks = None;
                    service::stopping();
                }
                outcome = ended(&mut self.running) => self.answer(outcome),
                () = hung_up(&mut self.hangups), if is_free => self.reload(None),
                Some(ask) = asked(&mut self.asks), if is_free => self.reload(Some(ask)),
                () = answered(&mut self.roll) => service::alive(),
                () = turn(&mut rounds), if self.roll.is_none() => self.roll = Some(self.workers.call_the_roll()),
            }
        }
    }

    fn reload(&mut self, asker: Asker) {
        let Some(reloader) = self.reloader.clone() else { return };
        service::reloading();
        let runtime = Handle::current();
        self.running = Some((spawn_blocking(move || reloader.reload(&runtime)), asker));
    }

    fn answer(&self, (outcome, asker): (Result<Outcome, task::JoinError>, Asker)) {
        let outcome = outcome.unwrap_or_else(|_panicked| Outcome {
            result: LoadResult::Failed,
            digest: self.reloader.as_ref().map(|one| one.digest()).unwrap_or_default(),
            found: Vec::new(),
            sources: Sources::default(),
            cause: Some("reading the files broke down".to_owned()),
        });
        if let Some(reloader) = &self.reloader {
            reloader.around.metrics.loads().reloaded(outcome.result);
        }
        log(&outcome, asker.as_ref());
        if self.asks.is_some() {
            let (digest, result) = (&outcome.digest, outcome.result.name());
            service::ready(&format!("serving files of digest {digest}; the last reload was {result}"));
        }
        // Whoever asked may have gone away.
        asker.map(|ask| ask.answer.send(outcome).ok());
    }
}

impl Reloader {
    fn digest(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).digest.clone()
    }
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
async fn asked(asks: &mut Option<mpsc::Receiver<Ask>>) -> Option<Ask> {
    asks.as_mut()?.recv().await
}

async fn answered(roll: &mut Option<Done>) {
    match roll {
        Some(workers) => drop(workers.recv().await),
        None => std::future::pending().await,
    }
    *roll = None;
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
            "reload taken"
        ),
        LoadResult::Refused | LoadResult::Failed => tracing::error!(
            { field::REQUEST_ID } = request,
            { field::CLIENT_ADDRESS } = peer,
            { field::CONFIG_DIGEST } = digest,
            by,
            found,
            cause = outcome.cause,
            "reload refused, what was in use stays in use"
        ),
    }
}

fn place(source: SourceId, start: u32, sources: &Sources) -> String {
    let (line, column) = sources.line_column(source, start);
    format!("{}:{line}:{column}", sources.path(source))
}

//! Reads the files anew while the program serves: until everything is proved as at a start, nothing of it is in use.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

mod digest;
#[cfg(test)]
mod tests;

pub use self::digest::digest;

use super::{
    certificates,
    modes::{Change, Keeper, Keeping, Said},
    named,
    parts::{Parts, Surroundings},
    workers::{Done, Workers},
};
use crate::{
    admin::{
        modes::{Told, What},
        reload::Outcome,
    },
    causes::with_causes,
    config::Config,
    diag::{Diagnostic, Diagnostics, Severity, SourceId, Sources, code},
    dialect::Registry,
    server::{Certificates, Renewal},
    telemetry::{LoadMetrics, LoadResult},
};

/// How often somebody looks whether what was in use is used any more.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How to read all files. None if not even the settings are sound.
pub type Reread =
    Box<dyn Fn(&mut Sources, &mut Diagnostics) -> Result<Option<Files>, Unreadable> + Send + Sync>;

/// What the files say.
pub struct Files {
    /// The settings.
    pub config: Config,
    /// The text of the settings, if they are not the default ones.
    pub source: Option<SourceId>,
    /// The dialects; none if what was found is in the way.
    pub registry: Option<Registry>,
}

/// Why files cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Makes reloads, one after the other.
pub(super) struct Reloader {
    reread: Reread,
    started: Config,
    around: Surroundings,
    workers: Arc<Workers>,
    current: Mutex<Current>,
    /// Of the files in use, in short. Apart from them, as whoever asks may wait for nobody.
    digest: Mutex<String>,
    certificates: Certificates,
    /// Keeps what is said of modes, if there is a file for it.
    keeper: Option<Arc<Keeper>>,
}

#[derive(Clone)]
struct Current {
    parts: Parts,
    /// What the files say.
    files: Config,
    /// What was said besides.
    said: Said,
}

/// What there is to wait for, and to clear away, when a reload was taken.
pub(super) struct Taken {
    /// Says when every worker uses the new parts.
    pub(super) done: Done,
    /// What was in use before. It is large, and requests that began with it still need it.
    pub(super) before: Parts,
    /// Says whether what is left of modes that were said is kept; none if there was nothing to write.
    pub(super) keeping: Option<Keeping>,
}

/// A mode that was changed, in use as soon as all workers have heard of it.
pub(super) struct Changed {
    /// The dialect.
    pub(super) dialect: String,
    /// Says when every worker does as was said.
    pub(super) done: Done,
    /// Says whether it is kept; none where there is no file for it.
    pub(super) keeping: Option<Keeping>,
}

impl Taken {
    /// Waits until nobody uses what was there before, as long as requests may take, and drops it where that keeps no request
    /// waiting.
    pub(super) async fn clear_away(before: Parts, longest: Duration) {
        let latest = Instant::now() + longest;
        while Arc::strong_count(&before.shared) > 1 && Instant::now() < latest {
            sleep(BETWEEN_LOOKS).await;
        }
        // Whether it panicked while it was dropped changes nothing any more.
        spawn_blocking(move || drop(before)).await.ok();
    }
}

/// Whether what is read will be used, or is given up: whoever asks first decides it.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision(Arc<AtomicBool>);

impl Decision {
    /// Whether it is the caller who decides, which can be one alone.
    pub(super) fn claim(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// What came of reading the files, before anything of it is in use.
struct Made {
    parts: Parts,
    renewal: Renewal,
    /// Of what upstreams are shown.
    expiry: Option<SystemTime>,
    files: Config,
    said: Said,
}

impl Made {
    /// The same, with what was said of modes while it was made.
    fn heeding(mut self, said: &Said) -> Result<Made, String> {
        let said = said.after(&self.files, self.parts.shared.registry())?;
        self.parts.set_modes(&said.over(&self.files));
        Ok(Made { said, ..self })
    }
}

impl Reloader {
    /// The longest that a request may go on with what was in use when it came.
    pub(super) fn longest_request(&self) -> Duration {
        self.started.server.request_deadline
    }

    /// One that puts what it reads in the place of `parts`.
    pub(super) fn new(
        reread: Reread,
        started: Config,
        around: Surroundings,
        workers: Arc<Workers>,
        certificates: Certificates,
        (parts, digest, said): (Parts, String, Said),
        keeper: Option<Arc<Keeper>>,
    ) -> Reloader {
        let files = started.clone();
        let current = Mutex::new(Current { parts, files, said });
        let digest = Mutex::new(digest);
        Reloader { reread, started, around, workers, current, digest, certificates, keeper }
    }

    /// What is in use, in short.
    pub(super) fn digest(&self) -> String {
        self.digest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where loads are counted.
    pub(super) fn metrics(&self) -> LoadMetrics {
        self.around.metrics.loads()
    }

    /// Nothing came of a reload, for that reason.
    pub(super) fn failed(&self, cause: String) -> Outcome {
        Outcome {
            result: LoadResult::Failed,
            digest: self.digest(),
            found: Vec::new(),
            sources: Sources::default(),
            cause: Some(cause),
            ended: Vec::new(),
        }
    }

    /// Reads everything, and has the workers use it if it is good and nobody has given it up: then what is returned besides says
    /// when they do. Blocks the calling thread for as long as it takes.
    pub(super) fn reload(&self, decision: &Decision) -> (Outcome, Option<Taken>) {
        // While files are read nobody waits: a step back must not.
        let before = self.current().clone();
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let made = self.make(&before, &mut sources, &mut found);
        if !decision.claim() {
            return (self.failed("given up".to_owned()), None);
        }
        let mut current = self.current();
        let made = made.and_then(|made| made.map(|made| made.heeding(&current.said)).transpose());
        let mut ended = Vec::new();
        let (result, taken, cause) = match made {
            Ok(Some(Made { parts, renewal, expiry, files, said })) => {
                renewal.take();
                self.metrics().expire(self.certificates.expiry(), expiry);
                ended = current.said.ended(&said, &files);
                let upstream = parts.other_upstream(&current.parts);
                let done = self.workers.serve(&parts, upstream);
                let is_other = said != current.said;
                let before = std::mem::replace(&mut *current, Current { parts, files, said });
                let digest = digest(&sources);
                self.metrics().loaded(&digest, SystemTime::now());
                *self.digest.lock().unwrap_or_else(PoisonError::into_inner) = digest;
                // What the files have put an end to must not come back with the next start; and what could not be kept may by now.
                let keeper = self.keeper.as_ref().filter(|keeper| is_other || keeper.has_failed());
                let keeping = keeper.map(|keeper| keeper.keep(current.said.clone()));
                (LoadResult::Taken, Some(Taken { done, before: before.parts, keeping }), None)
            }
            Ok(None) => (LoadResult::Refused, None, None),
            Err(cause) => (LoadResult::Refused, None, Some(cause)),
        };
        drop(current);
        let mut found = found.into_vec();
        found.retain(|one| one.severity != Severity::Note);
        let outcome = Outcome { result, digest: self.digest(), found, sources, cause, ended };
        (outcome, taken)
    }

    /// A panic while the lock was held cannot have left anything half taken, so poison is ignored.
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(
        &self,
        before: &Current,
        sources: &mut Sources,
        found: &mut Diagnostics,
    ) -> Result<Option<Made>, String> {
        let Some(files) = (self.reread)(sources, found).map_err(|Unreadable(cause)| cause)? else {
            return Ok(None);
        };
        let text = files.source.map(|source| (source, sources.text(source)));
        let fixed = files.config.fixed_changes(&self.started, text);
        let is_fixed = fixed.is_empty();
        found.extend(fixed);
        let Some(registry) = files.registry.filter(|_| is_fixed) else { return Ok(None) };
        let renewal = self.certificates.read(&files.config.server.listeners);
        let renewal = renewal.map_err(|error| with_causes(&error))?;
        for (doubt, help) in certificates::doubts(renewal.doubts(), &files.config) {
            found.push(Diagnostic::warning(code::C0302, doubt.text).help(help));
        }
        let said = before.said.after(&files.config, &registry)?;
        found.extend(said.doubts(&files.config, &registry));
        let parts = Parts::make(&said.over(&files.config), registry, &self.around, Some(&before.parts));
        match parts {
            Ok(parts) => {
                // Here, where nobody waits for files.
                let expiry = certificates::expiry(&files.config);
                Ok(Some(Made { parts, renewal, expiry, files: files.config, said }))
            }
            Err(error) => match named::failed(&error, &files.config) {
                Some(told) => {
                    found.push(told);
                    sources.mask_what_hides(found);
                    Ok(None)
                }
                None => Err(with_causes(&error)),
            },
        }
    }

    /// Shows who answers which requests, or has the workers do as is said: then there is something to wait for besides. No
    /// disk is waited for: whoever steps back must not be held up by one.
    pub(super) fn modes(&self, what: What) -> (Told, Option<Changed>) {
        let mut current = self.current();
        match current.said.ask(what, (&current.files, &current.parts), self.keeper.as_deref()) {
            Err(told) => (told, None),
            Ok(Change { said, dialect, told }) => {
                let config = said.over(&current.files);
                current.parts.set_modes(&config);
                let done = self.workers.serve(&current.parts, None);
                // In the order in which they were said: under the lock, which is not held while it is written.
                let keeping = self.keeper.as_ref().map(|keeper| keeper.keep(said.clone()));
                current.said = said;
                (told, Some(Changed { dialect, done, keeping }))
            }
        }
    }
}

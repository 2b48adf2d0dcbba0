//! The thread that writes down what workers counted: every few seconds, when somebody asks, and at the end.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;

use super::Config;
use super::book::Book;
use super::snapshot::Snapshot;
use super::store::{Store, StoreError};

/// Who wants to know.
type Ask = oneshot::Sender<Result<Snapshot, StoreError>>;

/// The thread; what was counted last is written when this is dropped.
#[derive(Debug)]
#[must_use = "nothing is written any more when this is dropped"]
pub struct Keeper {
    book: Arc<Book>,
    asks: Sender<Option<Ask>>,
    thread: Option<JoinHandle<()>>,
}

/// Asks what was counted.
#[derive(Clone, Debug)]
pub struct Asker(Sender<Option<Ask>>);

impl Keeper {
    /// Opens the file, and starts to write it.
    pub fn start(path: &Path, config: Config) -> Result<Keeper, KeepError> {
        let write_every = config.write_every;
        let (store, book) = Store::open(path, config, SystemTime::now())?;
        let book = Arc::new(book);
        let (asks, asked) = channel();
        let keeping = Keeping { store, book: Arc::clone(&book), has_failed: false };
        let run = move || keeping.run(&asked, write_every);
        let thread = thread::Builder::new().name("usage".into()).spawn(run)?;
        Ok(Keeper { book, asks, thread: Some(thread) })
    }

    /// Where workers count.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Somebody who may ask.
    pub fn asker(&self) -> Asker {
        Asker(self.asks.clone())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Others may still be able to ask; they are not waited for.
        self.asks.send(None).ok();
        if let Some(Err(_panicked)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("whoever writes down usage had failed");
        }
    }
}

impl Asker {
    /// What was counted until now, all of which is on the disk when it is told.
    pub async fn ask(&self) -> Option<Result<Snapshot, StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Some(answer)).ok()?;
        answered.await.ok()
    }
}

/// Why nothing can be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no thread to be had.
    #[error("cannot start to write down usage")]
    Thread(#[from] io::Error),
}

struct Keeping {
    store: Store,
    book: Arc<Book>,
    has_failed: bool,
}

impl Keeping {
    fn run(mut self, asked: &Receiver<Option<Ask>>, write_every: Duration) {
        loop {
            match asked.recv_timeout(write_every) {
                Ok(Some(ask)) => {
                    let told = self.write().and_then(|()| self.store.read());
                    let names = self.book.names();
                    // Whoever asked may have gone away.
                    drop(ask.send(told.map(|told| Snapshot { names, ..told })));
                }
                Err(RecvTimeoutError::Timeout) => self.write_and_tell(),
                Ok(None) | Err(RecvTimeoutError::Disconnected) => return self.write_and_tell(),
            }
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.store.write(&self.book, SystemTime::now())
    }

    /// A disk that stays full is told once.
    fn write_and_tell(&mut self) {
        let written = self.write();
        if let (Err(error), false) = (&written, self.has_failed) {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(%error, cause, "usage is not written down");
        }
        self.has_failed = written.is_err();
    }
}

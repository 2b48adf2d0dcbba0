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

/// What the thread is told.
#[derive(Debug)]
enum Message {
    /// The start is certain: the file is ours.
    Settle,
    /// Somebody wants to know.
    Tell(Ask),
    /// It is over.
    End,
}

/// A file that can be used, and that whoever had it before still writes.
#[derive(Debug)]
pub struct Opened {
    store: Store,
    config: Config,
}

impl Opened {
    /// Opens the file, or makes it.
    pub fn open(path: &Path, config: Config) -> Result<Opened, StoreError> {
        Ok(Opened { store: Store::look(path, SystemTime::now())?, config })
    }

    /// Takes the file over. Nothing is written before [`Keeper::settle`]; until then it is handed back when this is dropped.
    pub fn take_over(self) -> Result<Keeper, KeepError> {
        let Opened { mut store, config } = self;
        let write_every = config.write_every;
        let ((messages, heard), (give, given)) = (channel(), channel());
        // It waits for what it writes: were there no thread to be had, the file would be taken for nothing.
        let run = move || given.recv().map(|keeping: Keeping| keeping.run(&heard, write_every)).unwrap_or(());
        let thread = thread::Builder::new().name("usage".into()).spawn(run)?;
        let book = Arc::new(store.take_over(config)?);
        give.send(Keeping { store, book: Arc::clone(&book), has_failed: false }).ok();
        Ok(Keeper { book, messages, thread: Some(thread) })
    }
}

/// The thread; what was counted last is written when this is dropped.
#[derive(Debug)]
#[must_use = "nothing is written any more when this is dropped"]
pub struct Keeper {
    book: Arc<Book>,
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

/// Asks what was counted.
#[derive(Clone, Debug)]
pub struct Asker(Sender<Message>);

impl Keeper {
    /// Says that the start is certain: from now on what is counted is written.
    pub fn settle(&self) {
        // A thread that is gone has said why.
        self.messages.send(Message::Settle).ok();
    }

    /// Where workers count.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Somebody who may ask.
    pub fn asker(&self) -> Asker {
        Asker(self.messages.clone())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Others may still be able to ask; they are not waited for.
        self.messages.send(Message::End).ok();
        if let Some(Err(_panicked)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("whoever writes down usage had failed");
        }
    }
}

impl Asker {
    /// What was counted until now, all of which is on the disk when it is told.
    pub async fn ask(&self) -> Option<Result<Snapshot, StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Message::Tell(answer)).ok()?;
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
    fn run(mut self, heard: &Receiver<Message>, write_every: Duration) {
        // Whoever asks so early is not answered: nothing may be written yet.
        while let Ok(message) = heard.recv() {
            match message {
                Message::Settle => return self.write_on(heard, write_every),
                Message::Tell(_) => {}
                Message::End => break,
            }
        }
        if let Err(error) = self.store.hand_back() {
            tracing::warn!(%error, "the file of usage could not be handed back");
        }
    }

    fn write_on(mut self, heard: &Receiver<Message>, write_every: Duration) {
        loop {
            match heard.recv_timeout(write_every) {
                Ok(Message::Tell(ask)) => {
                    let told = self.write().and_then(|()| self.store.read());
                    let names = self.book.names();
                    // Whoever asked may have gone away.
                    drop(ask.send(told.map(|told| Snapshot { names, ..told })));
                }
                Ok(Message::Settle) => {}
                Err(RecvTimeoutError::Timeout) => self.write_and_tell(),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return self.write_and_tell(),
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

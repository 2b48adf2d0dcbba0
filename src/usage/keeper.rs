//! The thread that writes down what workers counted: every few seconds, when somebody asks, and at the end.

use std::collections::BTreeMap;
use std::io;
use std::mem::{self, Discriminant};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::spawn_blocking;

use super::Config;
use super::book::Book;
use super::clerk::Clerk;
use super::page::{self, Page};
use super::store::{Store, StoreError};
use crate::limit::Principal;

/// How many may be told what was counted at the same time; others wait for their turn.
const PAGES_MAX: usize = 2;

/// How many may wait for that. More would hold, for nothing, what others on the same listener are to be answered with.
const ROW_MAX: usize = 4;

/// Who wants all of it to be on the disk, and to know whom operators call how.
type Ask = oneshot::Sender<Result<BTreeMap<Principal, String>, StoreError>>;

/// What the thread is told.
#[derive(Debug)]
enum Message {
    /// The start is certain: the file is to be ours.
    Settle,
    /// Somebody wants to know what was counted.
    Write(Ask),
    /// It is over.
    End,
}

/// A file that can be used, and that whoever had it before still writes.
#[derive(Debug)]
pub struct Opened {
    store: Store,
    config: Config,
    strayed: Counter,
}

impl Opened {
    /// Opens the file, or makes it.
    pub fn open(path: &Path, config: Config) -> Result<Opened, StoreError> {
        Ok(Opened { store: Store::look(path, SystemTime::now())?, config, strayed: Counter::default() })
    }

    /// The same, where it is counted there how many requests came in after another process had taken the file over.
    #[must_use]
    pub fn straying(mut self, strayed: Counter) -> Opened {
        self.strayed = strayed;
        self
    }

    /// Takes the file over. Nothing is written before [`Keeper::settle`]; until then it is handed back when this is dropped,
    /// or its process ends.
    pub fn take_over(self) -> Result<Keeper, KeepError> {
        let Opened { mut store, config, strayed } = self;
        let write_every = config.write_every;
        let ((messages, heard), (give, given)) = (channel(), channel());
        // It waits for what it writes: were there no thread to be had, the file would be taken for nothing.
        let run = move || given.recv().map_or((), |keeping: Keeping| keeping.run(&heard, write_every));
        let thread = thread::Builder::new().name("usage".into()).spawn(run)?;
        let book = Arc::new(store.take_over(config)?);
        let path = store.path().into();
        give.send(Keeping { store, book: Arc::clone(&book), strayed, failed: None }).ok();
        let [turns, row] = [PAGES_MAX, ROW_MAX].map(|places| Arc::new(Semaphore::new(places)));
        let asker = Asker { messages, path, turns, row };
        let mut keeper = Keeper { asker, thread: Some(thread), clerk: None, book };
        keeper.clerk = Some(Clerk::start(&keeper.book)?);
        Ok(keeper)
    }
}

/// The thread; what was counted last is written when this is dropped.
#[derive(Debug)]
#[must_use = "nothing is written any more when this is dropped"]
pub struct Keeper {
    book: Arc<Book>,
    asker: Asker,
    thread: Option<JoinHandle<()>>,
    clerk: Option<Clerk>,
}

/// Asks what was counted.
#[derive(Clone, Debug)]
pub struct Asker {
    messages: Sender<Message>,
    path: Arc<Path>,
    turns: Arc<Semaphore>,
    row: Arc<Semaphore>,
}

impl Keeper {
    /// Says that the start is certain: from now on what is counted is written.
    pub fn settle(&self) {
        // A thread that is gone has said why.
        self.asker.messages.send(Message::Settle).ok();
    }

    /// Where workers count.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// Somebody who may ask.
    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // What it still has in hand is to be in the tables before they are written for the last time.
        drop(self.clerk.take());
        // Others may still be able to ask; they are not waited for.
        self.asker.messages.send(Message::End).ok();
        if let Some(Err(_panicked)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("whoever writes down usage had failed");
        }
    }
}

impl Asker {
    /// A place in the row of those who wait to be [told](Asker::ask), if there is one.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.row).try_acquire_owned().ok()
    }

    /// What was counted until now, all of which is on the disk when it is told. It is read beside everything else, as fast as
    /// somebody takes it; none if nobody counts at the moment.
    pub async fn ask(&self) -> Option<Result<Page, StoreError>> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        let (answer, answered) = oneshot::channel();
        self.messages.send(Message::Write(answer)).ok()?;
        let names = match answered.await.ok()? {
            Ok(names) => names,
            Err(error) => return Some(Err(error)),
        };
        let (begin, page) = oneshot::channel();
        let (path, runtime) = (Arc::clone(&self.path), Handle::current());
        spawn_blocking(move || {
            page::tell(&path, &names, begin, &runtime);
            drop(turn);
        });
        page.await.ok()
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
    strayed: Counter,
    /// What went wrong when it was written last, if anything did.
    failed: Option<Discriminant<StoreError>>,
}

impl Keeping {
    fn run(mut self, heard: &Receiver<Message>, write_every: Duration) {
        // Whoever asks so early is not answered: nothing may be written yet.
        while let Ok(message) = heard.recv() {
            match message {
                Message::Settle => return self.write_on(heard, write_every),
                Message::Write(_) => {}
                Message::End => break,
            }
        }
        if let Err(error) = self.store.hand_back() {
            tracing::warn!(%error, "the file of usage could not be handed back");
        }
    }

    fn write_on(mut self, heard: &Receiver<Message>, write_every: Duration) {
        // By that the file is ours: another that starts need not wait for us.
        self.write_and_tell();
        loop {
            match heard.recv_timeout(write_every) {
                Ok(Message::Write(ask)) => {
                    let written = self.write();
                    // Whoever asked may have gone away.
                    drop(ask.send(written.map(|()| self.book.names())));
                }
                Ok(Message::Settle) => {}
                Err(RecvTimeoutError::Timeout) => self.write_and_tell(),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return self.write_and_tell(),
            }
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let before = self.store.strayed();
        let written = self.store.write(&self.book, SystemTime::now());
        self.strayed.inc_by(self.store.strayed() - before);
        written
    }

    /// A disk that stays full is told once; that somebody who was about to have the file now has it is something else.
    fn write_and_tell(&mut self) {
        let written = self.write();
        let why = written.as_ref().err().map(mem::discriminant);
        if let Err(error) = &written
            && self.failed != why
        {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(%error, cause, "usage is not written down");
        }
        self.failed = why;
    }
}

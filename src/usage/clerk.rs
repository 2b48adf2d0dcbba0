//! The thread that takes full sheets into the tables, so that no worker does it while clients wait. It never waits for a disk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use super::book::Book;
use super::desk::Desk;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Clerk {
    desks: Sender<Option<Arc<Desk>>>,
    thread: Option<JoinHandle<()>>,
}

impl Clerk {
    /// Starts to take in what is handed in for that book.
    pub(super) fn start(book: &Arc<Book>) -> io::Result<Clerk> {
        // There are seldom more messages than desks: each has but one sheet to hand in, though somebody else may have taken it
        // before its message is read. Such a message does nothing.
        let (desks, heard) = channel::<Option<Arc<Desk>>>();
        let taking = Arc::clone(book);
        let run = move || {
            while let Ok(Some(desk)) = heard.recv() {
                taking.take_full(&desk);
            }
        };
        let thread = thread::Builder::new().name("usage-sheets".into()).spawn(run)?;
        book.employ(desks.clone());
        Ok(Clerk { desks, thread: Some(thread) })
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.desks.send(None).ok();
        if let Some(Err(_panicked)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("whoever takes in what workers count had failed");
        }
    }
}

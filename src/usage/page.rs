//! What was counted, for the admin page: told piece by piece, as fast as somebody takes it.
//!
//! It is read twice as of one moment, once to know how long it is. Memory for it is that of a few pieces and of one
//! connection to the file, however much was counted. Whoever does not take a piece in time is told nothing more: the file
//! cannot be tidied up as long as somebody reads what was once in it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::store::{Broken, Reading, StoreError};
use crate::limit::Principal;

/// Bytes of a piece, and how many of them may wait.
const PIECE_BYTES: usize = 64 * 1024;
const PIECES_MAX: usize = 2;

/// For how long a piece may wait to be taken, and all of them together.
const PIECE_PATIENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(10);

/// What was counted, as JSON.
#[derive(Debug)]
pub struct Page {
    /// How many bytes it has.
    pub length: u64,
    /// Its pieces. If they end before, it is not whole.
    pub pieces: mpsc::Receiver<Bytes>,
}

/// Reads what is written down at that place, and gives it to whoever takes it. Blocks the calling thread until it is taken.
pub(super) fn tell(
    path: &Path,
    names: &BTreeMap<Principal, String>,
    begin: oneshot::Sender<Result<Page, StoreError>>,
    runtime: &Handle,
) {
    let mut reading = match Reading::open(path) {
        Ok(reading) => reading,
        // Here and below, whoever asked may have gone away.
        Err(error) => return drop(begin.send(Err(error))),
    };
    let mut begin = Some(begin);
    let told = reading.at_once(|telling| {
        let mut length = Length(0);
        telling.tell(names, &mut length)?;
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        let page = Page { length: length.0, pieces };
        begin.take().map(|begin| begin.send(Ok(page)).ok());
        let mut out = Pieces { sender, runtime, buffer: Vec::new(), due: Instant::now() + PATIENCE };
        telling.tell(names, &mut out)?;
        out.flush().map_err(Broken::from)
    });
    match (told, begin) {
        (Err(error), Some(begin)) => drop(begin.send(Err(error.of_file(path)))),
        (Err(error), None) => tracing::debug!(%error, "usage was not told to the end"),
        (Ok(()), _) => {}
    }
}

/// Counts what is written.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends what is written.
struct Pieces<'r> {
    sender: mpsc::Sender<Bytes>,
    runtime: &'r Handle,
    buffer: Vec<u8>,
    due: Instant,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(PIECE_BYTES);
        }
        let taken = bytes.len().min(PIECE_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == PIECE_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        let patience = PIECE_PATIENCE.min(self.due.saturating_duration_since(Instant::now()));
        let sent = self.runtime.block_on(async { self.sender.send_timeout(piece, patience).await });
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whatever_is_written_comes_in_pieces_of_one_size_and_a_rest() {
        let (sender, mut pieces) = mpsc::channel(PIECES_MAX);
        let runtime = Handle::current();
        let text: Vec<u8> = (0..200_000_u32).map(|at| at.to_be_bytes()[3]).collect();
        let written = text.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let due = Instant::now() + PATIENCE;
            let mut out = Pieces { sender, runtime: &runtime, buffer: Vec::new(), due };
            for some in written.chunks(777) {
                out.write_all(some).unwrap();
            }
            out.flush().unwrap();
        });
        let (mut sizes, mut told) = (Vec::new(), Vec::new());
        while let Some(piece) = pieces.recv().await {
            sizes.push(piece.len());
            told.extend_from_slice(&piece);
        }
        writing.await.unwrap();
        assert_eq!(
            (told, sizes),
            (text, vec![PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, 200_000 - 3 * PIECE_BYTES])
        );
    }

    #[tokio::test]
    async fn nobody_is_told_anything_who_does_not_listen() {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        drop(pieces);
        let runtime = Handle::current();
        let written = tokio::task::spawn_blocking(move || {
            let due = Instant::now() + PATIENCE;
            let mut out = Pieces { sender, runtime: &runtime, buffer: Vec::new(), due };
            out.write_all(&vec![0; 2 * PIECE_BYTES])
        });
        assert_eq!(written.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

//! The end of a connection, and a gentle one.
//!
//! Gentle, because closing a socket with unread bytes in it resets the connection, and the reset may overtake the answer:
//! a client whose upload was refused would see a broken connection instead of the 413. So after the last word we say
//! that nothing more will come, and listen for a short while without hearing.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long the client may take to notice that we are done.
const LINGER: Duration = Duration::from_secs(1);

/// How far we are with it.
#[derive(Debug)]
pub(super) struct Lingering {
    patience: Pin<Box<Sleep>>,
    /// What the client is still to be told.
    words: Bytes,
    /// Whether we have said that nothing more will come.
    is_said: bool,
}

impl Lingering {
    /// From where it was said that nothing more will come.
    pub(super) fn said() -> Lingering {
        Lingering { patience: Box::pin(sleep(LINGER)), words: Bytes::new(), is_said: true }
    }

    /// With last words. These have no more time than what follows them.
    pub(super) fn with(words: Bytes) -> Lingering {
        Lingering { words, is_said: false, ..Lingering::said() }
    }

    /// Completes when time is up, whatever was said by then.
    pub(super) fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.patience.as_mut().poll(cx)
    }

    /// Says what is to be said, then reads and forgets until the client is done too, or time is up.
    ///
    /// # Errors
    ///
    /// The last words cannot be written: the client is gone.
    pub(super) fn poll<S>(&mut self, mut stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncRead + AsyncWrite,
    {
        let mut ignored = [MaybeUninit::uninit(); 4096];
        loop {
            if self.poll_patience(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            if self.words.has_remaining() {
                match ready!(stream.as_mut().poll_write(cx, &self.words))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    length => self.words.advance(length),
                }
                continue;
            }
            if !self.is_said {
                ready!(stream.as_mut().poll_shutdown(cx))?;
                self.is_said = true;
            }
            let mut ignored = ReadBuf::uninit(&mut ignored);
            match ready!(stream.as_mut().poll_read(cx, &mut ignored)) {
                Ok(()) if !ignored.filled().is_empty() => {}
                // The end, or a reset: the client is gone either way.
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

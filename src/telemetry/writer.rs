//! Log lines on their way out: gathered in memory, written by a thread of their own.
//!
//! A worker must never wait for whoever reads the log, nor pay a system call per line. So a line is copied into a
//! buffer, a thread writes what has gathered every few milliseconds, and when the reader stalls so long that the
//! buffer is full, lines are dropped and counted instead of requests being held up.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// How long lines are gathered before they are written.
const GATHERING: Duration = Duration::from_millis(20);

/// How much may be waiting to be written.
const PENDING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long the end of the process waits for a reader that has stalled.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where log lines are put; clones share one buffer.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Shared>);

/// Writes what is left when it is dropped. Hold it for as long as the process logs.
#[derive(Debug)]
#[must_use = "log lines written after this is dropped are lost"]
pub struct Flush(Lines);

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    /// Lines came in where there were none, or the end is near.
    filled: Condvar,
    /// The thread has written everything and is gone.
    finished: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    lines: Vec<u8>,
    dropped: u64,
    is_closing: bool,
    is_finished: bool,
}

impl Lines {
    /// Starts the thread that writes to `sink`.
    pub(super) fn to(sink: impl Write + Send + 'static) -> io::Result<(Lines, Flush)> {
        let lines = Lines(Arc::default());
        let writer = lines.clone();
        thread::Builder::new().name("log".into()).spawn(move || writer.drain_into(sink))?;
        Ok((lines.clone(), Flush(lines)))
    }

    fn put(&self, line: &[u8]) {
        let mut pending = self.0.pending();
        if pending.lines.len() + line.len() > PENDING_BYTES_MAX {
            pending.dropped += 1;
            return;
        }
        let was_empty = pending.lines.is_empty();
        pending.lines.extend_from_slice(line);
        drop(pending);
        if was_empty {
            self.0.filled.notify_one();
        }
    }

    /// The thread: wait for lines, let some more gather, write them, until the end.
    fn drain_into(&self, mut sink: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut pending = self.0.pending();
            while pending.lines.is_empty() && !pending.is_closing {
                pending = self.0.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
            if !pending.is_closing {
                let gathered = self.0.filled.wait_timeout_while(pending, GATHERING, |now| !now.is_closing);
                pending = gathered.unwrap_or_else(PoisonError::into_inner).0;
            }
            if pending.lines.is_empty() {
                pending.is_finished = true;
                self.0.finished.notify_all();
                return;
            }
            mem::swap(&mut lines, &mut pending.lines);
            let dropped = mem::take(&mut pending.dropped);
            drop(pending);
            if dropped > 0 {
                lines
                    .extend_from_slice(format!("{dropped} log lines dropped: nobody read them\n").as_bytes());
            }
            // There is nobody left to tell that the log cannot be written.
            sink.write_all(&lines).and_then(|()| sink.flush()).ok();
            lines.clear();
        }
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let shared = &self.0.0;
        let mut pending = shared.pending();
        pending.is_closing = true;
        shared.filled.notify_one();
        // Whether everything was written or the reader took too long: this is the end either way.
        drop(shared.finished.wait_timeout_while(pending, FAREWELL, |now| !now.is_finished));
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Lines;

    fn make_writer(&'a self) -> &'a Lines {
        self
    }
}

/// The formatter hands over whole lines, one call each.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A sink whose content can be read while it is being written.
    #[derive(Clone, Default)]
    pub(in crate::telemetry) struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Sink {
        pub(in crate::telemetry) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A sink that says when it was reached and writes only when told to.
    struct Stalled {
        reached: Sender<()>,
        release: Receiver<()>,
        sink: Sink,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.reached.send(()).ok();
            self.release.recv().ok();
            self.sink.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_is_written_in_order_before_the_end() {
        let sink = Sink::default();
        let (lines, flush) = Lines::to(sink.clone()).unwrap();
        let expected: Vec<String> = (0..1000).map(|number| format!("{number}\n")).collect();
        for line in &expected {
            lines.put(line.as_bytes());
        }
        drop(flush);
        assert_eq!(sink.text(), expected.concat());
    }

    #[test]
    fn a_stalled_reader_costs_lines_not_time_or_memory() {
        let (reached, has_reached) = channel();
        let (go_on, release) = channel();
        let sink = Sink::default();
        let (lines, flush) = Lines::to(Stalled { reached, release, sink: sink.clone() }).unwrap();
        lines.put(b"first\n");
        has_reached.recv().unwrap();
        let line = vec![b'x'; 1024 * 1024];
        for _ in 0..10 {
            lines.put(&line);
        }
        assert!(lines.0.pending().lines.len() <= PENDING_BYTES_MAX);
        drop(go_on);
        drop(flush);
        assert!(sink.text().ends_with("6 log lines dropped: nobody read them\n"));
    }
}

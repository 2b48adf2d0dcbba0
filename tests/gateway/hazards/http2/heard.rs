//! What the client hears, while it writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    net::TcpStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::hpack;

/// What was heard.
#[derive(Default)]
pub(super) struct Heard {
    /// What became of each stream.
    pub(super) streams: BTreeMap<u32, String>,
    /// What the answers to them have for bodies.
    pub(super) bodies: BTreeMap<u32, Vec<u8>>,
    /// Those that were reset, also behind an answer.
    pub(super) resets: BTreeSet<u32>,
    pub(super) pongs: usize,
    /// Why the other side leaves, as it said last: the error of its GOAWAY.
    pub(super) goaway: Option<u32>,
    pub(super) closed: bool,
}

impl Heard {
    /// What comes first counts.
    fn ended(&mut self, stream: u32, how: &str) {
        self.streams.entry(stream).or_insert_with(|| how.to_owned());
    }
}

#[derive(Default)]
pub(super) struct Shared {
    pub(super) heard: Mutex<Heard>,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// Reads frames to the end.
pub(super) fn listen(mut stream: TcpStream, shared: &Shared) {
    let mut table = hpack::Table::default();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let id = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        if stream.read_exact(&mut payload).is_err() {
            break;
        }
        match (head[3], head[4]) {
            (0, _) => shared.hear(|heard| heard.bodies.entry(id).or_default().extend(payload)),
            (1, _) => {
                if let Some(status) = table.status(&payload).filter(|status| *status >= 200) {
                    shared.hear(|heard| heard.ended(id, &status.to_string()));
                }
            }
            (3, _) => shared.hear(|heard| {
                heard.ended(id, "rst");
                heard.resets.insert(id);
            }),
            // The error stands behind the last stream.
            (7, _) => shared.hear(|heard| {
                heard.goaway = payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
            }),
            // Our own pings are told from those of a case by what they say.
            (6, 1) if payload == b"alive???" => shared.hear(|heard| heard.pongs += 1),
            _ => {}
        }
    }
    shared.hear(|heard| heard.closed = true);
}

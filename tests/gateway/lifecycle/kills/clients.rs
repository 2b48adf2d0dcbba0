//! Clients that ask about pairs until all is over, and what they were told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use super::super::client::Client;
use super::{BATCH, Killer, PATIENCE, external};

/// Only multiples of it are asked about before they are there, and then never again: what was not found is believed to be
/// missing for a while.
const STRIDE: u64 = 10;

const HEADERS: &str = "authorization: Token pat_DemoDemo1\r\ncontent-type: application/json\r\n";

/// What clients do, for whoever waits for it.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) state: Mutex<Done>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct Done {
    pub(super) answers: u64,
    pub(super) told: BTreeSet<u64>,
    pub(super) wrong: Option<String>,
}

impl Progress {
    pub(super) fn note(&self, change: impl FnOnce(&mut Done)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    pub(super) fn wait_for(&self, answers: u64) {
        let mut state = self.state.lock().unwrap();
        while state.answers < answers && state.wrong.is_none() {
            let (now, waited) = self.changed.wait_timeout(state, PATIENCE).unwrap();
            assert!(!waited.timed_out(), "nothing is answered any more");
            state = now;
        }
    }
}

/// A client that asks until all is over: of what was said to be there, or, each once at most, of what is on its way.
pub(super) fn go_on(
    mut connection: Client,
    mut random: Random,
    is_sure: bool,
    killer: &Killer,
    said: &AtomicU64,
    progress: &Progress,
) -> Result<(), String> {
    while !killer.is_over.load(Ordering::SeqCst) {
        let known = said.load(Ordering::SeqCst);
        let number =
            if is_sure { random.known(known) } else { known + STRIDE * (random.next() % (BATCH / STRIDE)) };
        match ask(&mut connection, number) {
            Asked::Id(id) if id == external(number) => progress.note(|done| {
                done.answers += 1;
                done.told.insert(number);
            }),
            Asked::Id(id) => return Err(format!("{number} was told as {id}")),
            Asked::Unknown if is_sure => return Err(format!("{number} of {known} is not known")),
            Asked::Unknown => progress.note(|done| done.answers += 1),
            Asked::Otherwise(answer) => return Err(answer),
            // It was killed, or is not there for long enough that nobody comes to the count.
            Asked::Nothing => connection.hang_up(),
        }
    }
    Ok(())
}

/// What came of a request.
pub(super) enum Asked {
    /// The id that the answer has.
    Id(String),
    Unknown,
    /// What nobody should be told.
    Otherwise(String),
    /// No answer.
    Nothing,
}

/// Asks about an organization by the external id of that number.
pub(super) fn ask(connection: &mut Client, number: u64) -> Asked {
    let path = format!("/acme/api/orgs/{}/people", external(number));
    match connection.post(&path, HEADERS, "{\"email\":\"ada@example.com\"}") {
        Ok(answer) if answer.status == 200 => {
            let person: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            Asked::Id(person["id"].as_str().unwrap().to_owned())
        }
        Ok(answer) if (400..500).contains(&answer.status) => Asked::Unknown,
        Ok(answer) => Asked::Otherwise(format!("{answer:?}")),
        Err(_) => Asked::Nothing,
    }
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound that is no multiple of the stride.
    fn known(&mut self, bound: u64) -> u64 {
        let number = self.next() % bound;
        if number.is_multiple_of(STRIDE) { number + 1 } else { number }
    }
}

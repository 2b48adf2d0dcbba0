//! Steady load: each client reads as one principal after the other, and changes something now and then.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::cases::{Case, Read};
use super::world::{NEW_NAME, OLD_NAME, authorization, principals};
use crate::lifecycle::client::Client;

const CLIENTS: usize = 3;

/// One request in so many changes something. It divides no number of principals, or some would never read.
const CHANGE_EVERY: usize = 5;

/// One read in so many is of what both sides have alike.
const ALIKE_EVERY: usize = 3;

/// Whoever makes the changes; nothing of theirs is read.
const CHANGES: &str = "pat_DemoOwnerExample0000000000000000";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

/// What became of one request.
#[derive(Debug)]
pub(super) struct Sent {
    /// Whose it was; none for a change.
    pub(super) principal: Option<usize>,
    /// The step of the script that it began and ended in; none if it was under way while the step changed.
    pub(super) step: Option<usize>,
    /// Who answered, where that is told, or what went wrong.
    pub(super) told: Result<Option<Side>, String>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    /// Twice the step; odd while it changes.
    step: AtomicUsize,
    answered: Mutex<usize>,
    progress: Condvar,
}

pub(super) struct Load {
    state: Arc<State>,
    clients: Vec<JoinHandle<Vec<Sent>>>,
}

impl Load {
    pub(super) fn start(address: SocketAddr, case: &'static Case) -> Load {
        let state = Arc::new(State::default());
        let clients = (0..CLIENTS).map(|first| {
            let state = Arc::clone(&state);
            thread::spawn(move || run(address, case, first, &state))
        });
        Load { clients: clients.collect(), state }
    }

    /// Goes on to the next step, which begins when `change` has been made.
    pub(super) fn step(&self, change: impl FnOnce()) {
        self.state.step.fetch_add(1, Ordering::SeqCst);
        change();
        self.state.step.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until so many more requests have been answered, or have failed.
    pub(super) fn wait_for(&self, more: usize) {
        let mut answered = self.state.answered.lock().unwrap();
        let enough = *answered + more;
        while *answered < enough {
            let (now, waited) = self.state.progress.wait_timeout(answered, Duration::from_mins(1)).unwrap();
            assert!(!waited.timed_out(), "nothing is answered any more");
            answered = now;
        }
    }

    pub(super) fn stop(self) -> Vec<Sent> {
        self.state.stop.store(true, Ordering::SeqCst);
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

fn run(address: SocketAddr, case: &Case, first: usize, state: &State) -> Vec<Sent> {
    let mut client = Client::new(address);
    let (principals, mut all) = (principals(), Vec::new());
    for number in first.. {
        if state.stop.load(Ordering::SeqCst) {
            break;
        }
        let before = state.step.load(Ordering::SeqCst);
        let (principal, told) = if number % CHANGE_EVERY == 0 {
            (None, change(&mut client, case, &format!("Example {number} of {first}")).map(|()| None))
        } else {
            let (round, principal) = (number / principals.len(), number % principals.len());
            let is_alike = (round + principal) % ALIKE_EVERY == 0;
            let what = if is_alike { &case.alike } else { &case.named };
            (Some(principal), read(&mut client, case, what, &principals[principal]))
        };
        let is_one = before.is_multiple_of(2) && before == state.step.load(Ordering::SeqCst);
        all.push(Sent { principal, step: is_one.then_some(before / 2), told });
        *state.answered.lock().unwrap() += 1;
        state.progress.notify_all();
    }
    all
}

fn read(client: &mut Client, case: &Case, what: &Read, token: &str) -> Result<Option<Side>, String> {
    let told = ask(client, "GET", &format!("/{}{}", case.dialect, what.path), token, "")?;
    if what.name.is_empty() {
        return Ok(None);
    }
    match told.pointer(what.name).and_then(Value::as_str) {
        Some(OLD_NAME) => Ok(Some(Side::Old)),
        Some(NEW_NAME) => Ok(Some(Side::New)),
        other => Err(format!("a name that nobody gave: {other:?}")),
    }
}

fn change(client: &mut Client, case: &Case, name: &str) -> Result<(), String> {
    let change = &case.change;
    let body = json!({ change.field: name }).to_string();
    let told = ask(client, change.method, &format!("/{}{}", case.dialect, change.path), CHANGES, &body)?;
    if told[change.field] == name { Ok(()) } else { Err(format!("the answer of another: {told}")) }
}

fn ask(client: &mut Client, method: &str, path: &str, token: &str, body: &str) -> Result<Value, String> {
    let answer = client.ask(method, path, &authorization(token), body).map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("{answer:?}"));
    }
    serde_json::from_str(&answer.body).map_err(|error| error.to_string())
}

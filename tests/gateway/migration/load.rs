//! Steady load: each client reads an organization as one principal after the other, and changes another one now and then.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::world::{NEW_NAME, NORTHWIND, OLD_NAME, TOKENS, authorization};
use crate::lifecycle::client::Client;

const CLIENTS: usize = 3;

/// One request in so many changes something. It divides no number of tokens, or some would never be read with.
const CHANGE_EVERY: usize = 5;

/// Another organization, whose name is nobody's concern.
const EXAMPLE: &str = "/gitbook/v1/orgs/e8e912b6-ba9b-4c3a-bb4f-d04bdc370843";
const ITS_OWNER: &str = "gb_api_DemoOwnerExample000000000000000000000000";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

/// What became of one request.
#[derive(Debug)]
pub(super) struct Sent {
    /// Whose it was; none for a change.
    pub(super) token: Option<usize>,
    /// The step of the script that it began and ended in; none if it was under way while the step changed.
    pub(super) step: Option<usize>,
    /// Who answered, or what went wrong. A change is answered alike by both.
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
    pub(super) fn start(address: SocketAddr) -> Load {
        let state = Arc::new(State::default());
        let clients = (0..CLIENTS).map(|first| {
            let state = Arc::clone(&state);
            thread::spawn(move || run(address, first, &state))
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

fn run(address: SocketAddr, first: usize, state: &State) -> Vec<Sent> {
    let mut client = Client::new(address);
    let mut all = Vec::new();
    for number in first.. {
        if state.stop.load(Ordering::SeqCst) {
            break;
        }
        let before = state.step.load(Ordering::SeqCst);
        let (token, told) = if number % CHANGE_EVERY == 0 {
            (None, change(&mut client, number).map(|()| None))
        } else {
            let token = number % TOKENS.len();
            (Some(token), read(&mut client, TOKENS[token]).map(Some))
        };
        let is_one = before.is_multiple_of(2) && before == state.step.load(Ordering::SeqCst);
        all.push(Sent { token, step: is_one.then_some(before / 2), told });
        *state.answered.lock().unwrap() += 1;
        state.progress.notify_all();
    }
    all
}

fn read(client: &mut Client, token: &str) -> Result<Side, String> {
    match title(client, "GET", &format!("/gitbook{NORTHWIND}"), token, "")?.as_str() {
        OLD_NAME => Ok(Side::Old),
        NEW_NAME => Ok(Side::New),
        other => Err(format!("a name that nobody gave: {other}")),
    }
}

fn change(client: &mut Client, number: usize) -> Result<(), String> {
    let name = format!("Example {number}");
    let told = title(client, "PATCH", EXAMPLE, ITS_OWNER, &json!({ "title": name }).to_string())?;
    if told == name { Ok(()) } else { Err(format!("the answer of another: {told}")) }
}

fn title(client: &mut Client, method: &str, path: &str, token: &str, body: &str) -> Result<String, String> {
    let answer = client.ask(method, path, &authorization(token), body).map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("{answer:?}"));
    }
    let told: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    Ok(told["title"].as_str().unwrap_or_default().to_owned())
}

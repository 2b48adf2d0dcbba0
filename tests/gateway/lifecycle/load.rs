//! Steady load: as many requests as can be answered, each for a member of its own.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::{Answer, Client};
use super::http2::Http2;

pub(super) const PATH: &str = "/acme/api/orgs/20000000-0000-4000-8000-000000000001/people";
pub(super) const HEADERS: &str = "authorization: Token pat_DemoDemo1\r\ncontent-type: application/json\r\n";

/// How a client connects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// On a connection of HTTP/1 that it keeps.
    Kept,
    /// On one for each request.
    Anew,
    /// On one of HTTP/2.
    Http2,
}

const CLIENTS: [How; 6] = [How::Kept, How::Kept, How::Kept, How::Anew, How::Anew, How::Http2];

/// How many requests may be under way at once.
pub(super) const CONCURRENCY: usize = CLIENTS.len();

/// Clients at work, until they are told to stop.
pub(super) struct Load {
    state: Arc<State>,
    clients: Vec<JoinHandle<Vec<Sent>>>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    answered: Mutex<usize>,
    progress: Condvar,
    number: AtomicUsize,
}

/// What became of one request.
#[derive(Debug)]
pub(super) struct Sent {
    email: String,
    /// The role that the answer names, or what went wrong.
    pub(super) told: Result<String, String>,
}

impl Load {
    pub(super) fn start(address: SocketAddr) -> Load {
        let state = Arc::new(State::default());
        let clients = CLIENTS.map(|how| {
            let state = Arc::clone(&state);
            thread::spawn(move || run(address, how, &state))
        });
        Load { state, clients: clients.into() }
    }

    /// Waits until so many more requests have been answered, or have failed.
    pub(super) fn wait_for(&self, more: usize) {
        let mut answered = self.state.answered.lock().unwrap();
        let enough = *answered + more;
        while *answered < enough {
            let patience = Duration::from_mins(1);
            let (now, waited) = self.state.progress.wait_timeout(answered, patience).unwrap();
            assert!(!waited.timed_out(), "nothing is answered any more");
            answered = now;
        }
    }

    pub(super) fn stop(self) -> Vec<Sent> {
        self.state.stop.store(true, Ordering::Relaxed);
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

/// Somebody who repeats nothing that may have been heard.
pub(super) trait Posts {
    fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer>;
}

impl Posts for Client {
    fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        Client::post(self, path, headers, body)
    }
}

impl Posts for Http2 {
    fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        Http2::post(self, path, headers, body)
    }
}

fn run(address: SocketAddr, how: How, state: &State) -> Vec<Sent> {
    let (mut client, mut http2) = (Client::new(address), Http2::new(address));
    let mut all = Vec::new();
    while !state.stop.load(Ordering::Relaxed) {
        let number = state.number.fetch_add(1, Ordering::Relaxed);
        let email = format!("n{number}@example.com");
        all.push(if how == How::Http2 { add(&mut http2, &email) } else { add(&mut client, &email) });
        if how == How::Anew {
            client.hang_up();
        }
        *state.answered.lock().unwrap() += 1;
        state.progress.notify_all();
    }
    all
}

/// Adds a member, once.
pub(super) fn add(client: &mut impl Posts, email: &str) -> Sent {
    let body = format!("{{\"email\":\"{email}\"}}");
    let told = match client.post(PATH, HEADERS, &body) {
        Ok(answer) if answer.status == 200 => {
            let member: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            if member["email"] == email {
                Ok(member["role"].as_str().unwrap().to_owned())
            } else {
                Err(format!("the answer of another: {}", answer.body))
            }
        }
        Ok(answer) => Err(format!("{answer:?}")),
        Err(error) => Err(error.to_string()),
    };
    Sent { email: email.to_owned(), told }
}

impl Sent {
    pub(super) fn role(&self) -> &str {
        self.told.as_deref().unwrap_or_else(|failure| panic!("{}: {failure}", self.email))
    }
}

/// That every request was answered, by one of these words, and that the backend was told of each exactly once.
pub(super) fn assert_once_each(sent: &[Sent], calls: &BTreeMap<String, usize>, words: &[&str]) {
    let failed: Vec<_> = sent.iter().filter(|one| one.told.is_err()).take(10).collect();
    assert!(failed.is_empty(), "of {} requests some failed, such as {failed:#?}", sent.len());
    let odd: Vec<_> = sent.iter().filter(|one| !words.contains(&one.role())).take(10).collect();
    assert!(odd.is_empty(), "answered by two editions at once: {odd:#?}");
    let twice: Vec<_> = calls.iter().filter(|(_, times)| **times != 1).take(10).collect();
    assert!(twice.is_empty(), "not once: {twice:?}");
    let lost: Vec<_> = sent.iter().filter(|one| !calls.contains_key(&one.email)).take(10).collect();
    assert!(lost.is_empty(), "answered and never sent: {lost:?}");
    assert_eq!(calls.len(), sent.len(), "the backend was told of members whom nobody added");
}

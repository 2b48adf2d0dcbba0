//! A backend that says the bytes it is told to say, and keeps those it heard.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The backend. Its threads end with the connections and the test.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    say: Vec<u8>,
    heard: Option<Vec<u8>>,
}

impl Backend {
    pub(super) fn start() -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(BufReader::new(stream.unwrap()), &shared));
            }
        });
        Backend { address, state }
    }

    /// From now on, this is the body of its answers.
    pub(super) fn say(&self, body: &[u8]) {
        self.state.lock().unwrap().say = body.to_vec();
    }

    /// The body of the call that came since this was asked last.
    pub(super) fn heard(&self) -> Option<Vec<u8>> {
        self.state.lock().unwrap().heard.take()
    }
}

fn serve(mut stream: BufReader<TcpStream>, shared: &Mutex<State>) {
    stream.get_ref().set_nodelay(true).unwrap();
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let mut state = shared.lock().unwrap();
        state.heard = Some(body);
        let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length:";
        let head = format!("{head} {}\r\n\r\n", state.say.len());
        let answer = [head.as_bytes(), &state.say].concat();
        drop(state);
        if stream.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

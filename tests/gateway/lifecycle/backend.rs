//! A backend that adds members, and counts how often it was told of each.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// The backend. Its threads end with the connections and the test.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    /// By address of the member.
    calls: Mutex<BTreeMap<String, usize>>,
    connections: AtomicUsize,
}

impl Backend {
    pub(super) fn start() -> Backend {
        Backend::start_slow(Duration::ZERO)
    }

    /// One that takes so long for each call.
    pub(super) fn start_slow(takes: Duration) -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Heard::default());
        let told = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming() {
                told.connections.fetch_add(1, Ordering::Relaxed);
                let told = Arc::clone(&told);
                thread::spawn(move || serve(stream.unwrap(), &told, takes));
            }
        });
        Backend { address, heard }
    }

    /// How often each member was added.
    pub(super) fn calls(&self) -> BTreeMap<String, usize> {
        self.heard.calls.lock().unwrap().clone()
    }

    /// How many connections were opened.
    pub(super) fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::Relaxed)
    }
}

/// Answers the calls of one connection.
fn serve(stream: TcpStream, told: &Heard, takes: Duration) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    while let Some(member) = call(&mut stream) {
        let email = member["email"].as_str().expect("a member has an address").to_owned();
        *told.calls.lock().unwrap().entry(email).or_default() += 1;
        thread::sleep(takes);
        let id = "10000000-0000-4000-8000-000000000101";
        let body =
            json!({"id": id, "email": member["email"], "role": member["role"], "note": null}).to_string();
        let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length:";
        let answer = format!("{head} {}\r\n\r\n{body}", body.len());
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of the next call; none when the connection ends.
fn call(stream: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

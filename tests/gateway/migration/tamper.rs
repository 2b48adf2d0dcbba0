//! An old side that does otherwise than it is told: what stands between the proxy and it changes what changes say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What is done to the body of requests with that method, when this stands in their path.
type Rule = (&'static str, &'static str, fn(&mut Value));

/// What it does, and how many requests it has passed on or answered itself.
#[derive(Clone, Default)]
pub(super) struct Tamper {
    rules: Vec<Rule>,
    /// Requests of that method are answered so, and nothing is done.
    ignored: Option<(&'static str, u16)>,
    held: Option<Arc<Held>>,
    /// Its cursors begin with this, and it knows no others.
    cursors: Option<&'static str>,
    /// What stands in answers, and what they say instead.
    shows: Vec<(&'static str, &'static str)>,
    /// What stands in the first line of a request, and what is asked instead.
    turned: Option<(&'static str, &'static str)>,
    changes: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

/// A change that waits for a read.
struct Held {
    text: &'static str,
    is_due: Event,
    is_done: Event,
}

/// Something that happens once.
#[derive(Default)]
struct Event {
    has_happened: Mutex<bool>,
    told: Condvar,
}

impl Event {
    fn happen(&self) {
        *self.has_happened.lock().unwrap() = true;
        self.told.notify_all();
    }

    fn wait(&self) {
        let has_happened = self.has_happened.lock().unwrap();
        let waiting = |has_happened: &mut bool| !*has_happened;
        let waited = self.told.wait_timeout_while(has_happened, Duration::from_mins(1), waiting).unwrap();
        assert!(*waited.0, "nothing comes any more");
    }
}

impl Tamper {
    /// The first rule that fits is kept to.
    pub(super) fn of(rules: &[Rule]) -> Tamper {
        Tamper { rules: rules.to_vec(), ..Tamper::default() }
    }

    pub(super) fn ignoring(self, method: &'static str, status: u16) -> Tamper {
        Tamper { ignored: Some((method, status)), ..self }
    }

    /// Cursors are the old side's own: they begin with that word, and others are refused.
    pub(super) fn with_cursors(self, word: &'static str) -> Tamper {
        Tamper { cursors: Some(word), ..self }
    }

    /// Its answers say that in the place of this.
    pub(super) fn showing(self, shows: &[(&'static str, &'static str)]) -> Tamper {
        Tamper { shows: shows.to_vec(), ..self }
    }

    /// Whoever asks for the one is answered as if they had asked for the other.
    pub(super) fn turning(self, from: &'static str, to: &'static str) -> Tamper {
        Tamper { turned: Some((from, to)), ..self }
    }

    /// The change whose body has that text is done between the coming of the first read and its answer.
    pub(super) fn holding(self, text: &'static str) -> Tamper {
        let held = Held { text, is_due: Event::default(), is_done: Event::default() };
        Tamper { held: Some(Arc::new(held)), ..self }
    }

    /// How many requests came that change something.
    pub(super) fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Where it listens.
    pub(super) fn in_front_of(&self, old: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                thread::spawn(move || own.pass(&stream.unwrap(), old));
            }
        });
        address
    }

    /// One request and its answer; then the connection is closed.
    fn pass(&self, client: &TcpStream, old: SocketAddr) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            lines.push(line);
        }
        let length = |line: &String| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        };
        let mut body = vec![0; lines.iter().find_map(length).unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let method = lines[0].split(' ').next().unwrap().to_owned();
        let counter = if method == "GET" { &self.reads } else { &self.changes };
        counter.fetch_add(1, Ordering::SeqCst);
        let mut client = client;
        if let Some((_, status)) = self.ignored.filter(|(ignored, _)| *ignored == method) {
            let head = format!("HTTP/1.1 {status} Ignored\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            client.write_all(head.as_bytes()).unwrap();
            return;
        }
        if let Some((from, to)) = self.turned {
            lines[0] = lines[0].replace(from, to);
        }
        if let Some(word) = self.cursors {
            let is_own = lines[0].contains(&format!("page={word}"));
            if lines[0].contains("page=") && !is_own {
                client
                    .write_all(b"HTTP/1.1 400 Bad\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                    .unwrap();
                return;
            }
            lines[0] = lines[0].replace(&format!("page={word}"), "page=");
        }
        let target = lines[0].split(' ').nth(1).unwrap().to_owned();
        if let Some((_, _, rule)) =
            self.rules.iter().find(|(of, part, _)| *of == method && target.contains(part))
        {
            let mut value: Value = serde_json::from_slice(&body).unwrap();
            rule(&mut value);
            body = value.to_string().into_bytes();
        }
        let is_ours = |line: &&String| {
            let name = line.split(':').next().unwrap().to_ascii_lowercase();
            name != "content-length" && name != "connection"
        };
        let kept: String = lines.iter().filter(is_ours).map(String::as_str).collect();
        let held = self.held.as_deref();
        let is_held = held.is_some_and(|held| String::from_utf8_lossy(&body).contains(held.text));
        match held {
            Some(held) if is_held => held.is_due.wait(),
            Some(held) if method == "GET" => {
                held.is_due.happen();
                held.is_done.wait();
            }
            Some(_) | None => {}
        }
        let mut upstream = TcpStream::connect(old).unwrap();
        write!(upstream, "{kept}content-length: {}\r\nconnection: close\r\n\r\n", body.len()).unwrap();
        upstream.write_all(&body).unwrap();
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).unwrap();
        if let Some(held) = held.filter(|_| is_held) {
            held.is_done.happen();
        }
        if let Some(word) = self.cursors {
            answer = with(&answer, &[("\"page\":\"", &format!("\"page\":\"{word}"))]);
        }
        if !self.shows.is_empty() {
            answer = with(&answer, &self.shows);
        }
        client.write_all(&answer).unwrap();
    }
}

/// An answer whose body says the second of each in the place of the first.
fn with(answer: &[u8], instead: &[(&str, &str)]) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let body = instead.iter().fold(body.to_owned(), |body, (from, to)| body.replace(from, to));
    let lines = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

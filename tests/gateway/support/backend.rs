//! A backend that plays a script and writes down every call, its bytes read by hand: what reaches the backend is the
//! thing under test, so no library stands between.

use std::{
    future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::Uri;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a call of the gateway may carry. Whatever else a client sent must not get through.
pub(crate) const FORWARDED: [&str; 8] = [
    "accept",
    "authorization",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "if-match",
    "x-request-id",
];

/// A call the backend heard.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Method and target.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Headers that have no business here.
    pub(crate) fn stray_headers(&self) -> Vec<&str> {
        let names = self.headers.iter().map(|(name, _)| name.as_str());
        names.filter(|name| !FORWARDED.contains(name)).collect()
    }
}

/// What the backend does when it hears a call.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Closes the connection.
    HangUp,
    /// Keeps the connection and never answers.
    Silence,
}

/// One line of the script. Calls may come in any order, since some are made at once; each line is played once.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Method and target.
    pub(crate) call: String,
    pub(crate) body: Option<Value>,
    pub(crate) reply: Reply,
}

#[derive(Default)]
struct State {
    script: Vec<Line>,
    heard: Vec<Call>,
}

/// The backend, listening on a loopback socket until it is dropped.
pub(crate) struct Backend {
    base: Uri,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Backend {
    pub(crate) async fn start(script: Vec<Line>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let base = base_of(&listener);
        let state = Arc::new(Mutex::new(State { script, heard: Vec::new() }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { base, state, accepting }
    }

    pub(crate) fn base(&self) -> Uri {
        self.base.clone()
    }

    /// Every call that came, in the order they came.
    pub(crate) fn heard(&self) -> Vec<Call> {
        lock(&self.state).heard.clone()
    }

    /// The lines nobody called for.
    pub(crate) fn unplayed(&self) -> Vec<Line> {
        lock(&self.state).script.clone()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An address where nobody listens any more.
pub(crate) async fn nobody() -> Uri {
    base_of(&TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free"))
}

fn base_of(listener: &TcpListener) -> Uri {
    let address = listener.local_addr().expect("a bound socket has an address");
    format!("http://{address}").parse().expect("an address makes a URL")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(BufStream::new(stream), Arc::clone(&state)));
    }
}

/// Answers the calls of one connection.
async fn serve(mut stream: BufStream<TcpStream>, state: Arc<Mutex<State>>) {
    while let Some(call) = read_call(&mut stream).await {
        let reply = reply(&state, call);
        let Reply::Answer { status, headers, body } = reply else {
            if matches!(reply, Reply::Silence) {
                future::pending::<()>().await;
            }
            return;
        };
        let length = (status != 204).then(|| ("content-length".to_owned(), body.len().to_string()));
        let fields = headers.iter().chain(&length).map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = format!("HTTP/1.1 {status} Scripted\r\n{}\r\n", fields.collect::<String>());
        let bytes = [head.into_bytes(), body].concat();
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

fn reply(state: &Mutex<State>, call: Call) -> Reply {
    let mut state = lock(state);
    let found = state.script.iter().position(|line| line.call == call.line && line.body == call.body);
    let reply = found.map(|index| state.script.remove(index).reply);
    state.heard.push(call);
    // A status no test expects.
    reply.unwrap_or(Reply::Answer { status: 599, headers: Vec::new(), body: Vec::new() })
}

/// Reads one call; none when the connection ends.
async fn read_call(stream: &mut BufStream<TcpStream>) -> Option<Call> {
    let request = read_line(stream).await?;
    let (line, version) = request.rsplit_once(' ')?;
    assert_eq!(version, "HTTP/1.1");
    let mut headers = Vec::new();
    loop {
        let header = read_line(stream).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut call = Call { line: line.to_owned(), headers, body: None };
    let length =
        call.header("content-length").map_or(0, |length| length.parse().expect("a length is a number"));
    if length > 0 {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        call.body = Some(serde_json::from_slice(&body).expect("calls are JSON"));
    }
    Some(call)
}

async fn read_line(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

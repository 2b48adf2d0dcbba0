//! The whole program, started in this process on a port of its own, and a client that shows every byte it gets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use interlingua::boot::{self, DataFiles, Loaded, ServeError};
use interlingua::config::Config;
use interlingua::diag::Sources;
use interlingua::server::{self, Drain, ListenerConfig, RunOutcome};
use serde_json::Value;

/// A started proxy. Ends when it is dropped.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    drain: Drain,
    serving: Option<JoinHandle<Result<RunOutcome, ServeError>>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Program {
    /// Starts the proxy with these data files, in front of the built-in backend with demonstration data.
    pub(crate) fn start(files: &DataFiles) -> Program {
        Program::start_with(files, |_| {})
    }

    /// The same, with other settings.
    pub(crate) fn start_with(files: &DataFiles, change: impl FnOnce(&mut Config)) -> Program {
        let loaded = boot::load(files, &mut Sources::default()).unwrap();
        Program::start_loaded(loaded, change)
    }

    /// The same, with what was loaded before.
    pub(crate) fn start_loaded(loaded: Loaded, change: impl FnOnce(&mut Config)) -> Program {
        let registry = loaded.registry.expect("the files are good");
        let mut config = Config::default();
        let listeners = vec![ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: None }];
        config.server = server::Config { listeners, workers: Some(1), ..config.server };
        config.admin.address = None;
        config.backend.seed = true;
        change(&mut config);
        let drain = Drain::new();
        let (ready, addresses) = mpsc::channel();
        let begun = drain.clone();
        let serving = thread::spawn(move || {
            boot::serve(config, registry, &begun, |addresses| {
                ready.send(addresses[0]).expect("the test waits");
            })
        });
        let address = addresses.recv().expect("it starts");
        Program { address, drain, serving: Some(serving) }
    }

    /// Sends one request on a connection of its own.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let host = self.address.to_string();
        let length = body.map_or(0, str::len).to_string();
        let mut head = vec![format!("{method} {path} HTTP/1.1"), "connection: close".to_owned()];
        let own = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let ours = [("host", host.as_str())].into_iter().filter(|_| !own);
        let length = [("content-length", length.as_str())].into_iter().filter(|_| body.is_some());
        let all = ours.chain(headers.iter().copied()).chain(length);
        head.extend(all.map(|(name, value)| format!("{name}: {value}")));
        let mut request = head.join("\r\n") + "\r\n";
        request += "\r\n";
        request += body.unwrap_or_default();
        read(&self.exchange(request.as_bytes()))
    }

    /// Writes bytes and reads what comes until the end.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.drain.begin();
        let outcome = self.serving.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(outcome, Some(Ok(Ok(RunOutcome::Drained)))), "{outcome:?}");
        }
    }
}

fn read(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: Vec<_> = lines.filter_map(header).collect();
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    assert!(!chunked, "answers have a length: {head}");
    Answer { status: status.unwrap(), headers, body: body.to_owned() }
}

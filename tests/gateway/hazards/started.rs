//! The built program, started with settings of its own; ended by its own process id.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use tempfile::NamedTempFile;
use toml::{Table, Value};

use super::PATIENCE;

/// A started program.
pub(super) struct Started {
    pub(super) address: SocketAddr,
    /// Where its metrics are, if it has an admin listener.
    pub(super) admin: Option<SocketAddr>,
    child: Child,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
    _config: NamedTempFile,
}

/// What all are started with: one worker, so that cases meet each other's connections, and no breaker, so that they do not
/// pay for each other's failures.
const SETTINGS: &str = "
    [server]
    workers = 1
    [[server.listener]]
    address = '127.0.0.1:0'
    [admin]
    enabled = false
    [upstream]
    base = 'http://127.0.0.9:1'
    [upstream.breaker]
    enabled = false
";

impl Started {
    /// Starts the program in front of `backend`, unless the settings name another.
    pub(super) fn with(settings: &Table, backend: SocketAddr) -> Started {
        let mut all: Table = SETTINGS.parse().unwrap();
        let base = format!("[upstream]\nbase = 'http://{backend}'");
        merge(&mut all, &base.parse().unwrap());
        merge(&mut all, settings);
        let mut config = NamedTempFile::new().unwrap();
        config.write_all(toml::to_string(&all).unwrap().as_bytes()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_interlingua"))
            .arg("serve")
            .arg("--config")
            .arg(config.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (ready, addresses) = mpsc::channel();
        let log = Arc::new(Mutex::new(String::new()));
        let writing = Arc::clone(&log);
        let reading = thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if let Some(address) = address_in(&line) {
                    ready.send((address, admin_in(&line))).ok();
                }
                let mut log = writing.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let found = addresses.recv_timeout(PATIENCE);
        let said = || log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (address, admin) = found.unwrap_or_else(|_| {
            child.kill().ok();
            panic!("the program does not start: {}", said())
        });
        Started { address, admin, child, log, reading: Some(reading), _config: config }
    }

    /// Asks the program to end, and gives all that it has written; `Err` if it had ended by itself, or not well.
    pub(super) fn end(mut self) -> Result<String, String> {
        let ended = self.child.try_wait().unwrap();
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        let status = self.child.wait().unwrap();
        self.reading.take().unwrap().join().unwrap();
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match ended {
            None if asked.success() && status.success() => Ok(log),
            None => Err(format!("asked to end, the program ended with {status}:\n{log}")),
            Some(status) => Err(format!("the program has ended with {status}:\n{log}")),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, behind) = line.split_once("listening server.address=\"http://")?;
    behind.split_once('"')?.0.parse().ok()
}

fn admin_in(line: &str) -> Option<SocketAddr> {
    let (_, behind) = line.split_once("admin.address=")?;
    behind.split(' ').next()?.parse().ok()
}

pub(super) fn merge(into: &mut Table, more: &Table) {
    for (name, value) in more {
        match (into.get_mut(name), value) {
            (Some(Value::Table(into)), Value::Table(more)) => merge(into, more),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

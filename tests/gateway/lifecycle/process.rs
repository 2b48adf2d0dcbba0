//! The program as a service manager runs it: started with sockets or without, heard over `NOTIFY_SOCKET`, told by signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::client::{Answer, Client};
use super::files::Files;

const PROGRAM: &str = env!("CARGO_BIN_EXE_interlingua");

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn without_socket() -> Command {
    let mut program = Command::new(PROGRAM);
    program.stdin(Stdio::null());
    program
}

/// Only a shell can put a socket where it belongs, and knows the id of the process before it is one.
pub(crate) fn with_socket(socket: &TcpListener) -> Command {
    let put = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", put, PROGRAM]).stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
    shell
}

/// A process of the program. It is killed when this is dropped before it has ended.
pub(crate) struct Process {
    child: Child,
    notices: UnixDatagram,
    /// Where the socket of the notices is.
    _folder: TempDir,
    log: Arc<Log>,
    has_ended: bool,
    pub(crate) admin: SocketAddr,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts it with these files, and waits until it says that it serves.
    pub(super) fn start(files: &Files) -> Process {
        Process::start_with(files, None, &[])
    }

    /// The same, with a listening socket or settings of the environment.
    pub(super) fn start_with(
        files: &Files,
        socket: Option<&TcpListener>,
        environment: &[(&str, &str)],
    ) -> Process {
        Process::start_at(&files.config(), socket, environment)
    }

    /// The same, with these settings.
    pub(crate) fn start_at(
        config: &Path,
        socket: Option<&TcpListener>,
        environment: &[(&str, &str)],
    ) -> Process {
        let process = Process::begin_at(config, socket, environment);
        process.wait_for("READY=1");
        process.with_addresses()
    }

    /// The same, and does not wait: where it will listen is not known.
    pub(super) fn begin_at(
        config: &Path,
        socket: Option<&TcpListener>,
        environment: &[(&str, &str)],
    ) -> Process {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let notices = UnixDatagram::bind(&path).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = socket.map_or_else(without_socket, with_socket);
        command.args(["serve", "--config"]).arg(config);
        command.env("NOTIFY_SOCKET", &path).envs(environment.iter().copied());
        command.stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let nowhere = ([0, 0, 0, 0], 0).into();
        Process { child, notices, _folder: folder, log, has_ended: false, admin: nowhere, address: nowhere }
    }

    /// Has it known where it listens, which is logged before it says that it serves.
    pub(super) fn with_addresses(mut self) -> Process {
        self.read_addresses();
        self
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.text.lock().unwrap().clone()
    }

    /// A line of the log with that in it, now or in a moment: a thread of its own writes them.
    pub(crate) fn logged(&self, text: &str) -> String {
        self.log.find(|log| log.lines().find(|line| line.contains(text)).map(str::to_owned))
    }

    fn read_addresses(&mut self) {
        let value = |log: &str, key: &str| {
            let rest = log.split(&format!("\"{key}\":\"")).nth(1)?;
            let text = rest.split_once('"')?.0;
            let text = text.split_once("://").map_or(text, |(_scheme, address)| address);
            text.parse::<SocketAddr>().ok()
        };
        (self.address, self.admin) =
            self.log.find(|log| value(log, "server.address").zip(value(log, "admin.address")));
    }

    /// Reads what it says until it says that; gives everything it said.
    pub(crate) fn wait_for(&self, wanted: &str) -> Vec<String> {
        let mut said = Vec::new();
        let mut bytes = [0; 4096];
        loop {
            let Ok(length) = self.notices.recv(&mut bytes) else {
                panic!("no `{wanted}`, only {said:?}; its log: {}", self.log())
            };
            let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
            let found = text.lines().any(|line| line == wanted);
            said.push(text);
            if found {
                return said;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.has_ended = true;
        self.child.wait().unwrap()
    }

    /// Tells it to end, and waits until it has answered everything.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        self.wait_for("STOPPING=1");
        let log = Arc::clone(&self.log);
        let status = self.wait();
        let log = log.text.lock().unwrap();
        assert!(status.success() && !log.contains("cutting off"), "{status}: {log}");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// By which policy (`sched(7)`) the system runs each of its threads that has that name, on Linux.
    pub(crate) fn policies(&self, name: &str) -> Vec<u32> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.id())).unwrap();
        let policy = |thread: fs::DirEntry| {
            let comm = fs::read_to_string(thread.path().join("comm")).ok()?;
            let stat = fs::read_to_string(thread.path().join("stat")).ok()?;
            // Field 41 of `proc_pid_stat(5)`; the second is the name, and ends with the last parenthesis.
            let policy = stat.rsplit_once(") ")?.1.split(' ').nth(41 - 3)?.parse().ok()?;
            (comm.trim_end() == name).then_some(policy)
        };
        threads.filter_map(|thread| policy(thread.ok()?)).collect()
    }

    /// How much memory it has, as the system tells it.
    pub(crate) fn memory(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap_or("unknown").trim().to_owned()
    }

    /// The most memory that it has while something is done, beyond what it had before, in KiB.
    pub(crate) fn memory_for(&self, work: impl FnOnce()) -> u64 {
        let folder = Path::new("/proc").join(self.child.id().to_string());
        let read = |name: &str| {
            let status = fs::read_to_string(folder.join("status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap().trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        // As proc(5) has it: 5 has the most that there was be what there is.
        fs::write(folder.join("clear_refs"), "5").unwrap();
        let before = read("VmRSS");
        work();
        read("VmHWM").saturating_sub(before)
    }

    /// Asks the admin listener.
    pub(crate) fn page(&self, path: &str) -> Answer {
        Client::new(self.admin).get(path).unwrap()
    }

    /// Asks for a reload.
    pub(crate) fn reload(&self) -> Answer {
        Client::new(self.admin).post("/reload", "", "").unwrap()
    }

    /// The value of a metric, its labels included in the name.
    pub(crate) fn metric(&self, name: &str) -> usize {
        let page = self.page("/metrics").body;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}: {page}")).parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended {
            // It is ours, and it may have ended by itself.
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// What a process has written to standard error.
#[derive(Default)]
struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Log {
    fn of(stream: ChildStderr) -> Arc<Log> {
        let log = Arc::new(Log::default());
        let written = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let mut text = written.text.lock().unwrap();
                text.push_str(&line.unwrap());
                text.push('\n');
                written.grown.notify_all();
            }
        });
        log
    }

    /// What is looked for, as soon as it is there.
    fn find<T>(&self, look: impl Fn(&str) -> Option<T>) -> T {
        let mut text = self.text.lock().unwrap();
        loop {
            if let Some(found) = look(&text) {
                return found;
            }
            let (grown, waited) = self.grown.wait_timeout(text, PATIENCE).unwrap();
            assert!(!waited.timed_out(), "not in the log: {grown}");
            text = grown;
        }
    }
}

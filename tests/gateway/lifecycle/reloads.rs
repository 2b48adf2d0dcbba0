//! Reloads: what is taken, what is refused, what is kept.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::backend::Backend;
use super::client::{Answer, Client};
use super::files::{Edition, FAULTS, Files};
use super::load::{CONCURRENCY, Load, Sent, add, assert_once_each};
use super::process::Process;
use super::rounds;

const WORKERS: usize = 2;

/// How many may wait for a reload of their own.
const WAITING_MAX: usize = 4;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Free ports, events for programs, and as many requests as there is time for.
const SETTINGS: &str = "[server]\nworkers = 2\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n\
    [admin]\naddress = \"127.0.0.1:0\"\n[limit]\nwindows = []\n[telemetry]\nformat = \"json\"\n";

/// How many requests are answered between two reloads.
const BETWEEN: usize = 20;

/// By then, everything that is kept once is there.
const EARLY: usize = 20;

#[test]
fn reloads_under_load_lose_nothing_and_no_request_sees_two_editions() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let process = Process::start(&files);
    let load = Load::start(process.address);
    let mut probe = Probe { client: Client::new(process.address), sent: Vec::new() };

    let mut edition = Edition::First;
    let (mut taken, mut refused, mut early) = (0, 0, String::new());
    for round in 0..rounds(20, 100) {
        load.wait_for(BETWEEN);
        if round % 5 == 4 {
            let fault = refused % FAULTS.len();
            files.write_broken(edition.other(), fault);
            assert_refused(&process, fault);
            assert_announced(&process.wait_for("READY=1"));
            refused += 1;
        } else {
            edition = edition.other();
            files.write(edition);
            if round % 2 == 0 {
                let answer = process.reload();
                assert_eq!(answer.status, 200, "{answer:?}");
            } else {
                process.signal("HUP");
            }
            assert_announced(&process.wait_for("READY=1"));
            taken += 1;
        }
        assert_eq!(probe.role(), edition.word(), "round {round}");
        if round + 1 == EARLY {
            early = process.memory();
        }
    }
    load.wait_for(BETWEEN);

    let mut sent = load.stop();
    sent.append(&mut probe.sent);
    assert_once_each(&sent, &backend.calls(), &[Edition::First.word(), Edition::Second.word()]);
    let connections = backend.connections();
    assert!(connections <= (CONCURRENCY + 1) * WORKERS, "{connections} connections for {taken} reloads");
    let memory = process.memory();
    let result = |name: &str| process.metric(&format!("gateway_reloads_total{{result=\"{name}\"}}"));
    assert_eq!((result("taken"), result("refused")), (taken, refused));
    println!("{} requests, {taken} reloads taken, {refused} refused, {connections} connections", sent.len());
    println!("resident memory: {early} after {EARLY} reloads, {memory} at the end");
    process.stop();
}

/// Somebody who looks after each reload what is served now.
struct Probe {
    client: Client,
    sent: Vec<Sent>,
}

impl Probe {
    fn role(&mut self) -> String {
        let email = format!("probe{}@example.com", self.sent.len());
        self.sent.push(add(&mut self.client, &email));
        self.sent.last().unwrap().role().to_owned()
    }
}

fn assert_refused(process: &Process, fault: usize) {
    let (file, code) = FAULTS[fault];
    let answer = process.reload();
    assert_eq!(answer.status, 422, "{answer:?}");
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["result"], "refused");
    match code {
        Some(code) => {
            let found = told["diagnostics"].as_array().unwrap().iter().find(|one| one["code"] == code);
            let found = found.unwrap_or_else(|| panic!("no {code}: {}", answer.body));
            assert!(found.to_string().contains(file), "{found}");
            let place = format!("\"diagnostic.code\":\"{code}\"");
            assert!(process.logged(&place).contains(file), "{}", process.log());
        }
        None => assert!(told["cause"].as_str().is_some_and(|cause| cause.contains(file)), "{}", answer.body),
    }
}

/// What systemd wants to hear of a reload: when it began, by which clock, and that it is over.
fn assert_announced(said: &[String]) {
    let all = said.concat();
    assert!(all.contains("RELOADING=1\nMONOTONIC_USEC="), "{all}");
}

#[test]
fn what_was_counted_is_kept_and_a_quota_that_changed_begins_anew() {
    let backend = Backend::start();
    let with = |windows: &str| SETTINGS.replace("windows = []", &format!("windows = [{windows}]"));
    let files = Files::new(backend.address, &with("\"2/hour\""));
    let process = Process::start(&files);
    let mut client = Client::new(process.address);
    for email in ["a@example.com", "b@example.com"] {
        assert_eq!(add(&mut client, email).role(), "hand");
    }
    assert!(format!("{:?}", add(&mut client, "c@example.com")).contains("429"));
    files.write(Edition::Second);
    assert_eq!(process.reload().status, 200);
    assert!(format!("{:?}", add(&mut client, "d@example.com")).contains("429"), "its budget is spent");

    std::fs::write(
        files.config(),
        std::fs::read_to_string(files.config()).unwrap().replace("2/hour", "3/hour"),
    )
    .unwrap();
    assert_eq!(process.reload().status, 200);
    assert_eq!(add(&mut client, "e@example.com").role(), "boss");
    process.stop();
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let process = Process::start(&files);
    let misspelt = FAULTS.iter().position(|(_, code)| *code == Some("M0203")).unwrap();
    files.write_broken(Edition::Second, misspelt);
    let text = std::fs::read_to_string(files.config()).unwrap();
    std::fs::write(files.config(), text.replace("workers = 2", "workers = 3")).unwrap();
    let told: Value = serde_json::from_str(&process.reload().body).unwrap();
    let codes: Vec<_> = told["diagnostics"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert!(["M0203", "C0301"].iter().all(|code| codes.contains(&&Value::from(*code))), "{codes:?}");
    process.stop();
}

/// A file that may be a pipe, too. Who reads that is held for as long as nobody writes it.
struct Held {
    path: PathBuf,
    /// Where the file is while a pipe is in its place.
    aside: PathBuf,
}

/// Files that name a key, which a reload reads from a pipe, too.
fn with_key(backend: &Backend) -> (Files, Held) {
    let files = Files::new(backend.address, SETTINGS);
    let key = Held::new(files.path("key"));
    std::fs::write(&key.path, [7; 32]).unwrap();
    let mut settings = File::options().append(true).open(files.config()).unwrap();
    writeln!(settings, "[explain]\nkey = {:?}", key.path.display().to_string()).unwrap();
    (files, key)
}

impl Held {
    fn new(path: PathBuf) -> Held {
        Held { aside: path.with_extension("aside"), path }
    }

    fn becomes_a_pipe(&self) {
        std::fs::rename(&self.path, &self.aside).unwrap();
        assert!(Command::new("mkfifo").arg(&self.path).status().unwrap().success());
    }

    /// Returns once somebody has begun to read the pipe.
    fn is_being_read(&self) -> File {
        File::options().write(true).open(&self.path).unwrap()
    }

    /// The file is there again, and whoever reads the pipe is told what it says.
    fn is_let_go(&self, mut pipe: File) {
        std::fs::rename(&self.aside, &self.path).unwrap();
        pipe.write_all(&std::fs::read(&self.path).unwrap()).unwrap();
    }
}

#[test]
fn who_asks_while_a_reload_is_made_waits_for_one_of_its_own() {
    let backend = Backend::start();
    let (files, key) = with_key(&backend);
    let process = Process::start(&files);
    key.becomes_a_pipe();
    thread::scope(|scope| {
        let first = scope.spawn(|| process.reload().status);
        // This returns once the first reload has begun to read.
        let pipe = key.is_being_read();
        let (told, answers) = mpsc::channel();
        for _ in 0..=WAITING_MAX {
            let (process, told) = (&process, told.clone());
            scope.spawn(move || told.send(process.reload().status).unwrap());
        }
        // While the first is held, nobody is answered but the one who is too many: all others wait.
        assert_eq!(answers.recv_timeout(PATIENCE), Ok(409));
        assert_eq!(answers.try_recv(), Err(mpsc::TryRecvError::Empty));
        key.is_let_go(pipe);
        for _ in 0..=WAITING_MAX {
            process.wait_for("READY=1");
        }
        assert_eq!(first.join().unwrap(), 200);
        drop(told);
        assert_eq!(answers.iter().collect::<Vec<_>>(), [200; WAITING_MAX]);
    });
    assert_eq!(process.metric("gateway_reloads_total{result=\"taken\"}"), 1 + WAITING_MAX);
    process.stop();
}

/// It takes the minute that files may take to be read, and so is left out where not all rounds are asked for.
#[test]
fn a_reload_that_hangs_is_given_up_and_none_begins_while_it_reads_on() {
    if rounds(0, 1) == 0 {
        return;
    }
    let backend = Backend::start();
    let (files, key) = with_key(&backend);
    let process = Process::start(&files);
    let mut probe = Probe { client: Client::new(process.address), sent: Vec::new() };
    files.write_data(Edition::Second);
    key.becomes_a_pipe();
    let (pipe, given_up) = thread::scope(|scope| {
        let asks = || Client::new(process.admin).with_patience(3 * PATIENCE).post("/reload", "", "").unwrap();
        let first = scope.spawn(asks);
        (key.is_being_read(), first.join().unwrap())
    });
    let told = |answer: &Answer| (answer.status, answer.body.contains("were not read within 60 s"));
    assert_eq!(told(&given_up), (500, true), "{}", given_up.body);
    // This one would not wait for a minute.
    let next = process.reload();
    assert!(next.status == 500 && next.body.contains("are still being read"), "{}", next.body);
    assert_eq!(process.metric("gateway_reloads_total{result=\"failed\"}"), 2);
    assert_eq!(probe.role(), Edition::First.word(), "what was in use stays in use");
    key.is_let_go(pipe);
    // It has something to read and to prove yet. Nothing comes of that.
    let last = (0..10_000).map(|_| process.reload()).find(|answer| answer.status != 500).unwrap();
    assert_eq!(last.status, 200, "{}", last.body);
    assert_eq!(process.metric("gateway_reloads_total{result=\"taken\"}"), 1);
    assert_eq!(probe.role(), Edition::Second.word());
    process.stop();
}

#[test]
fn who_asks_by_signal_while_the_program_starts_is_heard_when_it_has() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let config = Held::new(files.config());
    config.becomes_a_pipe();
    let process = Process::begin_at(&files.config(), None, &[]);
    let pipe = config.is_being_read();
    process.signal("HUP");
    config.is_let_go(pipe);
    let said = process.wait_for("READY=1").concat();
    assert!(!said.contains("RELOADING=1"), "{said}");
    assert_announced(&process.wait_for("READY=1"));
    let process = process.with_addresses();
    assert_eq!(process.metric("gateway_reloads_total{result=\"taken\"}"), 1);
    process.stop();
}

#[test]
fn another_backend_is_called_from_the_next_request_on() {
    let (first, second) = (Backend::start(), Backend::start());
    let files = Files::new(first.address, SETTINGS);
    let process = Process::start(&files);
    let mut client = Client::new(process.address);
    assert_eq!(add(&mut client, "a@example.com").role(), "hand");
    let text = std::fs::read_to_string(files.config()).unwrap();
    std::fs::write(files.config(), text.replace(&first.address.to_string(), &second.address.to_string()))
        .unwrap();
    assert_eq!(process.reload().status, 200);
    assert_eq!(add(&mut client, "b@example.com").role(), "hand");
    assert_eq!((first.calls().len(), second.calls().len()), (1, 1));
    process.stop();
}

#[test]
fn what_is_loaded_can_be_told_apart_from_afar_and_no_page_can_ask_for_a_reload() {
    let backend = Backend::start();
    let files = Files::new(backend.address, SETTINGS);
    let process = Process::start(&files);
    let digest = || {
        let page = process.page("/metrics").body;
        page.split("gateway_config_info{digest=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let first = digest();
    files.write(Edition::Second);
    let told: Value = serde_json::from_str(&process.reload().body).unwrap();
    let second = digest();
    assert!(told["digest"] == second && second != first, "{first}, {second}: {told}");
    assert!(process.metric("gateway_config_loaded_timestamp_seconds") > 1_700_000_000);
    files.write(Edition::First);
    for (header, status) in [
        ("origin: http://evil.example\r\n", 403),
        ("content-type: application/x-www-form-urlencoded\r\n", 415),
    ] {
        assert_eq!(Client::new(process.admin).post("/reload", header, "").unwrap().status, status);
    }
    assert_eq!(process.page("/reload").status, 405);
    assert_eq!(digest(), second);
    let text = Client::new(process.admin).post("/reload", "accept: text/plain\r\nx-request-id: r-7\r\n", "");
    assert!(text.unwrap().body.starts_with("taken: "));
    assert_eq!(digest(), first);
    assert!(process.logged("\"request.id\":\"r-7\"").contains("\"client.address\":\"127.0.0.1:"));
    process.stop();
}

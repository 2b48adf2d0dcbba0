//! A backend that fails in every way, one after another, while clients of all dialects go on asking. Whatever they are told
//! is told in their dialect's words; nothing that changes something reaches the backend twice; and what the program makes
//! of the backend can be read from its metrics. What is played stands in `tests/hazards/storm`.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use serde::Deserialize;
use serde_json::Value;
use toml::Table;

use super::{
    PATIENCE, answers,
    backend::Backend,
    case::{Line, key},
    client::{Answer, Client},
    request::Rules,
    started::Started,
    text::{self, Parts, Piece},
};

#[derive(Deserialize)]
struct Clients {
    parts: Parts,
    client: Vec<Kind>,
}

/// One kind of client; there are two of each.
#[derive(Deserialize)]
struct Kind {
    name: String,
    change: String,
    body: String,
    on: String,
    changed: u16,
    /// What a change that the backend refused may be told as, if not as an error.
    failed: Option<u16>,
    ask: String,
    asked: u16,
    media: String,
    members: Vec<String>,
}

#[derive(Deserialize)]
struct Faults {
    parts: Parts,
    fault: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    name: String,
    say: String,
    status: u16,
    /// Whether it says of a change that it was made.
    #[serde(default)]
    made: bool,
    /// What is told of a change, if it is something else.
    of_change: Option<u16>,
    #[serde(default)]
    opens: bool,
}

impl Fault {
    /// What is told of it: of a change, and of a question.
    fn told(&self) -> (u16, u16) {
        (if self.made { 500 } else { self.of_change.unwrap_or(self.status) }, self.status)
    }
}

/// A breaker that opens as ever and does not stay open for long, and limits and a budget that are soon reached.
const SETTINGS: &str = "
    [admin]
    enabled = true
    address = '127.0.0.1:0'
    [upstream]
    timeout = '2s'
    answer_bytes_max = '64KiB'
    [upstream.breaker]
    enabled = true
    open_for = '100ms'
    [upstream.retry]
    share_percent = 5
";

/// How often each client changes something, and asks.
const ROUNDS: usize = 3;

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hazards/storm").join(name);
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_backend_that_fails_in_every_way_is_told_in_every_dialects_words() {
    storm(false);
}

#[test]
fn with_keys_that_the_backend_honours_nothing_comes_twice_but_with_its_key() {
    storm(true);
}

fn storm(is_keyed: bool) {
    let (clients, faults): (Clients, Faults) = (read("clients.toml"), read("faults.toml"));
    assert!(faults.fault.len() >= 20 && clients.client.len() >= 5);
    let backend = Backend::start(Rules::Program);
    let mut settings: Table = SETTINGS.parse().unwrap();
    if is_keyed {
        let upstream = settings["upstream"].as_table_mut().unwrap();
        upstream.insert("idempotency_keys".to_owned(), "honoured".into());
    }
    let storm = Storm::before(backend.clone(), &settings, clients, is_keyed);
    let mut told = BTreeMap::new();
    for fault in &faults.fault {
        let parts = faults.parts.clone();
        let say = text::pieces(&fault.say, &parts).unwrap_or_else(|why| panic!("{}: {why}", fault.name));
        for status in storm.round(&fault.name, Some(&say), fault.told(), fault.opens) {
            *told.entry((&fault.name, status)).or_insert(0) += 1;
        }
        storm.recover(&fault.name);
    }
    println!("{told:#?}");
    for fault in faults.fault.iter().filter(|fault| fault.opens && fault.status != 503) {
        assert!(told.contains_key(&(&fault.name, 503)), "{}: the backend is never left alone", fault.name);
    }
    let heard = storm.heard();
    let metrics = storm.metrics();
    let of =
        |name: &str| metrics.iter().filter(|(line, _)| line.starts_with(name)).map(|(_, value)| value).sum();
    let sum: &dyn Fn(&str) -> f64 = &of;
    for to in ["open", "half_open", "closed"] {
        let name = format!("gateway_upstream_breaker_transitions_total{{to=\"{to}\"}}");
        assert!(sum(&name) >= 1.0, "{name}\n{metrics:#?}");
    }
    assert!(sum("gateway_upstream_breaker_refusals_total") >= 1.0);
    assert!(sum("gateway_upstream_retries_total") >= 1.0);
    assert!(sum("gateway_upstream_retry_refusals_total") >= 1.0);
    assert!(sum("gateway_upstream_breakers{") < 1.0, "in the end all is well");
    let refused = metrics.iter().filter(|(line, _)| line.contains("outcome=\"refused\""));
    let refused: f64 = refused.map(|(_, value)| value).sum();
    let (calls, retries) =
        (sum("gateway_upstream_calls_total{") - refused, sum("gateway_upstream_retries_total"));
    println!("{heard} calls heard of {calls} made, {refused} refused, {retries} made again");
    assert!(f64::from(heard) <= calls + retries, "{heard} of {calls} and {retries}");
    storm.end();
}

#[test]
fn a_backend_that_is_not_there_is_told_in_every_dialects_words() {
    let mut settings: Table = SETTINGS.parse().unwrap();
    settings["upstream"].as_table_mut().unwrap().insert("base".to_owned(), "http://127.0.0.9:1".into());
    let storm = Storm::before(Backend::start(Rules::Program), &settings, read("clients.toml"), false);
    storm.round("refused", None, (503, 503), true);
    let metrics = storm.metrics();
    let of = |name: &str| metrics.iter().find(|(line, _)| line == name).map_or(0.0, |(_, value)| *value);
    assert!(of("gateway_upstream_breaker_transitions_total{to=\"open\"}") >= 1.0, "{metrics:#?}");
    assert!(of("gateway_upstream_breaker_refusals_total") >= 1.0);
    assert!(of("gateway_upstream_retries_total") >= 1.0);
    storm.end();
}

/// The program between the clients and the backend.
struct Storm {
    clients: Clients,
    backend: Backend,
    program: Started,
    /// Each client and each round has a credential of its own: they must not run out of quota.
    credentials: AtomicUsize,
    /// Whether changes have an `Idempotency-Key`.
    is_keyed: bool,
}

impl Storm {
    fn before(backend: Backend, settings: &Table, clients: Clients, is_keyed: bool) -> Storm {
        let program = Started::with(settings, backend.address);
        Storm { clients, backend, program, credentials: AtomicUsize::new(1), is_keyed }
    }

    /// All clients at once, against a backend that says that. Gives the statuses they were told.
    fn round(&self, name: &str, say: Option<&[Piece]>, told: (u16, u16), opens: bool) -> Vec<u16> {
        let kinds = self.clients.client.iter().flat_map(|kind| [(kind, false), (kind, true)]);
        thread::scope(|scope| {
            let clients: Vec<_> = kinds
                .map(|(kind, only_changes)| {
                    scope.spawn(move || self.client(name, kind, only_changes, say, told, opens))
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        })
    }

    /// One client. To every other the backend answers well unless something is to be changed, so that its requests get
    /// further.
    fn client(
        &self,
        fault: &str,
        kind: &Kind,
        only_changes: bool,
        say: Option<&[Piece]>,
        (of_change, of_question): (u16, u16),
        opens: bool,
    ) -> Vec<u16> {
        let number = self.credentials.fetch_add(1, Ordering::Relaxed);
        let on = only_changes.then(|| kind.on.clone());
        let lines = say.map(|say| Line { always: on.is_none(), on, say: say.to_vec() });
        self.backend.begin(number, lines.as_slice());
        let mut client = Client::connect(self.program.address);
        let mut told = Vec::new();
        for round in 0..ROUNDS {
            let answer = self.request(&mut client, kind, &kind.change, number, 2 * round);
            // Once the backend is left alone, 503 may be told of every failure.
            let left_alone = if opens { 503 } else { of_change };
            // Where the lookup before a change fails, that is a question.
            let looked_up = if only_changes { of_change } else { of_question };
            let may = [of_change, looked_up, left_alone, kind.failed.unwrap_or(of_change)];
            assert!(may.contains(&answer.status), "{fault}, {}: {}, not {may:?}", kind.name, answer.text());
            check(fault, kind, &answer, of_change);
            told.push(answer.status);
            let answer = self.request(&mut client, kind, &kind.ask, number, 2 * round + 1);
            let expected = if only_changes && say.is_some() { kind.asked } else { of_question };
            let may = [expected, if opens { 503 } else { expected }];
            assert!(may.contains(&answer.status), "{fault}, {}: {}, not {may:?}", kind.name, answer.text());
            check(fault, kind, &answer, of_question);
            told.push(answer.status);
        }
        self.backend.end(number);
        told
    }

    fn request(&self, client: &mut Client, kind: &Kind, what: &str, number: usize, count: usize) -> Answer {
        let mut parts = answers::parts();
        parts.extend(self.clients.parts.clone());
        parts.insert("key".to_owned(), key(number));
        let id = format!("storm-{number}-{count}");
        let keyed = if self.is_keyed { format!("Idempotency-Key: {id}\\r\\n") } else { String::new() };
        parts.insert("keyed".to_owned(), keyed);
        parts.insert("id".to_owned(), id);
        parts.insert("body".to_owned(), kind.body.clone());
        client.send(&text::bytes(what, &parts).unwrap_or_else(|why| panic!("{}: {why}", kind.name)));
        client.answer().unwrap_or_else(|silence| panic!("{}: {silence:?}", kind.name))
    }

    /// Asks until the backend, which is well again, is called as ever; then every client is answered well.
    fn recover(&self, after: &str) {
        let begun = Instant::now();
        let closient = &self.clients.client[0];
        let mut well = 0;
        // So many in a row as no probing lets through.
        while well < 10 {
            assert!(begun.elapsed() < PATIENCE, "{after}: the backend is well, and left alone all the same");
            let number = self.credentials.fetch_add(1, Ordering::Relaxed);
            let answer =
                self.request(&mut Client::connect(self.program.address), closient, &closient.ask, number, 0);
            well = if answer.status == closient.asked { well + 1 } else { 0 };
        }
        for kind in &self.clients.client {
            let number = self.credentials.fetch_add(1, Ordering::Relaxed);
            let mut client = Client::connect(self.program.address);
            let well = [(&kind.change, kind.changed), (&kind.ask, kind.asked)];
            for (count, (what, status)) in well.into_iter().enumerate() {
                let answer = self.request(&mut client, kind, what, number, count);
                assert_eq!(answer.status, status, "after {after}, {}: {}", kind.name, answer.text());
            }
        }
    }

    /// How many calls the backend heard. Whatever changes something must have come once, or, with a key, twice at most and
    /// with the same.
    fn heard(&self) -> u32 {
        let mut count = 0;
        for number in 1..self.credentials.load(Ordering::Relaxed) {
            let (calls, faults) = self.backend.heard(number);
            assert!(faults.is_empty(), "{faults:#?}");
            let mut changes: HashMap<_, Vec<Option<String>>> = HashMap::new();
            for call in calls {
                count += 1;
                if !call.line.starts_with("GET ") {
                    let line =
                        |name: &str| call.head.lines().find(|line| line.starts_with(name)).map(str::to_owned);
                    let id = line("x-request-id: ").expect("every call says of which request it is");
                    let key = line("idempotency-key: ");
                    assert_eq!(key.is_some(), self.is_keyed, "{}", call.head);
                    changes.entry((id, call.line.clone(), call.body)).or_default().push(key);
                }
            }
            let most = if self.is_keyed { 2 } else { 1 };
            let is_much =
                |keys: &[Option<String>]| keys.len() > most || keys.iter().any(|key| *key != keys[0]);
            let twice: Vec<_> = changes.iter().filter(|(_, keys)| is_much(keys)).collect();
            assert!(twice.is_empty(), "{twice:?}");
        }
        assert!(self.backend.strays().is_empty(), "{:#?}", self.backend.strays());
        count
    }

    /// The lines of the metrics with their values.
    fn metrics(&self) -> Vec<(String, f64)> {
        let mut client = Client::connect(self.program.admin.expect("it has an admin listener"));
        client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let page = String::from_utf8(client.answer().unwrap().body).unwrap();
        let line = |line: &str| {
            line.rsplit_once(' ').map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        };
        page.lines().filter(|line| !line.starts_with('#')).filter_map(|one| line(one)?).collect()
    }

    fn end(self) {
        let log = self.program.end().unwrap_or_else(|ended| panic!("{ended}"));
        for unwanted in ["hzd0", "panicked", "hunter2"] {
            assert!(!log.contains(unwanted), "the log has {unwanted:?}");
        }
        let opened = log.lines().filter(|line| line.contains("upstream.breaker=\"open\"")).count();
        assert!(opened >= 1, "each change of the breaker is an event:\n{log}");
    }
}

/// What is true of every answer: an error is told in its dialect's words, and nothing the backend said is.
fn check(fault: &str, kind: &Kind, answer: &Answer, status: u16) {
    let text = answer.text();
    assert!(!text.contains("hunter2") && !text.contains("hzd0"), "{fault}, {}: {text}", kind.name);
    if Some(answer.status) == kind.failed {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let many = |name: &str| body[name].as_array().map(Vec::len);
        assert_eq!(many("sent"), Some(0), "{fault}, {}: nothing was done: {text}", kind.name);
        assert_ne!(many("failed"), Some(0), "{fault}, {}: {text}", kind.name);
    }
    if answer.status < 400 {
        return;
    }
    let header = |name: &str| answer.headers().find(|(known, _)| known.eq_ignore_ascii_case(name));
    assert_eq!(header("content-type").map(|(_, value)| value), Some(kind.media.as_str()), "{text}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {text}"));
    for member in &kind.members {
        assert!(body.get(member).is_some(), "{fault}, {}: no `{member}`: {text}", kind.name);
    }
    // Where the backend says so itself, it says when to come back, or does not.
    if answer.status == 503 && status != 503 && !fault.starts_with("503") {
        let wait = header("retry-after").and_then(|(_, value)| value.parse::<u32>().ok());
        assert_eq!(wait, Some(1), "{fault}, {}: {text}", kind.name);
    }
}

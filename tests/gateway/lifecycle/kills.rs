//! Killed in the middle of everything, again and again, with one id map: what was said to be imported is there, what a
//! client was told is told again, and the file opens every time.
//!
//! Ids are imported by the program itself while another process of it serves them. Both are killed, at moments that are
//! drawn. Ten rounds are run every time; `INTERLINGUA_KILLS=all cargo test --test gateway kills -- --nocapture` runs 200.

mod backend;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use interlingua::ids::embedded::{Question, Store};
use interlingua::lens::Direction;
use uuid::Uuid;

use super::client::Client;
use super::files::Files;
use super::process::Process;

/// Pairs of one import: enough that writing them takes a while.
const BATCH: u64 = 2000;

/// Clients that ask all the time.
const CLIENTS: u64 = 3;

const HEADERS: &str = "authorization: Token pat_DemoDemo1\r\ncontent-type: application/json\r\n";

#[test]
fn nothing_that_was_said_is_lost_however_often_all_is_killed() {
    let rounds = if std::env::var("INTERLINGUA_KILLS").is_ok_and(|asked| asked == "all") { 200 } else { 10 };
    let backend = backend::start();
    let store = tempfile::tempdir().unwrap();
    let store = store.path().join("ids.sqlite");
    let files = Files::new(backend, &settings(&store));
    let place = Place { files, store };
    let (mut said, mut told) = (0, BTreeMap::new());
    // There is a file to open before the first round.
    assert!(place.import(&Killer::default(), 0), "nobody killed the first import");
    said += BATCH;
    let (mut kills, mut asked, mut cut_off) = (0, 0, 0);
    for round in 0..rounds {
        let outcome = place.round(round, said);
        kills += 2;
        asked += outcome.asked;
        cut_off += u64::from(outcome.said == said);
        said = outcome.said;
        for (pair, id) in outcome.told {
            assert_eq!(told.insert(pair, id.clone()).unwrap_or(id.clone()), id, "{pair} is told otherwise");
        }
        place.check(said, &told);
    }
    println!(
        "{kills} kills, {asked} answers, {said} pairs said to be there; in {cut_off} rounds no import came to its end"
    );
    assert!(asked > rounds, "they were killed before they answered anything");
}

struct Place {
    files: Files,
    store: PathBuf,
}

/// What came of a round.
struct Outcome {
    /// How many pairs were said to be there, in all.
    said: u64,
    /// What clients were told: the external id, by the number of the pair.
    told: BTreeMap<u64, String>,
    asked: u64,
}

/// Kills an import in the middle, or the next before it begins.
#[derive(Default)]
struct Killer {
    child: Mutex<Option<Child>>,
    is_over: AtomicBool,
}

impl Killer {
    fn kill(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(child) = &mut *self.child.lock().unwrap() {
            child.kill().ok();
        }
    }
}

fn settings(store: &std::path::Path) -> String {
    format!(
        "[server]\nworkers = 2\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
         [limit]\nwindows = []\n[telemetry]\nformat = \"json\"\n[ids]\nstore = {:?}\n",
        store.display().to_string()
    )
}

impl Place {
    /// Serves, imports and asks, until both processes are killed.
    fn round(&self, round: u64, already: u64) -> Outcome {
        let process = Process::start(&self.files);
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round + 1));
        let (after, import_first) = (20 + random.next() % 400, random.next().is_multiple_of(2));
        let (killer, said) = (Killer::default(), AtomicU64::new(already));
        let (answers, told) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
        thread::scope(|scope| {
            scope.spawn(|| {
                while self.import(&killer, said.load(Ordering::SeqCst) / BATCH) {
                    said.fetch_add(BATCH, Ordering::SeqCst);
                }
            });
            for client in 0..CLIENTS {
                let (killer, said, answers, told) = (&killer, &said, &answers, &told);
                let mut random = Random(round << 8 | client);
                let address = process.address;
                scope.spawn(move || {
                    let mut connection = Client::new(address);
                    while !killer.is_over.load(Ordering::SeqCst) {
                        // Of what was said to be there, or, each once at most, of what is on its way.
                        let known = said.load(Ordering::SeqCst);
                        let is_sure = client > 0;
                        let number = if is_sure {
                            random.below_but_tenths(known)
                        } else {
                            known + 10 * (random.next() % (BATCH / 10))
                        };
                        match ask(&mut connection, number) {
                            Ok(Some(id)) => {
                                told.lock().unwrap().insert(number, id);
                            }
                            Ok(None) => assert!(!is_sure, "{number} of {known} is not known"),
                            Err(_) => connection.hang_up(),
                        }
                        answers.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            while answers.load(Ordering::SeqCst) < after {
                thread::yield_now();
            }
            if import_first {
                killer.kill();
            }
            process.signal("KILL");
            killer.kill();
        });
        process.wait();
        let told = told.into_inner().unwrap();
        Outcome { said: said.into_inner(), asked: told.len() as u64, told }
    }

    /// Imports a batch; whether it was said to be there.
    fn import(&self, killer: &Killer, batch: u64) -> bool {
        let file = self.files.path("batch.csv");
        let mut text = "external,canonical\n".to_owned();
        for number in batch * BATCH..(batch + 1) * BATCH {
            writeln!(text, "{},{}", external(number), canonical(number)).unwrap();
        }
        fs::write(&file, text).unwrap();
        let mut lines = {
            // Whoever kills waits until it is started, or comes before.
            let mut slot = killer.child.lock().unwrap();
            if killer.is_over.load(Ordering::SeqCst) {
                return false;
            }
            let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
            command.args(["ids", "import", "--dialect", "acme", "--kind", "entity", "--config"]);
            command.arg(self.files.config()).arg(&file);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap());
            *slot = Some(child);
            lines
        };
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let mut slot = killer.child.lock().unwrap();
        let status = slot.take().unwrap().wait().unwrap();
        // One that was killed on its way may have been written before: then it is imported again, and was there already.
        let is_said = line.starts_with("imported ");
        assert!(is_said || status.code().is_none(), "{status}: {line:?}");
        is_said
    }

    /// Whether everything that was said is so, as the file says it.
    fn check(&self, said: u64, told: &BTreeMap<u64, String>) {
        let connection = rusqlite::Connection::open(&self.store).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        let store = Store::open_existing(&self.store).unwrap();
        let count = u64::try_from(store.count("acme", "entity").unwrap()).unwrap();
        assert!(count == said || count == said + BATCH, "{count} pairs, and {said} were said to be there");
        let numbers: Vec<_> = (0..said).step_by(7).chain(told.keys().copied()).collect();
        let question =
            |direction, key| Question { kind: "entity".to_owned(), direction, organization: None, key };
        for (direction, key, expected) in [
            (Direction::Lift, external as fn(u64) -> String, canonical as fn(u64) -> String),
            (Direction::Lower, canonical, external),
        ] {
            let questions: Vec<_> = numbers.iter().map(|number| question(direction, key(*number))).collect();
            let answers = store.look_up("acme", &questions).unwrap();
            for (number, answer) in numbers.iter().zip(answers) {
                assert_eq!(answer, Some(expected(*number)), "pair {number} of {said}");
            }
        }
        for (number, id) in told {
            assert_eq!(*id, external(*number), "a client was told something else");
        }
    }
}

fn external(number: u64) -> String {
    format!("old-{:08x}", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff)
}

fn canonical(number: u64) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()).to_string()
}

/// Asks about an organization by the external id of that number; gives the id that the answer has, if it is known.
fn ask(connection: &mut Client, number: u64) -> std::io::Result<Option<String>> {
    let path = format!("/acme/api/orgs/{}/people", external(number));
    let answer = connection.post(&path, HEADERS, "{\"email\":\"ada@example.com\"}")?;
    if answer.status != 200 {
        assert!((400..500).contains(&answer.status), "{answer:?}");
        return Ok(None);
    }
    let person: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    Ok(Some(person["id"].as_str().unwrap().to_owned()))
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of a pair that nobody asks about before it is there: what was not found is believed for a while.
    fn below_but_tenths(&mut self, bound: u64) -> u64 {
        let number = self.next() % bound;
        if number.is_multiple_of(10) { number + 1 } else { number }
    }
}

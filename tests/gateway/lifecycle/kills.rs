//! Killed in the middle of everything, again and again, with one id map: what was said to be imported is there, what a
//! client was told is told again, and the file opens every time.
//!
//! Ids are imported by the program itself while another process of it serves them. Both are killed: in every second round
//! as soon as the import is seen to write, else at a moment that is drawn. The file is then opened as it was left by the
//! program, and a copy of it by the checks. Ten rounds are run every time; `INTERLINGUA_KILLS=all cargo test --test gateway
//! kills -- --nocapture` runs 500. Killing leaves what the system has not written yet: of power that fails this says nothing.

mod backend;
mod clients;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use interlingua::ids::embedded::{Question, Store};
use interlingua::lens::Direction;
use uuid::Uuid;

use self::clients::{Asked, Progress, Random, ask, go_on};
use super::client::Client;
use super::files::Files;
use super::process::Process;

/// Pairs of one import: enough that writing them takes a while.
const BATCH: u64 = 2000;

/// Clients that ask all the time.
const CLIENTS: u64 = 3;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn nothing_that_was_said_is_lost_however_often_all_is_killed() {
    let rounds = if std::env::var("INTERLINGUA_KILLS").is_ok_and(|asked| asked == "all") { 500 } else { 10 };
    let backend = backend::start();
    let store = tempfile::tempdir().unwrap();
    let store = store.path().join("ids.sqlite");
    let files = Files::new(backend, &settings(&store));
    let place = Place { files, store };
    let (mut said, mut told) = (0, BTreeSet::new());
    // There is a file to open before the first round.
    assert!(place.import(&Killer::default(), 0), "nobody killed the first import");
    said += BATCH;
    let (mut asked, mut cut_off, mut in_writes) = (0, 0, 0);
    for round in 0..rounds {
        let outcome = place.round(round, said);
        asked += outcome.asked;
        cut_off += u64::from(outcome.said == said);
        in_writes += u64::from(outcome.in_write);
        said = outcome.said;
        told.extend(outcome.told);
        place.check(round, said, &told);
    }
    // Once more as it was left.
    let process = Process::start(&place.files);
    let last = ask(&mut Client::new(process.address), said - 1);
    assert!(matches!(last, Asked::Id(id) if id == external(said - 1)));
    process.stop();
    println!(
        "{} kills, {in_writes} of them in a write; {asked} answers, {said} pairs said to be there; in {cut_off} rounds no import \
         came to its end",
        2 * rounds
    );
    assert!(in_writes > rounds / 10, "{in_writes} of {rounds} rounds were killed in a write");
}

struct Place {
    files: Files,
    store: PathBuf,
}

/// What came of a round.
struct Outcome {
    /// How many pairs were said to be there, in all.
    said: u64,
    /// The pairs that clients were told, by their numbers.
    told: BTreeSet<u64>,
    asked: u64,
    /// Whether the import was killed when it had begun to write and had not said so.
    in_write: bool,
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

/// Ends the round however it ends.
struct Ending<'k>(&'k Killer);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.kill();
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
        // The first to open the file that was left.
        let process = Process::start(&self.files);
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round + 1));
        let is_watched = round.is_multiple_of(2);
        let after = if is_watched { 1 } else { 20 + random.next() % 400 };
        let (looks, import_first) = (random.next() % 3000, is_watched || random.next().is_multiple_of(2));
        let (killer, said, progress) = (Killer::default(), AtomicU64::new(already), Progress::default());
        let before = self.written();
        let mut seen = None;
        thread::scope(|scope| {
            let ending = Ending(&killer);
            scope.spawn(|| {
                while self.import(&killer, said.load(Ordering::SeqCst) / BATCH) {
                    said.fetch_add(BATCH, Ordering::SeqCst);
                }
            });
            for client in 0..CLIENTS {
                let (killer, said, progress) = (&killer, &said, &progress);
                let (address, random) = (process.address, Random(round << 8 | client));
                scope.spawn(move || {
                    let connection = Client::new(address);
                    if let Err(wrong) = go_on(connection, random, client > 0, killer, said, progress) {
                        progress.note(|done| done.wrong = Some(wrong));
                    }
                });
            }
            progress.wait_for(after);
            if is_watched {
                let begun = Instant::now();
                while self.written() == before {
                    assert!(begun.elapsed() < PATIENCE, "no import writes anything");
                    thread::yield_now();
                }
                seen = Some(said.load(Ordering::SeqCst));
                for _ in 0..looks {
                    self.written();
                }
            }
            if import_first {
                killer.kill();
            }
            process.signal("KILL");
            drop(ending);
        });
        process.wait();
        let done = progress.state.into_inner().unwrap();
        assert_eq!(done.wrong, None);
        let said = said.into_inner();
        Outcome { said, asked: done.answers, told: done.told, in_write: seen == Some(said) }
    }

    /// What is written ahead, as far as can be seen from outside: how much, and when.
    fn written(&self) -> Option<(u64, SystemTime)> {
        let known = fs::metadata(self.store.with_extension("sqlite-wal")).ok()?;
        Some((known.len(), known.modified().unwrap()))
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
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap());
            *slot = Some(child);
            lines
        };
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let mut slot = killer.child.lock().unwrap();
        let mut child = slot.take().unwrap();
        let status = child.wait().unwrap();
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        // One that was killed on its way may have been written before: then it is imported again, and was there already.
        let is_said = line.starts_with("imported ");
        assert!(is_said || status.code().is_none(), "{status}: {line:?} {errors}");
        is_said
    }

    /// Whether everything that was said is so, as a copy of the file says it: the original is for the program to open.
    fn check(&self, round: u64, said: u64, told: &BTreeSet<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("ids.sqlite");
        for end in ["sqlite", "sqlite-wal", "sqlite-shm"] {
            let from = self.store.with_extension(end);
            if from.exists() {
                fs::copy(from, copy.with_extension(end)).unwrap();
            }
        }
        let store = Store::open_existing(&copy).unwrap();
        let count = u64::try_from(store.count("acme", "entity").unwrap()).unwrap();
        assert!(count == said || count == said + BATCH, "{count} pairs, and {said} were said to be there");
        // All of them, or in long runs others each time.
        let (first, step) = if said <= 20 * BATCH { (0, 1) } else { (round % 7, 7) };
        let mut numbers: Vec<_> = (first..said).collect::<Vec<_>>().into_iter().step_by(step).collect();
        numbers.extend(told);
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
        drop(store);
        let connection = rusqlite::Connection::open(&copy).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

fn external(number: u64) -> String {
    format!("old-{:08x}", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff)
}

fn canonical(number: u64) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes()).to_string()
}

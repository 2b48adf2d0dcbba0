//! Hostile clients and broken backends, against the started program: raw bytes on one side of it, a backend that writes
//! everything down on the other. What may happen stands in `tests/hazards`, case by case; what must never happen, here:
//! a malformed request reaches the backend, or one that nobody sent; anything hangs; an innocent client that comes next
//! is told anything but its own answer; a credential stands in an answer or in the log; the program ends.

mod answers;
mod backend;
mod case;
mod client;
mod compare;
mod http2;
mod judge;
mod outcomes;
mod page;
mod passing;
mod request;
mod run;
mod started;
mod storm;
mod text;

use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use backend::Backend;
use case::{Case, Group};
use request::Rules;
use run::{Stage, Verdict};
use started::Started;

/// Longer than anything takes; what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files of cases, each with how many there have to be at least.
const GROUPS: [(&str, usize); 17] = [
    ("bulk", 34),
    ("credentials", 71),
    ("framing", 169),
    ("http2", 120),
    ("json", 208),
    ("keys", 48),
    ("limits", 23),
    ("made", 11),
    ("made-in-a-dialect", 11),
    ("paths", 140),
    ("quotas", 14),
    ("roles", 149),
    ("slow", 29),
    ("syntax", 148),
    ("untaken", 4),
    ("upstream", 168),
    ("upstream-away", 2),
];

macro_rules! groups {
    ($($name:ident $file:literal)*) => {
        $(#[test]
        fn $name() {
            try_out($file);
        })*

        #[test]
        fn every_file_of_cases_is_tried() {
            let tried = [$($file),*];
            assert_eq!(tried, GROUPS.map(|(name, _)| name));
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hazards");
            for entry in std::fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                let stem = name.strip_suffix(".toml");
                let is_tried = |stem| tried.contains(&stem) || stem == passing::ALONE;
                assert!(stem.is_none_or(is_tried), "{name}");
            }
        }
    };
}

groups! {
    bulk "bulk"
    credentials "credentials"
    framing "framing"
    http2_frames "http2"
    json "json"
    keys "keys"
    limits "limits"
    made "made"
    made_in_a_dialect "made-in-a-dialect"
    paths "paths"
    quotas "quotas"
    roles "roles"
    slow "slow"
    syntax "syntax"
    untaken "untaken"
    upstream "upstream"
    upstream_away "upstream-away"
}

/// Plays all cases of a file; the test fails with everything that is wrong.
fn try_out(name: &str) {
    let group = case::read(name, &answers::parts());
    let least = GROUPS.iter().find(|(known, _)| *known == name).map_or(0, |(_, least)| *least);
    assert!(group.cases.len() >= least, "{name}: {} cases, not {least}", group.cases.len());
    let backend = Backend::start(Rules::Program);
    let program = Started::with(&group.config, backend.address);
    let address = program.address;
    let stage = Stage {
        address,
        http2: address,
        backend: backend.clone(),
        rules: Rules::Program,
        is_alone: false,
        innocent: group.innocent,
    };
    let verdicts = play(&stage, &group);
    // Nothing is on its way any more once the program has ended: what was heard by then, was heard.
    let ended = program.end();
    let report = faults(name, &verdicts, &backend, ended);
    let loose = verdicts.iter().filter(|(_, verdict)| verdict.faults.is_empty() && !verdict.strict);
    let loose: Vec<_> = loose.map(|(case, _)| case.name.as_str()).collect();
    println!("{name}: {} cases, of which less strictly than could be: {loose:#?}", group.cases.len());
    assert!(report.is_empty(), "{report}");
    assert_eq!(loose, group.loose, "{name}: not as strictly as can be, and what the file says of that");
}

/// What is wrong once the program has ended: with a case, and with what is nobody's.
fn faults(
    name: &str,
    verdicts: &[(&Case, Verdict)],
    backend: &Backend,
    ended: Result<String, String>,
) -> String {
    let mut report = String::new();
    for (case, verdict) in verdicts {
        let heard = backend.heard(case.number).0.len();
        let late = heard - verdict.heard;
        // Where a call may come or not, that may still be open when the client has gone.
        let most = case.calls.iter().copied().max().unwrap_or(verdict.heard);
        if late > 0 && heard > most {
            writeln!(report, "{name}: {}: {late} calls came after its end", case.name).unwrap();
        }
        if !verdict.faults.is_empty() {
            writeln!(report, "{name}: {}\n    {}", case.name, verdict.faults.join("\n    ")).unwrap();
        }
    }
    for stray in backend.strays() {
        writeln!(report, "{name}: the backend heard what belongs to no case: {stray}").unwrap();
    }
    match ended {
        Err(ended) => report.push_str(&ended),
        Ok(log) => {
            for unwanted in ["hzd", "panicked", "hunter2"] {
                let found = log.lines().filter(|line| line.contains(unwanted));
                found.for_each(|line| writeln!(report, "{name}: the log has {unwanted:?}: {line}").unwrap());
            }
        }
    }
    report
}

/// Plays the cases in their order, as many at once as the file says.
fn play<'a>(stage: &Stage, group: &'a Group) -> Vec<(&'a Case, Verdict)> {
    let only = std::env::var("HAZARD").ok();
    let cases = group.cases.iter().filter(|case| only.as_ref().is_none_or(|only| case.name.contains(only)));
    let cases: Vec<_> = cases.collect();
    let (next, verdicts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..group.at_once {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = std::time::Instant::now();
                    let verdict = stage.play(case);
                    if only.is_some() || begun.elapsed() > Duration::from_secs(2) {
                        println!("{}: {:?}", case.name, begun.elapsed());
                    }
                    verdicts.lock().unwrap().push((*case, verdict));
                }
            });
        }
    });
    verdicts.into_inner().unwrap()
}

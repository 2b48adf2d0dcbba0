//! Runs mutants on all cores and sorts what becomes of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use interlingua::diag::Diagnostic;

use super::behaviour::{self, Differences, Print, Shown, Tried};
use super::draft::{Family, Mutant};
use super::files::Files;
use super::load::{Workshop, touched};
use super::privilege::{self, Chain, Roles, Table};
use super::report;
use super::tree::Node;
use crate::golden::case::{self, Case};

/// How many mutants the slice has that runs every time.
const SLICE: usize = 60;

/// What became of a mutant.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// It does not load: the code of the first error.
    Killed(&'static str),
    /// Somebody would rise, and it does not load: the code of the error that tells the chain of values.
    Raising(&'static str),
    /// What is compiled of it is what ships.
    Identical,
    /// Nothing that was tried shows a difference.
    Same,
    /// It is another sound dialect; the golden case that tells, if one does.
    Other(Option<String>),
    /// It loads and should not: why.
    Hole(String),
}

/// What ships, with all that a mutant is compared with.
struct Bench<'f> {
    workshop: Workshop<'f>,
    prints: BTreeMap<String, Print>,
    cases: Vec<Case>,
}

pub(super) fn run() {
    let files = Files::read();
    let mutants = super::all(&files);
    let wanted = std::env::var("INTERLINGUA_MUTANTS").unwrap_or_default();
    let chosen = choose(&mutants, &wanted);
    let prints = |workshop: &Workshop<'_>| {
        let dialects = workshop.clean.registry.dialects().iter();
        dialects.map(|dialect| (dialect.name.clone(), Print::of(dialect))).collect()
    };
    let workshop = Workshop::new(&files);
    let bench = Bench { prints: prints(&workshop), workshop, cases: case::all() };

    let begun = Instant::now();
    let fates = every(&bench, &chosen);
    println!(
        "ran {} of {} mutants in {:.0} s; the clean set has no finding",
        chosen.len(),
        mutants.len(),
        begun.elapsed().as_secs_f64()
    );
    let outcomes: Vec<(&Mutant, Fate)> = chosen.iter().copied().zip(fates).collect();
    report::tell(&outcomes, mutants.len(), !wanted.is_empty());
}

/// All of them, those whose line tells all words of `only:one&other`, or a slice: as many of each family, chosen by what the
/// files say.
fn choose<'m>(mutants: &'m [Mutant], wanted: &str) -> Vec<&'m Mutant> {
    if wanted == "all" {
        return mutants.iter().collect();
    }
    if let Some(words) = wanted.strip_prefix("only:") {
        let has_all = |told: &str| words.split('&').all(|word| told.contains(word));
        return mutants.iter().filter(|mutant| has_all(&mutant.told())).collect();
    }
    let count = wanted.parse().unwrap_or(SLICE);
    let mut by_family: BTreeMap<Family, Vec<(u64, &Mutant)>> = BTreeMap::new();
    for mutant in mutants {
        let hash = mutant.told().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The low bits of the product depend on the last bytes alone.
        by_family.entry(mutant.family).or_default().push((hash ^ (hash >> 32), mutant));
    }
    let each = count.div_ceil(by_family.len());
    let mut chosen = Vec::new();
    for (_, mut family) in by_family {
        family.sort_by_key(|(hash, _)| *hash);
        chosen.extend(family.into_iter().take(each).map(|(_, mutant)| mutant));
    }
    chosen
}

fn every(bench: &Bench<'_>, mutants: &[&Mutant]) -> Vec<Fate> {
    let next = AtomicUsize::new(0);
    let fates: Mutex<Vec<Option<Fate>>> = Mutex::new(vec![None; mutants.len()]);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(index) else { return };
            let fate = catch_unwind(AssertUnwindSafe(|| fate(bench, mutant)));
            let fate = fate.unwrap_or_else(|_| Fate::Hole("panics".to_owned()));
            if let Fate::Hole(why) = &fate {
                println!("HOLE {}: {why}", mutant.told());
            }
            fates.lock().expect("nobody panics with it")[index] = Some(fate);
            if index % 1000 == 999 {
                println!("{} of {}", index + 1, mutants.len());
            }
        }
    };
    quieten();
    thread::scope(|scope| {
        for number in 0..thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            let name = format!("{WORKER}{number}");
            thread::Builder::new().name(name).spawn_scoped(scope, work).expect("a thread can be started");
        }
    });
    let fates = fates.into_inner().expect("nobody panicked with it");
    fates.into_iter().map(|fate| fate.expect("every mutant was run")).collect()
}

const WORKER: &str = "mutants-";

/// A law that cannot be asked of a mutant panics, and nobody wants to read that.
fn quieten() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !thread::current().name().is_some_and(|name| name.starts_with(WORKER)) {
            usual(info);
        }
    }));
}

fn fate(bench: &Bench<'_>, mutant: &Mutant) -> Fate {
    let judged = judge(bench.workshop.files, mutant);
    let raising = matches!(&judged, Judged::Table(chains) if !chains.is_empty());
    let loaded = bench.workshop.load(mutant, may_concern_others(mutant), raising);
    if let Some(first) = loaded.errors.first() {
        if let Judged::Table(chains) = &judged
            && let Some(chain) = chains.first()
        {
            let is_told = |error: &&Diagnostic| chains.iter().any(|chain| tells(error, chain));
            let Some(told) = loaded.errors.iter().find(is_told) else {
                let codes: Vec<_> = loaded.errors.iter().map(|error| error.code.as_str()).collect();
                return Fate::Hole(format!("rejected without the chain {chain}: {}", codes.join(", ")));
            };
            return Fate::Raising(told.code.as_str());
        }
        return Fate::Killed(first.code.as_str());
    }
    match judged {
        Judged::Table(chains) if chains.is_empty() => {}
        Judged::Table(chains) => return Fate::Hole(format!("somebody rises: {}", chains[0])),
        Judged::NoTable => return Fate::Hole("a word has two meanings or a role no place".to_owned()),
        Judged::NotConcerned => {}
    }

    let touched = touched(bench.workshop.files, mutant);
    let mut differences = BTreeMap::new();
    for name in bench.workshop.concerned(mutant) {
        let Some(dialect) = loaded.dialects.iter().find_map(|some| some.registry.dialect(name)) else {
            return Fate::Hole(format!("no error and no dialect {name}"));
        };
        let between = Differences::between(&bench.prints[name], &Print::of(dialect), &touched);
        if !between.is_none() {
            differences.insert(name.to_owned(), between);
        }
    }
    if differences.is_empty() {
        return Fate::Identical;
    }
    let mut is_other = false;
    let mut shown = None;
    for dialects in &loaded.dialects {
        for (name, between) in &differences {
            let sent = bench.workshop.files.sent(name);
            let is_here = dialects.registry.dialect(name).is_some();
            let tried = || behaviour::tried(&bench.workshop.clean, dialects, name, between, &sent);
            match is_here.then(tried) {
                None | Some(Tried::Same) => {}
                Some(Tried::Other) => is_other = true,
                Some(Tried::Broken(why)) => return Fate::Hole(why),
            }
        }
        shown = shown.or_else(|| behaviour::shown(dialects, &bench.cases, &differences));
    }
    match shown {
        None if !is_other => Fate::Same,
        Some(Shown { case, unsound: Some(why) }) => Fate::Hole(format!("{case}: {why}")),
        shown => Fate::Other(shown.map(|shown| shown.case)),
    }
}

/// Whether others than the dialects it is in may have something against a mutant: roles are compared with everybody's.
fn may_concern_others(mutant: &Mutant) -> bool {
    matches!(mutant.family, Family::RoleCell | Family::RoleLanding | Family::Capabilities)
}

/// What the model of privilege says of a mutant.
enum Judged {
    /// Its tables are those that ship.
    NotConcerned,
    /// One of its tables is none: something in it has two meanings, or none.
    NoTable,
    /// The ways by which somebody rises.
    Table(Vec<Chain>),
}

fn judge(files: &Files, mutant: &Mutant) -> Judged {
    if !may_concern_others(mutant) && !matches!(mutant.family, Family::TableRow | Family::TableLanding) {
        return Judged::NotConcerned;
    }
    let name = mutant.file.trim_start_matches("mappings/").trim_end_matches(".toml");
    let Some(text) = files.mappings.get(name) else { return Judged::NotConcerned };
    let Ok(own) = catch_unwind(|| Node::toml(&mutant.text(text))) else { return Judged::NoTable };
    let tree = |one: &str| if one == name { &own } else { files.tree(one) };
    let roles = Roles::read(tree("canonical"));
    let tables: BTreeMap<_, _> =
        files.dialects().map(|one| (one, Table::read(files, one, tree, &roles))).collect();
    if !tables.values().all(|table| table.is_sound(&roles)) {
        return Judged::NoTable;
    }
    Judged::Table(privilege::rises(&tables, &roles))
}

/// Whether a diagnostic of privilege tells all values of a chain.
fn tells(error: &Diagnostic, chain: &Chain) -> bool {
    error.code.as_str().starts_with("M06") && chain.is_told_by(&error.message)
}

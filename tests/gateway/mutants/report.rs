//! `docs/mutants.md`: the mutants by family, what found them out, and why those that live are harmless.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::draft::{Family, Mutant};
use super::run::Fate;

/// How many survivors of a family and a reason are named.
const NAMED_MAX: usize = 3;

/// How a document says that no mutant was left out.
const ALL: &str = "Every mutant was run, all";

/// What survivors are called that should not be; all of them are named.
const HOLE: &str = "HOLE";

/// How a document that is not true any more is written again.
const STALE: &str = "docs/mutants.md is stale: \
                     INTERLINGUA_MUTANTS=all INTERLINGUA_BLESS=1 cargo test --profile mutants --test gateway mutants";

/// Prints what became of the mutants, compares it with the document, and fails for each hole.
pub(super) fn tell(outcomes: &[(&Mutant, Fate)], count: usize, is_wanted: bool) {
    let table = table(outcomes, count);
    println!("{table}");
    if let Some(path) = std::env::var_os("INTERLINGUA_MUTANTS_LIST") {
        fs::write(path, list(outcomes)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mutants.md");
    // Who blesses something else has run a few mutants besides.
    if is_wanted && std::env::var_os("INTERLINGUA_BLESS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let holes: Vec<_> = outcomes
        .iter()
        .filter_map(|(mutant, fate)| match fate {
            Fate::Hole(why) => Some(format!("{}: {why}", mutant.told())),
            _ => None,
        })
        .collect();
    assert!(holes.is_empty(), "{} holes:\n{}", holes.len(), holes.join("\n"));
    let written = fs::read_to_string(&path).unwrap_or_default();
    if outcomes.len() == count {
        assert!(written == table, "{STALE}");
    } else {
        // A document of some mutants says nothing of the others, which a line more in a file chooses.
        let is_whole = written.contains(ALL);
        let unknown = if is_whole { unknown(&written, outcomes) } else { Vec::new() };
        assert!(!written.is_empty(), "{STALE}");
        assert!(unknown.is_empty(), "{STALE}\n{}", unknown.join("\n"));
    }
}

/// What became of some mutants that the document knows nothing of, for their family.
fn unknown(written: &str, outcomes: &[(&Mutant, Fate)]) -> Vec<String> {
    let (counts, codes) = written.split_once("## Killed by").unwrap_or_default();
    let row = |table: &str, family: Family| -> Vec<String> {
        let start = format!("| {} |", family.title());
        let row = table.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default();
        row.split(['|', ',']).map(|cell| cell.trim().to_owned()).collect()
    };
    let is_known = |family: Family, fate: &Fate| {
        let count = |column: usize| row(counts, family).get(column).is_some_and(|count| count != "0");
        let by = |code: &str| row(codes, family).iter().any(|one| one.split(' ').next() == Some(code));
        match fate {
            Fate::Killed(code) => by(code),
            Fate::Raising(code) => by(code) && count(2),
            Fate::Identical | Fate::Same => count(3),
            Fate::Other(case) => count(4) && (case.is_none() || count(5)),
            Fate::Hole(_) => false,
        }
    };
    let unknown = outcomes.iter().filter(|(mutant, fate)| !is_known(mutant.family, fate));
    unknown.map(|(mutant, fate)| format!("{}: {fate:?}", mutant.told())).collect()
}

/// Every mutant with its fate, one a line.
fn list(outcomes: &[(&Mutant, Fate)]) -> String {
    let mut out = String::new();
    for (mutant, fate) in outcomes {
        writeln!(out, "{:?}\t{}\t{fate:?}", mutant.family, mutant.told()).unwrap();
    }
    out
}

fn table(outcomes: &[(&Mutant, Fate)], count: usize) -> String {
    let mut out = String::from(
        "# Mutants\n\n\
         What ships, with one cell of one mapping or schema deleted, altered or swapped with its like: made from the files,\n\
         not picked by hand. Each is loaded as `check` loads it. One that is let through has to be harmless, and why it is,\n\
         is found out by the run:\n\n\
         - *no difference*: nothing else is compiled of it than of what ships, or no generated document and no golden case\n\
         \x20 shows one;\n\
         - *another dialect*: it behaves otherwise, and every law holds that held: valid requests become calls the canonical API\n\
         \x20 accepts, answers fit their schemas, what is written comes back, and nobody rises. It is the sound mapping of some\n\
         \x20 other API, which the golden cases tell from the one that is meant; how often they do is counted;\n\
         - *a hole*: a law is broken, or somebody rises.\n\n\
         Whether somebody rises is decided without the checker, by going through all words and all roles; who would rise is\n\
         told with the chain of values.\n\n\
         `INTERLINGUA_MUTANTS=all INTERLINGUA_BLESS=1 cargo test --profile mutants --test gateway mutants` writes this file,\n\
         and without `INTERLINGUA_BLESS` compares it. `INTERLINGUA_MUTANTS_LIST=file` names the fate of each mutant.\n\n",
    );
    let holes = outcomes.iter().filter(|(_, fate)| matches!(fate, Fate::Hole(_))).count();
    let run = match outcomes.len() {
        all if all == count => format!("{ALL} {count}"),
        some => format!("Of {count} mutants {some} were run, as many of each kind"),
    };
    let left = if holes == 0 {
        "there is no hole".to_owned()
    } else {
        format!("{holes} of them are HOLES, see below")
    };
    writeln!(out, "{run}; {left}.\n").unwrap();
    out.push_str(
        "| what is changed | mutants | killed | of those raising somebody | no difference | another dialect | of those shown by a golden case | holes |\n\
         | --- | --: | --: | --: | --: | --: | --: | --: |\n",
    );
    let mut sum = Counts::default();
    for family in Family::ALL {
        let counts = Counts::of(outcomes.iter().filter(|(mutant, _)| mutant.family == family));
        writeln!(out, "| {} | {} |", family.title(), counts.cells()).unwrap();
        sum.add(&counts);
    }
    writeln!(out, "| **all** | {} |", sum.cells()).unwrap();

    out.push_str("\n## Killed by\n\n| what is changed | codes |\n| --- | --- |\n");
    for family in Family::ALL {
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for (mutant, fate) in outcomes {
            if let (true, Fate::Killed(code) | Fate::Raising(code)) = (mutant.family == family, fate) {
                *codes.entry(code).or_default() += 1;
            }
        }
        let mut codes: Vec<_> = codes.into_iter().collect();
        codes.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
        let codes: Vec<_> = codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
        writeln!(out, "| {} | {} |", family.title(), codes.join(", ")).unwrap();
    }

    out.push_str("\n## Survivors\n");
    for family in Family::ALL {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (mutant, fate) in outcomes.iter().filter(|(mutant, _)| mutant.family == family) {
            let (group, line) = match fate {
                Fate::Killed(_) | Fate::Raising(_) => continue,
                Fate::Identical => ("nothing else is compiled of it", mutant.told()),
                Fate::Same => ("no generated document and no golden case shows a difference", mutant.told()),
                Fate::Other(Some(case)) => {
                    ("another sound dialect, and a golden case tells", format!("{} ({case})", mutant.told()))
                }
                Fate::Other(None) => ("another sound dialect, and no golden case tells", mutant.told()),
                Fate::Hole(why) => (HOLE, format!("{}: {why}", mutant.told())),
            };
            groups.entry(group).or_default().push(line);
        }
        if groups.is_empty() {
            continue;
        }
        writeln!(out, "\n### {}\n", family.title()).unwrap();
        for (group, lines) in groups {
            writeln!(out, "- {group}: {}", lines.len()).unwrap();
            let most = if group == HOLE { usize::MAX } else { NAMED_MAX };
            for line in lines.iter().take(most) {
                writeln!(out, "  - {line}").unwrap();
            }
        }
    }
    out
}

#[derive(Default)]
struct Counts {
    killed: usize,
    raising: usize,
    same: usize,
    other: usize,
    shown: usize,
    holes: usize,
}

impl Counts {
    fn of<'o>(outcomes: impl Iterator<Item = &'o (&'o Mutant, Fate)>) -> Counts {
        let mut counts = Counts::default();
        for (_, fate) in outcomes {
            match fate {
                Fate::Killed(_) => counts.killed += 1,
                Fate::Raising(_) => {
                    counts.killed += 1;
                    counts.raising += 1;
                }
                Fate::Identical | Fate::Same => counts.same += 1,
                Fate::Other(case) => {
                    counts.other += 1;
                    counts.shown += usize::from(case.is_some());
                }
                Fate::Hole(_) => counts.holes += 1,
            }
        }
        counts
    }

    fn add(&mut self, more: &Counts) {
        self.killed += more.killed;
        self.raising += more.raising;
        self.same += more.same;
        self.other += more.other;
        self.shown += more.shown;
        self.holes += more.holes;
    }

    fn cells(&self) -> String {
        let all = self.killed + self.same + self.other + self.holes;
        let counts = [all, self.killed, self.raising, self.same, self.other, self.shown, self.holes];
        counts.map(|count| count.to_string()).join(" | ")
    }
}

//! Runs single phases of a request, and whole requests, as often as it takes to count them.
//!
//! ```sh
//! bench/counts    # starts this under callgrind and makes a table of what it counts
//! ```
//!
//! Each phase runs a few rounds to get warm, then N, then 2N, with [`counts_mark`] entered before, between and after: what 2N
//! rounds cost more than N is what N rounds cost, whatever happens at their ends. Every second round costs the same, so
//! the figure is exact, and it is the same on an idle machine and on a busy one.

use std::{
    env,
    error::Error,
    hint,
    io::{self, Write as _},
    path::Path,
};

use interlingua_bench::{all, backend, cases};
use mimalloc::MiMalloc;

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["backend", folder] => backend::serve(&cases(Path::new(folder))?),
        ["count", folder, only @ ..] => count(Path::new(folder), only),
        _ => Err("usage: phases count FOLDER [PHASE…], with a folder that `workloads.py` wrote".into()),
    }
}

/// Runs the phases with one of those texts in their names, or all of them.
fn count(folder: &Path, only: &[&str]) -> Result<(), Box<dyn Error>> {
    let backend = backend::Child::start(folder, cases(folder)?.len())?;
    for mut phase in all(folder, &backend)? {
        if !only.is_empty() && !only.iter().any(|part| phase.name.contains(part)) {
            continue;
        }
        phase.run(phase.rounds.div_ceil(4).max(3));
        counts_mark(&phase.name);
        phase.run(phase.rounds);
        counts_mark(&phase.name);
        phase.run(2 * phase.rounds);
        counts_mark(&phase.name);
        writeln!(io::stdout(), "{} {}", phase.name, phase.rounds)?;
    }
    Ok(())
}

/// Callgrind is told to write down what it counted, and to begin anew, whenever this is entered.
#[inline(never)]
fn counts_mark(phase: &str) {
    hint::black_box(phase);
}

//! The same cases where requests are handed on to an old upstream as they are, and those that are about that alone
//! (`legacy.toml`).
//!
//! What must never happen is the same: framing has one reading, a credential is the one that was looked at, nothing hangs,
//! and nobody is told what belongs to another. What the old upstream judges itself, such as bodies and ids, is handed on:
//! the files name those cases (`handed_on`), so that no other is by oversight.

use std::fmt::Write;
use std::net::SocketAddr;

use toml::{Table, Value};

use super::{
    Stage, answers,
    backend::Backend,
    case::{self, Group},
    faults, play,
    request::Rules,
    started::{Started, merge},
};

/// The dialects of which others are generations.
const DIALECTS: [&str; 5] = ["apexscore", "closient", "dreadnode", "gitbook", "letpiper"];

/// The file that is about handing on alone.
pub(super) const ALONE: &str = "legacy";

macro_rules! groups {
    ($($name:ident $file:literal)*) => {
        $(#[test]
        fn $name() {
            try_out($file);
        })*
    };
}

groups! {
    credentials "credentials"
    framing "framing"
    http2_frames "http2"
    keys "keys"
    legacy "legacy"
    limits "limits"
    paths "paths"
    quotas "quotas"
    slow "slow"
    syntax "syntax"
    untaken "untaken"
    upstream "upstream"
}

fn try_out(name: &str) {
    let group = case::read(name, &answers::parts());
    let backend = Backend::start(Rules::Passing);
    let settings = passing(&group, backend.address);
    // Nobody is on the canonical side.
    let canonical = Backend::start(Rules::Program);
    let program = Started::with(&settings, canonical.address);
    let address = program.address;
    let stage = Stage {
        address,
        http2: address,
        backend: backend.clone(),
        rules: Rules::Passing,
        is_alone: name == ALONE,
        innocent: group.innocent,
    };
    let verdicts = play(&stage, &group);
    let ended = program.end();
    let mut report = faults(name, &verdicts, &backend, ended);
    let handed_on = verdicts.iter().filter(|(_, verdict)| verdict.is_handed_on);
    let mut handed_on: Vec<_> = handed_on.map(|(case, _)| case.name.clone()).collect();
    for stray in canonical.strays() {
        writeln!(report, "{name}: the canonical side heard: {stray}").unwrap();
    }
    handed_on.sort();
    let mut expected = group.handed_on.clone();
    expected.sort();
    if handed_on != expected {
        writeln!(report, "{name}: handed on, or answered otherwise: {handed_on:#?}").unwrap();
    }
    assert!(report.is_empty(), "{report}");
}

/// What the file says, and that the backend is the old upstream of all dialects, with what is said of `[upstream]`.
fn passing(group: &Group, to: SocketAddr) -> Table {
    let mut all = group.config.clone();
    for dialect in DIALECTS {
        let mut legacy = group.config.get("upstream").and_then(Value::as_table).cloned().unwrap_or_default();
        merge(&mut legacy, &format!("base = 'http://{to}'\n[breaker]\nenabled = false").parse().unwrap());
        let mut own = Table::new();
        own.insert(dialect.to_owned(), Value::Table(legacy));
        let mut said = Table::new();
        said.insert("legacy".to_owned(), Value::Table(own));
        // What the file itself says of an old upstream is said over that.
        merge(&mut said, &all);
        merge(&mut said, &format!("[mode.{dialect}]\nmode = 'legacy'").parse().unwrap());
        all = said;
    }
    all
}

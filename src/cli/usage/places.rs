//! Where the answers to each operation in use were compared, and where never: nobody sees what differs there.

use std::collections::BTreeSet;

use super::met::Findings;
use crate::dialect::Registry;
use crate::translate::reverse::told::Covers;
use crate::usage::{Kind, Snapshot};

/// Where an operation was compared.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) dialect: String,
    pub(super) operation: String,
    /// How many of its answers were compared, or how many changes read back, in the days that are kept.
    pub(super) answers: u64,
    pub(super) covers: Covers,
}

/// Those of all operations that somebody used, or of which anything was compared, as the mappings are now.
pub(super) fn all(counted: &Snapshot, registry: &Registry, met: &Findings) -> Vec<Places> {
    let used = counted.uses.uses().map(|((_, part), _)| part).filter(|part| part.kind == Kind::Operation);
    let used = used.map(|part| (part.dialect.clone(), part.operation.clone()));
    let names: BTreeSet<_> = used.chain(met.compared.keys().cloned()).collect();
    let of = |(dialect, operation): (String, String)| {
        let known = registry.dialect(&dialect)?;
        let own = known.operations.iter().find(|one| one.name == operation)?;
        let of = met.compared.get(&(dialect.clone(), operation.clone()));
        let answers = of.map_or(0, |of| of.answers.count);
        let covers = Covers::of(registry.api(), known, own);
        let covers = if answers == 0 { covers.of_none() } else { covers };
        Some(Places { dialect, operation, answers, covers })
    };
    names.into_iter().filter_map(of).collect()
}

impl Places {
    /// How many places there are of each sort, in words.
    pub(super) fn sentence(&self) -> String {
        let Covers { of_effects, compared, looked_at, never } = &self.covers;
        if self.answers == 0 {
            return "nothing was compared".to_owned();
        }
        let compared = match compared.len() {
            _ if *of_effects => "what the calls set was compared".to_owned(),
            places => format!("{} compared", counted(places)),
        };
        format!("{compared}, {} only shown and looked at, {} never", looked_at.len(), never.len())
    }
}

fn counted(places: usize) -> String {
    if places == 1 { "1 place".to_owned() } else { format!("{places} places") }
}

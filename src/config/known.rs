//! Whether what the file speaks of by name is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Config, diags};
use crate::diag::{Diagnostic, Span};
use crate::dialect::{Dialect, Operation};
use crate::gateway::mode;
use crate::translate::gather;

/// A dialect, as far as settings name it.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is a generation of.
    pub extends: Vec<&'a str>,
    /// Its operations.
    pub operations: Vec<&'a str>,
    /// Those of them of which fields, values or words retire.
    pub retiring: Vec<&'a str>,
    /// Those that gather a list from many pages, and up to how many items.
    pub gathers: Vec<(&'a str, u32)>,
}

impl<'a> From<&'a Dialect> for Known<'a> {
    fn from(dialect: &'a Dialect) -> Known<'a> {
        Known {
            name: &dialect.name,
            extends: dialect.extends.iter().map(String::as_str).collect(),
            operations: dialect.operations.iter().map(|operation| operation.name.as_str()).collect(),
            retiring: {
                let retires =
                    |operation: &&Arc<Operation>| operation.with_cases().any(|one| !one.watches.is_empty());
                let retiring = dialect.operations.iter().filter(retires);
                retiring.map(|operation| operation.name.as_str()).collect()
            },
            gathers: {
                let gathers = dialect.operations.iter();
                gathers.filter_map(|one| Some((one.name.as_str(), one.gather?))).collect()
            },
        }
    }
}

impl Known<'_> {
    /// Its own name, and then those of what it is a generation of.
    pub(super) fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        std::iter::once(self.name).chain(self.extends.iter().copied())
    }

    fn has_legacy(&self, config: &Config) -> bool {
        self.names().any(|name| config.legacy.contains_key(name))
    }
}

pub(super) fn strangers(config: &Config, known: &[Known<'_>]) -> Vec<Diagnostic> {
    let names: Vec<_> = known.iter().map(|one| one.name).collect();
    let unknown = config.dialects.iter().filter(|name| !names.contains(&name.value.as_str()));
    let mut found: Vec<_> = unknown.map(|name| diags::known::unknown_dialect(name, &names)).collect();
    for written in &config.modes_written {
        let dialect = &written.dialect.value;
        let Some(own) = known.iter().find(|one| one.name == dialect) else { continue };
        if let Some(needs) = written.needs_legacy
            && !own.has_legacy(config)
        {
            found.push(diags::known::no_legacy(dialect, needs));
        }
        let operations = operations(dialect, known);
        let unknown = written.operations.iter().filter(|name| !operations.contains(&name.value.as_str()));
        found.extend(unknown.map(|name| diags::known::unknown_operation(dialect, name, &operations)));
        let mode = config.modes.get(dialect);
        found.extend(mode.and_then(|mode| unseen(config, dialect, mode, written.needs_legacy, known)));
    }
    found
}

/// That parts of requests retire which are handed on in that mode, and that nobody looks.
pub(super) fn unseen(
    config: &Config,
    dialect: &str,
    mode: &mode::Config,
    passes: Option<Span>,
    known: &[Known<'_>],
) -> Option<Diagnostic> {
    let retiring = retiring(config, dialect, known);
    let unseen: BTreeSet<_> = retiring.filter(|name| !mode.validate && mode.hands_on(name)).collect();
    (!unseen.is_empty()).then(|| diags::known::nobody_looks(dialect, passes, &unseen))
}

/// The operations of which parts retire, of a dialect and of its generations of which no other mode is said.
fn retiring<'a>(
    config: &'a Config,
    dialect: &'a str,
    known: &'a [Known<'_>],
) -> impl Iterator<Item = &'a str> {
    let is_said = move |name: &str| name == dialect || config.modes.contains_key(name);
    let said_of = move |one: &'a Known<'_>| one.names().find(|name| is_said(name));
    let meant = known.iter().filter(move |one| said_of(one) == Some(dialect));
    meant.flat_map(|one| one.retiring.iter().copied())
}

/// The list that needs most calls, if there may not be enough for it: for all its pages, where the backend gives as few items at a
/// time as it may, and for one that looks something up.
pub(super) fn list_beyond_calls(config: &Config, known: &[Known<'_>]) -> Option<Diagnostic> {
    let calls_max = config.body.calls_max;
    let lists = known.iter().flat_map(|one| one.gathers.iter().map(|(name, most)| (one.name, *name, *most)));
    let (dialect, operation, most) = lists.max_by_key(|(.., most)| *most)?;
    let calls = usize::try_from(gather::pages_max(most)).unwrap_or(usize::MAX).saturating_add(1);
    let list = (dialect, operation, most, calls);
    (calls > calls_max).then(|| diags::known::list_beyond_calls(list, calls_max, config.calls_max_at))
}

/// The operations that may be meant by what is said of a dialect: it holds for its generations, too.
fn operations<'a>(dialect: &str, known: &[Known<'a>]) -> Vec<&'a str> {
    let meant = known.iter().filter(|one| one.names().any(|name| name == dialect));
    meant.flat_map(|one| one.operations.iter().copied()).collect()
}

/// Whether a mode that was said before has all that it needs.
pub(super) fn takes(config: &Config, dialect: &str, mode: &mode::Config, known: &[Known<'_>]) -> bool {
    let Some(own) = known.iter().find(|one| one.name == dialect) else { return false };
    let operations = operations(dialect, known);
    (own.has_legacy(config) || !mode.passes())
        && mode.operations.keys().all(|name| operations.contains(&name.as_str()))
}

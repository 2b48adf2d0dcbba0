//! `ids`: the map between the ids of an older system and ours.
//!
//! Ids that follow no rule have to be brought over. An import is all or nothing, and may be repeated; the proxy may run
//! meanwhile.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

mod export;
mod find;
mod import;
mod matching;
mod pair;
mod rows;

pub(super) use self::matching::Unmatchable;
use super::{Failure, Outcome, console::Console, files::Files, names};
use crate::{
    canonical::id::{CanonicalId, IdForm},
    dialect::Registry,
    lens::op::id::Id,
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The id map; without it, `[ids] store` of the configuration
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import pairs of an external and a canonical id: all of them or none
    Import(import::Arguments),
    /// Print every pair of a kind, in a form that can be imported
    Export(export::Arguments),
    /// Show what an id stands for, whichever half it is
    Find(find::Arguments),
    /// Find out which records of an old upstream are which of ours, by what they are known by besides their ids
    Match(Box<matching::Arguments>),
}

/// Which ids.
#[derive(Args, Debug)]
struct Which {
    /// The dialect
    #[arg(long)]
    dialect: String,
    /// The kind of id, as in `[id.<kind>]` of the dialect's mapping
    #[arg(long)]
    kind: String,
    /// The organization the ids lie in, by its canonical id; without it, they hold everywhere
    #[arg(long, value_parser = organization)]
    organization: Option<Uuid>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines of `external,canonical,organization` below a header
    Csv,
    /// A JSON object on each line
    Jsonl,
}

/// Why there is nothing to be done with ids.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misused {
    /// A file whose name does not say what is in it.
    #[error("`{0}` does not say by its ending what it holds: say `--format csv` or `--format jsonl`")]
    Format(String),
    /// Nobody said where the map is.
    #[error("there is no id map: set `store` under `[ids]` in the configuration, or say `--store FILE`")]
    NoStore,
    /// Ids of that kind are the same in every organization.
    #[error(
        "ids of kind `{kind}` lie in no organization; if they should, the mapping of `{dialect}` says \
         `within = \"<the path parameter with the organization>\"` under `[id.{kind}]`"
    )]
    NotWithin {
        /// The dialect.
        dialect: String,
        /// The kind.
        kind: String,
    },
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let store = arguments.store.clone().or_else(|| loaded.config.ids.store.clone());
    let registry = &loaded.registry;
    let needed = || store.as_deref().ok_or(Misused::NoStore);
    match &arguments.command {
        Command::Import(arguments) => import::run(arguments, needed()?, registry, console),
        Command::Export(arguments) => export::run(arguments, needed()?, registry, console),
        Command::Find(arguments) => find::run(arguments, needed()?, console),
        Command::Match(arguments) => matching::run(arguments, store.as_deref(), &loaded, console),
    }
}

impl Which {
    /// What the mapping says about this kind, and the dialect under whose name its ids are kept.
    fn declared<'r>(&self, registry: &'r Registry) -> Result<(&'r Id, &'r str), Failure> {
        let dialect = names::dialect(registry, &self.dialect)?;
        let id = names::id_kind(dialect, &self.kind)?;
        if self.organization.is_some() && !lies_within(id) {
            return Err(self.not_within().into());
        }
        Ok((id, dialect.family()))
    }

    fn not_within(&self) -> Misused {
        Misused::NotWithin { dialect: self.dialect.clone(), kind: self.kind.clone() }
    }
}

/// Whether ids of the kind may lie in an organization.
fn lies_within(id: &Id) -> bool {
    id.imported.as_ref().is_some_and(|imported| imported.within.is_some())
}

/// A canonical id of something that can have imported ids.
fn uuid(text: &str) -> Option<Uuid> {
    match IdForm::Uuid.read(text) {
        Ok(CanonicalId::Uuid(uuid)) => Some(uuid),
        Ok(CanonicalId::Text(_) | CanonicalId::Integer(_)) | Err(_) => None,
    }
}

fn organization(text: &str) -> Result<Uuid, &'static str> {
    uuid(text).ok_or("an organization is given by its canonical id, a UUID")
}

#[cfg(test)]
mod tests;

//! `ids match`: which records of an old upstream are which of ours, found by what they are known by besides their ids.
//!
//! Both sides are only read. What is found is printed as it can be imported, or written into the id map; what contradicts
//! the map, or anything else that was found, is told and never written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http::Uri;
use sha2::{Digest, Sha256};
use tokio::runtime;
use uuid::Uuid;

mod side;
mod told;

use self::side::{Read, Refused, Side, Sides};
use super::{Misused, export, uuid};
use crate::{
    canonical::api::Api,
    cli::{
        Failure, Outcome,
        console::Console,
        files::Loaded,
        names,
        replay::{self, Credentials},
        report::{Format, Reporter},
    },
    diag::{Sources, render::Case},
    dialect::Dialect,
    ids::embedded::matching::{About, Conflict, Counts, KEY_BYTES, Matching, Scope, Sighting},
    translate::reverse::records::{self, List},
};

/// Records that other lists lie in, read at a time.
const SCOPES: u32 = 1_000;

/// Lists that are told one by one to be left out.
const LEFT_OUT_MAX: usize = 20;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The dialect
    #[arg(long)]
    dialect: String,
    /// Only ids of this kind, as in `[id.<kind>]` of the dialect's mapping
    #[arg(long)]
    kind: Option<String>,
    /// The old upstream, which speaks the dialect; without it, that of `[legacy.<dialect>]`
    #[arg(long, value_name = "URL", value_parser = replay::base)]
    old: Option<Uri>,
    /// The canonical backend; without it, that of `[upstream]`
    #[arg(long, value_name = "URL", value_parser = replay::base)]
    new: Option<Uri>,
    /// A file with the credential that both sides take: alone, or on each line a dialect, `=` and its credential
    #[arg(long, value_name = "FILE")]
    credential_file: PathBuf,
    /// A file with the credential for the canonical side alone, if it takes another
    #[arg(long, value_name = "FILE")]
    canonical_credential_file: Option<PathBuf>,
    /// PEM file of certificate authorities to trust instead of the system's
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// At most so many requests in a second, to each side
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// How long an answer may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = replay::deadline)]
    deadline: Duration,
    /// Write what is new into the id map, instead of printing it
    #[arg(long)]
    write: bool,
}

/// Why nothing can be matched.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Unmatchable {
    /// One of the sides does not answer as it should.
    #[error("{side} did not tell `{operation}`: {why}")]
    Answer {
        /// Which.
        side: &'static str,
        /// The operation of the dialect.
        operation: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody may ask.
    #[error("`{0}` holds no credential that can be sent to {1}")]
    Credential(String, &'static str),
    /// No id is looked up.
    #[error("no ids of `{0}` may have been imported: no `[id.x]` of its mapping says `imported = true`")]
    Computed(String),
    /// No id of that kind is.
    #[error("ids of `{0}` cannot have been imported; these can: {1}")]
    ComputedKind(String, String),
    /// Several kinds cannot be printed as one file.
    #[error("say which ids to print: `--kind` with one of {0}; or `--write` all of them")]
    Kind(String),
    /// No list tells anything.
    #[error(
        "nothing can be matched: no list of `{0}` tells ids of {1} together with a key of `[keys]` in `canonical.toml`"
    )]
    NoKeys(String, String),
    /// Nobody said where a side is.
    #[error("nobody says where {0} is: give `{1} URL`, or set `base` under `{2}` in the configuration")]
    NoBase(&'static str, &'static str, String),
    /// The backend speaks a dialect.
    #[error("the backend of the configuration speaks `{0}`: give the canonical side with `--new URL`")]
    Reverse(String),
    /// A side cannot be asked.
    #[error("cannot ask {0}: {1}")]
    Target(&'static str, String),
}

pub(super) fn run(
    arguments: &Arguments,
    store: Option<&Path>,
    loaded: &Loaded,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Loaded { config, registry, .. } = loaded;
    let dialect = names::dialect(registry, &arguments.dialect)?;
    let lists = records::lists(registry.api(), dialect);
    let kinds = kinds(dialect, &lists, arguments)?;
    if arguments.write && store.is_none() {
        return Err(Misused::NoStore.into());
    }
    let sides = Sides::new(
        arguments,
        config,
        dialect,
        &Credentials::read(Some(&arguments.credential_file), registry)?,
    )?;
    // A map that is only to be looked at need not be there.
    let store = store.filter(|path| arguments.write || path.exists());
    let mut search = Search {
        api: registry.api(),
        sides,
        matching: Matching::begin(store, dialect.family())?,
        salt: Uuid::new_v4(),
        unread: Unread::default(),
        read: 0,
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("cannot start"))?;
    let bar = console.spinner("reading both sides");
    let outcome = runtime.block_on(search.run(&lists));
    bar.finish_and_clear();
    outcome?;
    search.finish(arguments, &kinds, console)
}

/// The kinds of ids that are asked for, and that the lists tell enough of.
fn kinds<'d>(dialect: &'d Dialect, lists: &[List], arguments: &Arguments) -> Result<Vec<&'d str>, Failure> {
    let imported = dialect.ids.iter().filter(|(_, id)| id.imported.is_some());
    let mut kinds: Vec<_> = imported.map(|(name, _)| name.as_str()).collect();
    if kinds.is_empty() {
        return Err(Unmatchable::Computed(dialect.name.clone()).into());
    }
    if let Some(wanted) = &arguments.kind {
        names::id_kind(dialect, wanted)?;
        if !kinds.contains(&wanted.as_str()) {
            return Err(Unmatchable::ComputedKind(wanted.clone(), quoted(&kinds)).into());
        }
        kinds.retain(|kind| kind == wanted);
    }
    let asked = quoted(&kinds);
    kinds.retain(|kind| lists.iter().any(|list| list.keyed_kinds().any(|keyed| keyed == *kind)));
    if kinds.is_empty() {
        return Err(Unmatchable::NoKeys(dialect.name.clone(), asked).into());
    }
    if !arguments.write && kinds.len() > 1 {
        return Err(Unmatchable::Kind(quoted(&kinds)).into());
    }
    Ok(kinds)
}

fn quoted(kinds: &[&str]) -> String {
    let all: Vec<_> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
    all.join(", ")
}

/// A search under way.
struct Search<'s> {
    api: &'s Api,
    sides: Sides,
    matching: Matching,
    /// Digests of keys are made with it: nobody can try out what a short one was.
    salt: Uuid,
    /// Lists that one of the sides does not show whoever asks.
    unread: Unread,
    /// How many were read on both sides.
    read: usize,
}

/// Lists that were not read: why, of the first of them, and how many more there are.
#[derive(Default)]
struct Unread {
    first: Vec<String>,
    more: usize,
}

impl Unread {
    fn add(&mut self, why: String) {
        if self.first.len() < LEFT_OUT_MAX {
            self.first.push(why);
        } else {
            self.more += 1;
        }
    }

    fn told(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| format!("{} more lists", self.more));
        self.first.iter().cloned().chain(more)
    }
}

impl Search<'_> {
    /// Reads all lists: first those that lie in nothing, then those inside of what was found in them.
    async fn run(&mut self, lists: &[List]) -> Result<(), Failure> {
        let mut waiting: Vec<&List> = lists.iter().collect();
        let mut known: Vec<&str> = Vec::new();
        loop {
            let is_next = |list: &&List| {
                list.within.as_ref().is_none_or(|within| known.contains(&within.canonical.as_str()))
            };
            let (next, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_next);
            if next.is_empty() {
                for list in later {
                    self.unread.add(format!("`{}` lies in what no list tells", list.operation.name));
                }
                return Ok(());
            }
            waiting = later;
            for list in next {
                let leads_on = list.names.as_ref().is_some_and(|(names, _)| {
                    lists.iter().any(|other| other.within.as_ref().is_some_and(|one| one.canonical == *names))
                });
                if list.has_keys() || leads_on {
                    self.read_all(list, leads_on).await?;
                }
                known.extend(list.names.as_ref().map(|(names, _)| names.as_str()));
            }
        }
    }

    /// Reads a list wherever there is one. Others may lie in what it tells.
    async fn read_all(&mut self, list: &List, leads_on: bool) -> Result<(), Failure> {
        let Some(within) = &list.within else { return self.read(list, None, leads_on).await };
        let mut after = 0;
        loop {
            let scopes = self.matching.scopes(&within.canonical, after, SCOPES)?;
            after = match scopes.last() {
                Some(end) => end.place,
                None => return Ok(()),
            };
            for scope in &scopes {
                self.read(list, Some(scope), leads_on).await?;
            }
        }
    }

    /// Reads one list on both sides, and pairs what it tells.
    async fn read(&mut self, list: &List, scope: Option<&Scope>, leads_on: bool) -> Result<(), Failure> {
        for side in [Side::Old, Side::New] {
            let mut pages = self.sides.pages(side, self.api, list, scope)?;
            loop {
                let items = match pages.next().await {
                    Ok(Read::Items(items)) => items,
                    Ok(Read::End) => break,
                    Err(Refused::Failed(failed)) => return Err((*failed).into()),
                    Err(Refused::Hidden(status)) => {
                        self.matching.forget()?;
                        let place =
                            scope.map_or_else(String::new, |scope| format!(" in {}", scope.canonical));
                        let name = &list.operation.name;
                        self.unread.add(format!("{} answers `{name}`{place} with {status}", side.name()));
                        return Ok(());
                    }
                };
                for seen in items.iter().flat_map(|item| item.iter().enumerate()) {
                    let (part, Some(seen)) = seen else { continue };
                    let record = &list.records[part];
                    let key = seen.key.as_ref().map(|key| self.digest(&record.schema, key));
                    match side {
                        Side::Old => {
                            let sighting = Sighting::Theirs(&seen.id, record.computed(&seen.id));
                            self.matching.see(part, sighting, key)?;
                        }
                        Side::New => {
                            if let Some(canonical) = uuid(&seen.id) {
                                self.matching.see(part, Sighting::Ours(canonical), key)?;
                            }
                        }
                    }
                }
            }
        }
        for (part, record) in list.records.iter().enumerate() {
            let lies_in = record.id.imported.as_ref().and_then(|imported| imported.within.as_ref());
            let around = list.within.as_ref().map(|within| &within.canonical);
            let organization = scope.filter(|_| lies_in.is_some() && lies_in == around);
            let organization = organization.map(|scope| scope.canonical);
            let names = list
                .names
                .as_ref()
                .filter(|(_, own)| leads_on && *own == part)
                .map(|(names, _)| names.as_str());
            let about = About { schema: &record.schema, kind: record.kind(), organization, names };
            self.matching.pair(part, about)?;
        }
        self.read += 1;
        Ok(())
    }

    fn digest(&self, schema: &str, key: &str) -> [u8; KEY_BYTES] {
        let mut digest = Sha256::new();
        digest.update(self.salt.as_bytes());
        digest.update((schema.len() as u64).to_be_bytes());
        digest.update(schema);
        digest.update(key);
        let mut half = [0; KEY_BYTES];
        half.copy_from_slice(&digest.finalize()[..KEY_BYTES]);
        half
    }

    /// Prints or writes what is new, and tells the rest.
    fn finish(
        mut self,
        arguments: &Arguments,
        kinds: &[&str],
        console: &mut Console<'_>,
    ) -> Result<Outcome, Failure> {
        if self.read == 0 {
            let why = self.unread.told().collect::<Vec<_>>().join("; ");
            return Err(Unmatchable::Target("either side", why).into());
        }
        for unread in self.unread.told() {
            console.note(&format!("left out: {unread}"))?;
        }
        // What is told to be in no conflict is what is written, whatever somebody else imported meanwhile.
        if arguments.write {
            self.matching.hold()?;
        }
        let is_asked = |conflict: &Conflict| kinds.contains(&conflict.kind.as_str());
        let mut conflicts: u64 = 0;
        let mut reporter = Reporter::new(Format::Text, "ids match", console);
        self.matching.conflicts(|conflict| {
            if is_asked(&conflict) {
                conflicts += 1;
                let found = [told::conflict(&conflict)];
                let case = Case { suite: "id map", name: &conflict.kind, found: &found, skipped: None };
                reporter.case(&case, &Sources::default(), console)?;
            }
            Ok::<_, Failure>(())
        })?;
        reporter.finish(console)?;
        let Counts { known, computed, theirs_alone, ours_alone } = self.matching.counts()?;
        let (new, verb) = if arguments.write {
            (self.matching.write(kinds)?, "written")
        } else {
            (self.print(kinds, console)?, "new")
        };
        console.note(&format!(
            "{new} pairs are {verb}, {known} were in the id map, {computed} need none; {conflicts} conflicts; \
             without a counterpart are {theirs_alone} ids of the old upstream and {ours_alone} of the canonical side"
        ))?;
        Ok(if conflicts > 0 { Outcome::Findings } else { Outcome::Clean })
    }

    fn print(&self, kinds: &[&str], console: &mut Console<'_>) -> Result<u64, Failure> {
        let mut rows = export::Rows::new(super::Format::Csv);
        let mut count = 0;
        for kind in kinds {
            self.matching.fresh(kind, |pair| {
                count += 1;
                rows.add(&pair, console)
            })?;
        }
        rows.finish(console)?;
        Ok(count)
    }
}

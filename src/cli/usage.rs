//! `report`: who still calls what, who would notice if something went, and who can be moved.
//!
//! It adds up what replicas counted, read from their files or asked of their admin listeners, and looks up in the mappings
//! what becomes of what each principal uses.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use http::Uri;

mod axis;
mod compared;
mod csv;
mod ending;
mod fetch;
mod html;
mod json;
mod met;
mod places;
mod plot;
mod removal;
mod text;
mod verdict;

use self::axis::{Axis, DAY};
use self::ending::Ending;
use self::met::Findings;
use self::places::Places;
use self::removal::Removal;
use self::verdict::Verdict;
use super::{
    Failure, Outcome,
    console::Console,
    files::{Files, Loaded},
};
use crate::gateway::reverse::lacking_with;
use crate::limit::Principal;
use crate::usage::heavy::Use;
use crate::usage::snapshot::date;
use crate::usage::{Kind, Part, Snapshot, Summary, UNCONFIRMED, is_printable, names, store};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Files of `[usage] file`, one of each replica; they may be in use. Without any and without `--from`, the one that the
    /// configuration names
    #[arg(value_name = "FILE")]
    counted: Vec<PathBuf>,
    /// The admin listener of a running proxy, such as `http://127.0.0.1:9464`; may be given several times
    #[arg(long, value_name = "URL")]
    from: Vec<Uri>,
    /// Tell who would notice if this went: `dialect`, `dialect/operation`, `dialect/operation/field` or
    /// `dialect/operation/field=value`; the exit status is 1 if somebody would
    #[arg(long, value_name = "PART")]
    removing: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each use, as RFC 4180 has it
    Csv,
    /// One page that needs nothing else
    Html,
    /// For programs
    Json,
    /// For people
    #[default]
    Text,
}

/// Everything there is to tell.
struct Told {
    counted: Snapshot,
    /// How many replicas counted it.
    replicas: usize,
    /// Into how many files nothing was ever counted.
    untouched: usize,
    removal: Option<Removal>,
    /// What retires.
    endings: Vec<Ending>,
    verdicts: Vec<Verdict>,
    met: Findings,
    places: Vec<Places>,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(Loaded { config, registry, .. }) = files.load(console)? else { return Ok(Outcome::Findings) };
    let mut counted = Snapshot::default();
    let mut untouched = 0;
    let own = config.usage.file.iter().filter(|_| arguments.counted.is_empty() && arguments.from.is_empty());
    let files: Vec<_> = arguments.counted.iter().chain(own).collect();
    if files.is_empty() && arguments.from.is_empty() {
        return Err(Failure::NothingCounted);
    }
    for file in &files {
        let read = store::read(file)?;
        untouched += usize::from(read.is_untouched());
        counted.merge(&read);
    }
    for from in &arguments.from {
        counted.merge(&fetch::snapshot(from)?);
    }
    counted.names.extend(names(config.usage.names));
    for name in counted.names.values_mut() {
        *name = shown(name).into_owned();
    }
    let removal = arguments.removing.as_deref();
    let removal = removal.map(|asked| Removal::of(asked, &counted, &registry)).transpose()?;
    let removal = removal.map(|removal| Removal { is_counted: untouched == 0, ..removal });
    let met = Findings::of(&counted, &registry, &config.modes);
    let lacking = config.reverse.as_ref().map(|spoken| lacking_with(&registry, spoken)).unwrap_or_default();
    let lacking = lacking.into_iter().map(|of| ((of.dialect, of.operation), of.reason)).collect();
    let endings = ending::all(&counted, &registry);
    let says = verdict::Mapped::of(&registry, &lacking, &config.modes);
    let verdicts = verdict::all(&counted, &says, &met, &endings);
    let replicas = files.len() + arguments.from.len();
    let places = places::all(&counted, &registry, &met);
    let told = Told { counted, replicas, untouched, removal, endings, verdicts, met, places };
    match arguments.format {
        Format::Csv => console.text(&csv::written(&told))?,
        Format::Html => console.text(&html::written(&told))?,
        Format::Json => console.json(&json::written(&told))?,
        Format::Text => console.text(&text::written(&told))?,
    }
    // Where parts were forgotten, nobody can say that nobody would notice.
    let is_noticed = told.removal.is_some_and(|removal| !removal.users.is_empty() || !removal.is_certain());
    Ok(if is_noticed { Outcome::Findings } else { Outcome::Clean })
}

impl Told {
    fn name(&self, who: &Principal) -> Option<&str> {
        self.counted.names.get(who).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// What people know a principal by: its name with the first digits of its digest, which nobody else has, or the digest.
    fn label(&self, who: &Principal) -> String {
        match self.name(who) {
            Some(name) if *who == UNCONFIRMED => name.to_owned(),
            Some(name) => format!("{name} ({})", first_digits(who)),
            None => who.to_string(),
        }
    }

    /// The dialects that are used, or of which anything was met, those with the most requests first.
    fn dialects(&self) -> Vec<&str> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (dialect, known) in self.verdicts.iter().flat_map(|verdict| &verdict.dialects) {
            *counts.entry(dialect).or_default() += known.count;
        }
        for (_, part, _) in self.counted.met.all() {
            counts.entry(&part.dialect).or_default();
        }
        let mut dialects: Vec<_> = counts.into_iter().collect();
        dialects.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        dialects.into_iter().map(|(name, _)| name).collect()
    }

    /// The days that are drawn: those on which anybody came or anything was met, up to the one on which it was written.
    fn axis(&self) -> Axis {
        let mut weights: BTreeMap<u64, u64> = BTreeMap::new();
        let met = self.counted.met.all().map(|(day, _, count)| (day, count));
        for (day, count) in self.counted.days.iter().map(|(day, table)| (*day, table.total)).chain(met) {
            *weights.entry(day).or_default() += count;
        }
        Axis::of(&weights, self.counted.since / DAY, self.counted.written / DAY)
    }

    /// Who calls which operation, in the order of operations, the most frequent first.
    fn calls(&self) -> Vec<(&Principal, &Part, &Use<()>)> {
        let uses = self.counted.uses.uses().filter(|((_, part), _)| part.kind == Kind::Operation);
        let mut calls: Vec<_> = uses.map(|((who, part), known)| (who, part, known)).collect();
        calls.sort_by(|(who, part, known), (other_who, other, more)| {
            (part, std::cmp::Reverse(known.count), who).cmp(&(
                other,
                std::cmp::Reverse(more.count),
                other_who,
            ))
        });
        calls
    }

    /// How many requests there were, at most.
    fn requests(&self) -> u64 {
        self.counted.clients.total
    }

    /// How wrong counts may be, in a sentence.
    fn error(&self) -> String {
        let uses = &self.counted.uses;
        if self.untouched > 0 {
            let into = if self.replicas == 1 {
                "this file".to_owned()
            } else {
                format!("{} of the files", self.untouched)
            };
            return format!(
                "Nothing was ever counted into {into}: it is new, or a copy without what was beside it."
            );
        }
        if uses.is_exact() {
            return "Every count is exact.".to_owned();
        }
        let most = uses.uses().map(|(_, known)| known.error).max().unwrap_or_default().max(uses.missed);
        format!(
            "Some requests were not counted, or there were more principals and parts than the tables have room for: a \
             count with ≤ is too large by at most what is told beside it, which is {most} or less, and whoever is not \
             listed used no part more often than {}.",
            uses.missed
        )
    }
}

/// The first digits of a digest: enough to tell two of one name apart.
fn first_digits(who: &Principal) -> String {
    who.to_string().chars().take(8).collect()
}

/// A text as it can be shown anywhere. It may come from another machine, and is not to do anything to a terminal.
fn shown(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for character in text.chars() {
        if is_printable(character) {
            out.push(character);
        } else {
            out.extend(character.escape_unicode());
        }
    }
    Cow::Owned(out)
}

/// A count, with what it may be wrong by.
fn counted(known: &Use<()>) -> String {
    match known.error {
        0 => known.count.to_string(),
        error => format!("≤{} (−{error})", known.count),
    }
}

/// From the first day to the last.
fn days(known: &Use<()>) -> (String, String) {
    (date(known.first), date(known.last))
}

/// Whether everything in a table is exact.
fn is_exact<K: Ord + Clone>(table: &Summary<K>) -> bool {
    table.is_exact()
}

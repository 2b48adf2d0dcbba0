//! `coverage`: what of the mappings does recorded traffic use, and what was never tried?
//!
//! Each exchange is translated once more, and the translation tells which line of the mapping it follows. What an answer
//! was made of is known only where `calls` were written down (see [`record`]); elsewhere it is told from the answer.

use std::path::PathBuf;

use clap::Args;

mod play;
mod report;

use self::{play::Player, report::mappings};
use super::{
    Failure, Outcome,
    console::{Console, Format},
    files::Files,
    names,
    traffic::{
        Input, InputKind,
        ask::Asked,
        har,
        pieces::Broken,
        recognise::{Base, Recognised, Recogniser, bases},
        record,
    },
};
use crate::{
    json::{Document, Limits},
    translate::coverage::Coverage,
};

#[derive(Args, Debug)]
#[command(override_usage = "interlingua coverage [OPTIONS] [DIALECT [OPERATION]] FILE...")]
pub(super) struct Arguments {
    /// A dialect and an operation of it, if only those count, then files: `*.har` is recorded traffic, `*.jsonl` a record
    /// on each line; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    words: Vec<PathBuf>,
    /// What the files hold, whatever their endings say
    #[arg(long, value_enum)]
    input: Option<InputKind>,
    /// Where a dialect was served when traffic was recorded, as in `https://old.example/api`
    #[arg(long = "base", value_name = "[DIALECT=]URL")]
    bases: Vec<Base>,
    /// Fail if less than this is used of a mapping that is used at all
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    least: Option<u8>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let asked = Asked::of(&arguments.words)?;
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let registry = &loaded.registry;
    let dialect = asked.dialect.as_ref().map(|name| names::dialect(registry, name)).transpose()?;
    let operation = asked.operation.as_deref();
    if let (Some(dialect), Some(operation)) = (dialect, operation) {
        names::operation(dialect, operation)?;
    }
    let bases = bases(registry, dialect, &arguments.bases)?;
    let recogniser = Recogniser { registry, dialect, operation, bases };
    let player = Player { registry, fan_out_max: loaded.config.body.fan_out_max };
    let mut coverage = Coverage::of(registry);
    let mut counts = Counts::default();
    for input in asked.inputs(arguments.input)? {
        played(&input, &recogniser, &player, &mut coverage, &mut counts, console)?;
    }

    let mappings = mappings(&coverage, registry.lines());
    match arguments.format {
        Format::Json => console.json(&mappings.iter().map(report::Mapping::json).collect())?,
        Format::Text => {
            for mapping in mappings.iter().filter(|mapping| mapping.is_used()) {
                console.text(&mapping.text())?;
            }
            let unused = mappings.iter().filter(|mapping| !mapping.is_used());
            let unused: Vec<_> = unused.map(|mapping| mapping.path.as_str()).collect();
            if !unused.is_empty() {
                console.line(&format!("nothing was for {}", unused.join(", ")))?;
            }
            let Counts { entries, meant, unread } = counts;
            console.line(&format!("{meant} of {entries} exchanges are for an operation"))?;
            if unread > 0 {
                // With an operation `validate` takes what is no record for a body, and says something else.
                let why = match operation {
                    Some(_) => "is covered by whole records, not by single bodies",
                    None => "`interlingua validate` says why",
                };
                console.note(&format!("{unread} could not be read: {why}"))?;
            }
        }
    }
    let least = usize::from(arguments.least.unwrap_or(0));
    let is_less = mappings.iter().any(|mapping| mapping.is_used() && mapping.percent() < least);
    Ok(if is_less || counts.meant == 0 { Outcome::Findings } else { Outcome::Clean })
}

#[derive(Default)]
struct Counts {
    entries: usize,
    /// Those for an operation that was asked about.
    meant: usize,
    unread: usize,
}

/// Plays all exchanges of a file.
fn played(
    input: &Input,
    recogniser: &Recogniser<'_>,
    player: &Player<'_>,
    coverage: &mut Coverage,
    counts: &mut Counts,
    console: &Console<'_>,
) -> Result<(), Failure> {
    let mut pieces = input.open(console)?;
    let mut text = Vec::new();
    loop {
        match pieces.next(&mut text) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(Broken::Failure(failure)) => return Err(failure),
            Err(Broken::Text(_)) => {
                counts.unread += 1;
                return Ok(());
            }
        }
        counts.entries += 1;
        let limits = Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, depth_max: u16::MAX };
        let document = Document::parse(std::mem::take(&mut text), &limits).ok();
        let root = document.as_ref().map(Document::root);
        let read = root.and_then(|root| match input.kind {
            InputKind::Har => har::exchange(root).ok(),
            InputKind::Json | InputKind::Jsonl => record::exchange(root).ok(),
        });
        let Some(exchange) = read else {
            counts.unread += 1;
            continue;
        };
        if let Recognised::Meant(selected, url) = recogniser.recognise(&exchange) {
            counts.meant += 1;
            player.play(*selected, url, &exchange, coverage);
        }
    }
}

#[cfg(test)]
mod tests;

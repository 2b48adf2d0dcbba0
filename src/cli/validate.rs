//! `validate`: does recorded traffic, or do single documents, keep to what operations take and answer?
//!
//! Files may be of any length: one exchange is in memory at a time, and of what is found only so much is kept as people
//! read. What documents say is never printed unless it is asked for.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use http::StatusCode;

mod excerpt;
mod fault;
mod judge;
mod plain;
mod run;
mod tally;

use self::{run::Run, tally::Tally};
use super::{
    Failure, Outcome,
    console::Console,
    files::Files,
    report::{Format, Reporter},
    traffic::{InputKind, ask::Asked, recognise::Base},
    translate::status,
};

#[derive(Args, Debug)]
#[command(override_usage = "interlingua validate [OPTIONS] [DIALECT [OPERATION]] FILE...")]
pub(super) struct Arguments {
    /// A dialect (or `canonical`) and an operation of it, if only those count, then files: `*.har` is recorded traffic,
    /// `*.jsonl` a record on each line. With an operation, `*.json` and lines are single bodies; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    words: Vec<PathBuf>,
    /// What the files hold, whatever their endings say
    #[arg(long, value_enum)]
    input: Option<InputKind>,
    /// Which side of exchanges to look at; of single bodies, what they are: requests, if nothing is said
    #[arg(long, value_enum)]
    side: Option<Side>,
    /// The same as `--side answer`
    #[arg(long, conflicts_with = "side")]
    answer: bool,
    /// The status of answers that are single bodies
    #[arg(long, value_parser = status)]
    status: Option<StatusCode>,
    /// Where a dialect was served when traffic was recorded, as in `https://old.example/api`
    #[arg(long = "base", value_name = "[DIALECT=]URL")]
    bases: Vec<Base>,
    /// Fail for exchanges that no operation is meant by
    #[arg(long)]
    strict: bool,
    /// Print the lines of documents as they are, people's data included
    #[arg(long)]
    show_values: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A side of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
    Answer,
    Both,
    Request,
}

impl Arguments {
    fn side(&self) -> Option<Side> {
        if self.answer { Some(Side::Answer) } else { self.side }
    }
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let asked = Asked::of(&arguments.words)?;
    let inputs = asked.inputs(arguments.input)?;
    // Who misspelt a path need not wait for the mappings, nor read of documents there were none of.
    let failures: Vec<_> = inputs.iter().map_while(|input| input.look().err()).collect();
    if failures.len() == inputs.len()
        && let Some(first) = failures.into_iter().next()
    {
        return Err(first);
    }
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let run = Run::new(arguments, &asked, &loaded)?;
    run.check(&inputs)?;

    let mut reporter = Reporter::new(arguments.format, "validate", console);
    let mut tally = Tally::default();
    // A file that cannot be read is no reason to be silent about the others.
    let mut unread = None;
    for input in &inputs {
        if let Err(failure) = run.input(input, &mut tally, console) {
            unread = unread.or(Some(failure));
        }
        tally.finish_file(&input.name(), &mut reporter, console)?;
    }
    reporter.finish(console)?;
    if tally.more > 0 {
        console.note(&format!("{} more findings are not shown", tally.more))?;
    }
    if arguments.format == Format::Text {
        console.text(&tally.summary())?;
    }
    match unread {
        Some(failure) => Err(failure),
        None if tally.has_errors() => Ok(Outcome::Findings),
        None => Ok(Outcome::Clean),
    }
}

#[cfg(test)]
mod tests;

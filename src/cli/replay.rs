//! `replay`: recorded requests are sent again, and what is answered now is compared with what was answered then, or by
//! another proxy; in canonical words, so that differences are differences of meaning.
//!
//! What was recorded as a credential is never sent, and nothing that may change anything unless it is asked for.

use std::{cell::RefCell, path::PathBuf, time::Duration};

use clap::Args;
use futures_util::{StreamExt, stream};
use http::Uri;
use tokio::{runtime, time::Instant};

mod aim;
mod credential;
mod judge;
mod plays;
mod tally;

use self::{aim::Aim, judge::Judge, plays::Plays, tally::Tally};
pub(super) use self::{aim::patient, credential::Credentials};
use super::{
    Failure, Outcome,
    console::Console,
    files::Files,
    names,
    report::{Format, Reporter},
    traffic::{
        InputKind,
        ask::Asked,
        recognise::{Base, Recogniser, bases},
    },
};
use crate::{time::parse_duration, translate::compare::Masks};

#[derive(Args, Debug)]
#[command(override_usage = "interlingua replay [OPTIONS] --to URL [DIALECT [OPERATION]] FILE...")]
pub(super) struct Arguments {
    /// A dialect and an operation of it, if only those count, then files: `*.har` is recorded traffic, `*.jsonl` a record
    /// on each line; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    words: Vec<PathBuf>,
    /// The proxy that is asked, below whose address each dialect has its mount
    #[arg(long, value_name = "URL", value_parser = base)]
    to: Uri,
    /// Another one that is asked the same: then the two are compared with each other, and not with what was recorded
    #[arg(long, value_name = "URL", value_parser = base)]
    and: Option<Uri>,
    /// Ask the first proxy twice, and leave out the places where it differs from itself
    #[arg(long)]
    noise: bool,
    /// Send requests that may change something, too; one after another, in the order they were recorded
    #[arg(long, conflicts_with = "noise")]
    changes: bool,
    /// A file with the credential to send: alone, or on each line a dialect, `=` and its credential
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
    /// The same for the other proxy, if it takes others
    #[arg(long, value_name = "FILE", requires = "and")]
    and_credential_file: Option<PathBuf>,
    /// PEM file of certificate authorities to trust instead of the system's
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// How many requests may be under way at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    in_flight: u16,
    /// At most so many requests in a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// How long an answer may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = deadline)]
    deadline: Duration,
    /// What the files hold, whatever their endings say
    #[arg(long, value_enum)]
    input: Option<InputKind>,
    /// Where a dialect was served when traffic was recorded, as in `https://old.example/api`
    #[arg(long = "base", value_name = "[DIALECT=]URL")]
    bases: Vec<Base>,
    /// Print the values that differ as they are, people's data included
    #[arg(long)]
    show_values: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unplayable {
    /// A credential that the dialect would not take.
    #[error("the credential in `{file}` does not look like one of `{dialect}`")]
    Credential {
        /// Where it stands.
        file: String,
        /// Whose it should be.
        dialect: String,
    },
    /// What was recorded cannot be taken apart.
    #[error("no traffic: {0}")]
    File(String),
    /// No answer at all.
    #[error("{0} was asked {times} and gave no answer", times = if *.1 == 1 { "once".to_owned() } else { format!("{} times", .1) })]
    NoAnswer(String, usize),
    /// A credential that no dialect would take.
    #[error("line {line} of `{file}` does not look like a credential of any dialect")]
    NobodysCredential {
        /// Where it stands.
        file: String,
        /// On which line, from 1.
        line: usize,
    },
    /// A line that is for a dialect that there is not. The name is not repeated: it may be a part of a credential.
    #[error("what is before `=` on line {line} of `{file}` is no dialect{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    NoDialect {
        /// Where it stands.
        file: String,
        /// On which line, from 1.
        line: usize,
        /// A dialect of nearly that name.
        near: Option<String>,
    },
    /// Nothing was sent.
    #[error("nothing was sent: {0}")]
    Nothing(String),
    /// Nothing of what was sent can be compared.
    #[error("nothing was compared: {} sent, and no recorded answer of it can be", if *.0 == 1 { "1 was".to_owned() } else { format!("{} were", .0) })]
    Uncompared(usize),
    /// A proxy cannot be asked.
    #[error("cannot ask `{0}`: {1}")]
    Target(String, String),
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let asked = Asked::of(&arguments.words)?;
    let inputs = asked.inputs(arguments.input)?;
    for input in &inputs {
        input.look()?;
    }
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let registry = &loaded.registry;
    let dialect = asked.dialect.as_ref().map(|name| names::dialect(registry, name)).transpose()?;
    if let (Some(dialect), Some(operation)) = (dialect, &asked.operation) {
        names::operation(dialect, operation)?;
    }
    let bases = bases(registry, dialect, &arguments.bases)?;
    let recogniser = Recogniser { registry, dialect, operation: asked.operation.as_deref(), bases };

    let credentials = Credentials::read(arguments.credential_file.as_deref(), registry)?;
    let others = match &arguments.and_credential_file {
        Some(file) => Credentials::read(Some(file), registry)?,
        None => credentials.clone(),
    };
    let first = Aim::new(&arguments.to, arguments, credentials)?;
    let second = arguments.and.as_ref().map(|to| Aim::new(to, arguments, others)).transpose()?;

    let masks = if arguments.show_values { Masks::shown() } else { Masks::default() };
    let judge = Judge::new(registry.api(), &masks, arguments.changes);
    let tally = RefCell::new(Tally::default());
    let mut reporter = Reporter::new(arguments.format, "replay", console);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::io("cannot start"))?;
    // What changes something has an order.
    let in_flight = if arguments.changes { 1 } else { usize::from(arguments.in_flight) };
    let sides = if second.is_some() { ["from the first", "from the second"] } else { ["recorded", "now"] };
    let began = Instant::now();
    let mut sent: u32 = 0;
    let mut cut_short = None;
    for input in &inputs {
        let plays = Plays {
            pieces: RefCell::new(input.open(console)?),
            kind: input.kind,
            recogniser: &recogniser,
            judge: &judge,
            tally: &tally,
            changes: arguments.changes,
            needs_answer: arguments.and.is_none(),
            failure: RefCell::new(None),
        };
        let name = input.name();
        runtime.block_on(async {
            let each = plays.iter().map(|play| {
                let start = arguments.rate.map(|rate| began + Duration::from_secs(1) * sent / rate);
                sent += 1;
                let (first, second) = (&first, second.as_ref());
                async move {
                    if let Some(start) = start {
                        tokio::time::sleep_until(start).await;
                    }
                    let one = first.ask(&play).await;
                    let again = if arguments.noise { Some(first.ask(&play).await) } else { None };
                    let other = match second {
                        Some(second) => Some(second.ask(&play).await),
                        None => None,
                    };
                    (play, one, again, other)
                }
            });
            let mut answers = std::pin::pin!(stream::iter(each).buffered(in_flight));
            while let Some((play, one, again, other)) = answers.next().await {
                let verdict = judge.judge(&play, one, again, other);
                tally.borrow_mut().add(&play, (verdict, sides), &name, &mut reporter, console)?;
            }
            Ok::<(), Failure>(())
        })?;
        cut_short = plays.failure.into_inner();
        if cut_short.is_some() {
            break;
        }
    }
    reporter.finish(console)?;
    let tally = tally.into_inner();
    if let Some(failure) = cut_short {
        // What was found before it is found all the same.
        tally.sum_up(arguments, console)?;
        return Err(failure);
    }
    tally.finish(arguments, [&first].into_iter().chain(second.as_ref()), console)
}

/// Reads the address of a side that is asked.
pub(super) fn base(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| "is no URL".to_owned())?;
    match uri.scheme_str() {
        // What is in front of `@` would be printed, and is no credential of a dialect.
        _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err("must have no name and password in it".to_owned())
        }
        Some("http" | "https") if uri.authority().is_some() && uri.query().is_none() => Ok(uri),
        _ => Err("must be a URL such as http://127.0.0.1:8080".to_owned()),
    }
}

/// Reads how long an answer may take.
pub(super) fn deadline(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("must be longer than nothing".to_owned()) } else { Ok(duration) }
}

//! `ids import`: many pairs, all of them or none.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Format, Misused, Which, lies_within, pair::Rules, rows::Rows};
use crate::{
    boot::FileError,
    cli::{Failure, Outcome, console::Console},
    dialect::Registry,
    ids::embedded::{CONFLICTS_MAX, Conflict, Import, Imported, Position, Refused, Store},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// What the files hold; without it, their endings say it
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Files of `external,canonical[,organization]`, `*.csv` or `*.jsonl`; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// A file to be read.
struct Input {
    name: String,
    format: Format,
    bytes: u64,
    reader: Box<dyn BufRead>,
}

pub(super) fn run(
    arguments: &Arguments,
    store: &Path,
    registry: &Registry,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Arguments { which, format, files } = arguments;
    let (id, family) = which.declared(registry)?;
    let rules = Rules { organization: which.organization, lies_within: lies_within(id) };
    let inputs = open_all(files, *format)?;
    let names: Vec<_> = inputs.iter().map(|input| input.name.clone()).collect();
    if id.imported.is_none() {
        console.note(&format!(
            "ids of kind `{}` are computed only, until `[id.{}]` in the mapping of `{}` says `imported = true`",
            which.kind, which.kind, which.dialect
        ))?;
    }

    let mut import = Store::open(store)?.import(family, &which.kind)?;
    let (faults, more) = stage(inputs, &rules, &mut import, console)?;
    if !faults.is_empty() {
        let told = faults.into_iter().map(|(at, why)| format!("{}: {why}", place(at, &names)));
        return refused(&told.collect::<Vec<_>>(), more, console);
    }
    let bar = console.spinner("writing");
    let outcome = import.finish();
    bar.finish_and_clear();
    match outcome {
        Ok(Imported { new, already }) => {
            let ids = if new == 1 { "id" } else { "ids" };
            console.line(&format!("imported {new} {ids}, {already} were there already"))?;
            Ok(Outcome::Clean)
        }
        Err(Refused::Conflicts { first, more }) => {
            let told: Vec<_> = first.iter().map(|conflict| told(conflict, &names)).collect();
            refused(&told, more, console)
        }
        Err(Refused::Store(error)) => Err(error.into()),
    }
}

/// Opens every file, so that one that is not there is said before anything is read.
fn open_all(files: &[PathBuf], format: Option<Format>) -> Result<Vec<Input>, Failure> {
    if files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::StdinTwice);
    }
    files.iter().map(|path| open(path, format)).collect()
}

fn open(path: &Path, format: Option<Format>) -> Result<Input, Failure> {
    let name = path.display().to_string();
    let by_ending = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => Some(Format::Csv),
        Some("jsonl" | "ndjson") => Some(Format::Jsonl),
        Some(_) | None => None,
    };
    let format = format.or(by_ending).ok_or_else(|| Misused::Format(name.clone()))?;
    if path.as_os_str() == "-" {
        let reader = Box::new(BufReader::new(io::stdin()));
        return Ok(Input { name: "standard input".to_owned(), format, bytes: 0, reader });
    }
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok(Input { name, format, bytes, reader: Box::new(BufReader::with_capacity(1 << 16, file)) })
}

/// Reads all rows and hands them to the import. Gives the first of those that mean nothing, and whether there are more.
fn stage(
    inputs: Vec<Input>,
    rules: &Rules,
    import: &mut Import,
    console: &mut Console<'_>,
) -> Result<(Vec<(Position, String)>, bool), Failure> {
    let mut faults = Vec::new();
    let bar = console.progress(inputs.iter().map(|input| input.bytes).sum());
    let mut before = 0;
    for (file, input) in inputs.into_iter().enumerate() {
        let mut rows = Rows::new(input.reader, input.format);
        let failed = |source| FileError::Read { path: input.name.clone().into(), source };
        while let Some((row, read)) = rows.next().map_err(failed)? {
            let at = Position { file, row };
            match read.and_then(|row| rules.pair(row)) {
                Ok(pair) => import.stage(at, &pair)?,
                Err(_) if faults.len() == CONFLICTS_MAX => return Ok((faults, true)),
                Err(why) => faults.push((at, why)),
            }
            if row % 1024 == 0 {
                bar.set_position(before + rows.bytes());
            }
        }
        before += input.bytes;
    }
    bar.finish_and_clear();
    Ok((faults, false))
}

fn refused(told: &[String], more: bool, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    for line in told {
        console.note(line)?;
    }
    let count = told.len();
    let counted = match (count, more) {
        (_, true) => format!("these {count} rows are wrong, and there are more"),
        (1, false) => "1 row is wrong".to_owned(),
        (_, false) => format!("{count} rows are wrong"),
    };
    console.note(&format!("nothing was imported: {counted}"))?;
    Ok(Outcome::Findings)
}

fn place(at: Position, names: &[String]) -> String {
    format!("{}: row {}", names.get(at.file).map_or("", String::as_str), at.row)
}

/// What a conflict is, in one line.
fn told(conflict: &Conflict, names: &[String]) -> String {
    let Conflict { at, pair: (external, canonical), other: (other_external, other_canonical), other_at } =
        conflict;
    let elsewhere = match other_at {
        None => "in the id map".to_owned(),
        Some(other) if other.file == at.file => format!("in row {}", other.row),
        Some(other) => format!("in {}", place(*other, names)),
    };
    let what = if external == other_external {
        format!("`{external}` stands for {canonical} here, and for {other_canonical} {elsewhere}")
    } else {
        format!("{canonical} is called `{external}` here, and `{other_external}` {elsewhere}")
    };
    format!("{}: {what}", place(*at, names))
}

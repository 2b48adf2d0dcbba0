//! `ids export`: every pair of a kind, as it could be imported again.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::{Format, Which};
use crate::{
    cli::{Failure, Outcome, console::Console},
    dialect::Registry,
    ids::embedded::{Pair, Store},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// What to print
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
}

/// Bytes that are printed at a time.
const CHUNK: usize = 1 << 16;

pub(super) fn run(
    arguments: &Arguments,
    store: &Path,
    registry: &Registry,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Arguments { which, format } = arguments;
    let (_, family) = which.declared(registry)?;
    let store = Store::open_existing(store)?;
    let mut rows = Rows::new(*format);
    store.export((family, &which.kind), which.organization, |pair| rows.add(&pair, console))?;
    rows.finish(console)?;
    Ok(Outcome::Clean)
}

/// Pairs on their way out, many rows at a time.
pub(super) struct Rows {
    format: Format,
    text: String,
}

impl Rows {
    pub(super) fn new(format: Format) -> Rows {
        let mut text = String::with_capacity(2 * CHUNK);
        if format == Format::Csv {
            text.push_str("external,canonical,organization\n");
        }
        Rows { format, text }
    }

    pub(super) fn add(&mut self, pair: &Pair, console: &mut Console<'_>) -> Result<(), Failure> {
        write(pair, self.format, &mut self.text);
        if self.text.len() >= CHUNK {
            console.text(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }

    pub(super) fn finish(self, console: &mut Console<'_>) -> Result<(), Failure> {
        Ok(console.text(&self.text)?)
    }
}

fn write(pair: &Pair, format: Format, out: &mut String) {
    let canonical = pair.canonical.to_string();
    let organization = pair.organization.map(|organization| organization.to_string());
    match format {
        Format::Csv => {
            quote(&pair.external, out);
            for field in [&canonical, &organization.unwrap_or_default()] {
                out.push(',');
                out.push_str(field);
            }
        }
        Format::Jsonl => {
            let mut object = json!({ "external": pair.external, "canonical": canonical });
            if let Some(organization) = organization {
                object["organization"] = organization.into();
            }
            out.push_str(&object.to_string());
        }
    }
    out.push('\n');
}

/// A field of a CSV row, in quotes if it needs them.
fn quote(field: &str, out: &mut String) {
    if field.contains([',', '"']) {
        out.push('"');
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(field);
    }
}

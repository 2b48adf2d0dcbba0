//! `ids find`: what an id stands for.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::uuid;
use crate::{
    cli::{
        Failure, Outcome,
        console::{Console, Format},
    },
    ids::embedded::{Entry, Store},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// An external id, or a canonical one
    id: String,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(
    arguments: &Arguments,
    store: &Path,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let found = Store::open_existing(store)?.find(&arguments.id, uuid(&arguments.id))?;
    match arguments.format {
        Format::Json => console.json(&found.iter().map(shown).collect())?,
        Format::Text => {
            for entry in &found {
                console.line(&line(entry))?;
            }
        }
    }
    if found.is_empty() {
        console.note(&format!("no imported id is or stands for `{}`", arguments.id))?;
        return Ok(Outcome::Findings);
    }
    Ok(Outcome::Clean)
}

fn line(Entry { dialect, kind, pair }: &Entry) -> String {
    let place = pair.organization.map_or_else(String::new, |place| format!(", organization {place}"));
    format!("`{}` is {} (dialect {dialect}, kind {kind}{place})", pair.external, pair.canonical)
}

fn shown(Entry { dialect, kind, pair }: &Entry) -> Value {
    json!({
        "dialect": dialect,
        "kind": kind,
        "organization": pair.organization.map(|organization| organization.to_string()),
        "external": pair.external,
        "canonical": pair.canonical.to_string(),
    })
}

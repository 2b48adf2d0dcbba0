//! `openapi`: what a dialect serves, as an OpenAPI document.

use clap::Args;

use super::console::Console;
use super::files::Files;
use super::{Failure, Outcome, names};
use crate::openapi;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The dialect
    dialect: String,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let dialect = names::dialect(&loaded.registry, &arguments.dialect)?;
    console.json(&openapi::document(dialect, &loaded.schemas))?;
    Ok(Outcome::Clean)
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::ran_in_acme;

    #[test]
    fn the_document_is_json_on_standard_output() {
        let ran = ran_in_acme(&["openapi", "acme"]);
        let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(document["openapi"], "3.1.1");
        assert_eq!((ran.err.as_str(), ran.status), ("", ExitCode::SUCCESS));
    }
}

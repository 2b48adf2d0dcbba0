//! `check`: load everything, say everything that is wrong.

mod ledger;
mod past;

use std::path::Path;
use std::time::SystemTime;

use clap::Args;
use serde_json::json;

use super::{
    Failure, Outcome,
    console::Console,
    files::{Files, Loaded},
    report::{Format, Reporter},
};
use crate::mapping::{Proof, Trials};
use crate::{
    boot,
    config::Config,
    diag::{
        Diagnostic, Diagnostics, Severity, SourceId, Sources, code,
        render::{self, Counts, Kind},
    },
    mapping::CANONICAL,
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Print too what of each dialect crosses to the other side, what does not, and why
    #[arg(long)]
    ledger: bool,

    /// How many requests and answers to make up of each schema, besides those that are made in any case
    #[arg(long, value_name = "NUMBER", default_value_t = Trials::default().others)]
    tries: usize,

    /// What those depend on: the same seed makes the same ones
    #[arg(long, value_name = "NUMBER", default_value_t = Trials::default().seed)]
    seed: u64,

    /// Warn of what retires and is past by this day, such as 2027-03-01; without it, no check depends on the day
    #[arg(long, value_name = "DATE", value_parser = past::date)]
    on: Option<SystemTime>,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let prints_ledger = matches!(arguments.format, Format::Json | Format::Text);
    if arguments.ledger && !prints_ledger {
        return Err(Failure::LedgerFormat);
    }
    let mut sources = Sources::default();
    let mut found = Diagnostics::default();
    let trials = Trials { others: arguments.tries, seed: arguments.seed };
    let loaded = files.look_and_try(&mut sources, &mut found, trials)?;

    if let Some((loaded, on)) = loaded.as_ref().zip(arguments.on) {
        found.extend(past::past(&loaded.registry, on));
    }
    if let Some(loaded) = &loaded {
        let named = named(&loaded.config);
        sources.mask_what_hides(&named);
        found.extend(named);
        found.extend(boot::undeclared::look(&loaded.config, &loaded.registry));
    }
    let found = found.into_vec();
    let registry = loaded.as_ref().map(|loaded| &loaded.registry).filter(|_| arguments.ledger);
    let counts = if arguments.ledger && arguments.format == Format::Json {
        console.json(&json!({
            "diagnostics": render::array(&found, &sources),
            "ledger": registry.map(ledger::json),
        }))?;
        found.iter().collect()
    } else {
        let mut reporter = Reporter::new(arguments.format, "check", console);
        reporter.files(&kinds(files, &sources), &found, &sources, console)?;
        reporter.finish(console)?
    };
    if arguments.format == Format::Text
        && let Some(loaded) = &loaded
    {
        if let Some(registry) = registry {
            console.columns(&ledger::text(registry))?;
        }
        for proof in &loaded.proofs {
            console.line(&proved(proof))?;
        }
        console.line(&summary(loaded, counts))?;
    }
    // Of hundreds of dialects it would take a while to give back the memory piece by piece, and the program ends here.
    std::mem::forget(loaded);
    Ok(if counts.errors > 0 { Outcome::Findings } else { Outcome::Clean })
}

/// What is wrong with the files that the settings name. Those that cannot be read here may well be where the proxy runs.
fn named(config: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    let all = boot::named::look(config).into_iter().chain(boot::named::databases(config));
    let all = all.chain(boot::named::modes(config)).chain(boot::named::doubts(config, SystemTime::now()));
    found.extend(all.map(|one| match one.code {
        code::C0304 => Diagnostic { severity: Severity::Warning, ..one },
        _ => one,
    }));
    found
}

/// What each file is that was read: the configuration comes first, if there is one.
fn kinds(files: &Files, sources: &Sources) -> Vec<(SourceId, Kind)> {
    let mut config = files.config.is_some();
    let kind = |id| {
        let path = Path::new(sources.path(id));
        let kind = match path.extension() {
            _ if std::mem::take(&mut config) => Kind::Config,
            Some(extension) if extension == "json" => Kind::Schema,
            _ if path.file_stem().is_some_and(|stem| stem == CANONICAL) => Kind::Canonical,
            _ => Kind::Mapping,
        };
        (id, kind)
    };
    sources.ids().map(kind).collect()
}

fn summary(loaded: &Loaded, counts: Counts) -> String {
    let dialects = loaded.registry.dialects();
    let operations = dialects.iter().map(|dialect| dialect.operations.len()).sum();
    let wrong = match counts {
        Counts { errors: 0, warnings: 0, notes: 0 } => "nothing wrong".to_owned(),
        Counts { errors: 0, warnings: 0, .. } => format!("nothing wrong, {counts}"),
        Counts { .. } => counts.to_string(),
    };
    format!("{}, {}, {wrong}", counted(dialects.len(), "dialect"), counted(operations, "operation"))
}

/// What is known of a dialect, and how.
fn proved(proof: &Proof) -> String {
    let Proof { dialect, proved, tried, instances, seed } = proof;
    let fields = counted(*proved, "field");
    format!("{dialect}: {fields} proved, {tried} tried, on {} (seed {seed})", counted(*instances, "instance"))
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::{acme, file, ran, ran_in_acme};
    use super::*;

    #[test]
    fn sound_files_are_counted() {
        let ran = ran_in_acme(&["check"]);

        assert!(ran.out.ends_with("\n1 dialect, 3 operations, nothing wrong\n"), "{}", ran.out);
        assert_eq!((ran.err.as_str(), ran.status), ("", ExitCode::SUCCESS));
    }

    #[test]
    fn how_much_was_proved_and_tried_is_told_with_the_seed() {
        let proved = |arguments: &[&str]| {
            let ran = ran_in_acme(&[&["check"], arguments].concat());
            let line = ran.out.lines().next().unwrap().to_owned();
            let (fields, instances) = line.split_once(", on ").unwrap();
            let number = instances.split(' ').next().unwrap().parse::<usize>().unwrap();
            (fields.to_owned(), number, line)
        };
        let (fields, usual, line) = proved(&[]);
        assert!(fields.starts_with("acme: ") && fields.contains(" proved, ") && line.ends_with("(seed 1)"));
        let (same, more, line) = proved(&["--tries", "40", "--seed", "7"]);
        assert!(more > usual + 40 && line.ends_with("(seed 7)"), "{line}");
        assert_eq!(same, fields, "what is proved does not depend on how much is tried");
        assert!(proved(&["--tries", "0"]).1 < usual);
    }

    #[test]
    fn what_ships_is_sound() {
        let ran = ran(&["check"]);

        assert_eq!(ran.err, "");
        assert!(ran.out.ends_with(" operations, nothing wrong\n"), "{}", ran.out);
    }

    #[test]
    fn configuration_and_mappings_are_looked_at_in_one_run() {
        let config = file("config.toml", "[server]\nworkers = 0\n");
        let mappings = file("canonical.toml", "[canonical\n");
        let folder = mappings.path().parent().unwrap().display().to_string();
        let schemas = acme("schemas");
        let config_path = config.path().display().to_string();
        let ran = ran(&["check", "--config", &config_path, "--mappings", &folder, "--schemas", &schemas]);

        assert_eq!(ran.status, ExitCode::from(1));
        assert_eq!(ran.out, "");
        assert!(ran.err.contains("error[C0207]"), "{}", ran.err);
        assert!(ran.err.contains("error[M0101]"), "{}", ran.err);
    }

    #[test]
    fn a_warning_is_printed_and_is_no_finding() {
        let config = file("config.toml", "[body]\nread_timeout = \"1h\"\n");
        let ran = ran_in_acme(&["check", "--config", config.path_text()]);

        assert!(ran.err.contains("warning[C0210]"), "{}", ran.err);
        assert!(ran.out.ends_with("\n1 dialect, 3 operations, 1 warning\n"), "{}", ran.out);
        assert_eq!(ran.status, ExitCode::SUCCESS);
    }

    #[test]
    fn programs_get_a_list_even_of_nothing() {
        assert_eq!(ran_in_acme(&["check", "--format", "json"]).out, "[]\n");
    }

    #[test]
    fn a_credential_that_is_a_key_twice_is_not_shown() {
        for text in [
            "[usage.names]\nhunter2 = \"a\"\nhunter2 = \"b\"\n",
            "[usage.names]\n9f86d081884c7d659a2feaa0c55ad015 = \"a\"\n\"hunter2\" = \"b\"\n\"hunter2\" = \"c\"\n",
            "[usage]\nnames = { hunter2 = \"a\", hunter2 = \"b\" }\n",
            "[mode.acme]\nmode = \"canonical\"\nprincipals.hunter2 = \"legacy\"\nprincipals.hunter2 = \"shadow\"\n",
            "[mode.acme]\nmode = \"canonical\"\n[mode.acme.principals.hunter2]\n[mode.acme.principals.hunter2]\n",
            "[usage.names]\nhunter2 = \"a\n",
        ] {
            let config = file("config.toml", text);
            for format in ["text", "json", "junit", "github", "sarif"] {
                let ran = ran_in_acme(&["check", "--format", format, "--config", config.path_text()]);
                let said = format!("{}{}", ran.out, ran.err);
                assert!(said.contains("C0105") || said.contains("C0101"), "{text}: {said}");
                assert!(!said.contains("hunter2"), "{format}, {text}: {said}");
            }
        }
    }

    #[test]
    fn one_is_not_plural() {
        assert_eq!(counted(1, "dialect"), "1 dialect");
        assert_eq!(counted(0, "dialect"), "0 dialects");
    }
}

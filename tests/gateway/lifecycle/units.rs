//! What `docs/operations.md` shows: the program takes the arguments and settings on it, and has the metrics.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use interlingua::config::Config;
use interlingua::diag::{Diagnostics, Sources, render};
use interlingua::telemetry::{Metrics, ShadowOutcome};

/// The blocks of a kind.
fn blocks(kind: &str) -> Vec<String> {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let begins = format!("```{kind}\n");
    page.split(&begins).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_program_takes_the_arguments_of_the_units() {
    let commands: Vec<_> = blocks("ini")
        .iter()
        .flat_map(|unit| unit.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| line.strip_prefix("ExecStart=").map(str::to_owned))
        .collect();
    assert!(!commands.is_empty());
    for command in commands {
        let arguments = command.split_whitespace().skip(1);
        // A mistake among the arguments is told before help is given.
        let output = Command::new(env!("CARGO_BIN_EXE_interlingua")).args(arguments).arg("--help").output();
        assert!(output.unwrap().status.success(), "{command}");
    }
}

#[test]
fn every_line_of_the_units_is_one_of_a_unit() {
    for unit in blocks("ini") {
        let mut sections = 0;
        for line in unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            sections += usize::from(line.starts_with('['));
            let is_key = |(key, value): (&str, &str)| {
                !value.is_empty()
                    && key.chars().all(char::is_alphanumeric)
                    && key.starts_with(char::is_uppercase)
            };
            let is_good =
                line.starts_with('[') && line.ends_with(']') || line.split_once('=').is_some_and(is_key);
            assert!(is_good && sections > 0, "{line}");
        }
    }
}

#[test]
fn the_settings_are_sound() {
    let all = blocks("toml");
    assert!(!all.is_empty());
    for text in all {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let file = sources.add("config.toml", text.as_str());
        Config::parse(file, &text, &mut found);
        let found = found.into_vec();
        assert!(found.is_empty(), "{}", render::text(&found, &sources, false));
    }
}

#[test]
fn the_metrics_exist() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let metrics = Metrics::new();
    metrics.loads().loaded("0", SystemTime::now());
    metrics.loads().expire(Some(SystemTime::now()), None);
    // What is counted by operation is there once there is one.
    drop(metrics.upstream("members.list"));
    metrics.operation("acme", "list").shadow(ShadowOutcome::Same);
    let there = metrics.render();
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let named: Vec<_> =
        page.split('`').filter(|word| word.starts_with("gateway_") && word.chars().all(is_name)).collect();
    assert!(named.len() >= 3);
    for name in named {
        let name = name.strip_suffix("_total").unwrap_or(name);
        assert!(there.contains(&format!("# TYPE {name} ")), "{name}");
    }
}

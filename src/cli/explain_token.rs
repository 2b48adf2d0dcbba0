//! `explain-token`: what a request has to carry to be explained.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::{Failure, Outcome, console::Console, files::Files};
use crate::boot::explain::explainer;
use crate::time::parse_duration;

/// A token that is good for longer is forgotten somewhere.
const VALID_MAX: Duration = Duration::from_hours(24);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// For how long, such as `10m`; a day at most
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = valid)]
    valid: Duration,
    /// The file of the key; without it, that of the configuration
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

fn valid(text: &str) -> Result<Duration, String> {
    let valid = parse_duration(text).map_err(|why| why.to_string())?;
    let is_fit = (Duration::from_secs(1)..=VALID_MAX).contains(&valid);
    is_fit.then_some(valid).ok_or_else(|| "must be from `1s` to `24h`".to_owned())
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(config) = files.settings(console)? else { return Ok(Outcome::Findings) };
    let key = arguments.key.as_ref().or(config.explain.key.as_ref()).ok_or(Failure::NoExplainKey)?;
    let token = explainer(key)?.token(SystemTime::now() + arguments.valid);
    console.line(&token)?;
    Ok(Outcome::Clean)
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;
    use std::time::UNIX_EPOCH;

    use super::super::testing::{file, ran};
    use super::*;

    #[test]
    fn a_token_ends_after_the_time_that_was_asked_for() {
        let key = file("explain.key", "0123456789abcdef0123456789abcdef\n");
        let config = file("config.toml", &format!("[explain]\nkey = \"{}\"\n", key.path_text()));
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        for arguments in [&["--config", config.path_text()][..], &["--key", key.path_text()]] {
            let ran = ran(&[&["explain-token", "--valid", "1h"], arguments].concat());
            assert_eq!(ran.err, "");
            let (expiry, tag) = ran.out.trim_end().split_once('.').unwrap();
            let expiry: u64 = expiry.parse().unwrap();
            assert!((before + 3600..before + 3700).contains(&expiry), "{expiry}");
            assert_eq!(tag.len(), 64);
        }
    }

    #[test]
    fn without_a_key_or_with_a_weak_one_there_is_no_token() {
        let ran_without = ran(&["explain-token"]);
        assert_eq!(
            ran_without.err,
            "interlingua: no key is configured: set `key` under `[explain]`, or give `--key FILE`\n"
        );
        assert_eq!(ran_without.status, ExitCode::from(2));

        let key = file("explain.key", "short\n");
        let ran = ran(&["explain-token", "--key", key.path_text()]);
        let expected = format!(
            "interlingua: cannot use the key of explanations `{}`: the key is shorter than 32 bytes\n",
            key.path_text()
        );
        assert_eq!((ran.err, ran.status), (expected, ExitCode::from(2)));
    }

    #[test]
    fn nothing_is_valid_for_ever() {
        for text in ["0s", "25h", "ten", "10"] {
            assert!(valid(text).is_err(), "{text}");
        }
        assert_eq!(valid("10m"), Ok(Duration::from_mins(10)));
    }
}

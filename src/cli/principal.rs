//! `principal`: the digest that settings and reports name a client by.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;

use super::{Failure, Outcome, console::Console};
use crate::boot::FileError;
use crate::limit::Principal;

/// No credential is as long.
const BYTES_MAX: u64 = 64 * 1024;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The file of the credential, without the word before it such as `Bearer`; without it, standard input. Never an
    /// argument: those can be seen by others
    #[arg(value_name = "FILE")]
    credential: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let text = if let Some(path) = &arguments.credential {
        fs::read(path).map_err(|source| FileError::Read { path: path.clone(), source })?
    } else {
        let mut text = Vec::new();
        let read = io::stdin().take(BYTES_MAX).read_to_end(&mut text);
        read.map_err(Failure::io("cannot read the credential"))?;
        text
    };
    let credential = text.trim_ascii();
    if credential.is_empty() {
        return Err(Failure::NoCredential);
    }
    console.line(&Principal::of(credential).to_string())?;
    Ok(Outcome::Clean)
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::{file, ran};

    #[test]
    fn it_is_the_digest_that_is_printed() {
        let credential = file("token", "abcd1234\n");
        let ran = ran(&["principal", credential.path_text()]);
        // `printf abcd1234 | sha256sum | cut -c1-32`
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("e9cee71ab932fde863338d08be4de9df\n", ""));
    }

    #[test]
    fn an_empty_file_is_nobody() {
        let credential = file("token", " \n");
        let ran = ran(&["principal", credential.path_text()]);
        assert_eq!(
            (ran.err.as_str(), ran.status),
            ("interlingua: there is no credential\n", ExitCode::from(2))
        );
    }
}

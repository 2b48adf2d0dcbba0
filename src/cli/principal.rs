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
    let mut text = Vec::new();
    if let Some(path) = &arguments.credential {
        let read = fs::File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut text));
        read.map_err(|source| FileError::Read { path: path.clone(), source })?;
    } else {
        let read = io::stdin().take(BYTES_MAX + 1).read_to_end(&mut text);
        read.map_err(Failure::io("cannot read the credential"))?;
    }
    let credential = text.trim_ascii();
    if credential.is_empty() {
        return Err(Failure::NoCredential);
    }
    if let Some(why) = more_than_a_credential(&text) {
        return Err(Failure::NoCredentialAlone(why));
    }
    console.line(&Principal::of(credential).to_string())?;
    Ok(Outcome::Clean)
}

/// Why a text is no credential that a header could have: its digest would be nobody's.
fn more_than_a_credential(text: &[u8]) -> Option<&'static str> {
    let credential = text.trim_ascii();
    if text.len() as u64 > BYTES_MAX {
        Some("it is longer than 65,536 bytes")
    } else if credential.contains(&b'\n') {
        Some("it has more than one line")
    } else if credential.iter().any(u8::is_ascii_whitespace) {
        Some("it has a space in it; leave out what stands before, such as `Bearer` or the name of a dialect")
    } else if !credential.iter().all(u8::is_ascii_graphic) {
        Some("it has characters that no header has")
    } else {
        None
    }
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
    fn what_no_client_sends_is_nobody() {
        let long = "a".repeat(65_537);
        for (text, why) in [
            ("Bearer abcd1234", "has a space in it; leave out what stands before, such as `Bearer`"),
            ("acme = abcd1234", "has a space in it"),
            ("abcd1234\nabcd5678\n", "has more than one line"),
            ("abcd\u{7f}1234", "has characters that no header has"),
            ("abcd\u{e9}1234", "has characters that no header has"),
            (long.as_str(), "is longer than 65,536 bytes"),
        ] {
            let credential = file("token", text);
            let ran = ran(&["principal", credential.path_text()]);
            assert_eq!((ran.out.as_str(), ran.status), ("", ExitCode::from(2)), "{text:.20}");
            assert!(ran.err.contains(why) && !ran.err.contains("1234"), "{}", ran.err);
        }
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

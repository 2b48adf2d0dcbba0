//! The command line: one file per command, and the exit status.
//!
//! Every command reads its files the way `serve` does, so that what one of them accepts the others accept too.
//!
//! | Status | Meaning |
//! | --- | --- |
//! | 0 | nothing is wrong |
//! | 1 | something is wrong with a file, a document or a request, and was printed |
//! | 2 | the command could not run: an argument, a file or an address is not what it takes |

use std::{ffi::OsString, io, process::ExitCode};

use clap::{Parser, Subcommand};

mod backend;
mod check;
mod console;
mod coverage;
mod document;
mod explain;
mod explain_token;
mod failure;
mod files;
mod hint;
mod ids;
mod import;
mod names;
mod openapi;
mod principal;
mod replay;
mod report;
mod routes;
mod serve;
mod traffic;
mod translate;
mod usage;
mod validate;

#[cfg(test)]
mod testing;

use self::{console::Console, failure::Failure, files::Files};

/// What was asked for.
#[derive(Debug, Parser)]
#[command(name = "interlingua", version, about, max_term_width = 100, after_help = STATUSES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    files: Files,
}

const STATUSES: &str = "Exit status: 0 nothing is wrong but for warnings, 1 something is wrong and was printed, 2 could not run.";

/// The commands, in the order a newcomer meets them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default): with no upstream configured, in front of the built-in demo backend
    Serve(serve::Arguments),
    /// Load every mapping and schema and say everything that is wrong with them
    ///
    /// Files that settings name besides those, such as certificates, keys and id maps, are opened by `serve` alone
    Check(check::Arguments),
    /// Look whether recorded traffic or JSON documents keep to what operations take and answer
    Validate(validate::Arguments),
    /// Tell which lines of the mappings recorded traffic uses, and which it never tried
    Coverage(coverage::Arguments),
    /// Send recorded requests again, and compare what is answered in canonical words
    Replay(replay::Arguments),
    /// Show the canonical calls a request becomes, or the answer a client gets
    Translate(translate::Arguments),
    /// List every operation that is served
    Routes(routes::Arguments),
    /// Print an OpenAPI document of what a dialect serves
    Openapi(openapi::Arguments),
    /// Make schemas and the skeleton of a mapping from somebody's OpenAPI document
    Import(import::Arguments),
    /// Import, export and find the ids of an older system
    Ids(ids::Arguments),
    /// Tell who still calls what, who would notice if something went, and who can be moved
    Report(usage::Arguments),
    /// Run the reference backend alone
    Backend(backend::Arguments),
    /// Print the digest of a credential that settings and reports name a client by
    Principal(principal::Arguments),
    /// Explain a diagnostic code, such as M0203
    Explain(explain::Arguments),
    /// Print what a live request has to carry to be explained
    ExplainToken(explain_token::Arguments),
}

/// How a command ended that could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing is wrong.
    Clean,
    /// Something is, and it was printed.
    Findings,
}

/// Does what the arguments ask for, the first of which is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => execute(cli, &mut Console::terminal()),
        Err(answer) => {
            // Help, version or a usage error. If nobody reads it, there is nobody left to tell.
            match answer.print() {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Console::terminal().failure(&Failure::from(error)).ok();
                    ExitCode::from(2)
                }
                Ok(()) | Err(_) => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)),
            }
        }
    }
}

fn execute(cli: Cli, console: &mut Console<'_>) -> ExitCode {
    let files = &cli.files;
    let outcome = match cli.command.unwrap_or(Command::Serve(serve::Arguments::default())) {
        Command::Backend(arguments) => backend::run(arguments, files, console),
        Command::Check(arguments) => check::run(&arguments, files, console),
        Command::Coverage(arguments) => coverage::run(&arguments, files, console),
        Command::Explain(arguments) => explain::run(&arguments, console),
        Command::ExplainToken(arguments) => explain_token::run(&arguments, files, console),
        Command::Openapi(arguments) => openapi::run(&arguments, files, console),
        Command::Ids(arguments) => ids::run(&arguments, files, console),
        Command::Import(arguments) => import::run(&arguments, console),
        Command::Replay(arguments) => replay::run(&arguments, files, console),
        Command::Principal(arguments) => principal::run(&arguments, console),
        Command::Report(arguments) => usage::run(&arguments, files, console),
        Command::Routes(arguments) => routes::run(&arguments, files, console),
        Command::Serve(arguments) => serve::run(&arguments, files, console),
        Command::Translate(arguments) => translate::run(&arguments, files, console),
        Command::Validate(arguments) => validate::run(&arguments, files, console),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(failure) => {
            // If even this cannot be written, the status still says it.
            console.failure(&failure).ok();
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{testing::ran, *};

    fn parsed(arguments: &[&str]) -> Cli {
        Cli::try_parse_from([&["interlingua"], arguments].concat()).unwrap()
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_the_program_serves() {
        assert!(parsed(&[]).command.is_none());
        assert!(parsed(&["--config", "x.toml"]).command.is_none());
    }

    #[test]
    fn files_may_be_named_before_and_after_the_command() {
        for arguments in [["--mappings", "here", "check"], ["check", "--mappings", "here"]] {
            assert_eq!(parsed(&arguments).files.mappings, Some("here".into()));
        }
    }

    #[test]
    fn what_is_wrong_with_the_arguments_is_status_2() {
        for arguments in [&["sevre"][..], &["serve", "--listen", "localhost"], &["validate"]] {
            let error = Cli::try_parse_from([&["interlingua"], arguments].concat()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
        }
        assert_eq!(Cli::try_parse_from(["interlingua", "--help"]).unwrap_err().exit_code(), 0);
    }

    #[test]
    fn every_command_is_described_in_one_line() {
        for command in Cli::command().get_subcommands() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.contains('\n') && !about.ends_with('.'), "{about:?}");
        }
    }

    #[test]
    fn a_command_that_could_not_run_says_why_and_is_status_2() {
        let ran = ran(&["check", "--mappings", "/nowhere"]);

        assert_eq!(ran.status, ExitCode::from(2));
        assert_eq!(ran.out, "");
        assert_eq!(ran.err, "interlingua: cannot read `/nowhere`: No such file or directory (os error 2)\n");
    }
}

//! The `interlingua` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    interlingua::cli::run(std::env::args_os())
}

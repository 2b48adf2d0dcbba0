//! The `interlingua` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Threads have lists of their own: none waits for another, which may have no processor, and requests that run side by side
/// soon have more pieces in use than the C library keeps at hand for a thread.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    interlingua::cli::run(std::env::args_os())
}

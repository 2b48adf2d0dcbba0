//! Core dumps: what is in memory when the program crashes has every credential in flight in it, so none is written.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A size that no core has. At 0 Linux writes no file, and still hands a core to a program where `kernel.core_pattern` names one; at
/// 1 it does neither.
const NO_CORE: u64 = 1;

/// Has the system write no core of this process, until somebody allows it again from outside (`prlimit --core`).
///
/// # Errors
///
/// When the system refuses to lower the limit.
pub fn withhold() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    let current = Some(maximum.map_or(NO_CORE, |maximum| maximum.min(NO_CORE)));
    Ok(setrlimit(Resource::Core, Rlimit { current, maximum })?)
}

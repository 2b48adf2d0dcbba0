//! The program while it is told to change: reloads, restarts and the end, under steady load over real sockets, counted at
//! both ends. A request counts as failed whatever the reason, a refused connection included, and no call may reach the
//! backend twice.
//!
//! A few rounds are run every time. `INTERLINGUA_LIFECYCLE=all cargo test --test gateway lifecycle -- --nocapture` runs
//! 100 reloads and 10 restarts of each kind.

mod attacks;
mod backend;
mod certificates;
pub(crate) mod client;
mod declared;
mod ending;
mod files;
mod hops;
mod http2;
mod kills;
mod load;
mod modes;
mod overload;
mod pki;
pub(crate) mod process;
mod reloads;
mod restarts;
mod units;
mod usage;

/// How many rounds are run: `few`, or `all` if they are asked for.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    if std::env::var("INTERLINGUA_LIFECYCLE").is_ok_and(|asked| asked == "all") { all } else { few }
}

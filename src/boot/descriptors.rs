//! File descriptors: each connection takes one, and the system has a limit for each process.
//!
//! Where they run out nobody is accepted any more, the admin page included, and no call finds a way to the backend: whoever
//! opens enough connections would keep all others out. So the limit is raised to what the settings need; and where the system
//! does not allow that, fewer connections are taken than the settings say.

use http::Uri;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    config::Config,
    server::{self, ADDRESS_PART},
    upstream,
};

/// For files, listeners, runtimes, stores and the admin listener, which has 64 connections.
const RESERVE: usize = 256;

/// The settings of a server, with room for all that is connected at the same time.
pub(super) fn with_room_for(config: &Config) -> server::Config {
    let others = others(config);
    let wanted = config.server.connections_max.saturating_add(others);
    match raised(wanted) {
        Some(limit) if limit < wanted => {
            // What the others need at most they hardly ever have; clients have half of what there is in any case.
            let server = fitted(&config.server, limit.saturating_sub(others).max(limit / 2));
            tracing::warn!(
                limit,
                wanted,
                connections_max = server.connections_max,
                "the system allows fewer file descriptors than the settings need: fewer connections are taken; raise the limit \
                 (`LimitNOFILE=`, `ulimit -n`), or lower `connections_max`"
            );
            server
        }
        _ => config.server.clone(),
    }
}

/// What may be open besides the connections of clients: each worker, and the thread of shadows, has connections of its own to
/// each upstream.
fn others(config: &Config) -> usize {
    let calling = config.server.workers() + 1;
    // Of the built-in one both ends are ours.
    let built_in = || 2 * upstream::Config::new(Uri::default()).connections_max;
    let canonical = config.upstream.as_ref().map_or_else(built_in, |upstream| upstream.connections_max);
    let old = config.legacy.values().map(|upstream| upstream.connections_max);
    let connections = old.fold(canonical, usize::saturating_add);
    calling.saturating_mul(connections).saturating_add(RESERVE)
}

/// The limit, raised to `wanted` as far as may be; none if there is none.
fn raised(wanted: usize) -> Option<usize> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let own = current?;
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let may_be = if most > own && setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum }).is_ok()
    {
        most
    } else {
        own
    };
    Some(usize::try_from(may_be).unwrap_or(usize::MAX))
}

/// As many connections, and no more of one address than its part of them.
fn fitted(server: &server::Config, connections_max: usize) -> server::Config {
    let connections_max = connections_max.min(server.connections_max).max(1);
    let of_an_address = (connections_max / ADDRESS_PART).max(1);
    server::Config {
        connections_max,
        connections_per_address_max: server.connections_per_address_max.min(of_an_address),
        ..server.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_less_room_an_address_still_has_no_more_than_its_part() {
        let server = server::Config::default();
        let fewer = fitted(&server, 1_000);
        assert_eq!((fewer.connections_max, fewer.connections_per_address_max), (1_000, 1_000 / ADDRESS_PART));
        let own = server::Config { connections_per_address_max: 7, ..server };
        assert_eq!(fitted(&own, 1_000).connections_per_address_max, 7);
        assert_eq!(fitted(&own, 0).connections_max, 1, "somebody has to be heard");
        assert_eq!(fitted(&own, usize::MAX).connections_max, own.connections_max);
    }

    #[test]
    fn each_worker_and_the_thread_of_shadows_have_connections_of_their_own() {
        let mut config = Config::default();
        config.server.workers = Some(3);
        assert_eq!(others(&config), RESERVE + 4 * 2 * 64, "both ends of connections to the built-in backend");
        let upstream =
            |connections_max| upstream::Config { connections_max, ..upstream::Config::new(Uri::default()) };
        config.upstream = Some(upstream(10));
        assert_eq!(others(&config), RESERVE + 4 * 10);
        config.legacy.insert("acme".to_owned(), upstream(5));
        assert_eq!(others(&config), RESERVE + 4 * 15);
    }
}

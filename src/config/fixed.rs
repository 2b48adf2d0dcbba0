//! What cannot change while the program runs: sockets, threads, the built-in backend, the log.

use super::file::ConfigFile;
use super::{Config, diags};
use crate::diag::{Diagnostic, Span};

/// A setting that is fixed: its key, whether it is another one now, and where the new one was written.
type Fixed = (&'static str, bool, Option<Span>);

/// A diagnostic for each setting that differs from what the program was started with.
pub(super) fn changes(started: &Config, now: &Config, file: Option<&ConfigFile>) -> Vec<Diagnostic> {
    let fixed = [server(started, now, file).as_slice(), &others(started, now, file)].concat();
    let changed = fixed.into_iter().filter(|(_, differs, _)| *differs);
    changed.map(|(key, _, span)| diags::fixed(key, span)).collect()
}

fn server(started: &Config, now: &Config, file: Option<&ConfigFile>) -> [Fixed; 11] {
    let (old, new) = (&started.server, &now.server);
    let file = file.map(|file| &file.server);
    let listener = file.and_then(|file| file.listeners.iter().find_map(|one| one.address.as_ref()));
    [
        ("server.listener", old.listeners != new.listeners, listener.map(|text| text.span)),
        // Who does not say how many gets as many as there are processors, and those may come and go.
        (
            "server.workers",
            old.workers != new.workers && file.is_some_and(|f| f.workers.is_some()),
            file.and_then(|f| Some(f.workers?.span)),
        ),
        (
            "server.connections_max",
            old.connections_max != new.connections_max,
            file.and_then(|f| Some(f.connections_max?.span)),
        ),
        (
            "server.in_flight_max",
            old.in_flight_max != new.in_flight_max,
            file.and_then(|f| Some(f.in_flight_max?.span)),
        ),
        (
            "server.header_bytes_max",
            old.header_bytes_max != new.header_bytes_max,
            file.and_then(|f| Some(f.header_bytes_max.as_ref()?.span)),
        ),
        (
            "server.first_byte_timeout",
            old.first_byte_timeout != new.first_byte_timeout,
            file.and_then(|f| Some(f.first_byte_timeout.as_ref()?.span)),
        ),
        (
            "server.header_timeout",
            old.header_timeout != new.header_timeout,
            file.and_then(|f| Some(f.header_timeout.as_ref()?.span)),
        ),
        (
            "server.idle_timeout",
            old.idle_timeout != new.idle_timeout,
            file.and_then(|f| Some(f.idle_timeout.as_ref()?.span)),
        ),
        (
            "server.request_deadline",
            old.request_deadline != new.request_deadline,
            file.and_then(|f| Some(f.request_deadline.as_ref()?.span)),
        ),
        (
            "server.drain_delay",
            old.drain_delay != new.drain_delay,
            file.and_then(|f| Some(f.drain_delay.as_ref()?.span)),
        ),
        (
            "server.drain_timeout",
            old.drain_timeout != new.drain_timeout,
            file.and_then(|f| Some(f.drain_timeout.as_ref()?.span)),
        ),
    ]
}

fn others(started: &Config, now: &Config, file: Option<&ConfigFile>) -> [Fixed; 7] {
    let has_upstream = |config: &Config| config.upstream.is_some();
    // Nobody looks at the settings of a built-in backend that is not used.
    let is_built_in = !has_upstream(started) && !has_upstream(now);
    let backend = file.and_then(|file| file.backend.as_ref());
    let telemetry = file.map(|file| &file.telemetry);
    [
        (
            "server.share_port",
            started.server.share_port != now.server.share_port,
            file.and_then(|file| Some(file.server.share_port?.span)),
        ),
        (
            "admin.address",
            started.admin != now.admin,
            file.and_then(|file| {
                let address = file.admin.address.as_ref().map(|text| text.span);
                address.or_else(|| Some(file.admin.enabled?.span))
            }),
        ),
        (
            "upstream",
            has_upstream(started) != has_upstream(now),
            file.and_then(|file| Some(file.upstream.as_ref()?.header)),
        ),
        (
            "backend.database",
            is_built_in && started.backend.database != now.backend.database,
            backend.and_then(|file| Some(file.database.as_ref()?.span)),
        ),
        (
            "backend.seed",
            is_built_in && started.backend.seed != now.backend.seed,
            backend.and_then(|file| Some(file.seed?.span)),
        ),
        (
            "telemetry.format",
            started.telemetry.format != now.telemetry.format,
            telemetry.and_then(|file| Some(file.format.as_ref()?.span)),
        ),
        (
            "telemetry.filter",
            started.telemetry.filter != now.telemetry.filter,
            telemetry.and_then(|file| Some(file.filter.as_ref()?.span)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::diag::{Diagnostics, SourceId, Sources, code, render};

    fn parsed(text: &str, sources: &mut Sources) -> (Config, SourceId) {
        let file = sources.add("config.toml", text);
        (Config::parse(file, text, &mut Diagnostics::default()).unwrap(), file)
    }

    /// What is said of the second text after a start with the first.
    fn told(started: &str, now: &str) -> String {
        let mut sources = Sources::default();
        let (started, _) = parsed(started, &mut sources);
        let (config, file) = parsed(now, &mut sources);
        let found = config.fixed_changes(&started, Some((file, now)));
        assert!(found.iter().all(|one| one.code == code::C0301));
        render::text(&found, &sources, false)
    }

    #[test]
    fn a_fixed_setting_that_changed_is_told_with_its_place() {
        let text = told("", "[server]\nworkers = 1023\n");
        assert!(text.starts_with("error[C0301]: `server.workers` cannot change without a restart"), "{text}");
        assert!(text.contains("config.toml:2:11"), "{text}");
    }

    #[test]
    fn one_that_is_not_written_any_more_is_told_without_a_place() {
        let text = told("[admin]\nenabled = false\n", "");
        assert!(text.contains("`admin.address` cannot change"), "{text}");
    }

    #[test]
    fn every_fixed_setting_is_noticed() {
        let all = "[server]\nworkers = 1023\nconnections_max = 7\nin_flight_max = 7\nheader_bytes_max = \"32 KiB\"\n\
             first_byte_timeout = \"7s\"\nheader_timeout = \"7s\"\nidle_timeout = \"7s\"\nrequest_deadline = \"17s\"\n\
             drain_delay = \"7s\"\ndrain_timeout = \"7s\"\nshare_port = true\n\
             [[server.listener]]\naddress = \"127.0.0.1:7\"\n[admin]\naddress = \"127.0.0.1:8\"\n\
             [backend]\nseed = false\ndatabase = \"x\"\n[telemetry]\nformat = \"json\"\nfilter = \"warn\"\n";
        let text = told("", all);
        assert_eq!(text.matches("error[C0301]").count(), 17, "{text}");
        assert_eq!(text.matches("--> config.toml:").count(), 17, "{text}");
        let text = told("", "[upstream]\nbase = \"http://127.0.0.1:1\"\n");
        assert!(text.contains("`upstream` cannot change"), "{text}");
    }

    #[test]
    fn what_can_change_is_not_told() {
        let all = "[limit]\nwindows = [\"1/day\"]\n[body]\nbytes_max = \"1 KiB\"\n[answers]\ncheck = \"off\"\n\
             [ids]\nstore = \"x\"\n[explain]\nkey = \"x\"\n[files]\nmappings = \"x\"\n";
        assert_eq!(told("", all), "");
        let upstream = |base: &str| format!("[upstream]\nbase = \"http://127.0.0.1:{base}\"\n");
        assert_eq!(told(&upstream("1"), &upstream("2")), "");
    }
}

//! What cannot change while the program runs: sockets, threads, the built-in backend, the log.
//!
//! Settings of which any is fixed are taken apart field by field, so that a new field does not compile before somebody has
//! said here what becomes of it.

use super::file::{ConfigFile, ListenerFile, ServerFile};
use super::{Config, diags};
use crate::diag::{Diagnostic, Span, Spanned};
use crate::server::ListenerConfig;
use crate::{admin, backend, server, telemetry, usage};

/// A diagnostic for each setting that differs from what the program was started with.
pub(super) fn changes(started: &Config, now: &Config, file: Option<&ConfigFile>) -> Vec<Diagnostic> {
    let nothing = ServerFile::default();
    let all = [
        server(&started.server, &now.server, file.map_or(&nothing, |file| &file.server)),
        admin(started, now, file),
        backends(started, now, file),
        telemetry(&started.telemetry, &now.telemetry, file),
        usage(&started.usage, &now.usage, file),
    ];
    all.into_iter().flatten().flatten().collect()
}

/// What there is to say of one setting, if anything.
type Told = Option<Diagnostic>;

fn look<T: PartialEq, W>(key: &str, old: &T, new: &T, written: Option<&Spanned<W>>) -> Told {
    tell(key, old, new, at(written))
}

/// The same, where it is not written in one place alone.
fn tell<T: PartialEq>(key: &str, old: &T, new: &T, written: Option<Span>) -> Told {
    (old != new).then(|| diags::fixed::fixed(key, written))
}

fn at<T>(written: Option<&Spanned<T>>) -> Option<Span> {
    written.map(|written| written.span)
}

fn server(old: &server::Config, new: &server::Config, file: &ServerFile) -> Vec<Told> {
    let server::Config {
        listeners,
        workers,
        header_timeout,
        first_byte_timeout,
        idle_timeout,
        request_deadline,
        connections_max,
        connections_per_address_max,
        ipv4_prefix,
        ipv6_prefix,
        hops: server::HopsConfig { trusted, headers },
        in_flight_max,
        in_flight_per_address_max,
        arriving_bytes_max,
        untaken_bytes_max,
        header_bytes_max,
        share_port,
        drain_delay,
        drain_timeout,
        shadows_give_way,
        // Told as a setting of the log.
        names_addresses: _,
        // Of the admin listener alone, and no setting.
        makes_way: _,
    } = new;
    let ServerFile { hops, .. } = file;
    macro_rules! looks {
        ($($name:ident)*) => {
            [$(look(concat!("server.", stringify!($name)), &old.$name, $name, file.$name.as_ref())),*]
        };
    }
    let mut told = vec![
        listener(&old.listeners, listeners, file.listeners.as_ref()),
        look("server.hops.trusted", &old.hops.trusted, trusted, hops.trusted.as_ref()),
        look("server.hops.headers", &old.hops.headers, headers, hops.headers.as_ref()),
    ];
    told.extend(looks! {
        workers connections_max connections_per_address_max ipv4_prefix ipv6_prefix in_flight_max
        in_flight_per_address_max arriving_bytes_max untaken_bytes_max header_bytes_max first_byte_timeout header_timeout idle_timeout request_deadline
        share_port drain_delay drain_timeout shadows_give_way
    });
    told
}

/// The first listener that is another one now. Which files its TLS has may change, and what they say.
fn listener(old: &[ListenerConfig], new: &[ListenerConfig], file: &[ListenerFile]) -> Told {
    let fixed = |listener: &ListenerConfig| {
        let ListenerConfig { address, tls } = listener;
        (*address, tls.is_some())
    };
    let same = old.iter().zip(new).take_while(|(old, new)| fixed(old) == fixed(new)).count();
    let written = file.get(same).and_then(|listener| at(listener.address.as_ref()));
    let is_other = same < old.len().max(new.len());
    is_other.then(|| diags::fixed::fixed("server.listener", written))
}

fn admin(old: &Config, new: &Config, file: Option<&ConfigFile>) -> Vec<Told> {
    let admin::Config { address } = new.admin;
    let file = file.map(|file| &file.admin);
    let written = file.and_then(|file| at(file.address.as_ref()).or(at(file.enabled.as_ref())));
    let other_file = file.and_then(|file| at(file.modes_file.as_ref()));
    vec![
        tell("admin.address", &old.admin.address, &address, written),
        tell("admin.modes_file", &old.modes_file, &new.modes_file, other_file),
    ]
}

/// Which of the two backends it is, and the settings of the built-in one where it is used.
fn backends(started: &Config, now: &Config, file: Option<&ConfigFile>) -> Vec<Told> {
    let is_built_in = |config: &Config| config.upstream.is_none();
    let written = file.and_then(|file| Some(file.upstream.as_ref()?.header));
    let which = tell("upstream", &is_built_in(started), &is_built_in(now), written);
    if !(is_built_in(started) && is_built_in(now)) {
        return vec![which];
    }
    let file = file.and_then(|file| file.backend.as_ref());
    let backend::Config { database, seed } = &now.backend;
    let written = file.and_then(|file| at(file.database.as_ref()));
    let other_database = tell("backend.database", &started.backend.database, database, written);
    let written = file.and_then(|file| at(file.seed.as_ref()));
    vec![which, other_database, tell("backend.seed", &started.backend.seed, seed, written)]
}

fn telemetry(old: &telemetry::Config, new: &telemetry::Config, file: Option<&ConfigFile>) -> Vec<Told> {
    let telemetry::Config { format, filter, addresses } = new;
    let file = file.map(|file| &file.telemetry);
    let other_format = file.and_then(|file| at(file.format.as_ref()));
    let other_addresses = file.and_then(|file| at(file.addresses.as_ref()));
    let other_filter = file.and_then(|file| at(file.filter.as_ref()));
    vec![
        tell("telemetry.format", &old.format, format, other_format),
        tell("telemetry.filter", &old.filter, filter, other_filter),
        tell("telemetry.addresses", &old.addresses, addresses, other_addresses),
    ]
}

fn usage(old: &usage::Config, new: &usage::Config, file: Option<&ConfigFile>) -> Vec<Told> {
    // Names may change: nothing is kept under them.
    let usage::Config { file: path, entries, days, write_every, names: _ } = new;
    let file = file.map(|file| &file.usage);
    let other_file = file.and_then(|file| at(file.file.as_ref()));
    let other_entries = file.and_then(|file| at(file.entries.as_ref()));
    let other_days = file.and_then(|file| at(file.days.as_ref()));
    let other_pace = file.and_then(|file| at(file.write_every.as_ref()));
    vec![
        tell("usage.file", &old.file, path, other_file),
        tell("usage.entries", &old.entries, entries, other_entries),
        tell("usage.days", &old.days, days, other_days),
        tell("usage.write_every", &old.write_every, write_every, other_pace),
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
    fn what_the_machine_decided_before_is_told_when_it_decides_again() {
        let text = told("[server]\nworkers = 1023\n", "");
        assert!(
            text.contains("`server.workers` cannot change") && text.contains("does not set it"),
            "{text}"
        );
    }

    #[test]
    fn of_the_listeners_the_first_that_is_another_is_shown() {
        let listeners = |ports: &[u16]| -> String {
            let one = |port| format!("[[server.listener]]\naddress = \"127.0.0.1:{port}\"\n");
            ports.iter().map(one).collect::<Vec<_>>().concat()
        };
        let place = |ports: &[u16]| {
            let text = told(&listeners(&[1, 2]), &listeners(ports));
            assert_eq!(text.matches("error[C0301]").count(), usize::from(ports != [1, 2]), "{text}");
            text.split("--> config.toml:").nth(1).map(|rest| rest.split('\n').next().unwrap().to_owned())
        };
        assert_eq!(place(&[1, 2]), None);
        assert_eq!(place(&[1, 3]), Some("4:11".to_owned()));
        assert_eq!(place(&[3, 2]), Some("2:11".to_owned()));
        assert_eq!(place(&[1, 2, 3]), Some("6:11".to_owned()));
        assert_eq!(place(&[1]), None, "what is not there has no place");
        let tls = "tls = { certificate = \"c\", key = \"k\" }\n";
        let text = told(&listeners(&[1]), &(listeners(&[1]) + tls));
        assert!(text.contains("`server.listener` cannot change"), "{text}");
        let other = "tls = { certificate = \"d\", key = \"k\" }\n";
        assert_eq!(told(&(listeners(&[1]) + tls), &(listeners(&[1]) + other)), "", "files may be others");
    }

    /// Each alone, so that none is taken for another that changed as well.
    #[test]
    fn every_fixed_setting_is_noticed_and_no_other() {
        let server = [
            "workers = 1023",
            "connections_max = 7777",
            "connections_per_address_max = 7",
            "ipv4_prefix = 24",
            "ipv6_prefix = 48",
            "in_flight_max = 777",
            "in_flight_per_address_max = 7",
            "arriving_bytes_max = \"32 MiB\"",
            "untaken_bytes_max = \"32 MiB\"",
            "header_bytes_max = \"32 KiB\"",
            "first_byte_timeout = \"7s\"",
            "header_timeout = \"7s\"",
            "idle_timeout = \"7s\"",
            "request_deadline = \"17s\"",
            "drain_delay = \"7s\"",
            "drain_timeout = \"7s\"",
            "share_port = true",
            "shadows_give_way = false",
        ];
        let server = server.map(|line| ("server", line));
        let others = [
            ("server.hops", "trusted = [\"::1\"]"),
            ("server.hops", "headers = [\"forwarded\"]"),
            ("admin", "address = \"127.0.0.1:8\""),
            ("admin", "modes_file = \"modes.json\""),
            ("backend", "seed = false"),
            ("backend", "database = \"x\""),
            ("telemetry", "format = \"json\""),
            ("telemetry", "filter = \"warn\""),
            ("telemetry", "addresses = true"),
            ("usage", "file = \"u\""),
            ("usage", "entries = 777"),
            ("usage", "days = 7"),
            ("usage", "write_every = \"7s\""),
        ];
        for (table, line) in server.into_iter().chain(others) {
            let key = format!("{table}.{}", line.split(' ').next().unwrap());
            // What others may have follows what all may have, where nobody says how much it is.
            let parts = match key.as_str() {
                "server.connections_max" => "connections_per_address_max = 5000\n",
                "server.in_flight_max" => "in_flight_per_address_max = 512\n",
                _ => "",
            };
            let text = told("", &format!("[{table}]\n{parts}{line}\n"));
            assert!(text.starts_with(&format!("error[C0301]: `{key}` cannot change")), "{line}: {text}");
            assert_eq!(text.matches("error[C0301]").count(), 1, "{line}: {text}");
            assert_eq!(text.matches("--> config.toml:").count(), 1, "{line}: {text}");
            let (with, without) = (format!("[{table}]\n{parts}{line}\n"), format!("[{table}]\n{parts}"));
            let text = told(&with, &without);
            assert!(text.starts_with(&format!("error[C0301]: `{key}` cannot change")), "{line}: {text}");
            assert_eq!(text.matches("error[C0301]").count(), 1, "{line}: {text}");
        }
        let text = told("", "[[server.listener]]\naddress = \"127.0.0.1:7\"\n");
        assert!(text.contains("`server.listener` cannot change"), "{text}");
        let text = told("", "[upstream]\nbase = \"http://127.0.0.1:1\"\n");
        assert!(text.contains("`upstream` cannot change"), "{text}");
    }

    #[test]
    fn a_list_that_is_empty_now_is_told_with_its_place() {
        let text = told("[server.hops]\ntrusted = [\"::1\"]\n", "[server.hops]\ntrusted = []\n");
        assert!(text.contains("config.toml:2:11"), "{text}");
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

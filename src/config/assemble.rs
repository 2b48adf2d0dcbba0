//! What was written becomes what was meant, table by table.
//!
//! A value that is wrong is reported and its default stands in for it, so that the rest can be looked at too.

use super::file::{
    AdminFile, AnswersFile, BreakerFile, ClientsFile, IdentityFile, RetryFile, TelemetryFile, TlsFile,
    UpstreamFile, UsageFile,
};
use super::file::{BackendFile, BodyFile, ConfigFile, FilesFile, LimitFile, ListenerFile, ServerFile};
use super::size::{GIB, KIB, MIB};
use super::values::Values;
use super::{Config, FilesConfig, ReverseWritten, modes, named};
use crate::server::{ClientCertificate, ClientsConfig, HopsConfig, ListenerConfig, TlsConfig};
use crate::{admin, backend, gateway, ids, limit, server, telemetry, upstream, usage};

/// More than these is a slip of the finger, not a wish.
pub(super) mod most {
    use super::{GIB, MIB};
    pub(super) use crate::upstream::breaker::WINDOW_CALLS_MAX as WINDOW_CALLS;

    pub(super) const WORKERS: usize = 1_024;
    pub(super) const CONNECTIONS: usize = 1_000_000;
    pub(super) const KEYS: usize = 100_000_000;
    pub(super) const FAN_OUT: usize = 1_000;
    pub(super) const CALLS: usize = 100_000;
    pub(super) const DEPTH: u16 = 512;
    pub(super) const HEADER_BYTES: usize = 16 * MIB;
    pub(in crate::config) const BODY_BYTES: usize = GIB;
    pub(super) const ARRIVING_BYTES: usize = 64 * GIB;
    pub(super) const UNTAKEN_BYTES: usize = 64 * GIB;
    pub(super) const PROBES: u32 = 1_000;
    pub(super) const USAGE_ENTRIES: usize = 10_000_000;
    pub(super) const USAGE_DAYS: u64 = 3_660;
    pub(super) const RETRIES: u32 = 3;
    pub(super) const RETRIES_PER_SECOND: u32 = 1_000;
}

/// The HTTP parser does not work with a smaller buffer.
const HEADER_BYTES_MIN: usize = 8 * KIB;

/// With less, two that wait at the same time would be too many.
pub(super) const ARRIVING_BYTES_MIN: usize = 64 * KIB;

/// With less, a handful of answers to those who read them would keep others out.
const UNTAKEN_BYTES_MIN: usize = 64 * KIB;

pub(super) fn assemble(file: &ConfigFile, values: &mut Values<'_>) -> Config {
    let telemetry = telemetry(&file.telemetry, values);
    Config {
        server: server(&file.server, &telemetry, values),
        admin: admin(&file.admin, values),
        upstream: file.upstream.as_ref().and_then(|file| upstream(file, values)),
        reverse: file.upstream.as_ref().and_then(reverse),
        reverse_written: file.upstream.as_ref().and_then(reverse_written),
        legacy: {
            let legacy = file.legacy.iter();
            legacy.filter_map(|(name, file)| Some((name.value.clone(), upstream(file, values)?))).collect()
        },
        modes: modes::assemble(&file.modes, values),
        modes_file: values.path(file.admin.modes_file.as_ref()),
        modes_written: modes::written(&file.modes),
        backend: file.backend.as_ref().map(|file| backend(file, values)).unwrap_or_default(),
        limit: limit(&file.limit, values),
        body: body(&file.body, values),
        answers: answers(&file.answers, values),
        calls_max_at: file.body.calls_max.map(|written| written.span),
        dialects: {
            let spoken = file.upstream.iter().filter_map(|upstream| upstream.dialect.as_ref());
            let answers = file.answers.dialects.iter().map(|(name, _)| name);
            let legacy = file.legacy.iter().map(|(name, _)| name);
            let modes = file.modes.iter().map(|mode| &mode.dialect);
            answers.chain(spoken).chain(legacy).chain(modes).cloned().collect()
        },
        ids: ids::Config { store: values.path(file.ids.store.as_ref()) },
        explain: gateway::explain::Config { key: values.path(file.explain.key.as_ref()) },
        usage: usage(&file.usage, values),
        telemetry,
        files: files(&file.files, values),
        files_named: named::files(file),
    }
}

fn server(file: &ServerFile, telemetry: &telemetry::Config, values: &mut Values<'_>) -> server::Config {
    let default = server::Config::default();
    let connections_max = values.count(file.connections_max, 1..=most::CONNECTIONS, default.connections_max);
    let in_flight_max = values.count(file.in_flight_max, 1..=most::CONNECTIONS, default.in_flight_max);
    // Who allows more in all, or less, means each address too.
    let part = |all: usize, part: usize| (all / part).max(1);
    let listeners: Vec<_> = file.listeners.iter().filter_map(|file| listener(file, values)).collect();
    server::Config {
        listeners: if listeners.is_empty() { default.listeners } else { listeners },
        workers: file.workers.map(|workers| values.count(Some(workers), 1..=most::WORKERS, 1)),
        connections_max,
        connections_per_address_max: values.count(
            file.connections_per_address_max,
            1..=most::CONNECTIONS,
            part(connections_max, server::ADDRESS_PART),
        ),
        makes_way: default.makes_way,
        ipv4_prefix: values.count(file.ipv4_prefix, 1..=32, default.ipv4_prefix),
        ipv6_prefix: values.count(file.ipv6_prefix, 1..=128, default.ipv6_prefix),
        hops: HopsConfig {
            trusted: {
                let written = file.hops.trusted.iter().flat_map(|trusted| &trusted.value);
                written.filter_map(|network| values.network(network)).collect()
            },
            headers: values.hop_headers(file.hops.headers.as_ref(), default.hops.headers),
        },
        in_flight_max,
        in_flight_per_address_max: values.count(
            file.in_flight_per_address_max,
            1..=most::CONNECTIONS,
            part(in_flight_max, server::ADDRESS_PART),
        ),
        arriving_bytes_max: values.size(
            file.arriving_bytes_max.as_ref(),
            ARRIVING_BYTES_MIN..=most::ARRIVING_BYTES,
            default.arriving_bytes_max,
        ),
        untaken_bytes_max: values.size(
            file.untaken_bytes_max.as_ref(),
            UNTAKEN_BYTES_MIN..=most::UNTAKEN_BYTES,
            default.untaken_bytes_max,
        ),
        header_bytes_max: values.size(
            file.header_bytes_max.as_ref(),
            HEADER_BYTES_MIN..=most::HEADER_BYTES,
            default.header_bytes_max,
        ),
        first_byte_timeout: values.duration(file.first_byte_timeout.as_ref(), default.first_byte_timeout),
        header_timeout: values.duration(file.header_timeout.as_ref(), default.header_timeout),
        idle_timeout: values.duration(file.idle_timeout.as_ref(), default.idle_timeout),
        request_deadline: values.duration(file.request_deadline.as_ref(), default.request_deadline),
        share_port: file.share_port.map_or(default.share_port, |share| share.value),
        drain_delay: values.delay(file.drain_delay.as_ref(), default.drain_delay),
        drain_timeout: values.duration(file.drain_timeout.as_ref(), default.drain_timeout),
        shadows_give_way: file.shadows_give_way.map_or(default.shadows_give_way, |way| way.value),
        names_addresses: telemetry.addresses,
    }
}

fn listener(file: &ListenerFile, values: &mut Values<'_>) -> Option<ListenerConfig> {
    let address = values.address(file.address.as_ref());
    let tls = file.tls.as_ref().and_then(|file| tls(file, values));
    Some(ListenerConfig { address: address?, tls })
}

fn tls(file: &TlsFile, values: &mut Values<'_>) -> Option<TlsConfig> {
    let certificate = values.path(file.certificate.as_ref());
    let key = values.path(file.key.as_ref());
    let clients = file.clients.as_ref().and_then(|file| clients(file, values));
    Some(TlsConfig { certificate: certificate?, key: key?, clients })
}

fn clients(file: &ClientsFile, values: &mut Values<'_>) -> Option<ClientsConfig> {
    let authorities = values.path(file.authorities.as_ref());
    let certificate = values.client_certificate(file.certificate.as_ref(), ClientCertificate::default());
    Some(ClientsConfig { authorities: authorities?, certificate })
}

fn admin(file: &AdminFile, values: &mut Values<'_>) -> admin::Config {
    let address = values.address(file.address.as_ref()).or(admin::Config::default().address);
    let enabled = file.enabled.is_none_or(|enabled| enabled.value);
    admin::Config { address: address.filter(|_| enabled) }
}

fn upstream(file: &UpstreamFile, values: &mut Values<'_>) -> Option<upstream::Config> {
    // Without a base the other values are still looked at, against the defaults of a backend nobody will call.
    let base = values.base(file.base.as_ref());
    let default = upstream::Config::new(base.clone().unwrap_or_default());
    let config = upstream::Config {
        base: default.base,
        connect_timeout: values.duration(file.connect_timeout.as_ref(), default.connect_timeout),
        timeout: values.duration(file.timeout.as_ref(), default.timeout),
        connections_max: values.count(file.connections_max, 1..=most::CONNECTIONS, default.connections_max),
        idle_timeout: values.duration(file.idle_timeout.as_ref(), default.idle_timeout),
        answer_bytes_max: values.size(
            file.answer_bytes_max.as_ref(),
            1..=most::BODY_BYTES,
            default.answer_bytes_max,
        ),
        authorities: values.path(file.authorities.as_ref()),
        identity: file.tls.as_ref().and_then(|file| identity(file, values)),
        breaker: breaker(&file.breaker, values),
        retry: retry(&file.retry, values),
        idempotency_keys: values.keys(file.idempotency_keys.as_ref(), default.idempotency_keys),
    };
    base.map(|_| config)
}

fn reverse(file: &UpstreamFile) -> Option<gateway::reverse::Config> {
    let dialect = file.dialect.as_ref()?.value.clone();
    Some(gateway::reverse::Config { dialect, any_order: file.any_order.is_some_and(|any| any.value) })
}

fn reverse_written(file: &UpstreamFile) -> Option<ReverseWritten> {
    let spoken = file.dialect.as_ref()?.span;
    let declared = file.inexpressible.as_ref();
    let inexpressible = declared.map(|declared| declared.value.clone()).unwrap_or_default();
    Some(ReverseWritten { spoken, inexpressible })
}

fn breaker(file: &BreakerFile, values: &mut Values<'_>) -> Option<upstream::breaker::Config> {
    let default = upstream::breaker::Config::default();
    let window_calls = values.count(file.window_calls, 1..=most::WINDOW_CALLS, default.window_calls);
    let config = upstream::breaker::Config {
        window_calls,
        // With more than the window holds it would never open.
        calls_min: values.count(file.calls_min, 1..=window_calls, default.calls_min.min(window_calls)),
        failure_percent: values.count(file.failure_percent, 1..=100, default.failure_percent),
        forget_after: values.duration(file.forget_after.as_ref(), default.forget_after),
        open_for: values.duration(file.open_for.as_ref(), default.open_for),
        probes: values.count(file.probes, 1..=most::PROBES, default.probes),
    };
    file.enabled.is_none_or(|enabled| enabled.value).then_some(config)
}

fn retry(file: &RetryFile, values: &mut Values<'_>) -> upstream::retry::Config {
    let default = upstream::retry::Config::default();
    upstream::retry::Config {
        retries_max: values.count(file.retries_max, 0..=most::RETRIES, default.retries_max),
        share_percent: values.count(file.share_percent, 0..=100, default.share_percent),
        floor_per_second: values.count(
            file.floor_per_second,
            0..=most::RETRIES_PER_SECOND,
            default.floor_per_second,
        ),
    }
}

fn identity(file: &IdentityFile, values: &mut Values<'_>) -> Option<upstream::Identity> {
    let certificate = values.path(file.certificate.as_ref());
    let key = values.path(file.key.as_ref());
    Some(upstream::Identity { certificate: certificate?, key: key? })
}

fn backend(file: &BackendFile, values: &mut Values<'_>) -> backend::Config {
    let default = backend::Config::default();
    backend::Config {
        database: values.path(file.database.as_ref()).or(default.database),
        seed: file.seed.map_or(default.seed, |seed| seed.value),
    }
}

fn limit(file: &LimitFile, values: &mut Values<'_>) -> limit::Config {
    let default = limit::Config::default();
    limit::Config {
        windows: match &file.windows {
            Some(written) => written.iter().filter_map(|window| values.window(window)).collect(),
            None => default.windows,
        },
        keys_max: values.count(file.keys_max, 1..=most::KEYS, default.keys_max),
    }
}

fn body(file: &BodyFile, values: &mut Values<'_>) -> gateway::Config {
    let default = gateway::Config::default();
    let fan_out_max = values.count(file.fan_out_max, 1..=most::FAN_OUT, default.fan_out_max);
    gateway::Config {
        bytes_max: values.size(file.bytes_max.as_ref(), 1..=most::BODY_BYTES, default.bytes_max),
        depth_max: values.count(file.depth_max, 1..=most::DEPTH, default.depth_max),
        fan_out_max,
        // A bulk request that may be made must not be broken off half way, with nothing but its items asked for.
        calls_max: values.count(file.calls_max, fan_out_max..=most::CALLS, gateway::calls_max(fan_out_max)),
        read_timeout: values.duration(file.read_timeout.as_ref(), default.read_timeout),
    }
}

fn answers(file: &AnswersFile, values: &mut Values<'_>) -> gateway::AnswerChecks {
    let usual = gateway::AnswerChecks::default().usual;
    let mut check = |written| values.answer_check(written, usual);
    let usual = check(file.check.as_ref());
    let dialects = file.dialects.iter().map(|(name, written)| (name.value.clone(), check(Some(written))));
    gateway::AnswerChecks { usual, dialects: dialects.collect() }
}

fn usage(file: &UsageFile, values: &mut Values<'_>) -> usage::Config {
    let default = usage::Config::default();
    usage::Config {
        file: values.path(file.file.as_ref()),
        entries: values.count(file.entries, 100..=most::USAGE_ENTRIES, default.entries),
        days: values.count(file.days, 1..=most::USAGE_DAYS, default.days),
        write_every: values.duration(file.write_every.as_ref(), default.write_every),
        names: values.names(&file.names),
    }
}

fn telemetry(file: &TelemetryFile, values: &mut Values<'_>) -> telemetry::Config {
    let default = telemetry::Config::default();
    telemetry::Config {
        format: values.log_format(file.format.as_ref(), default.format),
        filter: values.log_filter(file.filter.as_ref(), default.filter),
        addresses: file.addresses.map_or(default.addresses, |addresses| addresses.value),
    }
}

fn files(file: &FilesFile, values: &mut Values<'_>) -> FilesConfig {
    FilesConfig { mappings: values.path(file.mappings.as_ref()), schemas: values.path(file.schemas.as_ref()) }
}

//! What `config.toml` may say, with the place of every value.
//!
//! Everything is optional here except what only the operator can know. Whether a text is a duration or an
//! address is not asked yet: this is the file as it was written, and it never leaves [`config`](super).

mod health;
mod inexpressible;
mod modes;

pub(super) use self::health::{BreakerFile, RetryFile};
pub(super) use self::modes::ModeFile;
use super::inexpressible::Inexpressible;
use crate::diag::reader::{Node, Reader, Table};
use crate::diag::{Span, Spanned};
use crate::limit::Principal;

type Text = Option<Spanned<String>>;
type Integer = Option<Spanned<i64>>;
type Switch = Option<Spanned<bool>>;

/// The whole file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) server: ServerFile,
    pub(super) admin: AdminFile,
    pub(super) upstream: Option<UpstreamFile>,
    pub(super) legacy: Vec<(Spanned<String>, UpstreamFile)>,
    pub(super) modes: Vec<ModeFile>,
    pub(super) backend: Option<BackendFile>,
    pub(super) limit: LimitFile,
    pub(super) body: BodyFile,
    pub(super) answers: AnswersFile,
    pub(super) ids: IdsFile,
    pub(super) explain: ExplainFile,
    pub(super) usage: UsageFile,
    pub(super) telemetry: TelemetryFile,
    pub(super) files: FilesFile,
}

/// `[server]`
#[derive(Debug, Default)]
pub(super) struct ServerFile {
    pub(super) listeners: Vec<ListenerFile>,
    pub(super) workers: Integer,
    pub(super) connections_max: Integer,
    pub(super) connections_per_address_max: Integer,
    pub(super) ipv4_prefix: Integer,
    pub(super) ipv6_prefix: Integer,
    pub(super) hops: HopsFile,
    pub(super) in_flight_max: Integer,
    pub(super) in_flight_per_address_max: Integer,
    pub(super) arriving_bytes_max: Text,
    pub(super) untaken_bytes_max: Text,
    pub(super) header_bytes_max: Text,
    pub(super) first_byte_timeout: Text,
    pub(super) header_timeout: Text,
    pub(super) idle_timeout: Text,
    pub(super) request_deadline: Text,
    pub(super) share_port: Switch,
    pub(super) drain_delay: Text,
    pub(super) drain_timeout: Text,
    pub(super) shadows_give_way: Switch,
}

/// `[server.hops]`
#[derive(Debug, Default)]
pub(super) struct HopsFile {
    pub(super) headers: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) trusted: Option<Spanned<Vec<Spanned<String>>>>,
}

/// `[[server.listener]]`
#[derive(Debug)]
pub(super) struct ListenerFile {
    pub(super) address: Text,
    pub(super) tls: Option<TlsFile>,
}

/// `[server.listener.tls]`
#[derive(Debug)]
pub(super) struct TlsFile {
    pub(super) certificate: Text,
    pub(super) key: Text,
    pub(super) clients: Option<ClientsFile>,
}

/// `[server.listener.tls.clients]`
#[derive(Debug)]
pub(super) struct ClientsFile {
    pub(super) authorities: Text,
    pub(super) certificate: Text,
}

/// `[upstream.tls]`
#[derive(Debug)]
pub(super) struct IdentityFile {
    pub(super) header: Span,
    pub(super) certificate: Text,
    pub(super) key: Text,
}

/// `[admin]`
#[derive(Debug, Default)]
pub(super) struct AdminFile {
    pub(super) enabled: Switch,
    pub(super) address: Text,
    pub(super) modes_file: Text,
}

/// `[upstream]`
#[derive(Debug)]
pub(super) struct UpstreamFile {
    pub(super) header: Span,
    pub(super) base: Text,
    pub(super) dialect: Text,
    pub(super) any_order: Switch,
    pub(super) inexpressible: Option<Spanned<Vec<Inexpressible>>>,
    pub(super) connect_timeout: Text,
    pub(super) timeout: Text,
    pub(super) idle_timeout: Text,
    pub(super) connections_max: Integer,
    pub(super) answer_bytes_max: Text,
    pub(super) authorities: Text,
    pub(super) tls: Option<IdentityFile>,
    pub(super) idempotency_keys: Text,
    pub(super) breaker: BreakerFile,
    pub(super) retry: RetryFile,
}

/// `[backend]`
#[derive(Debug)]
pub(super) struct BackendFile {
    pub(super) header: Span,
    pub(super) database: Text,
    pub(super) seed: Switch,
}

/// `[limit]`
#[derive(Debug, Default)]
pub(super) struct LimitFile {
    pub(super) windows: Option<Vec<Spanned<String>>>,
    pub(super) keys_max: Integer,
}

/// `[body]`
#[derive(Debug, Default)]
pub(super) struct BodyFile {
    pub(super) bytes_max: Text,
    pub(super) depth_max: Integer,
    pub(super) fan_out_max: Integer,
    pub(super) calls_max: Integer,
    pub(super) read_timeout: Text,
}

/// `[answers]`
#[derive(Debug, Default)]
pub(super) struct AnswersFile {
    pub(super) check: Text,
    /// By the names of dialects, in the order of the file.
    pub(super) dialects: Vec<(Spanned<String>, Spanned<String>)>,
}

/// `[ids]`
#[derive(Debug, Default)]
pub(super) struct IdsFile {
    pub(super) store: Text,
}

/// `[explain]`
#[derive(Debug, Default)]
pub(super) struct ExplainFile {
    pub(super) key: Text,
}

/// `[usage]`
#[derive(Debug, Default)]
pub(super) struct UsageFile {
    pub(super) file: Text,
    pub(super) entries: Integer,
    pub(super) days: Integer,
    pub(super) write_every: Text,
    /// By the digests of principals.
    pub(super) names: Vec<(Spanned<String>, Spanned<String>)>,
}

/// `[telemetry]`
#[derive(Debug, Default)]
pub(super) struct TelemetryFile {
    pub(super) format: Text,
    pub(super) filter: Text,
    pub(super) addresses: Switch,
}

/// `[files]`
#[derive(Debug, Default)]
pub(super) struct FilesFile {
    pub(super) mappings: Text,
    pub(super) schemas: Text,
}

impl ConfigFile {
    /// Reads every key there is; what is wrong with any of them stays with the reader.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut root = reader.root();
        let file = Self {
            server: root.table("server").map(ServerFile::read).unwrap_or_default(),
            admin: root.table("admin").map(AdminFile::read).unwrap_or_default(),
            upstream: root.table("upstream").map(UpstreamFile::read_canonical),
            legacy: root.table("legacy").map(modes::read_legacy).unwrap_or_default(),
            modes: root.table("mode").map(ModeFile::read_all).unwrap_or_default(),
            backend: root.table("backend").map(BackendFile::read),
            limit: root.table("limit").map(LimitFile::read).unwrap_or_default(),
            body: root.table("body").map(BodyFile::read).unwrap_or_default(),
            answers: root.table("answers").map(AnswersFile::read).unwrap_or_default(),
            ids: root.table("ids").map(IdsFile::read).unwrap_or_default(),
            explain: root.table("explain").map(ExplainFile::read).unwrap_or_default(),
            usage: root.table("usage").map(UsageFile::read).unwrap_or_default(),
            telemetry: root.table("telemetry").map(TelemetryFile::read).unwrap_or_default(),
            files: root.table("files").map(FilesFile::read).unwrap_or_default(),
        };
        root.finish();
        file
    }
}

impl ServerFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            listeners: table.tables("listener").into_iter().map(ListenerFile::read).collect(),
            workers: table.integer("workers"),
            connections_max: table.integer("connections_max"),
            connections_per_address_max: table.integer("connections_per_address_max"),
            ipv4_prefix: table.integer("ipv4_prefix"),
            ipv6_prefix: table.integer("ipv6_prefix"),
            hops: table.table("hops").map(HopsFile::read).unwrap_or_default(),
            in_flight_max: table.integer("in_flight_max"),
            in_flight_per_address_max: table.integer("in_flight_per_address_max"),
            arriving_bytes_max: table.text("arriving_bytes_max"),
            untaken_bytes_max: table.text("untaken_bytes_max"),
            header_bytes_max: table.text("header_bytes_max"),
            first_byte_timeout: table.text("first_byte_timeout"),
            header_timeout: table.text("header_timeout"),
            idle_timeout: table.text("idle_timeout"),
            request_deadline: table.text("request_deadline"),
            share_port: table.boolean("share_port"),
            drain_delay: table.text("drain_delay"),
            drain_timeout: table.text("drain_timeout"),
            shadows_give_way: table.boolean("shadows_give_way"),
        })
    }
}

impl HopsFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| {
            let mut list = |key| {
                let node = table.node(key)?;
                Some(Spanned { value: node.texts(), span: node.span() })
            };
            Self { headers: list("headers"), trusted: list("trusted") }
        })
    }
}

impl ListenerFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            address: table.required_text("address"),
            tls: table.table("tls").map(TlsFile::read),
        })
    }
}

impl TlsFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            certificate: table.required_text("certificate"),
            key: table.required_text("key"),
            clients: table.table("clients").map(ClientsFile::read),
        })
    }
}

impl ClientsFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            authorities: table.required_text("authorities"),
            certificate: table.text("certificate"),
        })
    }
}

impl IdentityFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            header: table.span(),
            certificate: table.required_text("certificate"),
            key: table.required_text("key"),
        })
    }
}

impl AdminFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            enabled: table.boolean("enabled"),
            address: table.text("address"),
            modes_file: table.text("modes_file"),
        })
    }
}

impl UpstreamFile {
    /// The canonical backend, which may speak a dialect.
    fn read_canonical(table: Table<'_>) -> Self {
        table.read(|table| Self {
            dialect: table.text("dialect"),
            any_order: table.boolean("any_order"),
            inexpressible: {
                let declared = table.table("inexpressible");
                declared.map(|table| Spanned { span: table.span(), value: inexpressible::read(table) })
            },
            ..Self::keys(table)
        })
    }

    /// An old upstream, which speaks the dialect it is of.
    fn read_legacy(table: Table<'_>) -> Self {
        table.read(Self::keys)
    }

    fn keys(table: &mut Table<'_>) -> Self {
        Self {
            header: table.span(),
            base: table.required_text("base"),
            dialect: None,
            any_order: None,
            inexpressible: None,
            connect_timeout: table.text("connect_timeout"),
            timeout: table.text("timeout"),
            idle_timeout: table.text("idle_timeout"),
            connections_max: table.integer("connections_max"),
            answer_bytes_max: table.text("answer_bytes_max"),
            authorities: table.text("authorities"),
            tls: table.table("tls").map(IdentityFile::read),
            idempotency_keys: table.text("idempotency_keys"),
            breaker: table.table("breaker").map(BreakerFile::read).unwrap_or_default(),
            retry: table.table("retry").map(RetryFile::read).unwrap_or_default(),
        }
    }
}

impl BackendFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            header: table.span(),
            database: table.text("database"),
            seed: table.boolean("seed"),
        })
    }
}

impl LimitFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            windows: table.node("windows").map(|windows| windows.texts()),
            keys_max: table.integer("keys_max"),
        })
    }
}

impl BodyFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            bytes_max: table.text("bytes_max"),
            depth_max: table.integer("depth_max"),
            fan_out_max: table.integer("fan_out_max"),
            calls_max: table.integer("calls_max"),
            read_timeout: table.text("read_timeout"),
        })
    }
}

impl AnswersFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            check: table.text("check"),
            dialects: table.table("dialects").map(of_any).unwrap_or_default(),
        })
    }
}

/// A text for each of some keys, which may be any.
fn of_any(table: Table<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
    table.read(|table| {
        let entries = table.entries().into_iter();
        entries.filter_map(|(name, node)| Some((name, node.text()?))).collect()
    })
}

/// The same for keys that name principals. Of a key that names none nothing is said but that: it may be a credential.
fn of_principals(table: Table<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
    table.read(|table| {
        let entries = table.entries().into_iter();
        let text = |(name, node): (Spanned<String>, Node<'_>)| {
            let value = match name.value.parse::<Principal>() {
                Ok(_) => node.text()?,
                Err(_) => node.as_text().unwrap_or_else(|| Spanned::new(String::new(), node.span())),
            };
            Some((name, value))
        };
        entries.filter_map(text).collect()
    })
}

impl IdsFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { store: table.text("store") })
    }
}

impl ExplainFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { key: table.text("key") })
    }
}

impl UsageFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            file: table.text("file"),
            entries: table.integer("entries"),
            days: table.integer("days"),
            write_every: table.text("write_every"),
            names: table.table("names").map(of_principals).unwrap_or_default(),
        })
    }
}

impl TelemetryFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            format: table.text("format"),
            filter: table.text("filter"),
            addresses: table.boolean("addresses"),
        })
    }
}

impl FilesFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { mappings: table.text("mappings"), schemas: table.text("schemas") })
    }
}

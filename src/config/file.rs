//! What `config.toml` may say, with the place of every value.
//!
//! Everything is optional here except what only the operator can know. Whether a text is a duration or an
//! address is not asked yet: this is the file as it was written, and it never leaves [`config`](super).

mod health;
mod inexpressible;
mod modes;
mod server;
mod upstream;
mod usage;

pub(super) use self::health::{BreakerFile, RetryFile};
pub(super) use self::modes::ModeFile;
pub(super) use self::server::{ClientsFile, ListenerFile, ServerFile, TlsFile};
pub(super) use self::upstream::{IdentityFile, UpstreamFile};
pub(super) use self::usage::UsageFile;
use crate::diag::reader::{Reader, Table};
use crate::diag::{Span, Spanned};

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

/// `[admin]`
#[derive(Debug, Default)]
pub(super) struct AdminFile {
    pub(super) enabled: Switch,
    pub(super) address: Text,
    pub(super) modes_file: Text,
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

/// `[backend]`
#[derive(Debug)]
pub(super) struct BackendFile {
    pub(super) header: Span,
    pub(super) database: Text,
    pub(super) seed: Switch,
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

/// `[limit]`
#[derive(Debug, Default)]
pub(super) struct LimitFile {
    pub(super) windows: Option<Vec<Spanned<String>>>,
    pub(super) keys_max: Integer,
}

impl LimitFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            windows: table.node("windows").map(|windows| windows.texts()),
            keys_max: table.integer("keys_max"),
        })
    }
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

/// `[answers]`
#[derive(Debug, Default)]
pub(super) struct AnswersFile {
    pub(super) check: Text,
    /// By the names of dialects, in the order of the file.
    pub(super) dialects: Vec<(Spanned<String>, Spanned<String>)>,
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

/// `[ids]`
#[derive(Debug, Default)]
pub(super) struct IdsFile {
    pub(super) store: Text,
}

impl IdsFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { store: table.text("store") })
    }
}

/// `[explain]`
#[derive(Debug, Default)]
pub(super) struct ExplainFile {
    pub(super) key: Text,
}

impl ExplainFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { key: table.text("key") })
    }
}

/// `[telemetry]`
#[derive(Debug, Default)]
pub(super) struct TelemetryFile {
    pub(super) format: Text,
    pub(super) filter: Text,
    pub(super) addresses: Switch,
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

/// `[files]`
#[derive(Debug, Default)]
pub(super) struct FilesFile {
    pub(super) mappings: Text,
    pub(super) schemas: Text,
}

impl FilesFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { mappings: table.text("mappings"), schemas: table.text("schemas") })
    }
}

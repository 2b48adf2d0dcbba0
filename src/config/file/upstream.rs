//! `[upstream]` and what stands in `[legacy.<dialect>]`: where a backend is, and how it is called.

use super::health::{BreakerFile, RetryFile};
use super::inexpressible;
use super::{Integer, Switch, Text};
use crate::config::inexpressible::Inexpressible;
use crate::diag::reader::Table;
use crate::diag::{Span, Spanned};

/// `[upstream]`
#[derive(Debug)]
pub(in crate::config) struct UpstreamFile {
    pub(in crate::config) header: Span,
    pub(in crate::config) base: Text,
    pub(in crate::config) dialect: Text,
    pub(in crate::config) any_order: Switch,
    pub(in crate::config) inexpressible: Option<Spanned<Vec<Inexpressible>>>,
    pub(in crate::config) connect_timeout: Text,
    pub(in crate::config) timeout: Text,
    pub(in crate::config) idle_timeout: Text,
    pub(in crate::config) connections_max: Integer,
    pub(in crate::config) answer_bytes_max: Text,
    pub(in crate::config) authorities: Text,
    pub(in crate::config) tls: Option<IdentityFile>,
    pub(in crate::config) idempotency_keys: Text,
    pub(in crate::config) breaker: BreakerFile,
    pub(in crate::config) retry: RetryFile,
}

impl UpstreamFile {
    /// The canonical backend, which may speak a dialect.
    pub(super) fn read_canonical(table: Table<'_>) -> Self {
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
    pub(super) fn read_legacy(table: Table<'_>) -> Self {
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

/// `[upstream.tls]`
#[derive(Debug)]
pub(in crate::config) struct IdentityFile {
    pub(in crate::config) header: Span,
    pub(in crate::config) certificate: Text,
    pub(in crate::config) key: Text,
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

//! `[server]`: who is listened to, and what they may cost.

use super::{Integer, Switch, Text};
use crate::diag::Spanned;
use crate::diag::reader::Table;

/// `[server]`
#[derive(Debug, Default)]
pub(in crate::config) struct ServerFile {
    pub(in crate::config) listeners: Vec<ListenerFile>,
    pub(in crate::config) workers: Integer,
    pub(in crate::config) connections_max: Integer,
    pub(in crate::config) connections_per_address_max: Integer,
    pub(in crate::config) ipv4_prefix: Integer,
    pub(in crate::config) ipv6_prefix: Integer,
    pub(in crate::config) hops: HopsFile,
    pub(in crate::config) in_flight_max: Integer,
    pub(in crate::config) in_flight_per_address_max: Integer,
    pub(in crate::config) arriving_bytes_max: Text,
    pub(in crate::config) untaken_bytes_max: Text,
    pub(in crate::config) header_bytes_max: Text,
    pub(in crate::config) first_byte_timeout: Text,
    pub(in crate::config) header_timeout: Text,
    pub(in crate::config) idle_timeout: Text,
    pub(in crate::config) request_deadline: Text,
    pub(in crate::config) share_port: Switch,
    pub(in crate::config) drain_delay: Text,
    pub(in crate::config) drain_timeout: Text,
    pub(in crate::config) shadows_give_way: Switch,
}

impl ServerFile {
    pub(super) fn read(table: Table<'_>) -> Self {
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

/// `[[server.listener]]`
#[derive(Debug)]
pub(in crate::config) struct ListenerFile {
    pub(in crate::config) address: Text,
    pub(in crate::config) tls: Option<TlsFile>,
}

impl ListenerFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            address: table.required_text("address"),
            tls: table.table("tls").map(TlsFile::read),
        })
    }
}

/// `[server.listener.tls]`
#[derive(Debug)]
pub(in crate::config) struct TlsFile {
    pub(in crate::config) certificate: Text,
    pub(in crate::config) key: Text,
    pub(in crate::config) clients: Option<ClientsFile>,
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

/// `[server.listener.tls.clients]`
#[derive(Debug)]
pub(in crate::config) struct ClientsFile {
    pub(in crate::config) authorities: Text,
    pub(in crate::config) certificate: Text,
}

impl ClientsFile {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            authorities: table.required_text("authorities"),
            certificate: table.text("certificate"),
        })
    }
}

/// `[server.hops]`
#[derive(Debug, Default)]
pub(in crate::config) struct HopsFile {
    pub(in crate::config) headers: Option<Spanned<Vec<Spanned<String>>>>,
    pub(in crate::config) trusted: Option<Spanned<Vec<Spanned<String>>>>,
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

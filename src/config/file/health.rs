//! `[upstream.breaker]` and `[upstream.retry]`: what is done about a backend that fails.

use super::{Integer, Switch, Text};
use crate::diag::reader::Table;

/// `[upstream.breaker]`
#[derive(Debug, Default)]
pub(in crate::config) struct BreakerFile {
    pub(in crate::config) enabled: Switch,
    pub(in crate::config) window_calls: Integer,
    pub(in crate::config) calls_min: Integer,
    pub(in crate::config) failure_percent: Integer,
    pub(in crate::config) forget_after: Text,
    pub(in crate::config) open_for: Text,
    pub(in crate::config) probes: Integer,
}

/// `[upstream.retry]`
#[derive(Debug, Default)]
pub(in crate::config) struct RetryFile {
    pub(in crate::config) retries_max: Integer,
    pub(in crate::config) share_percent: Integer,
    pub(in crate::config) floor_per_second: Integer,
}

impl BreakerFile {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            enabled: table.boolean("enabled"),
            window_calls: table.integer("window_calls"),
            calls_min: table.integer("calls_min"),
            failure_percent: table.integer("failure_percent"),
            forget_after: table.text("forget_after"),
            open_for: table.text("open_for"),
            probes: table.integer("probes"),
        })
    }
}

impl RetryFile {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.read(|table| Self {
            retries_max: table.integer("retries_max"),
            share_percent: table.integer("share_percent"),
            floor_per_second: table.integer("floor_per_second"),
        })
    }
}
